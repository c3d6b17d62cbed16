//! What admins do.

use serde_json::{Value, json};
use socketio::{
    Server,
    admin::Access,
    testing::{self, Cluster},
};

use super::{Console, LOGIN, admin, server};
use crate::client::{Client, serve};

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let server = server(admin());
    let address = serve(&server).await;
    let mut client = Client::joined(address).await;
    let mut console = Console::enter(address, LOGIN).await;
    console.next("session").await;
    let features = json!([{"supportedFeatures": ["AGGREGATED_EVENTS", "ALL_EVENTS"]}]);
    assert_eq!(Value::from(console.next("config").await), features);
    console.send(json!(["emit", "/", null, "note", 1])).await;
    console.send(json!(["join", "/", "red"])).await;
    console.send(json!(["_disconnect", "/", true])).await;
    // Once it is seen to have left, its commands have been read.
    let mut second = Console::open(address).await;
    console.client.send("41/admin,").await;
    let reason = "client namespace disconnect";
    second
        .expect("socket_disconnected", json!(["/admin", console.id, reason]))
        .await;
    client.expect_silence().await;
    assert!(server.of("/").rooms().is_empty());
}

#[tokio::test]
async fn admins_send_events() {
    let server = server(admin().access(Access::Commands));
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::v5(address).await, Client::v5(address).await);
    let ids = [one.join("").await, two.join("").await];
    let mut console = Console::open(address).await;
    console
        .send(json!(["emit", "/", null, "note", 1, {"x": [2]}]))
        .await;
    one.expect(r#"42["note",1,{"x":[2]}]"#).await;
    two.expect(r#"42["note",1,{"x":[2]}]"#).await;
    console.send(json!(["emit", "/", ids[1], "you"])).await;
    two.expect(r#"42["you"]"#).await;
    one.expect_silence().await;
}

#[tokio::test]
async fn admins_move_and_disconnect_sockets() {
    let server = server(admin().access(Access::Commands));
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::v5(address).await, Client::v5(address).await);
    let ids = [one.join("").await, two.join("").await];
    let mut console = Console::open(address).await;
    console.send(json!(["join", "/", "red", ids[0]])).await;
    console
        .expect("room_joined", json!(["/", "red", ids[0]]))
        .await;
    console.send(json!(["join", "/", "blue", "red"])).await;
    console
        .expect("room_joined", json!(["/", "blue", ids[0]]))
        .await;
    console.send(json!(["join", "/", "blue"])).await;
    console
        .expect("room_joined", json!(["/", "blue", ids[1]]))
        .await;
    console.send(json!(["leave", "/", "red", ids[0]])).await;
    console
        .expect("room_left", json!(["/", "red", ids[0]]))
        .await;
    assert_eq!(server.of("/").rooms(), [("blue".into(), 2)]);

    console
        .send(json!(["_disconnect", "/", false, ids[0]]))
        .await;
    one.expect("41").await;
    one.join("").await;
    console
        .send(json!(["_disconnect", "/", true, "blue"]))
        .await;
    two.expect("41").await;
    two.expect_closed().await;
    console.send(json!(["_disconnect", "/", true])).await;
    one.expect("41").await;
    one.expect_closed().await;
}

#[tokio::test]
async fn nonsense_is_no_command() {
    let server = server(admin().access(Access::Commands));
    let address = serve(&server).await;
    let mut client = Client::joined(address).await;
    let mut console = Console::open(address).await;
    for nonsense in [
        json!(["emit"]),
        json!(["emit", "/", {}, "note"]),
        json!(["emit", "/", null, "connect"]),
        json!(["emit", "/nowhere", null, "note"]),
        json!(["emit", "/admin", null, "all_sockets", []]),
        json!(["join", "/", null]),
        json!(["_disconnect", "/", "yes"]),
        json!(["_disconnect", 1, true]),
        json!(["format c:"]),
    ] {
        console.send(nonsense).await;
    }
    console.send(json!(["emit", "/", null, "note"])).await;
    client.expect(r#"42["note"]"#).await;
    console.next("event_sent").await;
    assert!(!server.namespaces().contains(&"/nowhere".into()));
}

#[tokio::test]
async fn commands_reach_the_whole_cluster() {
    let cluster = Cluster::new();
    let [here, there] = [(); 2].map(|()| {
        let server = Server::builder().adapter(cluster.adapter()).build();
        server.of("/");
        server
    });
    here.admin(admin().access(Access::Commands));
    let mut client = testing::Client::open(&there).await;
    client.join("/").await.unwrap();
    let mut console = testing::Client::open(&here).await;
    console.join_with("/admin", LOGIN).await.unwrap();
    console.send(r#"2/admin,["emit","/",null,"note",1]"#).await;
    assert_eq!(client.next().await.unwrap(), r#"2["note",1]"#);
    console.send(r#"2/admin,["_disconnect","/",false]"#).await;
    assert_eq!(client.next().await.unwrap(), "1");
}
