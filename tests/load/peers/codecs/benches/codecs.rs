//! Time per operation: a group per operation, a line per codec.
#![forbid(unsafe_code)]

use std::hint::black_box;

use bytes::Bytes;
use codecs::{input, ours, socketioxide};
use criterion::{Criterion, criterion_group, criterion_main};
use engineioxide_core::{ProtocolVersion, Str};
use socketioxide_core::parser::{ParseConfig, ParserState};

fn events(criterion: &mut Criterion) {
    let (config, state) = (ParseConfig::default(), ParserState::default());
    for (name, text) in [
        ("read event, 64 B", input::event(64)),
        ("read event, 1 KiB", input::event(1024)),
        ("read event, object", input::object_event()),
    ] {
        let (mine, theirs) = (ours::text(text.clone()), Str::from(text));
        let mut group = criterion.benchmark_group(name);
        group.bench_function("ours", |bencher| {
            bencher.iter(|| ours::read_event(black_box(&mine)));
        });
        group.bench_function("socketioxide", |bencher| {
            bencher.iter(|| socketioxide::read_event(&config, &state, black_box(&theirs)));
        });
    }
    for (name, text) in [
        ("read value, 64 B", input::event(64)),
        ("read value, object", input::object_event()),
    ] {
        let (mine, theirs) = (ours::text(text.clone()), Str::from(text));
        let mut group = criterion.benchmark_group(name);
        group.bench_function("ours", |bencher| {
            bencher.iter(|| ours::read_value(black_box(&mine)));
        });
        group.bench_function("socketioxide", |bencher| {
            bencher.iter(|| socketioxide::read_value(&config, &state, black_box(&theirs)));
        });
    }
}

fn receive(criterion: &mut Criterion) {
    let frame = ours::text(format!("4{}", input::event(1024)));
    let mut group = criterion.benchmark_group("receive event, 1 KiB");
    group.bench_function("ours", |bencher| {
        bencher.iter(|| ours::receive_event(black_box(&frame)));
    });
}

fn write(criterion: &mut Criterion) {
    let (namespace, payload) = (ours::root(), "x".repeat(64));
    let mut group = criterion.benchmark_group("write event, 64 B");
    group.bench_function("ours", |bencher| {
        bencher.iter(|| ours::write_event(&namespace, black_box(&payload)));
    });
    group.bench_function("socketioxide", |bencher| {
        bencher.iter(|| socketioxide::write_event(black_box(&payload)));
    });
}

fn payloads(criterion: &mut Criterion) {
    for (name, query, version, body) in [
        (
            "read payload, 10 packets, EIO 4",
            "EIO=4&transport=polling",
            ProtocolVersion::V4,
            input::payload_v4(),
        ),
        (
            "read payload, 10 packets, EIO 3",
            "EIO=3&transport=polling&b64=1",
            ProtocolVersion::V3,
            input::payload_v3(),
        ),
    ] {
        let (encoding, body) = (ours::encoding(query), Bytes::from(body));
        let mut group = criterion.benchmark_group(name);
        group.bench_function("ours", |bencher| {
            bencher.iter(|| ours::read_payload(&encoding, black_box(&body)));
        });
        group.bench_function("socketioxide", |bencher| {
            bencher.iter(|| socketioxide::read_payload(version, black_box(&body)));
        });
    }
}

criterion_group!(benches, events, receive, write, payloads);
criterion_main!(benches);
