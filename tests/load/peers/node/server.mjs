// socket.io on Node's HTTP server, with ws.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { announce, install, options } from "../application.mjs";

const http = createServer();
install(new Server(http, options));
http.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => announce(http.address().port));
