//! Filter rules, parsed and printed. See `targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::filter(data));
