"""A link that can be spoilt: a TCP proxy in a process of its own, told what to do on its input.

    pass     carries everything (the beginning)
    delay    holds each piece back for a while
    slice    carries it in pieces of a few bytes
    hole     carries nothing, and lets connections stand
    cut      ends every connection in order, and each new one
    reset    resets every connection, and each new one
"""

import asyncio
import contextlib
import random
import socket
import struct
import subprocess
import sys

WAYS = ("delay", "slice", "hole", "cut", "reset")
DELAY_SECONDS = (0.02, 0.25)
SLICE_BYTES = (1, 40)
CHUNK_BYTES = 65_536
END_SECONDS = 10
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing resets


class Link:
    """Connections from one port to another address, and what happens to what they carry."""

    def __init__(self, host, port):
        self._target = (host, port)
        self._way = "pass"
        self._changed = asyncio.Event()
        self._open = set()

    def take(self, way):
        self._way = way
        self._changed.set()
        self._changed = asyncio.Event()
        if way in ("cut", "reset"):
            for writer in list(self._open):
                self._end(writer)

    def _end(self, writer):
        if self._way == "reset":
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                           RESET)
            writer.transport.abort()
        else:
            writer.close()

    async def serve(self, reader, writer):
        if self._way in ("cut", "reset"):
            self._end(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        ends = {writer, far_writer}
        self._open |= ends
        pumps = [asyncio.create_task(self._pump(reader, far_writer)),
                 asyncio.create_task(self._pump(far_reader, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        self._open -= ends
        for each in ends:
            each.close()

    async def _pump(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                while self._way == "hole":
                    await self._changed.wait()
                if self._way == "delay":
                    await asyncio.sleep(random.uniform(*DELAY_SECONDS))
                while data and self._way == "slice":
                    size = random.randint(*SLICE_BYTES)
                    writer.write(data[:size])
                    await writer.drain()
                    await asyncio.sleep(0)
                    data = data[size:]
                writer.write(data)
                await writer.drain()


async def run(listen_port, host, port):
    link = Link(host, port)
    server = await asyncio.start_server(link.serve, "127.0.0.1", listen_port)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print("ready", flush=True)
    while line := await orders.readline():
        link.take(line.decode().strip())
        print("done", flush=True)
    server.close()


class Proxy:
    """The process, for those who spoil the link. It ends with its input."""

    def __init__(self, listen_port, host, port):
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(listen_port), host, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "ready\n", "the proxy did not start"

    def take(self, way):
        self._process.stdin.write(way + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n", "the proxy is gone"

    def stop(self):
        self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
