"""Where figures about a target are read: the Google project around its services, and a Prometheus server."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from probes.secret import Secret
from targets import google_credentials
from targets.contract.parts import Part
from targets.leave import variable


class Platform(Part):
    """The Google project around the services and how we may read it."""

    project: str = ""  # empty: the service is not on Cloud Run, or we have no access to its project
    region: str = ""
    credentials: Literal["google", "token", "none"] = "google"
    access_token: Secret = Secret()
    logging_url: str = "https://logging.googleapis.com"
    run_url: str = "https://run.googleapis.com"
    monitoring_url: str = "https://monitoring.googleapis.com"
    bigquery_url: str = "https://bigquery.googleapis.com"
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
    def lacks_google(self) -> bool:
        """Whether its APIs are read with Google credentials and this machine has none."""
        asked = bool(self.project) and self.credentials == "google" and not self.access_token
        return asked and not google_credentials.can_be_expected()


class Prometheus(Part):
    """A Prometheus server, or a server with its API, that scrapes the backend; empty if there is none."""

    url: str = ""
    job: str = "netra-backend"
    credentials: Literal["none", "token", "google"] = "none"
    access_token: Secret = Secret()

    @model_validator(mode="after")
    def _has_a_scheme(self) -> "Prometheus":
        if self.url and urlsplit(self.url).scheme not in {"http", "https"}:
            raise ValueError(f"url must begin with http:// or https://, got {self.url!r}")
        return self

    @property
    def lacking(self) -> str:
        """Why it can't be asked; empty if it can."""
        if not self.url:
            return f"no Prometheus: set {variable('prometheus.url')}"
        if self.credentials == "token" and not self.access_token:
            return f"no access to Prometheus: set {variable('prometheus.access_token')}"
        return ""
