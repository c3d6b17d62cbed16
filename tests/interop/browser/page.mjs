// Opens the live page of `topicd dev` in Chromium and watches values arrive.
//
//   CHROMIUM=/usr/bin/chromium node page.mjs SERVER_URL FOLDER_FOR_SCREENSHOTS
//
// Prints one JSON object per scenario, as ../scenario.mjs does.

import { launch } from "./chromium.mjs";

const [server, folder] = process.argv.slice(2);
const DEADLINE_MS = 20_000;
const { thingToken } = await (await fetch(`${server}/dev.json`)).json();

const scenarios = {
  websocket: (page) => watch(page, "/", "Live · WebSocket"),
  async polling(page, errors) {
    page.on("websocket", () => errors.push("it has opened a WebSocket"));
    await watch(page, "/?transport=polling", "Live · Polling");
  },
  async phone(page) {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "dark" });
    await watch(page, "/", "Live · WebSocket");
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (overflow > 0) throw new Error(`the page is ${overflow} px wider than the screen`);
  },
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
  await page.screenshot({ path: `${folder}/console-${scenario}.png` });
  await context.close();
  console.log(JSON.stringify(outcome));
}
await browser.close();

async function watch(page, path, state) {
  await page.goto(server + path);
  await page.getByText(state, { exact: true }).waitFor();
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
  const curve = card(page, "temperature").locator("svg .curve");
  const before = await curve.getAttribute("d");
  await page.waitForFunction(
    ([name, old]) =>
      [...document.querySelectorAll("article")]
        .find((article) => article.querySelector("h2").textContent === name)
        .querySelector(".curve").getAttribute("d") !== old,
    ["temperature", before],
  );

  // The form writes as the command does.
  await page.getByRole("textbox", { name: "Resource" }).fill("level");
  const field = page.getByRole("textbox", { name: "Value" });
  await field.fill("17.125");
  await field.press("Enter");
  await value(page, "level", "17.125");
}

// Waits until the card shows the value.
function value(page, key, text) {
  return card(page, key).locator(".value").getByText(text, { exact: true }).waitFor();
}

function card(page, key) {
  return page.locator("article").filter({ has: page.getByRole("heading", { name: key, exact: true }) });
}

async function write(values) {
  const answer = await fetch(`${server}/v2/things/${thingToken}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ values }),
  });
  if (answer.status !== 201) throw new Error(`a write was answered with ${answer.status}`);
}
