"""The list of what a container image is made of, in the format of CycloneDX 1.6."""

import json
import subprocess

import cache
import fetch

PLATFORM = "x86_64-unknown-linux-gnu"


def text(components: list[dict]) -> str:
    """The list as a file. It has no time and no serial number, so the same image has the same list."""
    root = {"type": "application", "name": "nereid", "bom-ref": "nereid", "licenses": licences("Apache-2.0")}
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": root},
           "components": sorted(components, key=lambda component: component["bom-ref"])}
    return json.dumps(bom, indent=1) + "\n"


def crates() -> list[dict]:
    """The crates in the server's binary: what it depends on, and what those do; not what builds or tests them."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={PLATFORM}"]
    ended = subprocess.run(command, cwd=fetch.REPOSITORY, check=False, stdout=subprocess.PIPE)
    if ended.returncode != 0:
        cache.fail("`cargo metadata` failed; its own words are above")
    metadata = json.loads(ended.stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    (server,) = [package["id"] for package in packages.values() if package["name"] == "nereid"]
    found, ahead = set(), [server]
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += [dependency["pkg"] for dependency in nodes[one]["deps"] if is_built_in(dependency)]
    return [component("cargo", packages[one]["name"], packages[one]["version"], packages[one]["license"])
            for one in found if packages[one]["source"]]


def is_built_in(dependency: dict) -> bool:
    """Whether it is more than a tool of builds and tests."""
    return any(kind["kind"] is None for kind in dependency["dep_kinds"])


def debian(versions: dict[str, str]) -> list[dict]:
    """Debian's packages; their licences are in the image, as files."""
    return [component("deb/debian", name, version) for name, version in versions.items()]


def wheels(versions: list[tuple[str, str]]) -> list[dict]:
    """What came from PyPI; the same."""
    return [component("pypi", name, version) for name, version in versions]


def component(kind: str, name: str, version: str, licence: str | None = None) -> dict:
    """One of them, under its package URL."""
    url = f"pkg:{kind}/{name}@{version}"
    found = {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}
    return found | ({"licenses": licences(licence)} if licence else {})


def licences(expression: str) -> list[dict]:
    """As SPDX wants it; old crates separate alternatives by a slash."""
    return [{"expression": expression.replace("/", " OR ")}]
