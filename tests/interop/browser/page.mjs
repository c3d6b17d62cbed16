// Opens the console of `topicd dev` in Chromium, and does there what people do.
//
//   CHROMIUM=/usr/bin/chromium node page.mjs TOPICD FOLDER
//
// TOPICD is the server's program, which is started with an empty data folder in FOLDER; screenshots go
// there, too. Prints one JSON object per scenario, as ../scenario.mjs does.

import { rmSync } from "node:fs";

import { launch } from "./chromium.mjs";
import { command, start } from "./topicd.mjs";

const [topicd, folder] = process.argv.slice(2);
const DEADLINE_MS = 30_000;
const WAITING = /^Connection lost/;
const data = `${folder}/topicd-console`;
rmSync(data, { recursive: true, force: true });
let server = await start(topicd, data, "127.0.0.1:0");
const { thingToken } = await (await fetch(`${server.url}/dev.json`)).json();

const scenarios = {
  async websocket(page) {
    await live(page, "/", "WebSocket");
    await watch(page);
  },
  async polling(page, errors) {
    page.on("websocket", () => errors.push("it has opened a WebSocket"));
    await live(page, "/?transport=polling", "Polling");
    await watch(page);
  },
  async phone(page) {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "dark" });
    await live(page, "/", "WebSocket");
    await watch(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (overflow > 0) throw new Error(`the page is ${overflow} px wider than the screen`);
  },
  history,
  "sign in and link": signInAndLink,
  keyboard,
  slow,
  restart,
};

const browser = await launch();
for (const [scenario, run] of Object.entries(scenarios)) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 720 } });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const outcome = { scenario, ok: true };
  try {
    await run(page, errors);
    if (errors.length) throw new Error(`the page reports: ${errors.join("; ")}`);
  } catch (error) {
    Object.assign(outcome, { ok: false, reason: [error.message, ...errors].join("; ") });
  }
  await page.screenshot({ path: `${folder}/console-${scenario.replaceAll(" ", "-")}.png` });
  await context.close();
  console.log(JSON.stringify(outcome));
}
await browser.close();
await server.stop();

// ---- scenarios

async function watch(page) {
  // Not the resources of the demo's sensor, which may write again before anybody has looked.
  for (const [minute, measured] of [19.5, 20.25, 21, 20.5, 22.75].entries()) {
    await write([
      { key: "level", value: measured },
      { key: "status", value: minute % 2 ? "closed" : "open" },
    ]);
    await value(page, "level", String(measured));
  }
  await value(page, "status", "open");
  await card(page, "temperature").getByText(/^(now|\d+ s ago)$/).waitFor();

  // The curve moves to the left with time, and takes in the next value.
  const before = await curve(page, "temperature").getAttribute("d");
  await curveChanges(page, "temperature", before);

  await page.getByRole("textbox", { name: "Value" }).fill("17.125");
  await page.getByRole("combobox", { name: "Resource" }).fill("level");
  await page.getByRole("button", { name: "Write" }).click();
  await page.getByText("Written", { exact: true }).waitFor();
  await value(page, "level", "17.125");
}

// Values that were written before the page was opened, some of them too old for the first window; then
// one more, live.
async function history(page) {
  const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  const old = Array.from({ length: 250 }, (_, n) => ({ key: "tank", value: n, datetime: ago(50 - n / 5.5) }));
  await write(old.reverse());
  await live(page, "/", "WebSocket");
  await value(page, "tank", "249");
  await page.getByRole("combobox", { name: "Window" }).selectOption("hour");
  await card(page, "tank").getByText("0 – 249", { exact: true }).waitFor();
  await write([{ key: "tank", value: 300 }]);
  await value(page, "tank", "300");
  await card(page, "tank").getByText("0 – 300", { exact: true }).waitFor();
  await card(page, "tank").getByText(/^last hour/).waitFor();
}

