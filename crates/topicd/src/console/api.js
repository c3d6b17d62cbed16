// The REST calls of the console. Errors carry the server's own message, and its status.

const PAGE = 100; // most values of one answer
const SLICES = 10; // of a window that has more
const PATIENCE_MS = 15_000;

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// An API for one session; without a token, the calls that need none.
export function openApi(token) {
  const call = async (method, path, body) => {
    const headers = token ? { authorization: token } : {};
    if (body) headers["content-type"] = "application/json";
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(`/v2/${path}`, { method, headers, body: body && JSON.stringify(body), signal });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text);
    throw new Refusal(answer.status, messageIn(text) ?? `HTTP ${answer.status}`);
  };
  return {
    login: (credentials) => call("POST", "login", credentials),
    logout: () => call("POST", "logout"),
    things: () => call("GET", "me/things"),
    resources: () => call("GET", "me/resources"),
    write: (thing, key, value) => call("POST", `me/resources/${key}/${thing}`, { values: [{ value }] }),
    activate: (activationCode) => call("POST", "things", { activationCode }),
    link: (thingToken) => call("POST", "me/things", { thingToken }),
    history: (thing, key, begin, end) => history(call, `me/resources/${key}/${thing}`, begin, end),
  };
}

// The values of a window. One that has more than an answer holds is read in slices, the newest values of
// each, so that the whole window is seen; then it may not be complete.
async function history(call, path, begin, end) {
  const read = (from, to) => {
    const [startDate, endDate] = [from, to].map((at) => new Date(at).toISOString());
    return call("GET", `${path}?${new URLSearchParams({ limit: PAGE, startDate, endDate })}`);
  };
  const newest = await read(begin, end);
  if (newest.length < PAGE) return { values: newest, isComplete: true };
  const values = [];
  let isComplete = true;
  const width = (end - begin) / SLICES;
  for (let slice = 0; slice < SLICES; slice++) {
    const part = await read(begin + slice * width, begin + (slice + 1) * width);
    isComplete &&= part.length < PAGE;
    values.push(...part);
  }
  return { values, isComplete };
}

function messageIn(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return undefined;
  }
}
