"""`python -m bench.websocket_server [CERTIFICATE]`: welcomes and answers in C, so that the client is measured."""

import asyncio
import json
import ssl
import sys

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

WELCOME = json.dumps(
    {
        "type": "system_message",
        "data": {"event": "connection_established", "connection_ready": True, "user_id": "bench"},
    }
).encode()
PONG = json.dumps({"type": "pong", "data": {"user_id": "bench"}}).encode()
BACKLOG = 4096


class Answers(WSListener):
    """Welcomes a session and answers its messages; pings are answered by the library."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Say welcome."""
        transport.send(WSMsgType.TEXT, WELCOME)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer what is said."""
        if frame.msg_type == WSMsgType.TEXT:
            transport.send(WSMsgType.TEXT, PONG)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()


async def main(certificate: str | None) -> None:
    """Serve until killed; the port is printed."""
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)

    def listener(_request: WSUpgradeRequest) -> WSListener:
        return Answers()

    server = await ws_create_server(listener, "127.0.0.1", 0, ssl=context, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
