// The live page of `topicd dev`. Speaks Engine.IO 4 and Socket.IO 5 by itself, through the same door as
// every other client: WebSocket, else polling; `?transport=polling` asks for polling alone.
"use strict";

const SPAN_MS = 60_000; // of a chart
const KEPT_POINTS = 600; // of one resource
const forced = new URLSearchParams(location.search).get("transport");
const must = async (request) => {
  const answer = await request;
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer;
};
const $ = (id) => document.getElementById(id);

// ---- Engine.IO: carriers move packets, `connect` knows their types

function webSocketCarrier(url, receive, lost) {
  const socket = new WebSocket(url.href.replace(/^http/, "ws"));
  socket.onmessage = ({ data }) => receive(data);
  socket.onclose = lost;
  return { send: (packet) => socket.send(packet), close: () => socket.close() };
}

function pollingCarrier(url, receive, lost) {
  const abort = new AbortController();
  let posting = Promise.resolve(); // one POST at a time, else the server ends the session
  const request = async (options) => (await must(fetch(url, { ...options, signal: abort.signal }))).text();
  const poll = async () => {
    while (!abort.signal.aborted) {
      for (const packet of (await request({})).split("\x1e")) {
        if (packet[0] === "0") url.searchParams.set("sid", JSON.parse(packet.slice(1)).sid);
        receive(packet);
      }
    }
  };
  poll().catch(lost);
  return {
    send: (packet) => (posting = posting.then(() => request({ method: "POST", body: packet })).catch(lost)),
    close: () => abort.abort(),
  };
}

function connect(transport, handlers) {
  const url = new URL(`/socket.io/?EIO=4&transport=${transport}`, location.href);
  let patience = 10_000; // until the handshake; then what the server promises
  let watchdog = setTimeout(() => lost(), patience);
  const lost = () => {
    if (!carrier) return;
    clearTimeout(watchdog);
    carrier.close();
    carrier = null;
    handlers.lost();
  };
  const receive = (packet) => {
    if (!carrier) return;
    const data = packet.slice(1);
    if (packet[0] === "0") {
      patience = JSON.parse(data).pingInterval + JSON.parse(data).pingTimeout;
      carrier.send("40/v2,");
    } else if (packet[0] === "2") carrier.send(`3${data}`);
    else if (packet[0] === "4") handlers.message(data);
    else if (packet[0] === "1") return lost();
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, patience);
  };
  let carrier = (transport === "websocket" ? webSocketCarrier : pollingCarrier)(url, receive, lost);
  return { emit: (...event) => carrier?.send(`42/v2,${JSON.stringify(event)}`) };
}

// ---- Socket.IO: sign in, subscribe, again after every loss

let transport = forced === "polling" ? "polling" : "websocket";
let attempts = 0;

function join(tokens) {
  const topic = `/things/${tokens.thingToken}`;
  let joined = false;
  const name = transport === "websocket" ? "WebSocket" : "Polling";
  const orRefused = (next) => ({ status, message }) => (status === "success" ? next() : show("failed", message));
  const events = {
    authenticate: orRefused(() => socket.emit("subscribe", { resource: topic, last: 100 })),
    subscribe: orRefused(() => show("live", `Live · ${name}`)),
    [topic]: (elements) => elements.forEach(take),
  };
  const socket = connect(transport, {
    message(packet) {
      if (packet.startsWith("0/v2,")) {
        joined = true;
        attempts = 0;
        socket.emit("authenticate", { sessionToken: tokens.sessionToken });
      } else if (packet.startsWith("2/v2,")) {
        const [event, argument] = JSON.parse(packet.slice(5));
        events[event]?.(argument);
      } else show("failed", "Refused by the server");
    },
    lost() {
      show("waiting", "Reconnecting");
      if (!forced) transport = joined || transport === "polling" ? "websocket" : "polling";
      setTimeout(start, Math.min(500 * 2 ** attempts++, 10_000) * (0.5 + Math.random() / 2));
    },
  });
}

