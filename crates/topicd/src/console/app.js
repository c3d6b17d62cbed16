// The console: who is signed in, what they see, and what the forms do.

import { openApi } from "./api.js";
import { number, openCard } from "./chart.js";
import { openLive } from "./live.js";

const REFRESH_MS = 4_000; // until a thing or resource that somebody else has made appears
const SLOW_MS = 2_000; // for an answer to the small request of a refresh
const SPANS = { minute: 60_000, "15 minutes": 900_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 };
const KEPT_SESSION = "topicd-session"; // in this tab, for a reload

const $ = (id) => document.getElementById(id);
const cards = new Map(); // `THING/KEY` → card
let session = null; // { token, origin, api, live, isOver }
const state = { name: "waiting", detail: "Connecting", late: new Set() };

// ---- who is signed in

async function start() {
  const kept = sessionStorage.getItem(KEPT_SESSION);
  if (kept) return signIn(JSON.parse(kept));
  const dev = await devTokens();
  if (dev) return signIn({ token: dev.sessionToken, origin: "dev" });
  askWho("");
}

// Of `topicd dev` alone. Others know nothing of this.
async function devTokens() {
  const answer = await fetch("/dev.json").catch(() => null);
  if (answer?.status !== 200) return null;
  const tokens = await answer.json();
  const url = `${location.origin}/v2/things/${tokens.thingToken}`;
  $("curl").textContent = `curl ${url} --json '{"values":[{"key":"temperature","value":21.5}]}'`;
  $("command").hidden = false;
  return tokens;
}

// `origin` is "login" for a session that this page has opened, and may end.
function signIn({ token, origin }) {
  sessionStorage.setItem(KEPT_SESSION, JSON.stringify({ token, origin }));
  const own = { token, origin, api: openApi(token), isOver: false };
  session = own;
  own.live = openLive(token, {
    state(name, detail) {
      const wasLost = state.name !== "live";
      show({ name, detail });
      if (name === "live" && wasLost) refresh(own);
    },
    late: (isLate) => markLate("heartbeat", isLate),
    values: (topic, elements) => takeLive(topic.slice("/me/resources/".length), elements),
    gap: (topic) => readHistories(({ key }) => topic === `/me/resources/${key}`),
    expired: () => expire(own),
  });
  $("sign-in").hidden = true;
  $("signed-in").hidden = false;
  keepFresh(own);
}

function leave(own) {
  own.isOver = true;
  own.live.close();
  session = null;
  sessionStorage.removeItem(KEPT_SESSION);
  cards.clear();
  $("things").replaceChildren();
  $("command").hidden = true;
}

// The session has ended on the server. In `dev` there is another one.
async function expire(own) {
  if (own.isOver) return;
  leave(own);
  const dev = await devTokens();
  if (dev && dev.sessionToken !== own.token) signIn({ token: dev.sessionToken, origin: "dev" });
  else askWho("Your session has ended. Please sign in again.");
}

function askWho(message) {
  show({ name: "out", detail: "Signed out" });
  $("signed-in").hidden = true;
  $("sign-in").hidden = false;
  $("refused").textContent = message;
  $("sign-in").elements.email.focus();
}

// ---- connection state

function show(news) {
  Object.assign(state, news);
  const isSlow = state.name === "live" && state.late.size > 0;
  const name = isSlow ? "slow" : state.name;
  const prefix = { live: "Live · ", slow: "Slow · ", failed: "Failed · " }[name] ?? "";
  document.body.dataset.state = name;
  if ($("state-text").textContent !== prefix + state.detail) $("state-text").textContent = prefix + state.detail;
}

function markLate(what, isLate) {
  if (isLate === state.late.has(what)) return;
  if (isLate) state.late.add(what);
  else state.late.delete(what);
  show({});
}

// ---- things and resources

async function keepFresh(own) {
  while (!own.isOver) {
    if (state.name === "live") await refresh(own);
    await new Promise((done) => setTimeout(done, REFRESH_MS));
  }
}

async function refresh(own) {
  const slow = setTimeout(() => markLate("answer", true), SLOW_MS);
  try {
    const [things, resources] = await Promise.all([own.api.things(), own.api.resources()]);
    if (!own.isOver) list(things.map((thing) => thing._id), resources);
  } catch (error) {
    if (error.status === 401) expire(own);
    // Else the connection's own state tells, and the next refresh tries again.
  } finally {
    clearTimeout(slow);
    markLate("answer", false);
  }
}

