"""What becomes of a call, with the reasons."""

from collections.abc import Iterable
from typing import Any, Literal

import attrs

from meshd.base.origins import Origin
from meshd.snapshot.replies import Reply

Outcome = Literal["forward", "reply", "close"]


@attrs.frozen
class StepTaken:
    """
    One thing that was looked at on the way.

    Attributes:
        step: What: its kind and name.
        matched: Whether it was taken.
        why: The reason.
        origin: Where it was configured, as text; may be empty.
    """

    step: str
    matched: bool
    why: str
    origin: str = ""


@attrs.define(eq=False)
class Answer:
    """
    What becomes of a call; filled in as the explanation goes on.

    Attributes:
        listener: Name.
        filter_chain: Name; may be empty.
        route_config: Name; empty for TCP.
        virtual_host: Name.
        route: Name, `-` for one without.
        cluster: Name; empty with weighted clusters and for what is not forwarded.
        weighted_clusters: Names and weights.
        endpoints: `address:port` of those that may be picked.
        outcome: Forwarded, answered, or closed without an answer.
        status: Of an answer; None where the upstream gives it or there is none.
        response_flags: As the access log writes them; `-` for none.
        response_code_details: As the access log writes them.
        requested_path: Normalized, and rewritten where the route says so; empty for TCP.
        authority: As sent, or rewritten; empty for TCP.
        request_headers: As the route leaves them; what every request gets, such as `x-request-id`, is not among them.
        response_headers: Of an answer of meshd's own: its place, and what the route adds.
        policy: Name of the authorization policy that decided; empty for none.
        steps: All that was looked at.
    """

    listener: str = ""
    filter_chain: str = ""
    route_config: str = ""
    virtual_host: str = ""
    route: str = ""
    cluster: str = ""
    weighted_clusters: tuple[tuple[str, int], ...] = ()
    endpoints: tuple[str, ...] = ()
    outcome: Outcome = "forward"
    status: int | None = None
    response_flags: str = "-"
    response_code_details: str = "-"
    requested_path: str = ""
    authority: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()
    response_headers: tuple[tuple[str, str], ...] = ()
    policy: str = ""
    steps: list[StepTaken] = attrs.field(factory=list)

    def took(self, step: str, why: str, origins: Iterable[Origin] = ()) -> None:
        """Note what was taken."""
        self.steps.append(StepTaken(step.rstrip(), True, why, quoted(origins)))

    def passed(self, step: str, why: str, origins: Iterable[Origin] = ()) -> None:
        """Note what was looked at and not taken."""
        self.steps.append(StepTaken(step.rstrip(), False, why, quoted(origins)))

    def replied(self, reply: Reply) -> "Answer":
        """Note that meshd answers itself."""
        self.outcome, self.status = "reply", reply.status
        flags = [flag for flag in (self.response_flags, reply.flags) if flag not in ("", "-")]
        self.response_flags, self.response_code_details = ",".join(flags) or "-", reply.details
        return self

    def closed(self, flags: str, details: str = "-") -> "Answer":
        """Note that the connection is closed without an answer."""
        self.outcome, self.response_flags, self.response_code_details = "close", flags, details
        return self

    def to_json(self) -> dict[str, Any]:
        """Give the answer as an object for JSON."""
        return {
            "listener": self.listener,
            "filterChain": self.filter_chain,
            "routeConfig": self.route_config,
            "virtualHost": self.virtual_host,
            "route": self.route,
            "cluster": self.cluster,
            "weightedClusters": [{"name": name, "weight": weight} for name, weight in self.weighted_clusters],
            "endpoints": list(self.endpoints),
            "outcome": self.outcome,
            "status": self.status,
            "responseFlags": self.response_flags,
            "responseCodeDetails": self.response_code_details,
            "requestedPath": self.requested_path,
            "authority": self.authority,
            "policy": self.policy,
            "steps": [attrs.asdict(step) for step in self.steps],
        }


def quoted(origins: Iterable[Origin]) -> str:
    """Give origins as one text."""
    return "; ".join(str(origin) for origin in origins)
