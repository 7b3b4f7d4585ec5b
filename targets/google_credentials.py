"""Whether Google credentials can be expected here; looks at files and variables, contacts nothing."""

import json
import os
from pathlib import Path

ON_GOOGLE = (
    "K_SERVICE",
    "CLOUD_RUN_JOB",
    "GCE_METADATA_HOST",
    "CLOUD_BUILD",
)  # the metadata server provides them there
KINDS = frozenset(  # what google-auth reads from such a file
    {
        "authorized_user",
        "service_account",
        "external_account",
        "external_account_authorized_user",
        "impersonated_service_account",
        "gdch_service_account",
    }
)
VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


def can_be_expected() -> bool:
    """Whether application default credentials are configured, stored by gcloud, or provided by the machine."""
    folder = Path(os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config/gcloud")
    on_google = any(name in os.environ for name in ON_GOOGLE)
    return bool(os.environ.get(VARIABLE)) or on_google or (folder / "application_default_credentials.json").is_file()


def what_is_wrong() -> str:
    """Why the file that the variable names can't be used, as one sentence; empty if it may be, or none is named."""
    named = os.environ.get(VARIABLE, "")
    if not named:
        return ""
    try:
        key = json.loads(Path(named).read_text(encoding="utf-8"))
    except OSError as error:
        return f"{VARIABLE} names a file that can't be read ({error.strerror}): give the path of a credentials file."
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, dict) or key.get("type") not in KINDS:
        return f"{VARIABLE} names a file that is not Google's credentials (JSON with a known `type`): give another one."
    return ""
