//! What a broadcast allocates. A program of its own, as it counts in the allocator.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use socketio::{Server, testing::Client};

/// Allocations of one broadcast to a room of so many members.
async fn broadcast_to(members: usize) -> u64 {
    let server = Server::new();
    let root = server.of("/");
    let mut clients = Vec::with_capacity(members);
    for _ in 0..members {
        let mut client = Client::open(&server).await;
        client.join("/").await.unwrap();
        clients.push(client);
    }
    root.all().sockets_join("room");
    let broadcast = || {
        let delivery = root.to("room").emit("news", ("for everybody",)).unwrap();
        assert_eq!(delivery.queued, members);
    };
    // Each session makes its queue with the first message, and keeps it.
    broadcast();
    allocation_counter::measure(broadcast).count_total
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_allocates_as_much_for_10_000_as_for_100() {
    let few = broadcast_to(100).await;
    let many = broadcast_to(10_000).await;
    assert!(few > 0, "nothing is counted");
    assert_eq!(many, few);
}
