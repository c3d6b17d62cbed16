//! Many writers and many subscribers of all kinds: each sees every value once, in the store's order.

use std::{collections::HashSet, net::SocketAddr};

use serde_json::Value;

use crate::{
    polling::Polling,
    server::Running,
    socket::{Socket, answer},
};

const TOPIC: &str = "/me/resources/a";
const WRITERS: usize = 3;
const WRITES: usize = 40;
const SUBSCRIBERS: usize = 200;

#[derive(Clone, Copy)]
enum Transport {
    Polling,
    WebSocket,
}

enum Client {
    Polling(Polling),
    WebSocket(Socket),
}

impl Client {
    async fn open(server: SocketAddr, transport: Transport, revision: u8) -> Self {
        let mut client = match transport {
            Transport::Polling => Self::Polling(Polling::session(server, revision).await),
            Transport::WebSocket => Self::WebSocket(Socket::session(server, revision).await),
        };
        if revision == 3 {
            assert_eq!(client.next().await, "0");
        }
        client.send("0/v2,").await;
        assert!(client.next().await.starts_with("0/v2,"));
        client
    }

    async fn subscribe(&mut self, session: &str) {
        let credentials = format!(r#"{{"sessionToken":"{session}"}}"#);
        self.send(&format!(r#"2/v2,["authenticate",{credentials}]"#))
            .await;
        let logged_in = r#"2/v2,["authenticate",{"status":"success"}]"#;
        assert_eq!(self.next().await, logged_in);
        self.send(&format!(r#"2/v2,["subscribe",{{"resource":"{TOPIC}"}}]"#))
            .await;
        assert_eq!(self.next().await, answer("subscribe", "subscribed", TOPIC));
    }

    /// Values until all that are written have come.
    async fn read_all(&mut self) -> Vec<(String, u64)> {
        let mut seen = Vec::new();
        while seen.len() < WRITERS * WRITES {
            let packet = self.next().await;
            let event: Value = serde_json::from_str(packet.strip_prefix("2/v2,").unwrap()).unwrap();
            assert_eq!(event[0], TOPIC);
            for element in event[1].as_array().unwrap() {
                let thing = element["thingId"].as_str().unwrap().to_owned();
                seen.push((thing, element["value"].as_u64().unwrap()));
            }
        }
        seen
    }

    async fn send(&mut self, packet: &str) {
        match self {
            Self::Polling(polling) => polling.send(packet).await,
            Self::WebSocket(socket) => socket.send(packet).await,
        }
    }

    async fn next(&mut self) -> String {
        match self {
            Self::Polling(polling) => polling.next().await,
            Self::WebSocket(socket) => socket.next().await,
        }
    }
}

// Contract 1, 31
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_subscribers_of_all_kinds_see_three_writers_alike() {
    let server = Running::start().await;
    let session = server.user("anna@example.com").await;
    let mut things = Vec::new();
    for _ in 0..WRITERS {
        let (thing, _) = server.thing().await;
        server.link(&session, &thing).await;
        things.push(thing);
    }
    let kinds = [
        (Transport::Polling, 3),
        (Transport::Polling, 4),
        (Transport::WebSocket, 3),
        (Transport::WebSocket, 4),
    ];
    let mut clients = Vec::new();
    for (transport, revision) in kinds.into_iter().cycle().take(SUBSCRIBERS) {
        let mut client = Client::open(server.address, transport, revision).await;
        client.subscribe(&session).await;
        clients.push(client);
    }
    let readers: Vec<_> = clients
        .into_iter()
        .map(|mut client| tokio::spawn(async move { client.read_all().await }))
        .collect();
    let writer = async |thing: &str| {
        for number in 0..WRITES {
            server.write(thing, "a", &number.to_string()).await;
        }
    };
    tokio::join!(writer(&things[0]), writer(&things[1]), writer(&things[2]));
    let mut sequences = HashSet::new();
    for reader in readers {
        sequences.insert(reader.await.unwrap());
    }
    let only: Vec<_> = sequences.into_iter().collect();
    assert_eq!(only.len(), 1, "subscribers saw different orders");
    let distinct: HashSet<_> = only[0].iter().collect();
    assert_eq!(distinct.len(), WRITERS * WRITES);
    for thing in distinct
        .iter()
        .map(|(thing, _)| thing)
        .collect::<HashSet<_>>()
    {
        let own = only[0].iter().filter(|(other, _)| other == thing);
        assert!(own.map(|(_, number)| *number).eq(0..40));
    }
    server.stop().await;
}
