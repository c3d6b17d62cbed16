// Engine.IO 4, as little of it as the console needs. Carriers move packets; `connect` knows their types
// and when the server has been silent for too long. What a message means is not its business.

const LATE_MS = 3_000; // by which a heartbeat may be overdue before people are told
const HANDSHAKE_MS = 10_000;

export const REVISION = 4;

// handlers: open(), message(data), late(isLate), lost(). After `lost` comes nothing more.
export function connect(transport, handlers) {
  const url = new URL(`/socket.io/?EIO=${REVISION}&transport=${transport}`, location.href);
  let carrier = null;
  let patience = { interval: HANDSHAKE_MS, timeout: 0 }; // until the handshake; then what the server promises
  let watchdogs = [];
  const isOver = () => watchdogs === null;
  const lost = () => {
    if (isOver()) return;
    watchdogs.forEach(clearTimeout);
    watchdogs = null;
    carrier?.close();
    handlers.lost();
  };
  const watch = () => {
    watchdogs.forEach(clearTimeout);
    const { interval, timeout } = patience;
    watchdogs = [setTimeout(lost, interval + timeout), setTimeout(() => handlers.late(true), interval + LATE_MS)];
  };
  const receive = (packet) => {
    if (isOver()) return;
    const [type, data] = [packet[0], packet.slice(1)];
    if (type === "1") return lost();
    if (type === "0") {
      const { pingInterval, pingTimeout } = JSON.parse(data);
      patience = { interval: pingInterval, timeout: pingTimeout };
    }
    watch();
    handlers.late(false);
    if (type === "0") handlers.open();
    else if (type === "2") carrier.send(`3${data}`);
    else if (type === "4") handlers.message(data);
  };
  watch();
  carrier = (transport === "websocket" ? webSocketCarrier : pollingCarrier)(url, receive, lost);
  return {
    send: (data) => isOver() || carrier.send(`4${data}`),
    close() {
      handlers = { ...handlers, lost() {} };
      lost();
    },
  };
}

function webSocketCarrier(url, receive, lost) {
  const socket = new WebSocket(url.href.replace(/^http/, "ws"));
  socket.onmessage = ({ data }) => receive(data);
  socket.onclose = lost;
  return { send: (packet) => socket.send(packet), close: () => socket.close() };
}

function pollingCarrier(url, receive, lost) {
  const abort = new AbortController();
  let posting = Promise.resolve(); // one POST at a time, else the server ends the session
  const request = async (options) => {
    const answer = await fetch(url, { ...options, signal: abort.signal });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return answer.text();
  };
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