function list(things, resources) {
  const wanted = new Set(resources.flatMap(({ name, things }) => things.map((thing) => `${thing}/${name}`)));
  for (const id of [...cards.keys()].filter((id) => !wanted.has(id))) {
    cards.get(id).article.remove();
    cards.delete(id);
  }
  for (const section of [...$("things").children]) if (!things.includes(section.dataset.thing)) section.remove();
  things.forEach(sectionOf);
  for (const id of [...wanted].sort()) if (!cards.has(id)) addCard(...id.split("/"));
  resources.forEach(({ name }) => session.live.subscribe(`/me/resources/${name}`));
  $("empty").hidden = things.length > 0;
  offer($("write").elements.thing, things);
  offer($("keys"), resources.map(({ name }) => name));
}

function sectionOf(thing) {
  const known = [...$("things").children].find((section) => section.dataset.thing === thing);
  if (known) return known;
  const section = $("thing").content.firstElementChild.cloneNode(true);
  section.dataset.thing = thing;
  section.setAttribute("aria-label", `Thing ${thing}`);
  section.querySelector("code").textContent = thing;
  $("things").append(section);
  return section;
}

function addCard(thing, key) {
  const card = openCard($("card"), key, span());
  cards.set(`${thing}/${key}`, Object.assign(card, { thing }));
  const grid = sectionOf(thing).querySelector(".resources");
  const after = [...grid.children].find((other) => other.querySelector("h3").textContent > key);
  grid.insertBefore(card.article, after ?? null);
  readHistory(card);
}

// A value of a card that is not there yet is in the history that will be read for it.
function takeLive(key, elements) {
  for (const thing of new Set(elements.map(({ thingId }) => thingId))) {
    cards.get(`${thing}/${key}`)?.take(elements.filter(({ thingId }) => thingId === thing));
  }
}

async function readHistory(card) {
  const { ms } = span();
  const own = session;
  try {
    const history = await own.api.history(card.thing, card.key, Date.now() - ms, Date.now());
    if (!own.isOver && ms === span().ms) card.takeHistory(history);
  } catch (error) {
    $("notice").textContent = `History of ${card.key} could not be read: ${error.message}`;
  }
}

function readHistories(which) {
  [...cards.values()].filter(which).forEach(readHistory);
}

function span() {
  const name = $("window").value;
  return { name, ms: SPANS[name] };
}

// Options that are the same stay: people may be choosing.
function offer(element, values) {
  if ([...element.children].map(({ value }) => value).join() === values.join()) return;
  const chosen = element.value;
  element.replaceChildren(...values.map((value) => new Option(value, value)));
  if (values.includes(chosen)) element.value = chosen;
}

// ---- forms

// What `act` returns is said beside the button, and so is what it throws.
function onSubmit(form, output, act) {
  form.onsubmit = async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    const said = await act(Object.fromEntries(new FormData(form))).catch((error) => error.message);
    button.disabled = false;
    output.textContent = said;
  };
}

onSubmit($("sign-in"), $("refused"), async (credentials) => {
  const { token } = await openApi(null).login(credentials);
  $("sign-in").reset();
  signIn({ token, origin: "login" });
  $("window").focus();
  return "";
});

onSubmit($("write"), $("written"), async ({ thing, key, value }) => {
  const { api } = session;
  const as = number(value);
  await api.write(thing, key, Number.isFinite(as) ? as : value);
  if (!cards.has(`${thing}/${key}`)) await refresh(session);
  return "Written";
});

onSubmit($("link"), $("linked"), async ({ kind, secret }) => {
  const { api } = session;
  const thing = kind === "code" ? await api.activate(secret) : null;
  await api.link(thing?.thingToken ?? secret);
  $("link").elements.secret.value = "";
  await refresh(session);
  return thing ? `Linked. The token of the new thing, shown this once: ${thing.thingToken}` : "Linked";
});

$("sign-out").onclick = () => {
  const { api, origin } = session;
  leave(session);
  if (origin === "login") api.logout().catch(() => {}); // it ends by itself if the server cannot be told
  askWho("");
};

$("copy").onclick = async () => {
  await navigator.clipboard.writeText($("curl").textContent);
  $("copy").textContent = "Copied";
};

for (const name of Object.keys(SPANS)) $("window").append(new Option(`Last ${name}`, name));
$("window").onchange = () => {
  cards.forEach((card) => card.setSpan(span()));
  readHistories(() => true);
};

(function tick() {
  cards.forEach((card) => card.draw(Date.now()));
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Half a pixel of the curve, or a second of an age.
  setTimeout(() => requestAnimationFrame(tick), isCalm ? 1_000 : Math.min(span().ms / 600, 1_000));
})();
start();
