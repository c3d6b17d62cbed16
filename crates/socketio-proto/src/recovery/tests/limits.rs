//! What a namespace keeps, and all of them together, in bytes and counts.

use super::*;

#[test]
fn the_memory_is_bounded() {
    let limits = RecoveryLimits {
        max_bytes: 1000,
        max_sockets: 2,
        ..Default::default()
    };
    let mut memory = Memory::new(limits);
    for number in 0..100 {
        memory.send(&["room"], number);
        let socket = memory.joins("s", &[]);
        memory.loses(&number.to_string(), socket);
    }
    let kept = (0..100).filter(|id| memory.resumes(&id.to_string(), None).is_some());
    assert_eq!(kept.count(), 2);
    let first = memory.joins("s", &[]);
    memory.loses("99", first);
    for number in 0..100 {
        memory.send(&[], number);
    }
    assert_eq!(memory.resumes("99", None), None);
}

#[test]
fn rooms_of_those_who_are_away_are_bounded_in_bytes() {
    let mut memory = Memory::new(RecoveryLimits {
        max_socket_bytes: 4000,
        ..Default::default()
    });
    let room = |name: u8| String::from(char::from(name)).repeat(1000);
    for id in ["s", "t"] {
        let socket = memory.joins(id, &[&room(b'a')]);
        memory.loses(id, socket);
    }
    memory.recovery.join("t", room(b'b').into());
    memory.recovery.join("t", room(b'b').into());
    assert!(memory.recovery.lost("s").is_some());
    memory.recovery.join("t", room(b'c').into());
    assert!(memory.recovery.lost("s").is_none());
    memory.recovery.leave("t", &room(b'a'));
    memory.recovery.leave("t", &room(b'b'));
    let socket = memory.joins("u", &[&room(b'a'), &room(b'b')]);
    memory.loses("u", socket);
    assert!(memory.recovery.lost("t").is_some());
    let mut socket = memory.joins("v", &[]);
    socket.state_bytes = 1000;
    memory.loses("v", socket);
    assert!(memory.recovery.lost("t").is_none());
    assert!(memory.recovery.lost("u").is_some());
}

#[test]
fn namespaces_share_what_they_may_keep() {
    let limits = RecoveryLimits {
        max_total_bytes: 100_000,
        ..Default::default()
    };
    let budget = RecoveryBudget::new(&limits);
    let mut memories: Vec<_> = (0..4)
        .map(|_| Memory::within(limits.clone(), &budget))
        .collect();
    for number in 0..1000 {
        memories[0].send(&[], number);
    }
    let alone = memories[0].recovery.log.bytes();
    assert!((90_000..=100_000).contains(&alone), "{alone}");
    for memory in &mut memories[1..] {
        for number in 0..1000 {
            memory.send(&[], number);
        }
    }
    // Who has more than a part gives it up when it is called next.
    for memory in &mut memories {
        memory.waits(0);
    }
    let parts = memories.iter().map(|memory| memory.recovery.log.bytes());
    let parts: Vec<usize> = parts.collect();
    assert!(parts.iter().sum::<usize>() <= 100_000, "{parts:?}");
    assert!(parts.iter().all(|part| *part > 20_000), "{parts:?}");
    // What is gone is free for others.
    memories.truncate(1);
    for number in 0..1000 {
        memories[0].send(&[], number);
    }
    let alone = memories[0].recovery.log.bytes();
    assert!((90_000..=100_000).contains(&alone), "{alone}");
}

#[test]
fn what_is_oldest_is_given_up_first() {
    let limits = RecoveryLimits {
        max_total_bytes: 10_000,
        ..Default::default()
    };
    let mut memory = Memory::new(limits);
    for number in 0..10 {
        memory.send(&[], number);
    }
    memory.waits(1);
    let mut socket = memory.joins("s", &[]);
    socket.state_bytes = 5000;
    memory.loses("p", socket.clone());
    memory.waits(1);
    for number in 0..100 {
        memory.send(&[], number);
    }
    assert!(memory.recovery.lost("s").is_none());
    let kept = memory.recovery.log.bytes();
    assert!((9000..=10_000).contains(&kept), "{kept}");
    // The log has given way to the socket, which is younger.
    memory.loses("p", socket);
    assert!(memory.recovery.lost("s").is_some());
    assert!(memory.recovery.log.bytes() < 5000);
}

