//! What `topicd dev` prints: where it is, its tokens, and lines to paste.

use std::net::SocketAddr;

use crate::{Config, console::DevTokens};

pub(super) fn text(address: SocketAddr, tokens: &DevTokens, config: &Config) -> String {
    let DevTokens {
        session_token,
        thing_token,
        thing_id,
    } = tokens;
    let folder = config.data_dir.display();
    format!(
        r#"topicd dev, for trying things out: it listens on this machine only.

  console        http://{address}/
  data folder    {folder}
  session token  {session_token}
  thing token    {thing_token}
  thing id       {thing_id}

Write a value:

  curl -X POST http://{address}/v2/things/{thing_token} \
    -H 'Content-Type: application/json' \
    -d '{{"values":[{{"key":"temperature","value":"30.5"}}]}}'

Subscribe, in Node (npm install socket.io-client):

  const socket = require("socket.io-client")("http://{address}/v2");
  socket.on("connect", () => socket.emit("authenticate", {{ sessionToken: "{session_token}" }}));
  socket.on("authenticate", () => socket.emit("subscribe", {{ resource: "/me/resources/temperature" }}));
  socket.on("/me/resources/temperature", (values) => console.log(values[0]));

Ctrl-C stops it.
"#
    )
}
