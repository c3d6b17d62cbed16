// A bash to which blocks are given as a reader would paste them, with everything that they start.

import { spawn } from "node:child_process";
import { connect } from "node:net";

export const BUILD_MS = 15 * 60_000; // a block may build
const SAID_MS = 60_000;
const TRY_MS = 100;

// A shell in a folder. It stops at the first command that fails, and `end` ends all that it has started.
export function openShell(folder) {
  // Node's pipes are sockets, and bash takes those for a login from afar, which reads .bashrc. A Node in the
  // shell makes its output non-blocking for all; curl writes byte by byte, each of which takes a packet of a
  // socket, and fails when there is no room. So what they write to is a pipe that is always read.
  const command = ["--norc", "-c", "exec bash --norc > >(cat) 2>&1"];
  const bash = spawn("bash", command, { cwd: folder, detached: true, stdio: ["pipe", "pipe", "inherit"] });
  const kill = () => {
    try {
      process.kill(-bash.pid, "SIGKILL");
    } catch {
      // Nothing is left of it.
    }
  };
  process.once("exit", kill);
  let text = "";
  let isOver = false;
  let blocks = 0;
  const waiting = new Set();
  const tell = () => waiting.forEach((look) => look());
  bash.stdout.setEncoding("utf8").on("data", (part) => {
    process.stderr.write(part);
    text += part;
    tell();
  });
  bash.on("exit", () => {
    isOver = true;
    tell();
  });
  bash.stdin.on("error", () => {}); // of a shell that is over; whoever waits is told
  bash.stdin.write("set -e -o pipefail\n");

  // Waits for a text; what is before its end is not looked at again by the same pattern.
  const ends = new Map();
  const said = (pattern, limit = SAID_MS) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => finish(reject, new Error(`nothing says ${pattern}`)), limit);
      const look = () => {
        const begin = ends.get(pattern.source) ?? 0;
        const found = text.slice(begin).match(pattern);
        if (found) {
          ends.set(pattern.source, begin + found.index + found[0].length);
          finish(resolve, found);
        } else if (isOver) {
          finish(reject, new Error(`the shell has ended before ${pattern}: …${text.slice(-300)}`));
        }
      };
      const finish = (how, what) => {
        clearTimeout(late);
        waiting.delete(look);
        how(what);
      };
      waiting.add(look);
      look();
    });

  return {
    said,
    // Gives it a block and does not wait.
    type: (block) => bash.stdin.write(`${block}\n`),
    // Gives it a block, waits until it is through, and returns what was said meanwhile.
    async run(block) {
      const begin = text.length;
      const mark = `block ${++blocks} is through`;
      bash.stdin.write(`${block}\necho '${mark}'\n`);
      const found = await said(new RegExp(`${mark}\n`), BUILD_MS);
      return text.slice(begin, text.indexOf(found[0], begin));
    },
    end: kill,
  };
}

// Waits until somebody listens on a port: not every program says so.
export async function reached(port) {
  const end = Date.now() + SAID_MS;
  while (!(await listens(port))) {
    if (Date.now() > end) throw new Error(`nobody listens on port ${port}`);
    await new Promise((done) => setTimeout(done, TRY_MS));
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
