"""Files that a reader may look at while they are written."""

from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Write a file atomically."""
    half = path.with_suffix(path.suffix + ".part")
    half.write_bytes(content.encode() if isinstance(content, str) else content)
    half.replace(path)
