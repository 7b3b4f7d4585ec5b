"""Who is asking: the product and the run, in every request."""

import secrets
from dataclasses import dataclass

PRODUCT, VERSION = "netra-verify", "0.1.0"


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Who is asking: the run's id goes into every request, so that the server's logs can be told apart by run."""

    run_id: str

    @property
    def user_agent(self) -> str:
        """The User-Agent of every request."""
        return f"{PRODUCT}/{VERSION} (run {self.run_id})"

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
