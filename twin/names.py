"""The names that the twin's parts have on the platform."""

PROJECT, REGION = "netra-staging", "us-central1"
BACKEND, AUTH = "netra-backend-staging", "netra-auth-service"
REVISION, OLD_REVISION, AUTH_REVISION = f"{BACKEND}-00094-twn", f"{BACKEND}-00093-old", f"{AUTH}-00021-twn"
CANDIDATE_REVISION, TAG = f"{BACKEND}-00095-can", "verify"
BACKENDS = {"backend": REVISION, "old": OLD_REVISION, "candidate": CANDIDATE_REVISION}  # process -> its revision
