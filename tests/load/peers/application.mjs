// The benchmark application, on any server of the socket.io package.

/** What every peer is configured with: pings would be noise, and old clients are measured too. */
export const options = { allowEIO3: true, pingInterval: 300_000, serveClient: false };

export function install(io) {
  io.on("connection", (socket) => {
    socket.on("join", (topic, ack) => {
      socket.join(topic);
      ack();
    });
    socket.on("echo", (payload, ack) => ack(payload));
    socket.on("publish", (topic, payload) => io.to(topic).emit("m", payload));
  });
}

export function announce(port) {
  console.log(`http://127.0.0.1:${port}/socket.io/`);
}
