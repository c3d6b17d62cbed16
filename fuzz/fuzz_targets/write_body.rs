#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| topicd::fuzzing::write_body(data));
