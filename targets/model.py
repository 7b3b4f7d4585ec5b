"""One target: its addresses, our credentials for it, and what we may do there."""

import re
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from probes.browser.page import find_browser
from probes.secret import Secret
from targets.addresses import Address
from targets.candidate import Candidate, Compare, Rollout
from targets.contract import Contract
from targets.contract.parts import Part, Waiting
from targets.credentials import without_armour
from targets.database import Database, Residue
from targets.deadlines import DeadlinesByName
from targets.deviations import ABSENT, CORE, Accepted, taken_away
from targets.dsn import secrets_of_dsn
from targets.leave import PREFIX, names_in, variable
from targets.names import Name
from targets.own_checks import OwnCheck
from targets.services import Network, Pace, Service
from targets.sources import Platform, Prometheus

PRODUCTION = re.compile(r"(^|[^a-z])prod(uction)?([^a-z]|$)", re.IGNORECASE)
ENV_PREFIX = PREFIX
FEWEST_CALLS = 59  # without a slow one among them, p95 is under the limit at 95 % confidence
NO_SIGNING_SECRET = f"no signing secret: set {variable('tokens.signing_secret')}"
NO_TOKEN = f"{NO_SIGNING_SECRET}, or {variable('tokens.login_key')} (with [contract.login]), or TOKEN"


class Tokens(Part):
    """Three ways to a valid token: mint it with the secret, fetch it with a login's key, or be given one."""

    signing_secret: Secret = Secret()  # shared, or the private key as PEM where the contract's algorithm is RS256
    login_key: Secret = Secret()  # of the contract's [login]
    given: Secret = Secret()  # an access token; also taken from TOKEN
    service_key: Secret = Secret()


class Writing(Part):
    """Permission to seed rows. The TOML sets `allowed`, the environment `confirm` (the target's name)."""

    allowed: bool = False
    confirm: str = ""


class Twin(Part):
    """The control port of the embedded system; empty for any other target."""

    control_url: Address = ""
    hour_s: Waiting = 3600.0  # seconds that an hour of a WebSocket takes there: less than 3600 is compressed time
    turns: str = ""  # the file by which concurrent runs on it take turns
    users: bool = False  # somebody else uses it: nothing is taken away from it on purpose


