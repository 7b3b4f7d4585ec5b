"""Google's APIs: credentials, calls, Cloud Run."""
