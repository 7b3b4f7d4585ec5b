"""The audited service as its own public code is on the wire and in its table, by revision: from recorded answers.

What differs between revisions, and everything that is only said (headers, messages, bodies), is data: `wire.toml`.
"""