class Sizes(Part):
    """How much is measured: more costs time, less proves less."""

    latency_rate: float = Field(50.0, gt=0, le=1000)
    latency_calls: int = Field(1000, ge=FEWEST_CALLS, le=100_000)  # at most: the plan ends sooner when it can decide
    agreement_rounds: int = Field(135, ge=1, le=10_000)
    revision_requests: int = Field(100, ge=1, le=10_000)
    steady_sessions: int = Field(20, ge=1, le=1000)
    steady_s: Waiting = 12.0
    silent_s: Waiting = 35.0
    volume_rows: int = Field(10_000, ge=100, le=1_000_000)
    soak_sessions: int = Field(100, ge=1, le=10_000)  # per process: a sharded soak holds this many in each
    soak_silent: int = Field(12, ge=0, le=1000)  # additional silent ones, which find idle timeouts
    soak_ping_s: Waiting = 20.0  # between pings of the others

    @property
    def stall_calls(self) -> int:
        """How many calls the slowest is looked for in."""
        return max(FEWEST_CALLS, self.latency_calls // 8)


class QuickSizes(Sizes):
    """The same with `--quick`: enough to refute a claim, and to prove what can be proved in a minute."""

    latency_calls: int = Field(200, ge=FEWEST_CALLS, le=100_000)
    agreement_rounds: int = Field(30, ge=1, le=10_000)
    revision_requests: int = Field(59, ge=1, le=10_000)
    steady_s: Waiting = 3.0
    silent_s: Waiting = 6.0
    volume_rows: int = Field(5000, ge=100, le=1_000_000)
    soak_sessions: int = Field(20, ge=1, le=10_000)
    soak_silent: int = Field(6, ge=0, le=1000)


class Target(BaseSettings):
    """A target as its TOML, the addresses overlay and the environment describe it together."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
    )

    name: Name
    environment: Literal["local", "staging", "production"]
    profile: str
    profile_when_writing: str = ""
    profile_with_a_token: str = ""  # for a run that has only an access token
    backend: Service
    auth: Service
    platform: Platform = Platform()
    network: Network = Network()
    pace: Pace = Pace()
    prometheus: Prometheus = Prometheus()
    database: Database = Database()
    tokens: Tokens = Tokens()
    writing: Writing = Writing()
    residue: Residue = Residue()
    twin: Twin = Twin()
    candidate: Candidate = Candidate()
    compare: Compare = Compare()
    rollout: Rollout = Rollout()
    sizes: Sizes = Sizes()
    quick_sizes: QuickSizes = QuickSizes()
    deadlines: DeadlinesByName = Field(default_factory=dict)
    run_deadline_s: Waiting = 1200.0
    requires: dict[str, str] = Field(default_factory=dict)
    absent: tuple[str, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    contract: Contract
    checks: tuple[OwnCheck, ...] = ()  # the team's own checks

    def __repr__(self) -> str:
        """Its name: with `--showlocals` it stands in the locals of most failures."""
        return f"Target({self.name!r})"

    __str__ = __repr__

    @model_validator(mode="after")
    def _knows_what_is_absent(self) -> "Target":
        known = sorted(ABSENT.keys() | CORE.keys())
        for name in sorted(set(self.absent) - set(known)):
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"absent: {name!r} can't be absent (known: {', '.join(known)}){hint}")
        return self

    @model_validator(mode="after")
    def _can_run_its_own_checks(self) -> "Target":
        ids = [one.id for one in self.checks]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"[[checks]] has the id {', '.join(twice)} more than once: each check needs its own")
        known = frozenset[str]().union(*map(frozenset, self.offers()))
        for check in self.checks:
            if check.needs - known:
                raise ValueError(
                    f"[[checks]] {check.id}: no target can offer {', '.join(sorted(check.needs - known))} (needs); "
                    f"known needs are {', '.join(sorted(known))}"
                )
        return self

    @property
    def gone(self) -> frozenset[str]:
        """What the service does not have, according to `absent` or to the contract."""
        return frozenset(self.absent) | taken_away(self.contract)

    @property
    def is_production(self) -> bool:
        """Whether anything about the target calls itself production."""
        names = [
            self.environment,
            self.name,
            self.platform.project,
            self.backend.service,
            self.auth.service,
            urlsplit(self.backend.url).hostname or "",
            urlsplit(self.auth.url).hostname or "",
            *names_in(self.database.url.reveal()),
        ]
        return any(PRODUCTION.search(name) for name in names)

    @property
    def may_write(self) -> bool:
        """Whether rows may be seeded: the TOML allows it, and beyond this machine the environment confirms it."""
        if self.is_production or not self.writing.allowed:
            return False
        return self.environment == "local" or self.writing.confirm == self.name

    @property
    def required_profile(self) -> str:
        """The profile whose checks must pass, given our permissions and credentials here."""
        return self.profile_with_a_token if self.token_alone else self.full_profile

    @property
    def full_profile(self) -> str:
        """The profile whose checks must pass for a release, whatever credentials a single run has."""
        return self.profile_when_writing if self.may_write and self.profile_when_writing else self.profile

    @property
    def token_alone(self) -> bool:
        """Whether this run has only an access token, and the target allows that."""
        return bool(self.profile_with_a_token) and self.token_way in {"fetch", "given"}

    @property
    def token_way(self) -> Literal["mint", "fetch", "given", ""]:
        """How we get valid tokens: the first way that we have the credentials for."""
        if self.tokens.signing_secret:
            return "mint"
        if self.tokens.login_key and self.contract.login.path:
            return "fetch"
        return "given" if self.tokens.given else ""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret value we hold; none of them may reach a file."""
        held = [without_armour(secret) for key, secret in self.credentials.items() if key != "database.url"]
        return tuple(value for value in (*held, *secrets_of_dsn(self.database.url)) if value)

    @property
    def credentials(self) -> dict[str, Secret]:
        """Every credential by its dotted key; missing ones are empty."""
        tokens = {f"tokens.{name}": getattr(self.tokens, name) for name in type(self.tokens).model_fields}
        fronts = self.backend.in_front("backend") | self.auth.in_front("auth")
        return (
            tokens
            | fronts
            | {
                "platform.access_token": self.platform.access_token,
                "prometheus.access_token": self.prometheus.access_token,
                "database.url": self.database.url,
            }
        )

    def offers(self) -> tuple[frozenset[str], dict[str, str]]:
        """What a check may need and this target has, and for each thing it lacks the reason."""
        reasons = self._reasons() | {
            {**ABSENT, **CORE}[name]: f"absent: the target says that it has no {name}" for name in self.gone
        }
        lacking = {need: why for need, why in reasons.items() if why}
        return frozenset(reasons.keys() - lacking.keys()), lacking

    def _reasons(self) -> dict[str, str]:
        """For each need why the target does not offer it; empty if it does."""
        no_platform, no_database = self.platform.lacking, self._why_no_database()
        return {
            "http": "" if self.backend.url else "no backend url",
            "ws": "" if self.backend.url else "no backend url",
            "auth": self._why_no_service_key() if self.auth.url else "no auth url",
            "db": no_database,
            "write": no_database or ("" if self.may_write else self._why_not_write()),
            "mint": "" if self.tokens.signing_secret else NO_SIGNING_SECRET,
            "token": "" if self.token_way else NO_TOKEN,
            "logs": no_platform or ("" if self.platform.logging_url else "no log API; an export: --log-export=FILE"),
            "run": no_platform or ("" if self.platform.run_url else "no Cloud Run Admin API"),
            "metrics": no_platform or ("" if self.platform.monitoring_url else "no Cloud Monitoring API"),
            "prometheus": self.prometheus.lacking,
            "readiness": "" if self.contract.paths.readiness else "no [contract.paths] readiness",
            "head": "" if self.contract.health.head else "no monitor uses HEAD ([contract.health] head)",
            "json": "" if self.contract.database.holds_any_text else "the contract's metadata column refuses such text",
            **{need: "" for need in ABSENT.values() if need != "ws"},
            "document": "" if find_spec("schemathesis") else "schemathesis is not installed: make setup-suite",
            "login-key": "" if self.tokens.login_key else f"no login key: set {variable('tokens.login_key')}",
            "operations": self._why_no_operations(),
            "guarded": ""
            if self.contract.api.for_users or self.contract.api.for_anyone
            else "none is named: [contract.api] for_users, for_anyone",
            "browser": self._why_no_browser(),
            "twin": self._why_not_broken(),
        }

    def _why_not_broken(self) -> str:
        if not self.twin.control_url:
            return "only the embedded twin can be broken on purpose"
        return "it has users, who would meet what is broken on purpose" if self.twin.users else ""

    def _why_no_service_key(self) -> str:
        needed = any("{service_key}" in value for value in self.contract.validation.headers.values())
        lacking = needed and not self.tokens.service_key
        return f"no service key: set {variable('tokens.service_key')}" if lacking else ""

    def _why_no_database(self) -> str:
        return "" if self.database.url else f"no database: set {variable('database.url')}"

    def _why_no_operations(self) -> str:
        api = self.contract.api
        if not api.named:
            return "no operation is named: [contract.api] required, for_users, for_anyone"
        sent = api.is_sent and "api.document" not in self.gone
        return "" if sent else "the service sends no document of its API ([contract.api] document)"

    def _why_no_browser(self) -> str:
        if not find_browser():
            return "no browser: install Chromium, and playwright by pip install 'netra-verify[browser]'"
        special = self.network.ca_file or self.backend.headers or self.backend.identity != "none"
        return "a browser can't be given the private CA or the headers in front of the service" if special else ""

    def _why_not_write(self) -> str:
        if self.is_production:
            return "it calls itself production, where nothing is ever written"
        if not self.writing.allowed:
            return "its TOML does not allow writing"
        return f"not confirmed: set {variable('writing.confirm')}={self.name}"
