"""Whether Google credentials can be expected here; looks at files and variables, contacts nothing."""

import os
from pathlib import Path

ON_GOOGLE = (
    "K_SERVICE",
    "CLOUD_RUN_JOB",
    "GCE_METADATA_HOST",
    "CLOUD_BUILD",
)  # the metadata server provides them there
VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


def can_be_expected() -> bool:
    """Whether application default credentials are configured, stored by gcloud, or provided by the machine."""
    folder = Path(os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config/gcloud")
    on_google = any(name in os.environ for name in ON_GOOGLE)
    return bool(os.environ.get(VARIABLE)) or on_google or (folder / "application_default_credentials.json").is_file()
