// A client that may not know the authority of the run: one attempt to connect, and what came of it.
//
//   node stranger.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade
//
// A script of its own, for node settles whom it trusts when it starts. It prints one JSON object:
// `{"connected"}`, with the code of the request's error if there was one.

import { subscribe } from "node:diagnostics_channel";

import { DEADLINE_MS, TRANSPORTS, load } from "./client.mjs";

const [folder, server, transport] = process.argv.slice(2);
const { io } = load(folder);

// Clients keep to themselves why a poll has failed.
let code;
subscribe("http.client.request.error", ({ error }) => (code ??= error.code));

const tell = (connected) => {
  console.log(JSON.stringify({ connected, code }));
  process.exit(0);
};
const socket = io(`${server}/v2`, { transports: TRANSPORTS[transport], forceNew: true, reconnection: false });
socket.on("connect", () => tell(true));
socket.on("connect_error", () => tell(false));
setTimeout(() => tell(false), DEADLINE_MS);
