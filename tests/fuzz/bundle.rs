//! Bundle text, read and compiled. See `targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::bundle(data));
