// Runs the scenarios of ../README.md with the browser bundle of one Socket.IO client, in Chromium.
//
//   CHROMIUM=/usr/bin/chromium node bundle.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade SCENARIO…
//
// The server is the Socket.IO fixture of siospec. Prints one JSON object per scenario, as ../scenario.mjs does.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch } from "./chromium.mjs";

const [folder, server, transport, ...names] = process.argv.slice(2);
const DEADLINE_MS = 20_000;
// The client that tells what others see of the tested one.
const WITNESS = "socket.io-client-4.8.4";

// Each runs within the page, twice if the transport changes on the way. What is not ASCII is in one of
// them only: clients 1.0 cannot have it on a WebSocket, and an answer may come there to what was sent
// before the upgrade.
const scenarios = {
  text: async (peer) => {
    for (const text of ["hello", "", "\u001e", "x".repeat(100_000)]) await peer.echo([text]);
  },
  "non-ascii": async (peer) => {
    for (const text of ["é", "20,5 °C – 多云", "😀", "\u{10ffff}\u2028\uffff"]) {
      await peer.echo([text]);
      await peer.seenByWitness(text);
    }
    await peer.acknowledge(["é€😀"]);
    await peer.echo(["😀", { nested: [Uint8Array.of(0xc3, 0xa9).buffer, "é"] }]);
  },
  binary: async (peer) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await peer.echo([bytes.buffer]);
    await peer.echo(["second", { nested: [bytes.buffer, "e"] }, new Uint8Array(100_000).fill(0x80).buffer]);
  },
  ack: async (peer) => {
    await peer.acknowledge(["plain", { a: [1, null] }]);
    await peer.acknowledge(["second"]);
  },
};

const browser = await launch();
for (const scenario of names) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors = [];
  const answers = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("response", (response) => answers.push(response.headers()["content-type"]));
  const outcome = { client: folder, transport, scenario, ok: true };
  try {
    await open(page);
    await page.evaluate(`within(${DEADLINE_MS}, withTransport("${transport}", ${scenarios[scenario]}))`);
    if (errors.length) throw new Error("the page reports an error");
    if (framingIsDue(scenario) && !answers.includes("application/octet-stream")) {
      throw new Error("no poll was answered in binary framing");
    }
  } catch (error) {
    Object.assign(outcome, { ok: false, reason: [error.message.split("\n")[0], ...errors].join("; ") });
  }
  await context.close();
  console.log(JSON.stringify(outcome));
}
await browser.close();

// Puts the bundle into a page of the server's own origin, as a site of that time did. What the server
// says there does not matter; a page made up by playwright would have no address, and from such a one
// Chromium opens no WebSocket to the loopback.
async function open(page) {
  await page.goto(`${server}/socket.io/`);
  await page.addScriptTag({ path: bundle(WITNESS) });
  await page.evaluate("globalThis.witness = io");
  await page.addScriptTag({ path: bundle(folder) });
  await page.addScriptTag({ path: fileURLToPath(new URL("peer.js", import.meta.url)) });
}

// Newer packages have it in dist.
function bundle(client) {
  const home = new URL(`../${client}/node_modules/socket.io-client/`, import.meta.url);
  const paths = ["dist/socket.io.js", "socket.io.js"].map((path) => fileURLToPath(new URL(path, home)));
  return paths.find((path) => existsSync(path));
}

// Bundles of revision 3 have binary XHR; what is not ASCII comes to them in bytes.
function framingIsDue(scenario) {
  const major = Number(folder.match(/-(\d+)\./)[1]);
  return major < 3 && transport === "polling" && ["binary", "non-ascii"].includes(scenario);
}
