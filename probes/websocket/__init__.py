"""WebSocket: handshakes, sessions, closes, raw frames."""
