//! What the application does to sockets while they are away.

use futures_util::StreamExt;
use socketio::{Broadcast, Delivery, EmitError, JoinError, Room, Server, Socket, testing::Client};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    Lost, Member, builder, connected, ids,
    replay::{say_a_hundred, small_answers},
};

/// A server with the sockets that connect, a client that it has lost, and what is left of that one's
/// socket, which was in a room.
async fn away() -> (Server, UnboundedReceiver<Socket>, Lost, Socket) {
    let server = builder().engine(small_answers()).build();
    let mut sockets = connected(&server);
    let member = Member::join(&server).await;
    let socket = sockets.recv().await.unwrap();
    socket.join("red").unwrap();
    (server, sockets, member.lose(None).await, socket)
}

fn news(room: &Broadcast, number: u32) {
    room.clone().emit("news", (number,)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn rooms_are_joined_and_left() {
    let (server, mut sockets, lost, socket) = away().await;
    let (red, blue) = (server.of("/").to("red"), server.of("/").to("blue"));
    news(&red, 1);
    news(&blue, 2);
    socket.join("blue").unwrap();
    socket.leave("red");
    assert_eq!(socket.rooms(), ["blue".into()]);
    news(&red, 3);
    news(&blue, 4);
    let _member = lost.recovers(&server, &[r#"2["news",4,"@4"]"#]).await;
    assert_eq!(sockets.recv().await.unwrap().rooms(), ["blue".into()]);
    assert_eq!(red.emit("news", ()).unwrap().queued, 0);
    assert_eq!(blue.emit("news", ()).unwrap().queued, 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_meant_is_moved() {
    let (server, mut sockets, lost, socket) = away().await;
    let root = server.of("/");
    // Once by a room, once by its id, once with all others, here and away; and it is left out thrice.
    root.to("red").sockets_join("blue");
    root.to(socket.id()).sockets_join("green");
    root.except("none").sockets_join("black");
    root.except("red").sockets_join("white");
    root.except(socket.id()).sockets_join("white");
    root.to("none").sockets_leave("green");
    root.all().sockets_leave("red");
    let _member = lost.recovers(&server, &[]).await;
    let mut rooms = sockets.recv().await.unwrap().rooms();
    rooms.sort();
    assert_eq!(rooms, ["black", "blue", "green"].map(Room::from));
}

#[tokio::test(start_paused = true)]
async fn a_room_named_like_a_socket_gets_nothing_of_it() {
    let (server, mut sockets, lost, socket) = away().await;
    let mut eavesdropper = Member::join(&server).await;
    let other = sockets.recv().await.unwrap();
    other.join(socket.id()).unwrap();
    let own = server.of("/").to(socket.id());
    assert_eq!(own.clone().emit("own", (1,)).unwrap(), Delivery::default());
    let volatile = own.clone().volatile().emit("own", (2,)).unwrap();
    assert_eq!(volatile, Delivery::default());
    own.clone().sockets_join("blue");
    let answers = own.clone().emit_with_acks("own", (3,)).unwrap();
    assert_eq!(answers.collect::<Vec<_>>().await.len(), 0);
    assert!(own.clone().fetch_sockets().await.unwrap().is_empty());
    // Whoever is in such a room is not left out either.
    let others = server.of("/").except(socket.id()).emit("others", ());
    assert_eq!(others.unwrap().delivered(), 1);
    eavesdropper.expect(r#"2["others","@2"]"#).await;
    own.to("none").disconnect_sockets();
    assert_eq!(other.rooms(), [Room::from(socket.id())]);
    lost.is_forgotten(&server).await;
}

#[tokio::test(start_paused = true)]
async fn rooms_are_bounded() {
    let server = builder().max_rooms(1).build();
    let mut sockets = connected(&server);
    let member = Member::join(&server).await;
    let socket = sockets.recv().await.unwrap();
    socket.join("red").unwrap();
    let lost = member.lose(None).await;
    assert_eq!(socket.join("red"), Ok(()));
    assert_eq!(socket.join("blue"), Err(JoinError::TooManyRooms));
    server.of("/").all().sockets_join("blue");
    assert_eq!(server.stats().refused["too_many_rooms"], 2);
    socket.leave("red");
    let long = "x".repeat(Room::MAX_LEN + 1);
    assert_eq!(socket.join(long), Err(JoinError::NameTooLong));
    lost.recovers(&server, &[]).await;
    assert!(sockets.recv().await.unwrap().rooms().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_sent_away_comes_back_as_somebody_new() {
    let ways: [fn(&Server, &Socket); 5] = [
        |_, socket| socket.disconnect(),
        |_, socket| socket.close(),
        |server, socket| server.of("/").to(socket.id()).disconnect_sockets(),
        |server, _| server.of("/").to("red").disconnect_sockets(),
        |server, _| server.of("/").to("red").close_sessions(),
    ];
    for send_away in ways {
        let (server, _sockets, lost, socket) = away().await;
        send_away(&server, &socket);
        assert!(matches!(socket.emit("news", ()), Err(EmitError::Gone)));
        assert_eq!(socket.join("blue"), Err(JoinError::Gone));
        assert!(socket.rooms().is_empty());
        lost.is_forgotten(&server).await;
    }
    let (server, _sockets, lost, _) = away().await;
    server.of("/").except("red").disconnect_sockets();
    server.of("/").to("blue").close_sessions();
    lost.recovers(&server, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_closed_has_lost_his_sockets_everywhere() {
    let ways: [fn(&Server, &Socket); 2] = [
        |_, socket| socket.close(),
        |server, socket| server.of("/").to(socket.id()).close_sessions(),
    ];
    for close in ways {
        let server = builder().build();
        let mut sockets = connected(&server);
        server.of("/cars");
        let mut member = Member::join(&server).await;
        let cars = join_cars(&mut member.client, "").await;
        member.lose(None).await;
        close(&server, &sockets.recv().await.unwrap());
        let mut client = Client::open(&server).await;
        let again = join_cars(&mut client, &format!(r#"{{"pid":"{}"}}"#, cars.1)).await;
        assert_ne!(again, cars);
    }
}

async fn join_cars(client: &mut Client, auth: &str) -> (String, String) {
    client.send(&format!("0/cars,{auth}")).await;
    let answer = client.next().await.unwrap();
    ids(&answer.replacen("/cars,", "", 1))
}

#[tokio::test(start_paused = true)]
async fn whoever_is_sent_away_amid_the_replay_has_to_begin_anew() {
    let ways: [fn(&Socket); 2] = [Socket::disconnect, Socket::close];
    for send_away in ways {
        let (server, _sockets, lost, socket) = away().await;
        say_a_hundred(&server.of("/"));
        let mut client = lost.knock(&server).await;
        client.next().await.unwrap();
        send_away(&socket);
        while let Some(packet) = client.next().await {
            assert!(packet.starts_with(r#"2["news","x"#), "{packet}");
        }
        lost.is_forgotten(&server).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_closed_elsewhere_amid_the_replay_has_to_begin_anew() {
    let server = builder().engine(small_answers()).build();
    let mut sockets = connected(&server);
    let mut member = Member::join(&server).await;
    let cars = server.of("/cars");
    let (_, pid) = join_cars(&mut member.client, "").await;
    member.lose(None).await;
    say_a_hundred(&cars);
    let mut client = Client::open(&server).await;
    client.send(&format!(r#"0/cars,{{"pid":"{pid}"}}"#)).await;
    client.next().await.unwrap();
    sockets.recv().await.unwrap().close();
    while let Some(packet) = client.next().await {
        assert!(packet.starts_with(r#"2/cars,["news","x"#), "{packet}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_moved_amid_the_replay_comes_back_as_moved() {
    let (server, mut sockets, lost, socket) = away().await;
    say_a_hundred(&server.of("/"));
    news(&server.of("/").to("red"), 101);
    let mut client = lost.knock(&server).await;
    client.next().await.unwrap();
    socket.leave("red");
    socket.join("blue").unwrap();
    news(&server.of("/").to("blue"), 102);
    for _ in 1..100 {
        client.next().await.unwrap();
    }
    assert_eq!(client.next().await.unwrap(), r#"2["news",102,"@102"]"#);
    assert!(client.next().await.unwrap().starts_with('0'));
    assert_eq!(sockets.recv().await.unwrap().rooms(), ["blue".into()]);
}

#[tokio::test(start_paused = true)]
async fn an_old_handle_does_nothing_once_its_client_is_back() {
    let (server, mut sockets, lost, old) = away().await;
    let acts_in_vain = |new: &Socket| {
        assert_eq!(old.join("blue"), Err(JoinError::Gone));
        assert!(matches!(old.emit("news", ()), Err(EmitError::Gone)));
        old.leave("red");
        old.disconnect();
        old.close();
        assert_eq!(new.rooms(), ["red".into()]);
    };
    let member = lost.recovers(&server, &[]).await;
    let new = sockets.recv().await.unwrap();
    acts_in_vain(&new);
    // It is lost again, which is another matter.
    member.lose(None).await;
    acts_in_vain(&new);
    lost.recovers(&server, &[]).await;
}
