//! The bodies of the fuzz targets, each with the properties that hold for every input.
//!
//! Not part of the API. The same bodies run in the tests over random bytes.

use serde_json::value::RawValue;

use crate::{
    datetime::Timestamp,
    rest,
    topic::Topic,
    value::{self, Keys},
};

/// A topic is refused, or has a form without its trailing slash that is the same topic.
pub fn topic(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(topic) = Topic::parse(text)
    {
        let bare = text.strip_suffix('/').unwrap_or(text);
        assert_eq!(Topic::parse(bare), Ok(topic));
    }
}

/// The body of a write, as JSON and as a form, is refused, or makes elements that are JSON.
pub fn write_body(data: &[u8]) {
    elements(data);
    if let Some(json) = rest::form_to_json(data) {
        elements(&json);
    }
}

fn elements(body: &[u8]) {
    if let Ok(records) = value::parse_batch(body, &Keys::Own, Timestamp::EPOCH) {
        let elements = value::elements(&records, None);
        let parsed: Result<Vec<&RawValue>, _> = serde_json::from_str(&elements);
        assert_eq!(parsed.map(|parsed| parsed.len()).ok(), Some(records.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;

    type Target = fn(&[u8]);

    #[test]
    fn corpus_holds() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let targets: [(&str, Target); 2] =
            [("topic", super::topic), ("write_body", super::write_body)];
        for (name, run) in targets {
            let seeds: Vec<_> = fs::read_dir(corpus.join(name)).unwrap().collect();
            assert!(!seeds.is_empty(), "{name} has no seeds");
            for seed in seeds {
                run(&fs::read(seed.unwrap().path()).unwrap());
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes(data: Vec<u8>) {
            super::topic(&data);
            super::write_body(&data);
        }

        #[test]
        fn nearly_topics(text in "/(me/resources|things)/[A-Za-z0-9._/-]{0,10}") {
            super::topic(text.as_bytes());
        }

        #[test]
        fn nearly_bodies(value in "[\\[\\]{}\",:0-9a-z\\\\ ]{0,40}", form in "[kv0-9\\[\\]=&%]{0,20}") {
            let body = format!(r#"{{"values":[{{"key":"k","value":{value}}}]}}"#);
            super::write_body(body.as_bytes());
            let form = format!("values[0][key]=k&values[0][value]=1&{form}");
            super::write_body(form.as_bytes());
        }
    }
}
