"""Landlock: the kernel restricts TCP connections of this process, and of what it starts, to one port.

For drivers that open their sockets in C, which Python's hooks can't see. Linux 6.7 and later, without privileges:
https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import sys

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
VERSION_FLAG, CONNECT_TCP, NET_PORT, NO_NEW_PRIVILEGES = 1, 1 << 1, 2, 38
FIRST_WITH_NETWORK = 4


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64))


class _PortRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("port", ctypes.c_uint64))


def is_offered() -> bool:
    """Whether this system has Landlock for the network."""
    if sys.platform != "linux":
        return False
    flag = ctypes.c_uint32(VERSION_FLAG)
    version = ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), flag)
    return bool(version >= FIRST_WITH_NETWORK)


def confine(port: int) -> bool:
    """Restrict this process to connections to `port` from now on; False if this system can't do that."""
    if not is_offered():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    ruleset = _Ruleset(0, CONNECT_TCP)
    handle = libc.syscall(
        CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), ctypes.c_uint32(0)
    )
    if handle < 0:
        return False
    rule = _PortRule(CONNECT_TCP, port)
    try:
        added = libc.syscall(ADD_RULE, handle, NET_PORT, ctypes.byref(rule), ctypes.c_uint32(0))
        if added or libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            return False
        return bool(libc.syscall(RESTRICT_SELF, handle, ctypes.c_uint32(0)) == 0)
    finally:
        os.close(handle)
