// The benchmark application on socket.io.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { allowEIO3: true, pingInterval: 300_000, serveClient: false });

io.on("connection", (socket) => {
  socket.on("join", (topic, ack) => {
    socket.join(topic);
    ack();
  });
  socket.on("echo", (payload, ack) => ack(payload));
  socket.on("publish", (topic, payload) => io.to(topic).emit("m", payload));
});

http.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${http.address().port}/socket.io/`);
});
