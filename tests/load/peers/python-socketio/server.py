"""The benchmark application on python-socketio, with aiohttp."""

import asyncio
import sys

import socketio
from aiohttp import web

io = socketio.AsyncServer(async_mode="aiohttp", ping_interval=300)


@io.event
async def join(sid, topic):
    await io.enter_room(sid, topic)
    return ()


@io.event
async def echo(sid, payload):
    return payload


@io.event
async def publish(sid, topic, payload):
    await io.emit("m", payload, room=topic)


async def main():
    application = web.Application()
    io.attach(application)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/socket.io/", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
