// socket.io on Bun's own engine.
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { announce, install, options } from "../application.mjs";

const io = new Server(options);
const engine = new Engine({ path: "/socket.io/", pingInterval: options.pingInterval });
io.bind(engine);
install(io);
const { port } = Bun.serve({
  ...engine.handler(),
  port: Number(process.argv[2] ?? 0),
  hostname: "127.0.0.1",
  idleTimeout: 120,
});
announce(port);
