//! A namespace's memory in virtual time.

mod limits;

use std::time::Duration;

use engineio_proto::Data;
use proptest::prelude::*;

use super::*;
use crate::{ArgError, IntoArgs, NamespaceName, encode_recoverable_event};

struct Memory {
    recovery: Recovery<&'static str>,
    now: Instant,
}

impl Memory {
    fn new(limits: RecoveryLimits) -> Self {
        let budget = RecoveryBudget::new(&limits);
        Self::within(limits, &budget)
    }

    fn within(limits: RecoveryLimits, budget: &Arc<RecoveryBudget>) -> Self {
        #[allow(clippy::disallowed_methods, reason = "virtual time starts anywhere")]
        let now = Instant::now();
        Self {
            recovery: Recovery::new(limits, budget),
            now,
        }
    }

    /// Sends a number to a room, or to everybody.
    fn send(&mut self, rooms: &[&str], number: u32) -> String {
        let audience = Audience {
            to: addresses(rooms),
            except: Vec::new(),
        };
        let encode = |offset| {
            let args = (number,).into_args()?;
            let packet = encode_recoverable_event(&NamespaceName::ROOT, "n", &args, offset)?;
            Ok::<_, ArgError>((packet.clone(), packet))
        };
        let packet = self.recovery.record(self.now, audience, encode).unwrap();
        text(&packet)
    }

    fn joins(&self, socket_id: &str, rooms: &[&str]) -> LostSocket<&'static str> {
        LostSocket {
            socket_id: socket_id.into(),
            rooms: self.stays(rooms),
            joined_at: self.recovery.head(),
            last_sent: None,
            sent_until: self.recovery.head(),
            state: "state",
            state_bytes: 5,
        }
    }

    fn stays(&self, rooms: &[&str]) -> Stays {
        let mut stays = Stays::default();
        for room in rooms {
            stays.join((*room).into(), self.recovery.head());
        }
        stays
    }

    /// Everything up to now has been sent to it, the last packet included.
    fn has_sent(&self, socket: &mut LostSocket<&'static str>) {
        socket.last_sent = Some(self.recovery.head());
        socket.sent_until = self.recovery.head();
    }

    fn loses(&mut self, id: &str, socket: LostSocket<&'static str>) {
        self.recovery.lose(self.now, PrivateId::new(id), socket);
    }

    /// What a client gets that comes back.
    fn resumes(&mut self, id: &str, offset: Option<&str>) -> Option<Vec<String>> {
        let request = RecoveryRequest {
            private_id: PrivateId::new(id),
            offset: offset.map(Into::into),
        };
        let mut returning = self.recovery.resume(self.now, &request)?;
        let missed = self.replays(&mut returning);
        self.recovery.let_in(&returning.private_id);
        Some(missed)
    }

    fn replays(&self, returning: &mut Returning<&'static str>) -> Vec<String> {
        let mut missed = Vec::new();
        loop {
            match self.recovery.replay(returning, 30).expect("no gap") {
                Replay::Part(packets) => missed.extend(packets.iter().map(text)),
                Replay::Last(packets) => {
                    missed.extend(packets.iter().map(text));
                    return missed;
                }
            }
        }
    }

    fn waits(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.recovery.expire(self.now);
    }
}

/// Single letters are ids of sockets.
fn addresses(names: &[&str]) -> Vec<Address> {
    let address = |name: &&str| match name.len() {
        1 => Address::Socket((*name).into()),
        _ => Address::Room((*name).into()),
    };
    names.iter().map(address).collect()
}

fn text(packet: &Entry) -> String {
    match packet.head() {
        Data::Text(text) => text.to_string(),
        Data::Binary(_) => panic!("packets are text"),
    }
}

fn memory_of_two() -> Memory {
    Memory::new(RecoveryLimits {
        max_packets: 2,
        ..Default::default()
    })
}

fn memory() -> Memory {
    Memory::new(RecoveryLimits::default())
}

