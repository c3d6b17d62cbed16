"""The common scenario with the python-socketio of the running environment, against the fixture of siospec.

    python scenario.py CLIENT_FOLDER SERVER_URL polling|websocket|upgrade STEP...

What the fixture's events do is written in crates/siospec/README.md; what no client of a version can do is
in cannot.tsv. `POST /cut` at the server's address cuts all connections, and `POST /mend` lets new ones
through. The same lines run with 4 and 5.
"""

import json
import queue
import sys
import time
import uuid
from urllib.parse import urlencode

import requests
import socketio

FOLDER, SERVER, TRANSPORT, *CHOSEN = sys.argv[1:]
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}[TRANSPORT]
PROTOCOL = 4 if FOLDER.startswith("python-socketio-4") else 5
DEADLINE_SECONDS = 15
WORDS = ["hello", "", "20,5 °C – 多云 😀", "é\u2028\U0010ffff"]
EVERY_BYTE = bytes(range(256))
EVENTS = ("connect", "connect_error", "disconnect", "auth", "message-back", "answered", "news", "journal")
opened = []


class Client:
    """One connection with its namespaces, whose events are kept until they are asked for."""

    def __init__(self, *namespaces, auth=None, transports=TRANSPORTS, **options):
        self.socket = socketio.Client(**{"reconnection": False, **options})
        self.namespace = namespaces[0]
        self.kept = {}
        for namespace in namespaces:
            for event in EVENTS:
                self.keep(namespace, event)
        opened.append(self.socket)
        if PROTOCOL == 5:  # without waiting, so that a refusal is an event, as in version 4
            more = {"auth": auth, "wait": False}
        else:  # has no auth; it brings a query to its namespace
            more = {}
            namespaces = [f"{namespace}?{urlencode(auth)}" if auth else namespace for namespace in namespaces]
        self.socket.connect(SERVER, namespaces=list(namespaces), transports=transports, **more)

    def keep(self, namespace, event):
        kept = self.kept[namespace, event] = queue.Queue()
        self.socket.on(event, lambda *arguments: kept.put(list(arguments)), namespace=namespace)

    def emit(self, event, *arguments, namespace=None):
        self.socket.emit(event, arguments, namespace=namespace or self.namespace)

    def ask(self, event, *arguments):
        """The arguments of the answer."""
        answers = queue.Queue()
        callback = lambda *answer: answers.put(list(answer))
        self.socket.emit(event, arguments, namespace=self.namespace, callback=callback)
        return wait(answers, "answer")

    def next(self, event, namespace=None):
        return wait(self.kept[namespace or self.namespace, event], event)

    def waiting(self, event, namespace=None):
        return self.kept[namespace or self.namespace, event].qsize()

    def connected(self):
        self.next("connect")
        return self


def connect():
    client = Client("/").connected()
    equal(client.socket.transport(), "polling" if TRANSPORT == "polling" else "websocket")


def auth():
    client = Client("/custom", auth={"tag": "ada"})
    equal(client.next("auth"), [{"tag": "ada"}])


def namespaces():
    client = Client("/", "/custom").connected()
    client.next("connect", namespace="/custom")
    client.emit("message", "in /custom", namespace="/custom")
    client.emit("message", "in /")
    equal(client.next("message-back"), ["in /"])
    equal(client.next("message-back", namespace="/custom"), ["in /custom"])
    client.emit("leave-namespace", namespace="/custom")
    echo(client, "still here")
    equal(client.waiting("message-back", namespace="/custom"), 0)


def refusal():
    equal(message(Client("/refused").next("connect_error")), "not authorized")
    equal(message(Client("/nowhere").next("connect_error")), "Invalid namespace")


def events():
    client = Client("/").connected()
    echo(client, *WORDS, {"nested": WORDS})
    read_by_another(client, WORDS[2])


def binary():
    client = Client("/").connected()
    echo(client, EVERY_BYTE)
    echo(client, {"name": "é.bin", "parts": [EVERY_BYTE, b"\0"]}, "多云", b"\xff")
    read_by_another(client, EVERY_BYTE)


def acks():
    client = Client("/").connected()
    equal(client.ask("message-with-ack", 1, "多云", {"three": [None]}), [1, "多云", {"three": [None]}])
    equal(client.ask("message-with-ack", EVERY_BYTE), [EVERY_BYTE])
    equal(client.ask("message-with-ack"), [])


