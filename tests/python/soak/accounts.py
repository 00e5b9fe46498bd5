"""What became of every request, as its caller saw it, and whether the server's statistics tell the same."""

import collections
import enum
import threading
from dataclasses import dataclass, field

import clients
from soak import spinning


class Outcome(enum.Enum):
    """How a request ended, to who asked."""

    ANSWERED = "answered"
    FULL = "the queue was full"
    EXPIRED = "its time was up, says the server"
    CLOSED = "the model took no requests"
    UNKNOWN = "the model was not there"
    GONE = "nobody waited for it any more"
    UNSENT = "its caller went away in the middle of sending it"


# Texts of the server's errors; a text that is not here fails the test.
TEXTS = {
    "Exceeds maximum queue size": Outcome.FULL,
    "Request timeout expired": Outcome.EXPIRED,
    "is not taking requests": Outcome.CLOSED,
    "has no available versions": Outcome.UNKNOWN,
}
# What the server may say of each model, beside that a time is up that the request itself brought.
MAY = {
    "urgent": {Outcome.FULL, Outcome.EXPIRED},
    "ordered": set(),
    "reloaded": set(),
    "changing": {Outcome.FULL, Outcome.EXPIRED, Outcome.CLOSED, Outcome.UNKNOWN},
}
HTTP_STATUSES = {Outcome.UNKNOWN: 404, Outcome.FULL: 503, Outcome.EXPIRED: 503, Outcome.CLOSED: 503}
GRPC_STATUSES = {outcome: "NOT_FOUND" if status == 404 else "UNAVAILABLE" for outcome, status in HTTP_STATUSES.items()}


def refusal(text: str) -> Outcome:
    """The outcome that an error tells."""
    (outcome,) = {outcome for part, outcome in TEXTS.items() if part in text} or {text}
    assert isinstance(outcome, Outcome), f"an error that nothing explains: {text}"
    return outcome


@dataclass
class Account:
    """All requests for one model: how many, and how many rows they had, by outcome."""

    model: str
    requests: collections.Counter = field(default_factory=collections.Counter)
    rows: collections.Counter = field(default_factory=collections.Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, outcome: Outcome, rows: int, has_timeout: bool) -> None:
        """Notes the end of a request, which must be one that may be."""
        may = MAY[self.model] | {Outcome.ANSWERED, Outcome.GONE, Outcome.UNSENT}
        may |= {Outcome.EXPIRED} if has_timeout else set()
        assert outcome in may, f"{self.model}: {outcome.value}"
        with self._lock:
            self.requests[outcome] += 1
            self.rows[outcome] += rows

    def check(self, server) -> None:
        """Compares with the statistics of a model that stayed loaded, once nothing is pending.

        Of some requests the caller does not know how they ended: those that it gave up, and those whose time was up,
        of which the server counts the run that went on. They make each number of the server's a range.
        """
        seen = self.requests
        unknown = seen[Outcome.GONE]
        late = unknown + seen[Outcome.EXPIRED]
        stats = clients.statistics(server, self.model)["inference_stats"]
        succeeded, failed = stats["success"]["count"], stats["fail"]["count"]
        reasons = {
            reason: clients.metric(server, "nv_inference_request_failure", model=self.model, reason=reason)
            for reason in ("REJECTED", "CANCELED", "BACKEND", "OTHER")
        }
        told = f"{self}: {succeeded} succeeded, {failed} failed: {reasons}"
        assert failed == sum(reasons.values()), told
        assert clients.metric(server, "nv_inference_request_success", model=self.model) == succeeded, told
        assert reasons["BACKEND"] == reasons["OTHER"] == 0, told
        assert seen[Outcome.ANSWERED] <= succeeded <= seen[Outcome.ANSWERED] + late, told
        assert seen[Outcome.FULL] <= reasons["REJECTED"] <= seen[Outcome.FULL] + late, told
        assert reasons["CANCELED"] <= late, told
        known = sum(seen[outcome] for outcome in (Outcome.ANSWERED, Outcome.FULL, Outcome.EXPIRED))
        assert known <= succeeded + failed <= known + unknown, told
        inferences = clients.statistics(server, self.model)["inference_count"]
        rows = self.rows[Outcome.ANSWERED]
        assert rows <= inferences <= rows + spinning.ROWS_MAX * (succeeded - seen[Outcome.ANSWERED]), told

    def __str__(self) -> str:
        return f"{self.model}: " + ", ".join(f"{count} {outcome.value}" for outcome, count in self.requests.items())