// R3, R4
#[test]
fn what_was_missed_comes_back_in_order() {
    let mut memory = memory();
    let mut socket = memory.joins("s", &["room"]);
    assert_eq!(memory.send(&[], 1), r#"2["n",1,"@1"]"#);
    memory.has_sent(&mut socket);
    memory.loses("p", socket.clone());
    memory.send(&["room"], 2);
    memory.send(&["elsewhere"], 3);
    memory.send(&["elsewhere", "s"], 4);
    let request = RecoveryRequest {
        private_id: PrivateId::new("p"),
        offset: Some("@1".into()),
    };
    let mut returning = memory.recovery.resume(memory.now, &request).unwrap();
    assert_eq!(returning.socket, socket);
    let missed = memory.replays(&mut returning);
    assert_eq!(missed, [r#"2["n",2,"@2"]"#, r#"2["n",4,"@4"]"#]);
}

#[test]
fn a_replay_goes_on_with_what_is_sent_meanwhile() {
    let mut memory = memory();
    let socket = memory.joins("s", &[]);
    memory.loses("p", socket);
    for number in 1..=3 {
        memory.send(&[], number);
    }
    let request = RecoveryRequest::parse(r#"{"pid":"p"}"#).unwrap();
    let mut returning = memory.recovery.resume(memory.now, &request).unwrap();
    let Replay::Part(first) = memory.recovery.replay(&mut returning, 1).unwrap() else {
        panic!("two more have been missed");
    };
    assert_eq!(
        first.iter().map(text).collect::<Vec<_>>(),
        [r#"2["n",1,"@1"]"#]
    );
    memory.send(&[], 4);
    assert_eq!(memory.replays(&mut returning).len(), 3);
    // It is gone before it was let in, and has received the first packet only.
    assert_eq!(memory.resumes("p", Some("@1")).unwrap().len(), 3);
    // Another connection was faster.
    assert_eq!(memory.recovery.replay(&mut returning, 1), Err(Gap));
}

#[test]
fn a_turn_passes_over_a_part_of_the_log_only() {
    let mut memory = memory();
    let socket = memory.joins("s", &[]);
    memory.loses("p", socket);
    for number in 0..1024 {
        memory.send(&["elsewhere"], number);
    }
    memory.send(&["s"], 1024);
    let request = RecoveryRequest::parse(r#"{"pid":"p"}"#).unwrap();
    let mut returning = memory.recovery.resume(memory.now, &request).unwrap();
    for _ in 0..4 {
        let turn = memory.recovery.replay(&mut returning, 1000);
        assert_eq!(turn, Ok(Replay::Part(vec![])));
    }
    assert_eq!(memory.replays(&mut returning).len(), 1);
}

#[test]
fn who_is_left_out_misses_nothing() {
    let audience = Audience {
        to: addresses(&["room"]),
        except: addresses(&["s"]),
    };
    let mut memory = memory();
    let rooms = memory.stays(&["room"]);
    memory.send(&[], 1);
    let offset = memory.recovery.head();
    assert!(!audience.includes("s", &rooms, offset));
    assert!(audience.includes("t", &rooms, offset));
    assert!(!audience.includes("t", &Stays::default(), offset));
}

#[test]
fn what_a_room_was_sent_before_one_joined_does_not_come() {
    let mut memory = memory();
    let mut socket = memory.joins("s", &[]);
    memory.send(&["room"], 1);
    socket.rooms = memory.stays(&["room"]);
    memory.send(&["room"], 2);
    memory.has_sent(&mut socket);
    memory.loses("p", socket);
    assert_eq!(
        memory.resumes("p", None),
        Some(vec![r#"2["n",2,"@2"]"#.into()])
    );
}

#[test]
fn a_room_named_like_a_socket_gets_nothing_of_it() {
    let mut memory = memory();
    let eavesdropper = memory.joins("t", &["s"]);
    memory.loses("p", eavesdropper);
    memory.send(&["s"], 1);
    assert_eq!(memory.resumes("p", None), Some(vec![]));
}

#[test]
fn a_client_that_has_received_nothing_is_recovered_too() {
    let mut memory = memory();
    memory.send(&[], 1);
    let mut socket = memory.joins("s", &[]);
    memory.send(&[], 2);
    memory.has_sent(&mut socket);
    memory.loses("p", socket);
    memory.send(&[], 3);
    let missed = memory.resumes("p", None).unwrap();
    assert_eq!(missed, [r#"2["n",2,"@2"]"#, r#"2["n",3,"@3"]"#]);
}

// R5
#[test]
fn what_cannot_be_recovered_is_not() {
    let mut memory = memory();
    memory.send(&[], 1);
    let socket = memory.joins("s", &[]);
    memory.loses("p", socket);
    assert_eq!(memory.resumes("unknown", Some("@1")), None);
    for offset in ["", "1", "@", "@2", "@01", "@+1", "@x", "Q89NZGA"] {
        assert_eq!(memory.resumes("p", Some(offset)), None, "{offset}");
    }
    assert_eq!(memory.resumes("p", Some("@1")), Some(vec![]));
    // It is live now.
    assert_eq!(memory.resumes("p", Some("@1")), None);
    for auth in [r#"{"pid":1}"#, r#"{"pid":"p","offset":[]}"#, "[]", "{}"] {
        assert_eq!(RecoveryRequest::parse(auth), None);
    }
    let without = RecoveryRequest::parse(r#"{"pid":"p","offset":null}"#).unwrap();
    assert_eq!(without.offset, None);
}

// R5
#[test]
fn a_client_that_stays_away_is_forgotten() {
    let mut memory = memory();
    let socket = memory.joins("s", &[]);
    memory.loses("p", socket.clone());
    memory.waits(119);
    memory.loses("q", socket);
    memory.waits(1);
    assert_eq!(memory.resumes("p", None), None);
    assert_eq!(memory.resumes("q", None), Some(vec![]));
    memory.waits(119);
    assert_eq!(memory.recovery.poll_timeout(), None);
}

#[test]
fn a_log_with_a_gap_recovers_nobody() {
    let mut memory = memory_of_two();
    let socket = memory.joins("s", &[]);
    memory.loses("p", socket);
    for number in 1..=3 {
        memory.send(&[], number);
    }
    assert_eq!(memory.resumes("p", None), None);
    assert_eq!(memory.resumes("p", Some("@1")).unwrap().len(), 2);
}

#[test]
fn what_was_for_others_leaves_no_gap() {
    let mut memory = memory_of_two();
    let mut socket = memory.joins("s", &[]);
    memory.send(&["s"], 0);
    memory.has_sent(&mut socket);
    for number in 1..=3 {
        memory.send(&["t"], number);
    }
    socket.sent_until = memory.recovery.head();
    memory.loses("p", socket.clone());
    memory.send(&["s"], 4);
    assert_eq!(
        memory.resumes("p", Some("@1")),
        Some(vec![r#"2["n",4,"@5"]"#.into()])
    );
    // It does not have the last packet that it was sent, which is gone.
    memory.loses("p", socket);
    assert_eq!(memory.resumes("p", None), None);
}

#[test]
fn a_replay_stops_at_a_gap() {
    let mut memory = memory_of_two();
    let socket = memory.joins("s", &[]);
    memory.loses("p", socket);
    let request = RecoveryRequest::parse(r#"{"pid":"p"}"#).unwrap();
    let mut returning = memory.recovery.resume(memory.now, &request).unwrap();
    for number in 1..=3 {
        memory.send(&[], number);
    }
    assert_eq!(memory.recovery.replay(&mut returning, 1), Err(Gap));
}

#[test]
fn a_claim_is_of_one_loss_only() {
    let mut memory = memory();
    let socket = memory.joins("s", &["secret"]);
    memory.loses("p", socket);
    let request = RecoveryRequest::parse(r#"{"pid":"p"}"#).unwrap();
    let mut stalled = memory.recovery.resume(memory.now, &request).unwrap();
    assert_eq!(memory.resumes("p", None), Some(vec![]));
    // It is taken out of its room, and lost again.
    let socket = memory.joins("s", &[]);
    memory.loses("p", socket);
    memory.send(&["secret"], 1);
    assert_eq!(memory.recovery.replay(&mut stalled, 1), Err(Gap));
    assert_eq!(memory.resumes("p", None), Some(vec![]));
}

#[test]
fn states_are_handed_back_when_their_sockets_are_forgotten() {
    let mut memory = memory();
    let socket = memory.joins("s", &[]);
    memory.loses("p", socket);
    assert!(memory.recovery.lost("s").is_some());
    assert!(memory.recovery.take_forgotten().is_empty());
    memory.waits(120);
    assert!(memory.recovery.awaits_nobody());
    assert_eq!(memory.recovery.take_forgotten(), ["state"]);
}

#[test]
fn offsets_go_on_when_the_log_is_emptied() {
    let mut memory = memory();
    memory.send(&[], 1);
    memory.recovery.forget_packets();
    assert_eq!(memory.recovery.log.bytes(), 0);
    assert_eq!(memory.send(&[], 2), r#"2["n",2,"@2"]"#);
}

#[test]
fn a_failed_encoding_takes_no_offset() {
    let mut memory = memory();
    let failed = memory
        .recovery
        .record(memory.now, Audience::default(), |_| {
            Err::<(Entry, ()), _>(ArgError::ReservedName)
        });
    assert_eq!(failed, Err(ArgError::ReservedName));
    assert_eq!(memory.send(&[], 1), r#"2["n",1,"@1"]"#);
}

proptest! {
    /// A client loses its connection again and again, each time with an unknown part of what was
    /// on its way: in the end it has got everything once, in order.
    #[test]
    fn nothing_is_missed_and_nothing_comes_twice(
        rounds in prop::collection::vec((0..5_u32, 0..5_usize, 0..5_u32), 1..20),
    ) {
        let mut memory = memory();
        let mut socket = memory.joins("s", &[]);
        let (mut sent, mut received): (Vec<String>, Vec<String>) = Default::default();
        let mut last_offset = None;
        for (before, lost, away) in rounds {
            let mut wire: Vec<String> = (0..before).map(|number| memory.send(&["s"], number)).collect();
            if before > 0 {
                memory.has_sent(&mut socket);
            }
            socket.sent_until = memory.recovery.head();
            sent.extend(wire.iter().cloned());
            wire.truncate(wire.len().saturating_sub(lost));
            for packet in wire {
                last_offset = packet.rsplit('"').nth(1).map(str::to_owned);
                received.push(packet);
            }
            memory.loses("p", socket.clone());
            sent.extend((0..away).map(|number| memory.send(&[], number)));
            let request = RecoveryRequest {
                private_id: PrivateId::new("p"),
                offset: last_offset.as_deref().map(Into::into),
            };
            let mut returning = memory.recovery.resume(memory.now, &request).expect("it is all there");
            for packet in memory.replays(&mut returning) {
                last_offset = packet.rsplit('"').nth(1).map(str::to_owned);
                received.push(packet);
            }
            memory.recovery.let_in(&returning.private_id);
            socket = returning.socket;
        }
        prop_assert_eq!(received, sent);
    }
}
