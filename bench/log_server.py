"""`python -m bench.log_server FILE PORT`: the twin's log API over the entries of a file."""

import json
import sys
from pathlib import Path

import uvicorn

from twin.platform.apis import create_app
from twin.platform.state import Platform, Stored


def main(path: str, port: str) -> None:
    """Serve until SIGTERM."""
    platform = Platform(
        project="netra-staging",
        region="us-central1",
        services={},
        log_dir=Path(),
        api_port=0,
        control_port=0,
        log_delay_s=0.0,
    )
    with Path(path).open("rb") as file:
        platform.store += [Stored(json.loads(line), 0.0) for line in file]
    uvicorn.run(create_app(platform), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
