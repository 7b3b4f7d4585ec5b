"""Every bound on what others send us: whatever it is, it costs at most this much."""

MIB = 1024 * 1024

WIRE_BYTES = 16 * MIB  # of a body as it comes over the wire: the longest honest ones are pages of the log
BODY_BYTES = 16 * MIB  # of a body once it is decoded: 1,827 bytes of gzip within gzip are 1 GiB
CODINGS = 2  # of Content-Encoding, one within the other: a cache may add one to the service's own
HEADERS = 200  # header lines of an answer; h11 bounds their bytes (16 KiB for one event, 100 KiB under httpx)
JSON_DEPTH = 200  # objects and lists within each other: the deepest metadata that the suite itself writes has 50
JSON_VALUES = 1_000_000  # values of a document: each takes us 60 to 100 bytes, so this is 100 MiB at most
PARTS = 2_000  # chunks and informational answers of one that we take apart ourselves: none of them waits for anything
TIMED_BYTES = 64 * 1024  # of an answer whose time is taken: 300 of them may be under way at once
PROXY_HEAD_BYTES = 16 * 1024  # of a proxy's answer to CONNECT
MESSAGE_BYTES = MIB  # of one WebSocket message to us
