"""TLS for many connections: buffers of the size of a TLS record."""

from asyncio import sslproto
from collections.abc import Iterator
from contextlib import contextmanager

RECORD = 16 * 1024  # the longest that a TLS record may be


@contextmanager
def small_buffers() -> Iterator[None]:
    """Let asyncio give a TLS connection that opens meanwhile a buffer of one record in place of 256 KiB.

    The size is a class attribute without another way to set it: https://github.com/python/cpython/issues/109534
    """
    before = sslproto.SSLProtocol.max_size
    sslproto.SSLProtocol.max_size = RECORD
    try:
        yield
    finally:
        sslproto.SSLProtocol.max_size = before
