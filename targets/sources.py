"""Where figures about a target are read: the Google project around its services, and a Prometheus server."""

from typing import Literal

from pydantic import Field

from probes.secret import Secret
from targets import google_credentials
from targets.addresses import Address
from targets.contract.parts import Part
from targets.leave import variable


class Platform(Part):
    """The Google project around the services and how we may read it."""

    project: str = ""  # empty: the service is not on Cloud Run, or we have no access to its project
    region: str = ""
    credentials: Literal["google", "token", "none"] = "google"
    access_token: Secret = Secret()
    logging_url: Address = "https://logging.googleapis.com"
    run_url: Address = "https://run.googleapis.com"
    monitoring_url: Address = "https://monitoring.googleapis.com"
    bigquery_url: Address = "https://bigquery.googleapis.com"
    log_analytics: str = ""  # a view, project.location.bucket.view: BigQuery counts the day's log entries
    reads_per_minute: int = Field(60, ge=1, le=100_000)  # of the log API, whose quota all readers share

    @property
    def lacking(self) -> str:
        """Why its APIs can't be read; empty if they can."""
        if not self.project:
            return "no Google project: [platform] project is empty"
        if self.lacks_google:
            return f"no Google credentials: set {google_credentials.VARIABLE}"
        if self.credentials == "token" and not self.access_token:
            return f"no access to the platform's APIs: set {variable('platform.access_token')}"
        return ""

    @property
    def urls(self) -> tuple[str, ...]:
        """Where its APIs are; none without a project."""
        named = (self.logging_url, self.run_url, self.monitoring_url, self.bigquery_url)
        return tuple(url for url in named if url and self.project)

    @property
    def lacks_google(self) -> bool:
        """Whether its APIs are read with Google credentials and this machine has none."""
        asked = bool(self.project) and self.credentials == "google" and not self.access_token
        return asked and not google_credentials.can_be_expected()


class Prometheus(Part):
    """A Prometheus server, or a server with its API, that scrapes the backend; empty if there is none."""

    url: Address = ""
    job: str = "netra-backend"
    credentials: Literal["none", "token", "google"] = "none"
    access_token: Secret = Secret()

    @property
    def lacking(self) -> str:
        """Why it can't be asked; empty if it can."""
        if not self.url:
            return f"no Prometheus: set {variable('prometheus.url')}"
        if self.credentials == "token" and not self.access_token:
            return f"no access to Prometheus: set {variable('prometheus.access_token')}"
        return ""
