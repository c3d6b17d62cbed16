// One card for each resource of a thing: its last value, the age of that, and a chart of the window.

const KEPT_POINTS = 2_000; // of one card
const [WIDTH, HEIGHT] = [300, 100];

// `span` is { ms, name }: how far back the chart goes.
export function openCard(template, key, span) {
  const article = template.content.firstElementChild.cloneNode(true);
  const part = (name) => article.querySelector(`.${name}`);
  const known = new Map(); // values come from history and live, some of them twice
  let points = [];
  let isComplete = true;
  article.querySelector("h3").textContent = key;

  function take(values) {
    for (const { value, datetime } of values) {
      known.set(`${datetime} ${JSON.stringify(value)}`, { at: Date.parse(datetime), value, y: number(value) });
    }
    const all = [...known].sort(([, a], [, b]) => a.at - b.at);
    // The newest one of those that are too old is where the curve comes from.
    const entry = all.findLastIndex(([, { at }]) => at <= Date.now() - span.ms);
    const first = Math.max(entry, all.length - KEPT_POINTS, 0);
    all.slice(0, first).forEach(([identity]) => known.delete(identity));
    points = all.slice(first).map(([, point]) => point);
    showLast();
    draw(Date.now());
  }

  function showLast() {
    const last = points.at(-1)?.value;
    const text = typeof last === "object" ? JSON.stringify(last) : String(last ?? "");
    part("value").classList.toggle("long", text.length > 14);
    if (part("value").textContent === text) return;
    part("value").textContent = text;
    article.classList.remove("fresh");
    requestAnimationFrame(() => article.classList.add("fresh"));
  }

  function draw(now) {
    if (!points.length) return;
    part("age").textContent = age(now - points.at(-1).at);
    const numbers = points.filter(({ y }) => Number.isFinite(y));
    const seen = numbers.slice(Math.max(numbers.findLastIndex(({ at }) => at <= now - span.ms), 0));
    if (!seen.length) return;
    const low = seen.reduce((low, { y }) => Math.min(low, y), Infinity);
    const high = seen.reduce((high, { y }) => Math.max(high, y), -Infinity);
    const x = ({ at }) => (WIDTH * (1 - (now - at) / span.ms)).toFixed(2);
    const y = (point) => (high === low ? 50 : 88 - (76 * (point.y - low)) / (high - low)).toFixed(2);
    const line = seen.map((point) => `${x(point)} ${y(point)}`).join("L") + `L${WIDTH} ${y(seen.at(-1))}`;
    part("curve").setAttribute("d", `M${line}`);
    part("area").setAttribute("d", `M${x(seen[0])} ${HEIGHT}L${line}V${HEIGHT}Z`);
    part("range").textContent = low === high ? `${low}` : `${low} – ${high}`;
  }

  function label() {
    const text = `last ${span.name}${isComplete ? "" : ", sampled"}`;
    part("window").textContent = text;
    part("window").title = isComplete ? "" : "The newest 100 values of each tenth of the window";
    article.querySelector("svg").setAttribute("aria-label", `${key}, ${text}`);
  }

  label();
  return {
    article,
    key,
    take,
    draw,
    // What was read for the window, from which on `take` goes on.
    takeHistory(history) {
      isComplete = history.isComplete;
      label();
      take(history.values);
    },
    setSpan(other) {
      span = other;
      isComplete = true;
      label();
      draw(Date.now());
    },
  };
}

// Devices send numbers as text, too.
export function number(value) {
  return typeof value === "number" || (typeof value === "string" && value.trim()) ? Number(value) : NaN;
}

function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return seconds < 1 ? "now" : `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}
