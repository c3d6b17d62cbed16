#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| engineio_proto::fuzzing::payload_v4(data));
