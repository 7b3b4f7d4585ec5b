"""Who is asking: the product and the run, in every request."""

import secrets
from dataclasses import dataclass
from typing import Literal

PRODUCT, VERSION = "netra-verify", "0.1.0"
Outage = Literal["", "outage begins", "outage", "outage ends", "hostile frames"]


@dataclass(slots=True)
class RunIdentity:
    """Who is asking: the run's id goes into every request, so that the server's log lines can be assigned to runs.

    While a run has taken a dependency away on purpose, `outage` says so in every request as well: later runs have only
    the log to distinguish its 503s from others (see `probes.logs.provoked`). It also marks sessions that are sent
    frames which no server can read: some servers log a traceback for each.
    """

    run_id: str
    outage: Outage = ""

    @property
    def user_agent(self) -> str:
        """The User-Agent of every request."""
        return f"{PRODUCT}/{VERSION} (run {self.run_id}{f'; {self.outage}' if self.outage else ''})"

    def new_trace(self) -> str:
        """A fresh W3C trace id: 32 hexadecimal digits."""
        return secrets.token_hex(16)

    def headers(self, trace_id: str) -> dict[str, str]:
        """The headers that carry identity and trace: W3C's, and Cloud Run's own, which its request log follows."""
        span = secrets.token_hex(8)
        return {
            "User-Agent": self.user_agent,
            "traceparent": f"00-{trace_id}-{span}-01",
            "X-Cloud-Trace-Context": f"{trace_id}/{int(span, 16)};o=1",
        }
