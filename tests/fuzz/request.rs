//! Request bodies, as JSON and as protobuf. See `targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::request(data));
