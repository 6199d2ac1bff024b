//! How many random cases a test draws.

use std::ops::Range;

/// Says how many seeds to draw in the place of the usual number, or which, as in `5000` or `5000..9000`.
const SEEDS: &str = "DOORWARD_SEEDS";

/// The seeds of a test: the first `usual`, or those that the environment asks for.
pub fn seeds(usual: u64) -> Range<u64> {
    let Ok(said) = std::env::var(SEEDS) else { return 0..usual };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{SEEDS} says {said}"));
    match said.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&said),
    }
}

/// As many cases, for tests that draw them by chance.
pub fn cases(usual: u32) -> u32 {
    let seeds = seeds(usual.into());
    u32::try_from(seeds.end - seeds.start).unwrap_or(u32::MAX)
}
