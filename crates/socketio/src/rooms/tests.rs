//! Rooms against a model: whatever happens, members and their places agree.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Each socket is its own handle.
fn rooms(ids: &[&'static str]) -> Rooms<&'static str, &'static str> {
    let mut rooms = Rooms::new();
    for id in ids {
        rooms.insert(SocketId::of(id), *id, *id);
    }
    rooms
}

fn join(rooms: &mut Rooms<&str, &str>, id: &str, room: &str) -> Change {
    let joined = rooms.join(&SocketId::of(id), &room.into(), 2);
    joined.expect("the socket is here and has room for it")
}

fn reached(rooms: &Rooms<&'static str, &'static str>, to: &[&str], except: &[&str]) -> String {
    let target = Target {
        rooms: to.iter().map(|room| Room::from(*room)).collect(),
        except: except.iter().map(|room| Room::from(*room)).collect(),
    };
    let mut reached: Vec<_> = rooms.select(&target).iter().copied().collect();
    reached.sort_unstable();
    reached.join(" ")
}

#[test]
fn targets() {
    let mut rooms = rooms(&["a", "b", "c", "d"]);
    for (id, room) in [("a", "red"), ("b", "red"), ("b", "blue"), ("c", "blue")] {
        join(&mut rooms, id, room);
    }
    assert_eq!(reached(&rooms, &[], &[]), "a b c d");
    assert_eq!(reached(&rooms, &["red"], &[]), "a b");
    assert_eq!(reached(&rooms, &["red", "blue"], &[]), "a b c");
    assert_eq!(reached(&rooms, &["red"], &["blue"]), "a");
    assert_eq!(reached(&rooms, &[], &["red", "d"]), "c");
    assert_eq!(reached(&rooms, &["c"], &[]), "c");
    assert_eq!(reached(&rooms, &["nobody"], &["nowhere"]), "");
}

#[test]
fn an_id_is_not_overheard_by_a_room_of_its_name() {
    let mut rooms = rooms(&["a", "b"]);
    join(&mut rooms, "b", "a");
    assert_eq!(reached(&rooms, &["a"], &[]), "a");
}

#[test]
fn an_empty_room_is_gone() {
    let mut rooms = rooms(&["a", "b"]);
    assert_eq!(join(&mut rooms, "a", "red"), Change::Opened);
    assert_eq!(join(&mut rooms, "a", "red"), Change::None);
    assert_eq!(join(&mut rooms, "b", "red"), Change::Members);
    assert_eq!(rooms.rooms().collect::<Vec<_>>(), [(&"red".into(), 2)]);
    rooms.leave(&SocketId::of("a"), &"red".into());
    assert_eq!(rooms.rooms_of(&SocketId::of("b")), [Room::from("red")]);
    rooms.remove(&SocketId::of("b"));
    assert_eq!((rooms.len(), rooms.rooms().count()), (1, 0));
}

#[test]
fn who_has_left_joins_nothing() {
    let mut rooms = rooms(&["a"]);
    rooms.remove(&SocketId::of("a"));
    let late = rooms.join(&SocketId::of("a"), &"red".into(), 2);
    assert_eq!(late, Err(JoinError::Gone));
    assert_eq!((rooms.len(), rooms.rooms().count()), (0, 0));
}

#[test]
fn a_selection_outlives_changes() {
    let mut rooms = rooms(&["a", "b"]);
    let all = rooms.select(&Target::default());
    rooms.remove(&SocketId::of("a"));
    assert_eq!(all.iter().count(), 2);
    assert_eq!(rooms.select(&Target::default()).iter().count(), 1);
}

#[derive(Debug, Clone)]
enum Op {
    Insert(u8),
    Remove(u8),
    Join(u8, u8),
    Leave(u8, u8),
    /// Holds the members of a room, as a broadcast in progress does.
    Hold(u8),
}

fn op() -> impl Strategy<Value = Op> {
    // Few names, so that operations meet.
    let (socket, room) = (0..12_u8, 0..4_u8);
    prop_oneof![
        socket.clone().prop_map(Op::Insert),
        socket.clone().prop_map(Op::Remove),
        (socket.clone(), room.clone()).prop_map(|(socket, room)| Op::Join(socket, room)),
        (socket, room.clone()).prop_map(|(socket, room)| Op::Leave(socket, room)),
        room.prop_map(Op::Hold),
    ]
}

fn id(socket: u8) -> SocketId {
    SocketId::of(&format!("socket {socket}"))
}

fn room(room: u8) -> Room {
    format!("room {room}").into()
}

fn members(rooms: &Rooms<u8, u8>, of: u8) -> BTreeSet<u8> {
    let target = Target {
        rooms: vec![room(of)],
        except: vec![],
    };
    rooms.select(&target).iter().copied().collect()
}

/// Fewer than there are names, so that the limit is met.
const MOST: usize = 3;

proptest! {
    #[test]
    fn agrees_with_a_model(ops in prop::collection::vec(op(), 1..200)) {
        let mut rooms: Rooms<u8, u8> = Rooms::new();
        let mut model: BTreeMap<u8, BTreeSet<u8>> = BTreeMap::new();
        let mut open: BTreeSet<Room> = BTreeSet::new();
        let mut held = Vec::new();
        for op in ops {
            match op {
                Op::Insert(socket) => {
                    let closed = rooms.insert(id(socket), socket, socket);
                    closed.iter().for_each(|room| assert!(open.remove(room)));
                    model.insert(socket, BTreeSet::new());
                }
                Op::Remove(socket) => {
                    let closed = rooms.remove(&id(socket));
                    closed.iter().for_each(|room| assert!(open.remove(room)));
                    model.remove(&socket);
                }
                Op::Join(socket, to) => {
                    let joined = rooms.join(&id(socket), &room(to), MOST);
                    let allowed = model.get(&socket).map(|rooms| rooms.contains(&to) || rooms.len() < MOST);
                    match joined {
                        Ok(change) => {
                            if change == Change::Opened {
                                prop_assert!(open.insert(room(to)));
                            }
                            prop_assert_eq!(allowed, Some(true));
                            model.entry(socket).and_modify(|rooms| { rooms.insert(to); });
                        }
                        Err(JoinError::TooManyRooms) => prop_assert_eq!(allowed, Some(false)),
                        Err(JoinError::Gone) => prop_assert_eq!(allowed, None),
                        Err(JoinError::NameTooLong) => unreachable!("the names are short"),
                    }
                }
                Op::Leave(socket, from) => {
                    if rooms.leave(&id(socket), &room(from)) == Change::Closed {
                        prop_assert!(open.remove(&room(from)));
                    }
                    model.entry(socket).and_modify(|rooms| { rooms.remove(&from); });
                }
                Op::Hold(of) => {
                    let target = Target { rooms: vec![room(of)], except: vec![] };
                    held.push((members(&rooms, of), rooms.select(&target)));
                }
            }
            prop_assert_eq!(rooms.len(), model.len());
            prop_assert_eq!(&rooms.rooms().map(|(room, _)| room.clone()).collect::<BTreeSet<_>>(), &open);
            for of in 0..4 {
                let expected: BTreeSet<u8> = model
                    .iter()
                    .filter(|(_, rooms)| rooms.contains(&of))
                    .map(|(socket, _)| *socket)
                    .collect();
                prop_assert_eq!(members(&rooms, of), expected);
            }
        }
        for (then, selection) in held {
            prop_assert_eq!(then, selection.iter().copied().collect());
        }
        for socket in 0..12 {
            rooms.remove(&id(socket));
        }
        prop_assert_eq!((rooms.len(), rooms.rooms().count()), (0, 0));
    }
}

#[test]
fn rooms_larger_than_a_chunk() {
    let mut rooms: Rooms<u32, u32> = Rooms::new();
    let id = |socket: u32| SocketId::of(&socket.to_string());
    let red = Room::from("red");
    for socket in 0..1000 {
        rooms.insert(id(socket), socket, socket);
        rooms.join(&id(socket), &red, 1).unwrap();
    }
    for socket in (0..1000).filter(|socket| socket % 3 != 0) {
        rooms.remove(&id(socket));
    }
    let target = Target {
        rooms: vec![red],
        except: vec![],
    };
    let mut left: Vec<u32> = rooms.select(&target).iter().copied().collect();
    left.sort_unstable();
    assert_eq!(left, (0..1000).step_by(3).collect::<Vec<_>>());
}
