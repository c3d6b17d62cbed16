"""topicd's guide with the python-socketio of the running environment.

    python topicd.py CLIENT_FOLDER SERVER_URL polling|websocket|upgrade SCENARIO...

Its scenarios are those of README.md; it prints one JSON object for each. The same lines run with 4 and 5.
"""

import json
import queue
import re
import sys

import requests
import socketio

_, SERVER, TRANSPORT, *CHOSEN = sys.argv[1:]
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}[TRANSPORT]
DEADLINE_SECONDS = 15
TOKENS = requests.get(f"{SERVER}/dev.json", timeout=DEADLINE_SECONDS).json()
# The demo has a sensor that writes temperature and humidity; the scenarios keep to other keys.
PRESSURE = "/me/resources/pressure"
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Client:
    """A socket whose events are kept until they are asked for."""

    def __init__(self):
        self.socket = socketio.Client(reconnection=False)
        self.kept = {}
        for event in ("connect", "authenticate", "subscribe", "unsubscribe"):
            self.listen(event)
        self.socket.connect(SERVER, transports=TRANSPORTS, namespaces=["/v2"])
        self.next("connect")

    def listen(self, event):
        if event not in self.kept:
            kept = self.kept[event] = queue.Queue()
            self.socket.on(event, lambda *arguments: kept.put(arguments), namespace="/v2")

    def emit(self, event, argument):
        self.socket.emit(event, argument, namespace="/v2")

    def next(self, event):
        try:
            arguments = self.kept[event].get(timeout=DEADLINE_SECONDS)
        except queue.Empty:
            raise AssertionError(f"no {event} within {DEADLINE_SECONDS} s") from None
        return arguments[0] if arguments else None

    def authenticate(self):
        self.emit("authenticate", {"sessionToken": TOKENS["sessionToken"]})
        equal(self.next("authenticate"), {"status": "success"})

    def exchange(self, topic, key, value):
        """Subscribes, writes one value over REST and gets it on the event named as the topic."""
        self.listen(topic)
        self.emit("subscribe", {"resource": topic})
        answer = {"status": "success", "message": "subscribed", "resource": topic}
        equal(self.next("subscribe"), answer)
        write(key, value)
        elements = self.next(topic)
        equal([(element["key"], element["value"]) for element in elements], [(key, value)])
        assert DATETIME.fullmatch(elements[0]["datetime"]), elements[0]["datetime"]


def golden(client):
    equal(client.socket.transport(), "polling" if TRANSPORT == "polling" else "websocket")
    client.authenticate()
    client.exchange(PRESSURE, "pressure", "1013")
    client.emit("unsubscribe", {"resource": PRESSURE})
    answer = {"status": "success", "message": "unsubscribed", "resource": PRESSURE}
    equal(client.next("unsubscribe"), answer)
    # What is written now must not arrive; the value of another topic, written later, shows that it would have.
    write("pressure", "1014")
    client.exchange("/me/resources/fence", "fence", "1")
    equal(client.kept[PRESSURE].qsize(), 0)
    client.socket.disconnect()  # version 4 tells its own handlers nothing about it
    equal(client.socket.connected, False)


def non_ascii(client):
    client.authenticate()
    client.exchange("/me/resources/sky", "sky", "20,5 °C – 多云 😀")


def wrong_token(client):
    client.emit("authenticate", {"sessionToken": "x" * 43})
    answer = {"status": "error", "code": 401, "message": "Invalid session token"}
    equal(client.next("authenticate"), answer)
    equal(client.socket.connected, True)


def subscribe_before_authenticate(client):
    client.emit("subscribe", {"resource": PRESSURE})
    answer = client.next("subscribe")
    facts = [answer.get(name) for name in ("status", "code", "resource")]
    equal(facts, ["error", 401, PRESSURE])


def write(key, value):
    body = {"values": [{"key": key, "value": value}]}
    url = f"{SERVER}/v2/things/{TOKENS['thingToken']}"
    equal(requests.post(url, json=body, timeout=DEADLINE_SECONDS).status_code, 201)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def outcome(scenario):
    client = None
    try:
        client = Client()
        scenario(client)
        return {"ok": True}
    except Exception as error:  # whatever goes wrong is the outcome
        return {"ok": False, "reason": f"{type(error).__name__}: {error}"}
    finally:
        if client:
            client.socket.disconnect()


for scenario in (golden, non_ascii, wrong_token, subscribe_before_authenticate):
    name = scenario.__name__.replace("_", "-")
    if name in CHOSEN:
        print(json.dumps({"scenario": name, **outcome(scenario)}), flush=True)
