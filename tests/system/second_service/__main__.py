"""Serve: `python -m tests.system.second_service --port 8080`, with NOTES_DSN, NOTES_JWKS and NOTES_SERVICE_KEY set."""

import argparse
import os
from pathlib import Path

import uvicorn

from tests.system.second_service.app import create
from tests.system.second_service.faults import FAULTS
from tests.system.second_service.tokens import Verifier


def main() -> None:
    """Serve until we are stopped."""
    parser = argparse.ArgumentParser(prog="notes")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--broken", choices=sorted(FAULTS), help="serve with one fault, for tests of tests")
    options = parser.parse_args()
    app = create(os.environ["NOTES_DSN"], Verifier(Path(os.environ["NOTES_JWKS"])), os.environ["NOTES_SERVICE_KEY"])
    if options.broken:
        fault = FAULTS[options.broken]
        app.state.ready = lambda: fault(app)
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", server_header=False)


if __name__ == "__main__":
    main()
