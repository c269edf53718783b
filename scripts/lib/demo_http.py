"""HTTP/1.1 on kept-alive connections, as much of it as a shopper needs. One request at a time on
each; a connection that fails is opened again by the next request."""

import asyncio
import json

ANSWER_SECONDS = 20


class Lost(Exception):
    """No answer came, or half of one: whether the request was taken is unknown."""


class Connection:
    def __init__(self, port):
        self.port = port
        self._reader = self._writer = None

    async def ask(self, method, path, headers=None, body=None, limit=ANSWER_SECONDS):
        """Status and decoded body. Lost where no answer came."""
        data = b"" if body is None else json.dumps(body).encode()
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}",
                f"Content-Length: {len(data)}"]
        if body is not None:
            head.append("Content-Type: application/json")
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        try:
            async with asyncio.timeout(limit):
                if self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1",
                                                                               self.port)
                self._writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + data)
                return await self._answer()
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Lost(repr(error)) from error
        except asyncio.CancelledError:
            self.close()
            raise

    async def _answer(self):
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        data = await self._reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, json.loads(data) if data else None

    def close(self):
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

