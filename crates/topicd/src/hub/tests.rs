//! What is pushed where, seen by an outlet that writes it down.

use std::sync::Arc;

use super::*;
use crate::{store::Thing, token::ThingId};

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Outlet for Notes {
    fn push(&self, room: &Room, elements: &str) {
        self.note(format!("{} {elements}", room.spelling));
    }

    fn push_newest(&self, room: &Room, element: &str, key: u64) {
        self.note(format!("{} newest of {key} {element}", room.spelling));
    }

    fn end_session(&self, _: &Hub, session: Digest) {
        self.note(format!("ended {}", session.as_bytes()[0]));
    }

    fn revoke(&self, _: &Hub, thing: ThingRow, _: Digest) {
        self.note(format!("revoked {}", thing.0));
    }
}

impl Notes {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

const THING: ThingRow = ThingRow(1);
const ANNA: UserId = UserId(7);
const BEN: UserId = UserId(8);

fn hub() -> (Hub, Notes) {
    let notes = Notes::default();
    (Hub::new(notes.clone(), Metrics::new()), notes)
}

fn key(name: &str) -> Key {
    Key::parse(name).unwrap()
}

fn room(channel: Channel, spelling: &str) -> Room {
    Room {
        channel,
        spelling: spelling.into(),
        form: Form::default(),
    }
}

fn publication(owners: &[UserId], keys: &[&str]) -> Effect {
    let records = keys.iter().zip(1..).map(|(name, number)| Record {
        key: key(name),
        value: number.to_string().into(),
        datetime: crate::datetime::Timestamp::EPOCH,
        geo: None,
    });
    Effect::Publish(Publication {
        thing: Thing {
            row: THING,
            id: ThingId::named("T"),
        },
        owners: owners.to_vec(),
        records: records.collect(),
        first: Seq(5),
    })
}

// Contract 29
#[test]
fn a_thing_gets_all_and_a_resource_its_own_in_written_order() {
    let (hub, notes) = hub();
    hub.enter(&room(Channel::Thing(THING), "/things/x"));
    hub.enter(&room(Channel::Resource(ANNA, key("a")), "/me/resources/a"));
    hub.enter(&room(Channel::Resource(BEN, key("a")), "/me/resources/a"));
    hub.apply(publication(&[ANNA], &["a", "b", "a"]));
    let at = r#""datetime":"1970-01-01T00:00:00.000Z""#;
    assert_eq!(
        notes.take(),
        [
            format!(
                r#"/things/x [{{"key":"a","value":1,{at}}},{{"key":"b","value":2,{at}}},{{"key":"a","value":3,{at}}}]"#
            ),
            format!(
                r#"/me/resources/a [{{"key":"a","value":1,{at},"thingId":"T"}},{{"key":"a","value":3,{at},"thingId":"T"}}]"#
            ),
        ]
    );
}

#[test]
fn each_spelling_is_a_room_of_its_own() {
    let (hub, notes) = hub();
    let plain = room(Channel::Thing(THING), "/things/x");
    let slash = room(Channel::Thing(THING), "/things/x/");
    hub.enter(&plain);
    hub.enter(&slash);
    hub.apply(publication(&[], &["a"]));
    let spellings: Vec<_> = notes
        .take()
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(spellings, ["/things/x", "/things/x/"]);
}

#[test]
fn a_room_lives_as_long_as_its_members() {
    let (hub, notes) = hub();
    let resource = room(Channel::Resource(ANNA, key("a")), "/me/resources/a");
    hub.enter(&resource);
    hub.enter(&resource);
    hub.leave(&resource);
    hub.apply(publication(&[ANNA], &["a"]));
    assert_eq!(notes.take().len(), 1);
    hub.leave(&resource);
    hub.leave(&resource);
    hub.apply(publication(&[ANNA], &["a"]));
    assert!(notes.take().is_empty());
    assert!(hub.lock().is_empty());
}

#[tokio::test]
async fn the_stage_answers_after_the_effect_and_in_order() {
    let (hub, notes) = hub();
    let (stage, staged) = stage();
    hub.enter(&room(Channel::Thing(THING), "/things/x"));
    let answer = |line: &'static str| {
        let notes = notes.clone();
        Box::new(move || notes.note(line.into())) as Box<dyn FnOnce() + Send>
    };
    let entering = notes.clone();
    let admit = Effect::Admit(Box::new(move || entering.note("entered".into())));
    let effects = [
        (publication(&[], &["a"]), answer("stored")),
        (admit, answer("admitted")),
        (Effect::None, answer("linked")),
    ];
    let group = effects
        .into_iter()
        .map(|(effect, answer)| Staged { effect, answer });
    stage.send(group.collect()).await.unwrap();
    drop(stage);
    hub.run(staged).await;
    let lines = notes.take();
    let first_words: Vec<_> = lines
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        first_words,
        ["/things/x", "stored", "entered", "admitted", "linked"]
    );
}

#[test]
fn each_form_is_a_room_of_its_own() {
    let (hub, notes) = hub();
    let numbered = Form {
        elements: Elements::Numbered,
        ..Form::default()
    };
    for form in [Form::default(), numbered] {
        hub.enter(&Room {
            form,
            ..room(Channel::Resource(ANNA, key("a")), "/me/resources/a")
        });
    }
    hub.apply(publication(&[ANNA], &["b", "a"]));
    let element = r#"{"key":"a","value":2,"datetime":"1970-01-01T00:00:00.000Z","thingId":"T""#;
    assert_eq!(
        notes.take(),
        [
            format!("/me/resources/a [{element}}}]"),
            format!(r#"/me/resources/a [{element},"seq":6}}]"#),
        ]
    );
}

#[test]
fn the_newest_of_each_key_comes_alone_with_a_key_of_its_own() {
    let (hub, notes) = hub();
    hub.enter(&Room {
        form: Form {
            pace: Pace::Newest,
            ..Form::default()
        },
        ..room(Channel::Thing(THING), "/things/x")
    });
    hub.apply(publication(&[], &["a", "b", "a"]));
    let lines = notes.take();
    let word = |line: &String, index| line.split(' ').nth(index).unwrap().to_owned();
    let keys: Vec<_> = lines.iter().map(|line| word(line, 3)).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys[0], keys[2]);
    assert_ne!(keys[0], keys[1]);
    assert!(word(&lines[1], 4).starts_with(r#"[{"key":"b","value":2,"#));
}
