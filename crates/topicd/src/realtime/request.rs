//! What a client says with `subscribe` and `unsubscribe`, read once.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use socketio::Event;

use crate::{
    datetime::Timestamp,
    hub::{Elements, Form, Pace},
    object::Object,
    store::{Epoch, ReplayRequest, Seq, Start},
    topic::Topic,
};

/// Most values that `last` may ask for.
const MAX_LAST: u64 = 100;

/// The argument as it comes. The options are values of any type, so that a wrong one is told apart
/// from a wrong topic.
#[derive(Deserialize)]
pub(super) struct TopicRequest {
    pub(super) resource: String,
    last: Option<Value>,
    since: Option<Value>,
    epoch: Option<Value>,
    conflate: Option<Value>,
}

/// A subscription that a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) topic: Topic,
    /// The topic exactly as it was written.
    pub(crate) spelling: Arc<str>,
    pub(crate) form: Form,
    /// Where stored values start, if they are asked for.
    pub(crate) start: Option<Start>,
}

impl TopicRequest {
    pub(super) fn of(event: &Event) -> Option<Self> {
        let request = event.arg::<Object<Self>>(0).ok()?;
        Some(request.0)
    }

    /// What is wanted, or what is wrong with it.
    pub(super) fn wanted(&self) -> Result<Wanted, &'static str> {
        let topic = Topic::parse(&self.resource).map_err(|_| "malformed topic")?;
        let start = self.start().ok_or("malformed last, since or epoch")?;
        let pace = self.pace().ok_or("malformed conflate")?;
        let elements = match start {
            Some(_) => Elements::Numbered,
            None => Elements::Plain,
        };
        Ok(Wanted {
            topic,
            spelling: self.resource.as_str().into(),
            form: Form { elements, pace },
            start,
        })
    }

    fn start(&self) -> Option<Option<Start>> {
        let start = match (&self.last, &self.since) {
            (None, None) => return Some(None),
            (Some(last), None) => {
                let count = last.as_u64().filter(|count| *count <= MAX_LAST)?;
                Start::Last(u32::try_from(count).ok()?)
            }
            (None, Some(Value::String(instant))) => Start::Since(Timestamp::parse(instant)?),
            (None, Some(seq)) => {
                let seq = seq.as_i64().filter(|seq| *seq >= 0)?;
                Start::After(Seq(seq), self.epoch()?)
            }
            (Some(_), Some(_)) => return None,
        };
        Some(Some(start))
    }

    fn epoch(&self) -> Option<Option<Epoch>> {
        match &self.epoch {
            None => Some(None),
            Some(epoch) => Epoch::parse(epoch.as_str()?).map(Some),
        }
    }

    fn pace(&self) -> Option<Pace> {
        match &self.conflate {
            None | Some(Value::Bool(false)) => Some(Pace::Every),
            Some(Value::Bool(true)) => Some(Pace::Newest),
            Some(_) => None,
        }
    }
}

impl Wanted {
    /// What the store is asked for.
    pub(super) fn replay(&self) -> Option<ReplayRequest> {
        let key = match &self.topic {
            Topic::Resource(key) => Some(key.clone()),
            Topic::Thing(_) => None,
        };
        let start = self.start.clone()?;
        Some(ReplayRequest { key, start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(options: &str) -> Result<Wanted, &'static str> {
        let json = format!(r#"{{"resource":"/me/resources/a"{options}}}"#);
        serde_json::from_str::<TopicRequest>(&json)
            .unwrap()
            .wanted()
    }

    fn start(options: &str) -> Option<Start> {
        wanted(options).unwrap().start
    }

    #[test]
    fn nothing_is_asked_for_unless_it_is_named() {
        for options in [
            "",
            r#","last":null"#,
            r#","conflate":false"#,
            r#","limit":3"#,
        ] {
            let wanted = wanted(options).unwrap();
            assert_eq!((wanted.start, wanted.form), (None, Form::default()));
        }
    }

    #[test]
    fn each_start_has_its_form() {
        let instant = Timestamp::parse("2020-01-01T00:00:00Z").unwrap();
        assert_eq!(start(r#","last":100"#), Some(Start::Last(100)));
        let since = r#","since":"2020-01-01T00:00:00Z""#;
        assert_eq!(start(since), Some(Start::Since(instant)));
        assert_eq!(start(r#","since":7"#), Some(Start::After(Seq(7), None)));
        let with_epoch = Some(Start::After(Seq(7), Some(Epoch(255))));
        assert_eq!(start(r#","since":7,"epoch":"ff""#), with_epoch);
    }

    #[test]
    fn conflating_and_numbers_are_independent() {
        let form = |options| wanted(options).unwrap().form;
        let (elements, pace) = (Elements::Numbered, Pace::Newest);
        let plain = Elements::Plain;
        assert_eq!(
            form(r#","conflate":true"#),
            Form {
                elements: plain,
                pace
            }
        );
        assert_eq!(
            form(r#","conflate":true,"last":1"#),
            Form { elements, pace }
        );
    }

    #[test]
    fn what_is_malformed_is_told() {
        let starts = [
            r#","last":101"#,
            r#","last":-1"#,
            r#","last":"5""#,
            r#","last":1.5"#,
            r#","since":-1"#,
            r#","since":"yesterday""#,
            r#","since":{}"#,
            r#","since":1,"epoch":5"#,
            r#","since":1,"last":1"#,
        ];
        for options in starts {
            let refused = Err("malformed last, since or epoch");
            assert_eq!(wanted(options), refused, "{options}");
        }
        assert_eq!(wanted(r#","conflate":1"#), Err("malformed conflate"));
    }
}
