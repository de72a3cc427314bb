"""A reverse proxy in a process of its own: `python -m tests.faults.proxy PORT UPSTREAM_PORT…`; upstreams take turns.

It does to a request what nginx does with `$proxy_add_x_forwarded_for`: what the client said of itself stays in front.
"""

import asyncio
import contextlib
import itertools
import sys


async def serve(port: int, upstreams: list[int]) -> None:
    turn = itertools.cycle(upstreams)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            client = writer.get_extra_info("peername")[0]
            told = [line.partition(":")[2].strip() for line in head if line.lower().startswith("x-forwarded-for:")]
            lines = [line for line in head[:-2] if not line.lower().startswith(("x-forwarded-for:", "connection:"))]
            lines += [f"X-Forwarded-For: {', '.join([*told, client])}", "Connection: close", "", ""]
            upstream, to_upstream = await asyncio.open_connection("127.0.0.1", next(turn))
            to_upstream.write("\r\n".join(lines).encode("latin-1"))
            await asyncio.gather(pass_on(reader, to_upstream), pass_on(upstream, writer))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    await server.serve_forever()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
