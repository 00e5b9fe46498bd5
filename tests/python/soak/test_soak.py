"""Everything at once, at random, for some time: nobody is lost, mixed up, or told what is not so.

`make soak` lets it go on for a minute. `SEED` in the environment, which is printed, fixes what each caller asks, in which
order; how the callers meet is up to the machine.
"""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

import clients
from server import running
from soak import spinning
from soak.accounts import Account, Outcome
from soak.callers import GrpcCaller, HttpCaller, Operator, StreamCaller

SECONDS = float(os.environ.get("SOAK_SECONDS", "10"))
SEED = os.environ.get("SEED") or str(random.SystemRandom().randrange(1 << 32))
CALLERS = [Operator, *[HttpCaller] * 8, *[GrpcCaller] * 6, *[StreamCaller] * 3]


def test_soak(tmp_path):
    print(f"SEED={SEED} SOAK_SECONDS={SECONDS:g}")
    spinning.write_repository(tmp_path)
    with running(tmp_path, "--model-control-mode=explicit", "--load-model=*") as server:
        accounts = {model: Account(model) for model in spinning.MODELS}
        callers = [caller(number, SEED, server, accounts) for number, caller in enumerate(CALLERS)]
        until = time.monotonic() + SECONDS
        with ThreadPoolExecutor(len(callers)) as pool:
            ended = [pool.submit(caller.run, until) for caller in callers]
        print(*accounts.values(), sep="\n")
        for future in ended:
            future.result()
        for model in ("urgent", "ordered"):
            pending = ("nv_inference_pending_request_count", model)
            clients.wait_until(lambda: clients.metric(server, pending[0], model=pending[1]) == 0)
        clients.wait_until(lambda: clients.metric(server, "nereid_inflight_bytes") == 0)
        for model in ("urgent", "ordered"):
            accounts[model].check(server)
    for account in accounts.values():
        assert account.requests[Outcome.ANSWERED] > 0, account
    # All that may happen did, but for what needs a request between two steps of an unload.
    assert {outcome for account in accounts.values() for outcome in account.requests} | {Outcome.CLOSED} == set(Outcome)
    assert "panicked" not in server.log.text()
