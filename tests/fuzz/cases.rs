//! The tests that a bundle carries, read and asked. See `targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cases(data));
