//! What admins are told of the whole server.

use serde_json::{Value, json};
use socketio::{
    Server,
    admin::{Access, Mode},
    engineio::{Config, ForwardedHeader, TrustedProxies},
};

use super::{Console, LOGIN, admin, server};
use crate::client::{Client, serve};

#[tokio::test]
async fn an_admin_is_told_what_it_may_do_and_what_there_is() {
    let server = server(admin().access(Access::Commands));
    let address = serve(&server).await;
    let mut client = Client::v5(address).await;
    let id = client.join("").await;
    client.send(r#"420["join","red"]"#).await;
    client.expect("430[]").await;

    let mut console = Console::enter(address, LOGIN).await;
    let session = console.next("session").await;
    assert_eq!(session[0].as_str().unwrap().len(), 32);
    let features = json!([{"supportedFeatures": [
        "EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT",
        "AGGREGATED_EVENTS", "ALL_EVENTS",
    ]}]);
    assert_eq!(Value::from(console.next("config").await), features);
    let sockets = console.next("all_sockets").await.remove(0);
    let socket = &sockets[0];
    assert_eq!(socket["id"], id);
    assert_eq!(
        (&socket["nsp"], &socket["transport"]),
        (&json!("/"), &json!("websocket"))
    );
    assert_eq!(socket["rooms"], json!([id, "red"]));
    assert_eq!(socket["data"], json!({}));
    let handshake = &socket["handshake"];
    assert_eq!(handshake["address"], "127.0.0.1");
    assert_eq!(
        handshake["query"],
        json!({"EIO": "4", "transport": "websocket"})
    );
    assert_eq!(handshake["url"], "/socket.io/?EIO=4&transport=websocket");
    assert_eq!(handshake["headers"]["host"], "test");
    assert!(handshake["issued"].is_u64() && handshake["time"].is_string());
    assert_eq!(
        (&sockets[1]["id"], &sockets[1]["nsp"]),
        (&json!(console.id), &json!("/admin"))
    );
    assert_ne!(sockets[1]["clientId"], socket["clientId"]);
}

/// What admins see of the handshake of a client which says of itself what proxies say.
async fn shown(trusted: &[&str], headers: &[(&'static str, &str)]) -> Value {
    let networks = trusted.iter().map(|network| network.parse().unwrap());
    let mut engine = Config::default();
    engine.proxies = Some(TrustedProxies::new(
        ForwardedHeader::XForwardedFor,
        networks,
    ));
    let server = Server::builder().engine(engine).build();
    server.of("/");
    server.admin(admin());
    let address = serve(&server).await;
    let mut client = Client::open_with(address, "EIO=4", headers).await;
    client.join("").await;
    let mut console = Console::enter(address, LOGIN).await;
    console.next("session").await;
    console.next("config").await;
    let sockets = console.next("all_sockets").await.remove(0);
    sockets[0]["handshake"].clone()
}

#[tokio::test]
async fn the_address_is_the_one_that_is_vouched_for() {
    let told = [
        ("x-forwarded-for", "192.0.2.1, 203.0.113.9"),
        ("cf-connecting-ip", "192.0.2.2"),
    ];
    for (trusted, address) in [
        ([].as_slice(), "127.0.0.1"),
        (&["10.0.0.0/8"], "127.0.0.1"),
        (&["127.0.0.0/8"], "203.0.113.9"),
    ] {
        assert_eq!(shown(trusted, &told).await["address"], address);
    }
    let beside = shown(&["127.0.0.0/8"], &told[1..]).await;
    assert_eq!(beside["address"], "127.0.0.1");
}

#[tokio::test]
async fn a_connection_is_secure_if_that_is_vouched_for() {
    let told = [("x-forwarded-proto", "https")];
    for (trusted, secure) in [
        ([].as_slice(), false),
        (&["10.0.0.0/8"], false),
        (&["127.0.0.0/8"], true),
    ] {
        assert_eq!(shown(trusted, &told).await["secure"], secure);
    }
    assert_eq!(shown(&["127.0.0.0/8"], &[]).await["secure"], false);
}

#[tokio::test]
async fn statistics_come_every_second() {
    let server = server(admin().server_id("one").mode(Mode::Production));
    let address = serve(&server).await;
    let mut client = Client::joined(address).await;
    let mut console = Console::enter(address, LOGIN).await;
    console.next("session").await;
    let features = json!([{"supportedFeatures": ["AGGREGATED_EVENTS"]}]);
    assert_eq!(Value::from(console.next("config").await), features);
    let stats = console.next("server_stats").await.remove(0);
    assert_eq!(
        (&stats["serverId"], &stats["pid"]),
        (&json!("one"), &json!(std::process::id()))
    );
    assert_eq!(
        (&stats["clientsCount"], &stats["pollingClientsCount"]),
        (&json!(2), &json!(0))
    );
    assert!(stats["uptime"].is_f64() && stats["hostname"].is_string());
    let namespaces = json!([
        {"name": "/", "socketsCount": 1},
        {"name": "/admin", "socketsCount": 1},
    ]);
    assert_eq!(stats["namespaces"], namespaces);

    client.send(r#"420["join","red"]"#).await;
    client.expect("430[]").await;
    drop(client);
    let mut seen = Vec::new();
    while !["rawDisconnection", "packetsIn", "bytesOut"]
        .iter()
        .all(|r#type| seen.contains(&json!(r#type)))
    {
        // In production nothing but statistics is told.
        let stats = console.next("server_stats").await.remove(0);
        for event in stats["aggregatedEvents"].as_array().unwrap() {
            assert_eq!(event["timestamp"].as_u64().unwrap() % 1000, 0);
            assert!(event["count"].as_u64().unwrap() > 0);
            if event["type"] == "rawDisconnection" {
                let reason = event["subType"].as_str().unwrap();
                assert!(reason.starts_with("transport "), "{reason}");
            }
            seen.push(event["type"].clone());
        }
    }
}

#[tokio::test]
async fn secrets_of_clients_are_not_told() {
    let server = server(admin().access(Access::Commands));
    let address = serve(&server).await;
    let mut console = Console::open(address).await;
    let mut old = Client::open(address, "EIO=3&token=hush").await;
    old.expect("40").await;
    let sid = old.sid.clone();
    let socket = console.expect_connected("/").await;
    assert!(!socket.to_string().contains(&sid[..12]) && !socket.to_string().contains("hush"));
    // The name that stands for its id is as good in commands.
    let name = socket["id"].as_str().unwrap();
    console.send(json!(["emit", "/", name, "you", 1])).await;
    console
        .expect("event_sent", json!(["/", name, ["you", 1]]))
        .await;
    old.expect(r#"42["you",1]"#).await;
    console
        .send(json!(["_disconnect", "/", false, "~0123456789abcdef"]))
        .await;
    console.send(json!(["_disconnect", "/", false, name])).await;
    let reason = "server namespace disconnect";
    console
        .expect("socket_disconnected", json!(["/", name, reason]))
        .await;
    old.expect("41").await;
}
