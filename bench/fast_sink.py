"""A mail server that takes everything at once: as fast as a Python process can say 250.

`python -m bench.fast_sink PORT` keeps the last mail in memory only to answer `VRFY` with how many came.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Sink(asyncio.Protocol):
    """Answers commands as they come, several in one read as well (RFC 2920)."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport, self.buffer, self.in_data = cast("asyncio.Transport", transport), b"", False
        self.transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every whole command; inside DATA look for the end only."""
        self.buffer += data
        answers: list[bytes] = []
        while True:
            end = b"\r\n.\r\n" if self.in_data else b"\r\n"
            place = self.buffer.find(end)
            if place < 0:
                break
            line, self.buffer = self.buffer[:place], self.buffer[place + len(end) :]
            answers.append(self._answer(line))
        if answers:
            self.transport.write(b"".join(answers))

    def _answer(self, line: bytes) -> bytes:
        if self.in_data:
            self.in_data = False
            Sink.taken += 1
            return b"250 ok\r\n"
        command = line[:4].upper()
        if command == b"EHLO":
            return b"250-sink\r\n250 PIPELINING\r\n"
        if command == b"DATA":
            self.in_data = True
            return b"354 go\r\n"
        if command == b"VRFY":
            return f"252 {Sink.taken}\r\n".encode()
        return b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n"


async def serve(port: int) -> None:
    """Until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
