"""TLS for many connections: one context for all of them, and buffers of the size of a TLS record."""

import ssl
from asyncio import sslproto
from collections.abc import Iterator
from contextlib import contextmanager

RECORD = 16 * 1024  # the longest that a TLS record may be


def context_for(url: str) -> ssl.SSLContext | None:
    """One context for every connection to this URL, as each reads all CAs; None where it is not over TLS."""
    return ssl.create_default_context() if url.startswith("wss:") else None


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