async function signInAndLink(page, errors) {
  const account = { email: "ada@example.com", password: "correct horse battery", app: "demo" };
  await post("register", account);
  await write([{ key: "level", value: 8 }]);
  await live(page, "/", "WebSocket");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("Signed out", { exact: true }).waitFor();

  await signIn(page, { ...account, password: "wrong horse battery" });
  await page.getByRole("alert").filter({ hasText: /./ }).waitFor();
  if (!/401/.test(errors.pop() ?? "")) throw new Error("a wrong password is no 401");
  await signIn(page, account);
  await page.getByText("Live · WebSocket · Engine.IO 4", { exact: true }).waitFor();
  await page.getByRole("heading", { name: "No thing yet" }).waitFor();

  await page.getByRole("textbox", { name: "Token or code" }).fill(thingToken);
  await page.getByRole("button", { name: "Link" }).click();
  await value(page, "level", "8");

  const code = (await command(topicd, data, "code", "create")).trim();
  await page.getByRole("combobox", { name: "By" }).selectOption("Activation code");
  await page.getByRole("textbox", { name: "Token or code" }).fill(code);
  await page.getByRole("button", { name: "Link" }).click();
  const said = await page.getByText(/^Linked\. The token of the new thing/).textContent();
  const token = said.split(": ")[1];
  await post(`things/${token}`, { values: [{ key: "of-the-new-one", value: "on" }] });
  await value(page, "of-the-new-one", "on");
}

// From the top of the page to a written value without a pointer; what has the focus can be seen.
async function keyboard(page) {
  await live(page, "/", "WebSocket");
  await value(page, "level", /./);
  const order = ["window", "sign-out", "thing", "key", "value"];
  for (const expected of order) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const { id, name, labels, textContent } = document.activeElement;
      const { outlineStyle } = getComputedStyle(document.activeElement);
      return { is: name || id, isLabelled: labels?.length > 0 || textContent.length > 0, outlineStyle };
    });
    if (focused.is !== expected) throw new Error(`the focus is on ${focused.is}, not on ${expected}`);
    if (!focused.isLabelled) throw new Error(`${expected} has no label`);
    if (focused.outlineStyle === "none") throw new Error(`nobody sees that ${expected} has the focus`);
    if (expected === "key") await page.keyboard.type("level");
    if (expected === "value") await page.keyboard.type("41.5");
  }
  await page.keyboard.press("Enter");
  await value(page, "level", "41.5");
}

// An answer that is long in coming is shown, and forgotten when it is there.
async function slow(page) {
  await live(page, "/", "WebSocket");
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route("**/v2/me/resources", async (route) => {
    await released;
    await route.continue();
  });
  await page.getByText("Slow · WebSocket · Engine.IO 4", { exact: true }).waitFor();
  release();
  await page.getByText("Live · WebSocket · Engine.IO 4", { exact: true }).waitFor();
}

// The server goes and comes back on its port, with its data folder; what was written before the page
// is back is on the chart, and so is what comes after.
async function restart(page, errors) {
  await write([{ key: "level", value: 1 }]);
  await live(page, "/", "WebSocket");
  await value(page, "level", "1");
  await server.stop();
  await page.getByText(WAITING).waitFor();
  server = await start(topicd, data, new URL(server.url).host);
  await write([{ key: "level", value: -7 }, { key: "level", value: 2 }]);
  await page.getByText("Live · WebSocket · Engine.IO 4", { exact: true }).waitFor();
  await value(page, "level", "2");
  await card(page, "level").getByText(/^-7 – /).waitFor();
  await write([{ key: "level", value: 3 }]);
  await value(page, "level", "3");
  const others = errors.filter((error) => !/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket connection|ERR_EMPTY_RESPONSE/.test(error));
  errors.splice(0, errors.length, ...others);
}

// ---- what the scenarios are made of

async function live(page, path, transport) {
  await page.goto(server.url + path);
  await page.getByText(`Live · ${transport} · Engine.IO 4`, { exact: true }).waitFor();
}

async function signIn(page, { email, password, app }) {
  await page.getByRole("textbox", { name: "E-mail" }).fill(email);
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("textbox", { name: "App" }).fill(app);
  await page.keyboard.press("Enter");
}

// Waits until the card shows the value.
function value(page, key, text) {
  return card(page, key).locator(".value").getByText(text, { exact: true }).waitFor();
}

function card(page, key) {
  return page.locator("article").filter({ has: page.getByRole("heading", { name: key, exact: true }) });
}

function curve(page, key) {
  return card(page, key).locator("svg .curve");
}

async function curveChanges(page, key, before) {
  await page.waitForFunction(
    ([name, old]) =>
      [...document.querySelectorAll("article")]
        .find((article) => article.querySelector("h3").textContent === name)
        .querySelector(".curve").getAttribute("d") !== old,
    [key, before],
  );
}

function write(values) {
  return post(`things/${thingToken}`, { values });
}

async function post(path, body) {
  const answer = await fetch(`${server.url}/v2/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`${path} was answered with ${answer.status}`);
}
