// Runs topicd: `dev` as a server that can be stopped and started again, and its commands.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

// Starts it and waits until it has printed its address. It ends with this program.
export async function start(program, data, listen) {
  const server = spawn(program, ["dev", "--listen", listen, "--data", data], { stdio: ["ignore", "pipe", "inherit"] });
  const kill = () => server.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(server, "exit");
  const lines = createInterface({ input: server.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const address = line.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (address) resolve(address[0]);
    });
    lines.on("close", () => reject(new Error("topicd has ended without an address")));
  });
  return {
    url,
    async stop() {
      server.kill("SIGTERM");
      await ended;
      process.removeListener("exit", kill);
    },
  };
}

// What a command for the operator prints.
export async function command(program, data, ...words) {
  const { stdout } = await promisify(execFile)(program, [...words, "--data", data]);
  return stdout;
}