async function start() {
  try {
    const tokens = await (await must(fetch("/dev.json"))).json(); // others if the server is a new one
    offerWriting(`${location.origin}/v2/things/${tokens.thingToken}`);
    join(tokens);
  } catch {
    show("waiting", "Server not reachable");
    setTimeout(start, 2000);
  }
}

function show(state, text) {
  $("state").dataset.state = state;
  $("state-text").textContent = text;
}

// ---- resources: one card each, with the last value, its age and a chart of the last minute

const cards = new Map();

function take({ key, value, datetime }) {
  const card = cards.get(key) ?? addCard(key);
  const point = { at: Date.parse(datetime), value };
  const isKnown = ({ at, value: known }) => at === point.at && JSON.stringify(known) === JSON.stringify(value);
  if (card.points.some(isKnown)) return; // stored values come again with every subscription
  card.points.push(point);
  card.points.sort((a, b) => a.at - b.at);
  card.points.splice(0, card.points.length - KEPT_POINTS);
  const last = card.points.at(-1).value;
  card.value.textContent = typeof last === "object" ? JSON.stringify(last) : last;
  card.value.classList.toggle("long", card.value.textContent.length > 14);
  card.article.classList.remove("fresh");
  requestAnimationFrame(() => card.article.classList.add("fresh"));
}

function addCard(key) {
  const article = $("card").content.firstElementChild.cloneNode(true);
  article.querySelector("h2").textContent = key;
  article.querySelector("svg").setAttribute("aria-label", `${key}, last minute`);
  const card = { article, points: [] };
  for (const part of ["value", "age", "range", "area", "curve"]) card[part] = article.querySelector(`.${part}`);
  cards.set(key, card);
  const after = [...cards.keys()].sort().find((other) => other > key);
  $("resources").insertBefore(article, after ? cards.get(after).article : null);
  return card;
}

function draw() {
  const now = Date.now();
  for (const card of cards.values()) {
    card.age.textContent = age(now - card.points.at(-1).at);
    const points = card.points.map(({ at, value }) => ({ at, y: number(value) })).filter(({ y }) => Number.isFinite(y));
    const begin = points.findLastIndex(({ at }) => at <= now - SPAN_MS); // the curve enters from the left
    const seen = points.slice(Math.max(begin, 0));
    if (!seen.length) continue;
    const [low, high] = [Math.min(...seen.map(({ y }) => y)), Math.max(...seen.map(({ y }) => y))];
    const x = (at) => (300 * (1 - (now - at) / SPAN_MS)).toFixed(2);
    const y = (value) => (high === low ? 50 : 88 - (76 * (value - low)) / (high - low)).toFixed(2);
    const line = seen.map((point) => `${x(point.at)} ${y(point.y)}`).join("L") + `L300 ${y(seen.at(-1).y)}`;
    card.curve.setAttribute("d", `M${line}`);
    card.area.setAttribute("d", `M${x(seen[0].at)} 100L${line}V100Z`);
    card.range.textContent = low === high ? `${low}` : `${low} – ${high}`;
  }
}

// Devices send numbers as text, too.
const number = (value) => (typeof value === "number" || (typeof value === "string" && value.trim()) ? Number(value) : NaN);

function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return seconds < 1 ? "now" : `${seconds} s ago`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
}

// ---- writing: the command to copy, and the same as a form

function offerWriting(url) {
  $("curl").textContent = `curl ${url} --json '{"values":[{"key":"temperature","value":21.5}]}'`;
  $("copy").onclick = async () => {
    await navigator.clipboard.writeText($("curl").textContent);
    $("copy").textContent = "Copied";
  };
  $("form").onsubmit = async (event) => {
    event.preventDefault();
    const { key, value } = Object.fromEntries(new FormData($("form")));
    const body = JSON.stringify({ values: [{ key, value: Number.isFinite(number(value)) ? number(value) : value }] });
    const write = must(fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body }));
    $("written").textContent = await write.then(() => "Written", (error) => `Not written: ${error.message}`);
  };
}

(function tick() {
  draw();
  matchMedia("(prefers-reduced-motion: reduce)").matches ? setTimeout(tick, 1000) : requestAnimationFrame(tick);
})();
start();
