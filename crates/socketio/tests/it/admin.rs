//! What the user interface for admins is told, and what it may do.

use std::{net::SocketAddr, time::Duration};

use futures_util::SinkExt;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use socketio::{
    Binary, Event, HandlerError, Recovery, Server, Socket,
    admin::{Access, Admin, Credentials, Mode},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{client_async, tungstenite::Message};

use crate::client::{Client, answer_silence, serve};

const LOGIN: &str = r#"{"username":"ops","password":"rosebud"}"#;

fn admin() -> Admin {
    Admin::new(Credentials::password("ops", "rosebud"))
}

/// A server with rooms, an echo, and something for admins.
fn server(options: Admin) -> Server {
    let server = Server::new();
    let root = server.of("/");
    root.on("join", |socket: Socket, event: Event| async move {
        socket.join(event.arg::<String>(0)?)?;
        event.ack(())?;
        Ok::<_, HandlerError>(())
    });
    root.on("leave", |socket: Socket, event: Event| async move {
        socket.leave(event.arg::<String>(0)?);
        event.ack(())?;
        Ok::<_, HandlerError>(())
    });
    answer_silence(&server);
    server.admin(options);
    server
}

/// An admin who has got in. The statistics are read past unless they are asked for.
struct Console {
    client: Client,
    id: String,
}

impl Console {
    /// Logs in and reads what every admin is told first.
    async fn open(address: SocketAddr) -> Self {
        let mut console = Self::enter(address, LOGIN).await;
        console.next("session").await;
        console.next("config").await;
        console.next("all_sockets").await;
        console
    }

    async fn enter(address: SocketAddr, auth: &str) -> Self {
        let mut client = Client::v5(address).await;
        client.send(&format!("40/admin,{auth}")).await;
        let answer = client.text().await;
        let answer = answer.strip_prefix("40/admin,").expect("to be let in");
        let answer: Value = serde_json::from_str(answer).unwrap();
        let id = answer["sid"].as_str().unwrap().into();
        Self { client, id }
    }

    async fn send(&mut self, command: Value) {
        self.client.send(&format!("42/admin,{command}")).await;
    }

    /// The arguments of the next event, which has this name.
    async fn next(&mut self, name: &str) -> Vec<Value> {
        loop {
            let packet = self.client.text().await;
            let event = packet.strip_prefix("42/admin,").expect(&packet);
            let mut event: Vec<Value> = serde_json::from_str(event).unwrap();
            let found = event.remove(0);
            if found == name {
                return event;
            }
            assert_eq!(found, "server_stats", "{event:?}");
        }
    }

    /// The next event has this name and these arguments, and behind them the time.
    async fn expect(&mut self, name: &str, args: Value) {
        let mut found = self.next(name).await;
        let time = found.pop().unwrap();
        assert_eq!(Value::from(found), args, "{name}");
        let time = time.as_str().unwrap();
        assert_eq!((time.len(), &time[10..11], &time[23..]), (24, "T", "Z"));
    }

    /// Reads what is told of a client who joins a namespace: its record.
    async fn expect_connected(&mut self, namespace: &str) -> Value {
        let joined = self.next("room_joined").await;
        assert_eq!((&joined[0], &joined[1]), (&json!(namespace), &joined[2]));
        let mut connected = self.next("socket_connected").await;
        assert_eq!(connected[0]["id"], joined[2]);
        connected.remove(0)
    }
}

async fn refusal(address: SocketAddr, auth: &str) -> String {
    let mut client = Client::v5(address).await;
    client.send(&format!("40/admin,{auth}")).await;
    client.text().await
}

// who gets in

#[tokio::test]
async fn nobody_enters_without_credentials() {
    let address = serve(&server(admin())).await;
    for auth in [
        "",
        "{}",
        r#"{"username":"ops"}"#,
        r#"{"username":"ops","password":""}"#,
        r#"{"username":"ops","password":"Rosebud"}"#,
        r#"{"username":"","password":"rosebud"}"#,
        r#"{"username":"ops","password":["rosebud"]}"#,
        r#"{"sessionId":null}"#,
        r#"{"sessionId":""}"#,
        r#"{"sessionId":"00000000000000000000000000000000"}"#,
    ] {
        let refused = r#"44/admin,{"message":"invalid credentials"}"#;
        assert_eq!(refusal(address, auth).await, refused, "{auth}");
    }
}

#[tokio::test]
async fn a_password_in_the_query_does_not_count() {
    let address = serve(&server(admin())).await;
    let mut client = Client::v4(address).await;
    client.send("40/admin?username=ops&password=rosebud,").await;
    client.expect(r#"44/admin,"invalid credentials""#).await;
}

#[tokio::test]
async fn without_admins_there_is_no_namespace() {
    let address = serve(&Server::new()).await;
    let refused = r#"44/admin,{"message":"Invalid namespace"}"#;
    assert_eq!(refusal(address, LOGIN).await, refused);
}

#[tokio::test]
async fn guesses_are_limited() {
    let address = serve(&server(admin())).await;
    let wrong = r#"{"username":"ops","password":"?"}"#;
    for _ in 0..10 {
        let refused = r#"44/admin,{"message":"invalid credentials"}"#;
        assert_eq!(refusal(address, wrong).await, refused);
    }
    // Whoever guesses does not learn that this was the right one.
    let refused = r#"44/admin,{"message":"too many attempts"}"#;
    assert_eq!(refusal(address, LOGIN).await, refused);
}

#[tokio::test]
async fn an_admin_comes_back_with_its_session() {
    let address = serve(&server(admin())).await;
    let mut first = Console::enter(address, LOGIN).await;
    let session = first.next("session").await.remove(0);
    drop(first);
    let auth = json!({ "sessionId": session }).to_string();
    let mut again = Console::enter(address, &auth).await;
    again.next("config").await;
}

#[tokio::test]
async fn recovery_is_no_way_in() {
    let server = Server::builder().recovery(Recovery::new()).build();
    server.admin(admin());
    let mut client = Client::v5(serve(&server).await).await;
    client.send(&format!("40/admin,{LOGIN}")).await;
    let answer = client.text().await;
    // Nothing is handed out to come back with but the session id.
    assert!(
        answer.starts_with("40/admin,{") && !answer.contains("pid"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_application_may_decide() {
    let credentials = Credentials::verified_by(|username, password| {
        assert_ne!(password, "panic");
        (username, password) == ("root", "toor")
    });
    let address = serve(&server(Admin::new(credentials))).await;
    let refused = r#"44/admin,{"message":"invalid credentials"}"#;
    assert_eq!(refusal(address, LOGIN).await, refused);
    let panics = r#"{"username":"root","password":"panic"}"#;
    assert_eq!(refusal(address, panics).await, refused);
    let mut console = Console::enter(address, r#"{"username":"root","password":"toor"}"#).await;
    console.next("session").await;
}

// what is told

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

#[tokio::test]
async fn clients_come_and_go() {
    let address = serve(&server(admin())).await;
    let mut console = Console::open(address).await;
    let mut client = Client::v5(address).await;
    let id = client.join("").await;
    let socket = console.expect_connected("/").await;
    assert_eq!(
        (&socket["id"], &socket["rooms"]),
        (&json!(id), &json!([id]))
    );

    client.send(r#"420["join","red"]"#).await;
    console
        .expect("event_received", json!(["/", id, ["join", "red"]]))
        .await;
    console.expect("room_joined", json!(["/", "red", id])).await;
    client.send(r#"420["leave","red"]"#).await;
    console
        .expect("event_received", json!(["/", id, ["leave", "red"]]))
        .await;
    console.expect("room_left", json!(["/", "red", id])).await;
    client.send(r#"420["join","blue"]"#).await;
    console.next("event_received").await;
    console.next("room_joined").await;

    client.send("41").await;
    let reason = "client namespace disconnect";
    console
        .expect("socket_disconnected", json!(["/", id, reason]))
        .await;
    console.expect("room_left", json!(["/", id, id])).await;
    console.expect("room_left", json!(["/", "blue", id])).await;
}

#[tokio::test]
async fn events_are_told_both_ways() {
    let server = server(admin());
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::v5(address).await, Client::v5(address).await);
    let ids = [one.join("").await, two.join("").await];
    let mut console = Console::open(address).await;

    let root = server.of("/");
    let socket = root
        .sockets()
        .into_iter()
        .find(|socket| socket.id().as_str() == ids[0]);
    socket.unwrap().emit("hello", ("world", 1)).unwrap();
    console
        .expect("event_sent", json!(["/", ids[0], ["hello", "world", 1]]))
        .await;
    root.emit("all", ()).unwrap();
    for _ in &ids {
        let told = console.next("event_sent").await;
        assert!(ids.contains(&told[1].as_str().unwrap().to_owned()));
        assert_eq!(told[2], json!(["all"]));
    }
    one.send(r#"429["say",{"to":[1]}]"#).await;
    console
        .expect("event_received", json!(["/", ids[0], ["say", {"to": [1]}]]))
        .await;
}

#[tokio::test]
async fn bytes_in_events_are_told() {
    let server = server(admin());
    let address = serve(&server).await;
    let mut client = Client::v5(address).await;
    let id = client.join("").await;
    let mut console = Console::open(address).await;
    let bytes = Binary("abc".into());
    server.of("/").emit("bytes", (1, bytes)).unwrap();
    loop {
        let packet = console.client.text().await;
        if let Some(event) = packet.strip_prefix("451-/admin,") {
            let event: Value = serde_json::from_str(event).unwrap();
            let args = json!(["bytes", 1, {"_placeholder": true, "num": 0}]);
            assert_eq!(
                (&event[0], &event[2], &event[3]),
                (&json!("event_sent"), &json!(id), &args)
            );
            break;
        }
        assert!(packet.contains("server_stats"), "{packet}");
    }
    console.client.expect_binary(b"abc").await;
}

#[tokio::test]
async fn long_events_are_told_by_their_size() {
    let server = server(admin());
    let address = serve(&server).await;
    let _client = Client::joined(address).await;
    let mut console = Console::open(address).await;
    server.of("/").emit("long", ("x".repeat(20_000),)).unwrap();
    let told = console.next("event_sent").await;
    assert_eq!(told[2], json!(["long", "(20006 bytes)"]));
}

#[tokio::test]
async fn an_upgrade_is_told() {
    let server = server(admin());
    let address = serve(&server).await;
    let mut console = Console::open(address).await;
    let open = polled(&server, Method::GET, "", "").await;
    let open: Value = serde_json::from_str(&open[1..]).unwrap();
    let session = format!("&sid={}", open["sid"].as_str().unwrap());
    polled(&server, Method::POST, &session, "40").await;
    let socket = console.expect_connected("/").await;
    assert_eq!(socket["transport"], "polling");

    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://test/socket.io/?EIO=4&transport=websocket{session}");
    let (mut websocket, _) = client_async(url, stream).await.unwrap();
    for packet in ["2probe", "5"] {
        websocket.send(Message::text(packet)).await.unwrap();
    }
    let told = console.next("socket_updated").await;
    let id = &socket["id"];
    assert_eq!(
        told,
        [json!({"id": id, "nsp": "/", "transport": "websocket"})]
    );
}

/// The answer to a request of a client that polls, in memory.
async fn polled(server: &Server, method: Method, session: &str, body: &'static str) -> String {
    let request = Request::builder()
        .method(method)
        .uri(format!("/?EIO=4&transport=polling{session}"))
        .header("host", "test")
        .header("content-type", "text/plain")
        .body(Full::<bytes::Bytes>::from(body))
        .unwrap();
    let answer = server.service().mounted().answer(request).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
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

#[tokio::test]
async fn admins_see_each_other_but_not_what_they_are_told() {
    let address = serve(&server(admin())).await;
    let mut first = Console::open(address).await;
    let mut second = Console::open(address).await;
    assert_eq!(first.expect_connected("/admin").await["id"], second.id);
    second.client.send("41/admin,").await;
    let reason = "client namespace disconnect";
    first
        .expect("socket_disconnected", json!(["/admin", second.id, reason]))
        .await;
}

// what admins do

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

// admins who are slow

#[tokio::test(start_paused = true)]
async fn who_falls_behind_gets_the_whole_picture_again() {
    let server = server(admin());
    let mut client = socketio::testing::Client::open(&server).await;
    client.join("/").await.unwrap();
    let mut console = socketio::testing::Client::open(&server).await;
    console.join_with("/admin", LOGIN).await.unwrap();
    while !console.next().await.unwrap().contains(r#"["all_sockets""#) {}
    // More than waits for an admin, in time for the task to notice.
    for _ in 0..100 {
        let _ = server.of("/").emit("flood", ("x".repeat(10_000),));
        client.next().await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.of("/").all().sockets_join("late");
    let mut told = 0;
    loop {
        let packet = console.next().await.unwrap();
        told += usize::from(packet.contains(r#"["event_sent""#));
        if packet.contains(r#"["all_sockets""#) {
            assert!(packet.contains(r#""late""#), "{packet}");
            break;
        }
    }
    assert!((20..40).contains(&told), "{told}");
}
