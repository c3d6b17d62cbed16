//! The hot paths of ours, by name, for counting.

use std::hint::black_box;

use bytes::Bytes;
use engineio_proto::{Prepared, Version};

use crate::{input, ours};

/// Prepares a path; each call of what it returns runs it once.
pub type Path = (&'static str, fn() -> Box<dyn FnMut()>);

pub const PATHS: &[Path] = &[
    ("receive event, 64 B", || receive(64)),
    ("receive event, 1 KiB", || receive(1024)),
    ("write event, 64 B", || {
        let (namespace, payload) = (ours::root(), "x".repeat(64));
        Box::new(move || {
            black_box(ours::write_event(&namespace, black_box(&payload)));
        })
    }),
    ("write event and its frame, 64 B", || {
        let (namespace, payload) = (ours::root(), "x".repeat(64));
        Box::new(move || {
            let entry = ours::write_event(&namespace, black_box(&payload));
            black_box(Prepared::new(entry).frames(Version::V4));
        })
    }),
    ("read payload, 10 packets, EIO 4", || {
        payload("EIO=4&transport=polling", input::payload_v4())
    }),
    ("read payload, 10 packets, EIO 3", || {
        payload("EIO=3&transport=polling&b64=1", input::payload_v3())
    }),
];

fn receive(size: usize) -> Box<dyn FnMut()> {
    let frame = ours::text(format!("4{}", input::event(size)));
    Box::new(move || {
        black_box(ours::receive_event(black_box(&frame)));
    })
}

fn payload(query: &str, body: String) -> Box<dyn FnMut()> {
    let (encoding, body) = (ours::encoding(query), Bytes::from(body));
    Box::new(move || {
        black_box(ours::read_payload(&encoding, black_box(&body)));
    })
}
