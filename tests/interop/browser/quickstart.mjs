// Does what README.md and docs/topicd.md tell a newcomer to do, word for word, in a clean clone.
//
//   CHROMIUM=/usr/bin/chromium node quickstart.mjs CLONE
//
// The blocks whose language is followed by `quickstart` go into one bash, those with `quickstart=FILE` into
// that file. Only ports are replaced, by free ones. Prints one JSON object per scenario, as ../scenario.mjs
// does, and on standard error what the shells say.

import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

import { launch } from "./chromium.mjs";
import { BUILD_MS, openShell, reached } from "./shell.mjs";

const [clone] = process.argv.slice(2);
const DEADLINE_MS = 30_000;
const SUBSCRIBED = /^subscribed$/m;

const browser = await launch();
await scenario("readme", tryReadme);
await scenario("guide", tryGuide);
await browser.close();

// `dev` as the README starts it, and then what it prints to be pasted.
async function tryReadme(page, shell) {
  const [start, ...others] = blocks("README.md");
  if (others.length) throw new Error("README.md has a block that nobody has tried");
  const port = await freePort();
  await shell.run(`export TOPICD_LISTEN=127.0.0.1:${port}`);
  shell.type(start.text);
  const [, greeting] = await shell.said(/^(topicd dev[^]*Ctrl-C stops it\.\n)/m, BUILD_MS);

  await page.goto(greeting.match(/http:\/\/\S+\/$/m)[0]);
  await page.getByText("Live · WebSocket · Engine.IO 4", { exact: true }).waitFor();
  await card(page, "humidity").locator(".value").getByText(/\d/).waitFor();

  const pasted = openShell(clone);
  try {
    const node = greeting.match(/^Subscribe, in Node.*\n\n([^]*?)\n\nCtrl-C/m)[1];
    const reported = node.replace(/$/, `\nsocket.on("subscribe", ({ message }) => console.log(message));`);
    writeFileSync(`${clone}/pasted.js`, reported);
    await pasted.run("node pasted.js &");
    await pasted.said(SUBSCRIBED);
    await pasted.run(greeting.match(/^ *curl [^]*?\n\n/m)[0]);
    await pasted.said(/key: 'temperature',\s+value: '30\.5'/);
  } finally {
    pasted.end();
  }
}

// The guide's blocks in their order; after some of them a reader looks at something.
async function tryGuide(page, shell) {
  const ports = { 3000: await freePort(), 8000: await freePort() };
  const own = (text) => text.replaceAll(/\b(3000|8000)\b/g, (port) => ports[port]);
  const looked = [];
  const look = {
    "topicd serve": () => shell.said(/^topicd serves http:/m),
    "/v2/me/things": async () => {
      await shell.said(/"message":"linked"/);
      await signIn(page, `http://127.0.0.1:${ports[3000]}/`);
    },
    "http.server": async () => {
      await reached(ports[8000]);
      await shell.run('echo "$SESSION_TOKEN"');
      const [token] = await shell.said(/^[\w-]{43}$/m);
      looked.push(await openLivePage(`http://127.0.0.1:${ports[8000]}/live.html`, token));
    },
    "node live.js": () => shell.said(SUBSCRIBED),
    "python3 live.py": () => shell.said(SUBSCRIBED),
    "curl -sN": () => shell.said(/\{"status":"success","message":"subscribed"\}/),
    "-X POST": () => seen(page, shell, looked[0], "30.5"),
    "/dev/tcp": async () => {
      await shell.said(/HTTP\/1\.1 201 Created/);
      await seen(page, shell, looked[0], "31.5");
    },
    // Through when everything has ended.
    "kill": () => shell.run("wait"),
  };
  const left = new Set(Object.keys(look));
  for (const { file, text } of blocks("docs/topicd.md")) {
    if (file) {
      writeFileSync(`${clone}/${file}`, own(text));
      continue;
    }
    await shell.run(own(text));
    const mark = [...left].find((mark) => text.includes(mark));
    left.delete(mark);
    await look[mark]?.();
  }
  if (left.size) throw new Error(`docs/topicd.md has no block with ${[...left].join(", ")}`);
}

// Everybody who listens has the value, each in the form that they print it in.
async function seen(page, shell, livePage, value) {
  const quoted = value.replace(".", "\\.");
  await shell.said(new RegExp(`key: 'temperature',\\s+value: '${quoted}'`));
  await shell.said(new RegExp(`\\{'key': 'temperature', 'value': '${quoted}'`));
  await shell.said(new RegExp(`\\[\\{"key":"temperature","value":"${quoted}"`));
  await livePage.getByText(value, { exact: true }).waitFor();
  await card(page, "temperature").locator(".value").getByText(value, { exact: true }).waitFor();
}

async function signIn(page, url) {
  await page.goto(url);
  await page.getByRole("textbox", { name: "E-mail" }).fill("ada@example.com");
  await page.getByRole("textbox", { name: "Password" }).fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Live · WebSocket · Engine.IO 4", { exact: true }).waitFor();
  await page.getByText("No value yet.").waitFor();
}

async function openLivePage(url, token) {
  const page = await browser.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  page.on("dialog", (dialog) => dialog.accept(token));
  await page.goto(url);
  await page.getByText("subscribed", { exact: true }).waitFor();
  return page;
}

// ---- what they are made of

async function scenario(name, run) {
  const page = await browser.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  const shell = openShell(clone);
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const outcome = { scenario: name, ok: true };
  try {
    await run(page, shell);
    // A page whose server has been stopped says so.
    const others = errors.filter((error) => !/ERR_CONNECTION|WebSocket connection/.test(error));
    if (others.length) throw new Error(`the page reports: ${others.join("; ")}`);
  } catch (error) {
    Object.assign(outcome, { ok: false, reason: error.message });
  } finally {
    shell.end();
    await page.close();
  }
  // What the shells have said may not have ended its line.
  console.log(`\n${JSON.stringify(outcome)}`);
}

// The marked blocks of a document.
function blocks(document) {
  const text = readFileSync(`${clone}/${document}`, "utf8");
  const found = [...text.matchAll(/^```\w+ quickstart(?:=(\S+))?\n([^]*?)^```$/gm)];
  if (!found.length) throw new Error(`${document} has no quick start`);
  return found.map(([, file, text]) => ({ file, text }));
}

function card(page, key) {
  return page.locator("article").filter({ has: page.getByRole("heading", { name: key, exact: true }) });
}

function freePort() {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
