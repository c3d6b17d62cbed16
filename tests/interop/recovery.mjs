// A client loses its connection and comes back, against the fixture of socketio with `recovery`.
//
//   node recovery.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade SCENARIO…
//
// Its scenarios are those of README.md; it prints one JSON object for each.

import { Client, TRANSPORTS, equal, load, reachTransport, report } from "./client.mjs";

const [folder, server, transport, ...chosen] = process.argv.slice(2);
const { io, parser } = load(folder);

const scenarios = {
  recovers: (client, witness) => lose(client, witness, close),

  async "recovers-twice"(client, witness) {
    await lose(client, witness, close);
    await lose(client, witness, close);
  },

  // The client gives its connection up, and the server is not told.
  "half-dead": (client, witness) =>
    lose(client, witness, (engine) => {
      engine.transport.close = () => engine.transport;
      engine._onClose("transport close");
    }),

  async "not-after-leaving"(client) {
    const { id } = client.socket;
    client.socket.disconnect().connect();
    await client.next("connect");
    equal([client.socket.recovered, client.socket.id === id], [false, false]);
  },
};

await report(scenarios, chosen, async (scenario) => {
  const [client, witness] = [join(), join()];
  try {
    await Promise.all([client.next("connect"), witness.next("connect")]);
    await reachTransport(client.socket, transport);
    equal(client.socket.recovered, false);
    await scenario(client, witness);
  } finally {
    client.socket.disconnect();
    witness.socket.disconnect();
  }
});

function join() {
  const options = { transports: TRANSPORTS[transport], forceNew: true, parser };
  return new Client(io(server, { ...options, reconnectionDelay: 700, randomizationFactor: 0 }), ["news"]);
}

// What a room is told while the client is away comes once, then the client is who it was.
async function lose(client, witness, cut) {
  const { id } = client.socket;
  const room = `room of ${id}`;
  client.emit("join", room);
  await client.ask("message-with-ack");
  await tell(witness, room, "before");
  await expectNews(client, "before");

  cut(client.socket.io.engine);
  await client.next("disconnect");
  await tell(witness, room, "missed");
  await client.next("connect");
  equal([client.socket.recovered, client.socket.id], [true, id]);
  await expectNews(client, "missed");
  await tell(witness, room, "after");
  await expectNews(client, "after");
  equal(client.unread("news"), []);
}

// Returns when the server has sent it.
async function tell(witness, room, word) {
  witness.emit("to-room", room, word);
  await witness.ask("message-with-ack");
}

// The second argument is the offset, which is the server's affair.
async function expectNews(client, word) {
  const [received] = await client.next("news");
  equal(received, word);
}

function close(engine) {
  engine.transport.close();
}