def asks():
    client = Client("/").connected()
    client.socket.on("answer-me", lambda *arguments: ("the answer to", *arguments))
    client.emit("emit-with-ack", "多云", EVERY_BYTE)
    equal(client.next("answered"), ["the answer to", "多云", EVERY_BYTE])


def rooms():
    room = str(uuid.uuid4())
    inside, outside = Client("/").connected(), Client("/").connected()
    inside.emit("join", room)
    echo(inside, "has joined")
    outside.emit("to-room", room, "for members", EVERY_BYTE)
    equal(inside.next("news"), ["for members", EVERY_BYTE])
    echo(outside, "a fence")
    equal(outside.waiting("news"), 0)


def leaving():
    """What the server sees."""
    # The session is ended by one thread, perhaps before another has written that the client leaves. A
    # WebSocket's end tells the server; of a lost poll it learns by silence, so that others leave, too.
    attempts = 5 if TRANSPORT == "polling" else 1
    abrupt = [] if TRANSPORT == "polling" else ["transport close"]
    for attempt in range(1, attempts + 1):
        tag = str(uuid.uuid4())
        Client("/custom", auth={"tag": tag}).connected().socket.disconnect()
        try:
            journal_has(tag, "client namespace disconnect", *abrupt, patience=DEADLINE_SECONDS / attempts)
            break
        except AssertionError:
            if attempt == attempts:
                raise

    tag = str(uuid.uuid4())
    Client("/custom", auth={"tag": tag}).connected().emit("leave-namespace")
    journal_has(tag, "server namespace disconnect")


def reasons():
    """What the client sees."""
    leaves = Client("/").connected()
    leaves.socket.disconnect()
    equal(leaves.next("disconnect"), ["client disconnect"])

    thrown_out = Client("/").connected()
    thrown_out.emit("leave-namespace")
    equal(thrown_out.next("disconnect"), ["server disconnect"])

    lost = Client("/").connected()
    line("cut")
    equal(lost.next("disconnect"), ["transport error"])
    line("mend")


def reconnect():
    client = Client("/", reconnection=True, reconnection_delay=0.05).connected()
    echo(client, "before")
    line("cut")
    client.next("disconnect")
    line("mend")
    client.connected()
    echo(client, "after")


def echo(client, *arguments):
    client.emit("message", *arguments)
    equal(client.next("message-back"), list(arguments))


def read_by_another(client, content):
    """An echo cannot tell that both ways garble alike; a socket on WebSocket, whose text is exact, can."""
    room = str(uuid.uuid4())
    other = Client("/", transports=["websocket"]).connected()
    other.emit("join", room)
    echo(other, "has joined")
    client.emit("to-room", room, content)
    equal(other.next("news"), [content])


def journal_has(tag, *reasons, patience=DEADLINE_SECONDS):
    """Leaving is no answer to anything, so the journal is asked again until it tells."""
    reader = Client("/").connected()
    deadline = time.monotonic() + patience
    entries = []
    while len(entries) < 2 and time.monotonic() < deadline:
        reader.emit("journal", tag)
        [entries] = reader.next("journal")
    equal(entries, [["/custom", "connect"], ["/custom", entries[-1][1]]])
    assert entries[-1][1] in reasons, f"expected one of {reasons}, got {entries[-1][1]}"


def message(arguments):
    """Clients of protocol 4 are told a text, later ones get an object."""
    error = arguments[0]
    return error["message"] if isinstance(error, dict) else error


def line(action):
    equal(requests.post(f"{SERVER}/{action}", timeout=DEADLINE_SECONDS).status_code, 204)


def wait(kept, name):
    try:
        return kept.get(timeout=DEADLINE_SECONDS)
    except queue.Empty:
        raise AssertionError(f"no {name} within {DEADLINE_SECONDS} s") from None


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r:.200}, got {actual!r:.200}")


def outcome(step):
    try:
        step()
        return {"ok": True}
    except Exception as error:  # whatever goes wrong is the outcome
        return {"ok": False, "reason": f"{type(error).__name__}: {error}"}
    finally:
        while opened:
            opened.pop().disconnect()


STEPS = (connect, auth, namespaces, refusal, events, binary, acks, asks, rooms, leaving, reasons, reconnect)
for step in STEPS:
    if step.__name__ in CHOSEN:
        print(json.dumps({"scenario": step.__name__, **outcome(step)}), flush=True)
