//! Scenes, decided by the engine and by the oracle. See `targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::decision(data));