#[test]
fn namespaces_share_the_sockets_that_they_wait_for() {
    let limits = RecoveryLimits {
        max_total_sockets: 4,
        ..Default::default()
    };
    let budget = RecoveryBudget::new(&limits);
    let (mut one, mut two) = (
        Memory::within(limits.clone(), &budget),
        Memory::within(limits, &budget),
    );
    for id in ["a", "b", "c", "d"] {
        one.send(&[], 0);
        let socket = one.joins(id, &[]);
        one.loses(id, socket);
    }
    for id in ["x", "y", "z"] {
        let socket = two.joins(id, &[]);
        two.loses(id, socket);
        one.waits(0);
    }
    let kept = |memory: &Memory, ids: &[&'static str]| {
        let kept = ids.iter().filter(|id| memory.recovery.lost(id).is_some());
        kept.copied().collect::<Vec<_>>()
    };
    assert_eq!(kept(&one, &["a", "b", "c", "d"]), ["c", "d"]);
    assert_eq!(kept(&two, &["x", "y", "z"]), ["y", "z"]);
    // Whoever is back, or sent away, makes room.
    one.recovery.let_in(&PrivateId::new("c"));
    one.recovery.forget("d");
    for id in ["u", "v"] {
        let socket = two.joins(id, &[]);
        two.loses(id, socket);
    }
    assert_eq!(kept(&two, &["y", "z", "u", "v"]), ["y", "z", "u", "v"]);
}

#[derive(Debug, Clone)]
enum Step {
    Send,
    Lose(u8),
    Join(u8, u8),
    Leave(u8, u8),
    Forget(u8),
    LetIn(u8),
    Empty,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Send),
        (0..6_u8).prop_map(Step::Lose),
        (0..6_u8, 0..6_u8).prop_map(|(id, room)| Step::Join(id, room)),
        (0..6_u8, 0..6_u8).prop_map(|(id, room)| Step::Leave(id, room)),
        (0..6_u8).prop_map(Step::Forget),
        (0..6_u8).prop_map(Step::LetIn),
        Just(Step::Empty),
    ]
}

impl Memory {
    fn takes(&mut self, step: Step) {
        let name = |number: u8| "n".repeat(usize::from(number) + 1);
        match step {
            Step::Send => drop(self.send(&[], 0)),
            Step::Lose(id) => {
                let socket = self.joins(&name(id), &["room"]);
                self.loses(&name(id), socket);
            }
            Step::Join(id, room) => self.recovery.join(&name(id), name(room).into()),
            Step::Leave(id, room) => self.recovery.leave(&name(id), &name(room)),
            Step::Forget(id) => self.recovery.forget(&name(id)),
            Step::LetIn(id) => self.recovery.let_in(&PrivateId::new(&name(id))),
            Step::Empty => self.recovery.forget_packets(),
        }
    }
}

proptest! {
    /// Whatever happens, the budget knows what is held, and in the end nothing is.
    #[test]
    fn what_is_held_is_known(steps in prop::collection::vec((0..2_usize, step()), 0..100)) {
        let limits = RecoveryLimits {
            max_sockets: 4,
            max_packets: 4,
            max_total_bytes: 2000,
            max_total_sockets: 5,
            ..Default::default()
        };
        let budget = RecoveryBudget::new(&limits);
        let mut memories = [(); 2].map(|()| Memory::within(limits.clone(), &budget));
        for (at, step) in steps {
            memories[at].takes(step);
            let held = memories.each_ref().map(|memory| &memory.recovery);
            let sockets: usize = held.iter().map(|held| held.lost.len()).sum();
            let bytes: usize = held.iter().map(|held| held.log.bytes() + held.lost.bytes()).sum();
            let holders = held.iter().filter(|held| held.poll_timeout().is_some()).count();
            prop_assert_eq!(budget.held(), (bytes, sockets, holders));
        }
        for memory in &mut memories {
            memory.waits(120);
        }
        prop_assert_eq!(budget.held(), (0, 0, 0));
    }
}
