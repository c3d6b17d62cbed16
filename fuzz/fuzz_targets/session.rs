#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| engineio_proto::fuzzing::session(data));
