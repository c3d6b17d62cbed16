// Live values over Socket.IO 5: signs in, subscribes, and comes back after every loss where it left off.
// WebSocket, else polling; `?transport=polling` asks for polling alone.

import { connect, REVISION } from "./engine.js";

const STORED = 100; // values of each thing that come before the first live one
const LONGEST_PAUSE_MS = 10_000;
const PATIENCE = 5; // attempts by WebSocket, where it has worked, until polling is tried
const forced = new URLSearchParams(location.search).get("transport");
const names = { websocket: "WebSocket", polling: "Polling" };

// handlers: state(name, detail), late(isLate), values(topic, elements), gap(topic), expired().
// States are "waiting", "live" and "failed".
export function openLive(token, handlers) {
  const topics = new Map(); // what has arrived of each: its greatest `seq`, and the epoch that belongs to it
  const unanswered = new Set();
  let transport = forced === "polling" ? "polling" : "websocket";
  let attempts = 0;
  let hasWorked = false; // WebSocket: then it is the server that is away
  let socket = null;
  let isSignedIn = false;
  let retry = null;

  const emit = (...event) => socket.send(`2/v2,${JSON.stringify(event)}`);
  const showLive = () => {
    if (isSignedIn && !unanswered.size) handlers.state("live", `${names[transport]} · Engine.IO ${REVISION}`);
  };
  const ask = (topic) => {
    const { seq, epoch } = topics.get(topic);
    unanswered.add(topic);
    emit("subscribe", { resource: topic, ...(seq === undefined ? { last: STORED } : { since: seq, epoch }) });
  };

  const events = {
    authenticate({ status }) {
      if (status !== "success") return handlers.expired();
      isSignedIn = true;
      [...topics.keys()].forEach(ask);
      showLive();
    },
    subscribe({ status, message, resource, epoch, recovered, retryAfter }) {
      const known = topics.get(resource);
      if (!known) return;
      if (retryAfter) return void setTimeout(() => isSignedIn && topics.has(resource) && ask(resource), retryAfter * 1000);
      if (status !== "success") return handlers.state("failed", message);
      if (known.seq !== undefined && !recovered) handlers.gap(resource);
      known.seq = known.epoch === epoch ? known.seq : undefined; // numbers of another history mean nothing here
      known.epoch = epoch;
      unanswered.delete(resource);
      showLive();
    },
  };

  const receive = (packet) => {
    if (packet.startsWith("0/v2,")) {
      attempts = 0;
      return emit("authenticate", { sessionToken: token });
    }
    if (!packet.startsWith("2/v2,")) return handlers.state("failed", "Refused by the server");
    const [event, argument] = JSON.parse(packet.slice(5));
    if (events[event]) return events[event](argument);
    const known = topics.get(event);
    if (!known) return;
    known.seq = argument.reduce((seq, element) => Math.max(seq, element.seq), known.seq ?? 0);
    handlers.values(event, argument);
  };

  const start = () => {
    clearTimeout(retry);
    retry = null;
    let joined = false;
    socket = connect(transport, {
      open: () => socket.send("0/v2,"),
      message(data) {
        joined = true;
        receive(data);
      },
      late: handlers.late,
      lost() {
        isSignedIn = false;
        unanswered.clear();
        hasWorked ||= joined && transport === "websocket";
        const isBlocked = !joined && transport === "websocket" && (!hasWorked || attempts >= PATIENCE);
        if (!forced) transport = isBlocked ? "polling" : "websocket";
        const pause = Math.min(500 * 2 ** attempts++, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
        handlers.state("waiting", "Connection lost, reconnecting");
        retry = setTimeout(start, pause);
      },
    });
  };
  const startAtOnce = () => retry && start(); // the network is back: no need to wait

  addEventListener("online", startAtOnce);
  handlers.state("waiting", "Connecting");
  start();
  return {
    subscribe(topic) {
      if (topics.has(topic)) return;
      topics.set(topic, {});
      if (isSignedIn) ask(topic);
    },
    close() {
      removeEventListener("online", startAtOnce);
      clearTimeout(retry);
      socket.close();
    },
  };
}
