//! What the parts of a server do together, and no request shows.

use socketio::testing::Client;

use super::*;
use crate::{
    auth::{Login, Secret},
    datetime::Timestamp,
    hub::Channel,
    store::ThingRow,
};

const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn sessions_of_open_sockets_and_streams_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        data_dir: folder.path().to_owned(),
        ..Config::default()
    };
    let server = Server::open(&config).unwrap();
    let mut tokens = Vec::new();
    for name in ["connected", "streaming", "idle"] {
        let login = Login {
            app: String::new(),
            email: name.into(),
            password: Secret::new("secret".into()),
        };
        tokens.push(server.auth.register(login).await.unwrap());
    }
    let mut client = Client::open(server.realtime.io()).await;
    client.join("/v2").await.unwrap();
    let token = tokens[0].reveal();
    client
        .send(&format!(
            r#"2/v2,["authenticate",{{"sessionToken":"{token}"}}]"#
        ))
        .await;
    let answer = client.next().await.unwrap();
    assert_eq!(answer, r#"2/v2,["authenticate",{"status":"success"}]"#);
    let channel = Channel::Thing(ThingRow(1));
    let listener = server.hub.listen(channel, Some(tokens[1].digest()));

    // With another idle time it shows who is renewed.
    config.accounts.idle_days = 9;
    server.reloader().reload(&config).unwrap();
    server.realtime.renew().await;
    let mut renewed = Vec::new();
    for token in &tokens {
        let session = server.store.session(token.digest()).await.unwrap().unwrap();
        renewed.push(session.expires > Timestamp::now().plus_seconds(8 * DAY));
    }
    assert_eq!(renewed, [true, true, false]);
    drop((client, listener));
}
