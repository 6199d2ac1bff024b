//! An issuer that fails at times, tokens that come at any time, and what must hold all along.

use std::time::Duration;

use super::*;

/// One run, all times since its start.
#[derive(Debug, Default)]
struct Run {
    /// When fetches began.
    begun: Vec<Duration>,
    /// When they succeeded.
    succeeded: Vec<Duration>,
    /// When a wish was granted, and when the fetch ended that it waited for.
    answered: Vec<(Duration, Duration)>,
    /// How many wishes were not.
    refused: usize,
}

const NEVER: fn(&mut fastrand::Rng) -> Duration = |_| Duration::MAX / 4;

/// Runs for some hours. `fails` says whether a fetch that begins then fails, `wants` when the next token comes.
fn run(
    seed: u64,
    hours: u64,
    fails: impl Fn(&mut fastrand::Rng, Duration) -> bool,
    wants: impl Fn(&mut fastrand::Rng) -> Duration,
) -> Run {
    let (mut random, mut refresh, mut run) = (fastrand::Rng::with_seed(seed), Refresh::default(), Run::default());
    let (mut now, end) = (Duration::ZERO, Duration::from_secs(hours * 3600));
    let mut next_want = wants(&mut random);
    let mut fetching: Option<(Duration, bool)> = None;
    let mut waiting: Vec<Duration> = Vec::new();
    while now < end {
        let wake = match refresh.next(now) {
            Next::Fetch => {
                assert!(fetching.is_none(), "one fetch at a time");
                run.begun.push(now);
                fetching = Some((now + Duration::from_millis(random.u64(1..5_000)), fails(&mut random, now)));
                Duration::MAX
            }
            Next::Wait(wait) => {
                assert!(!wait.is_zero(), "waiting goes forward");
                now + wait
            }
        };
        now = wake.min(next_want).min(fetching.map_or(Duration::MAX, |(ends, _)| ends));
        if let Some((_, has_failed)) = fetching.take_if(|(ends, _)| *ends <= now) {
            refresh.fetched(now, !has_failed);
            if !has_failed {
                run.succeeded.push(now);
            }
            // Who came before the fetch began waits for it; so does who came while it ran.
            run.answered.extend(waiting.drain(..).map(|asked| (asked, now)));
        }
        if next_want <= now {
            if refresh.want(now) {
                waiting.push(now)
            } else {
                run.refused += 1
            }
            next_want = now + wants(&mut random);
        }
    }
    run
}

#[test]
fn tokens_with_unknown_keys_cause_at_most_one_fetch_a_pause() {
    for seed in 0..50 {
        let hours = 3;
        let run = run(seed, hours, |_, _| false, |random| Duration::from_millis(random.u64(1..400)));
        let pauses = Duration::from_secs(hours * 3600).div_duration_f64(limits::KEY_SET_PAUSE);
        let regular = Duration::from_secs(hours * 3600).div_duration_f64(limits::KEY_SET_REFRESH);
        assert!(run.begun.len() as f64 <= pauses + regular + 2.0, "seed {seed}: {}", run.begun.len());
        assert!(run.begun.len() as f64 >= pauses * 0.9, "each pause has its fetch: {}", run.begun.len());
        assert!(run.refused > 0);
    }
}

#[test]
fn a_granted_wish_is_answered_within_the_time_of_one_fetch() {
    for seed in 0..50 {
        let run = run(seed, 24, |random, _| random.u8(..) < 40, |random| Duration::from_secs(random.u64(1..60)));
        assert!(!run.answered.is_empty());
        for (asked, answered) in run.answered {
            assert!(answered - asked <= limits::KEY_SET_TIME_MAX, "seed {seed}: {asked:?} {answered:?}");
        }
    }
}

#[test]
fn the_first_unknown_key_after_a_regular_fetch_does_not_wait_for_a_pause() {
    let mut refresh = Refresh::default();
    assert_eq!(refresh.next(Duration::ZERO), Next::Fetch);
    assert!(refresh.fetched(Duration::ZERO, true));
    let soon = Duration::from_millis(1);
    assert!(refresh.want(soon));
    assert_eq!(refresh.next(soon), Next::Fetch);
    assert!(refresh.want(soon), "who comes while it runs waits for it");
    assert!(refresh.fetched(soon, true));
    assert!(!refresh.want(soon));
    assert!(matches!(refresh.next(soon), Next::Wait(_)));
    assert!(refresh.want(soon + limits::KEY_SET_PAUSE));
}

#[test]
fn keys_are_fetched_regularly_though_nobody_asks() {
    for seed in 0..10 {
        let run = run(seed, 24, |_, _| false, NEVER);
        assert_eq!(run.begun.first(), Some(&Duration::ZERO));
        for pair in run.begun.windows(2) {
            assert_eq!(pair[1] - pair[0], limits::KEY_SET_REFRESH, "seed {seed}");
        }
    }
}

#[test]
fn an_issuer_that_fails_is_asked_less_and_less_often_until_it_answers() {
    let back = Duration::from_secs(7 * 3600);
    for seed in 0..10 {
        let run = run(seed, 12, |_, now| now < back, NEVER);
        let before: Vec<_> = run.begun.iter().filter(|begun| **begun < back).collect();
        assert!(before.len() < 100, "seed {seed}: {}", before.len());
        assert!(*before[1] - *before[0] <= limits::KEY_SET_TIME_MAX, "the second time comes soon");
        let first = run.succeeded[0];
        assert!(first - back <= limits::KEY_SET_RETRY_MAX + limits::KEY_SET_TIME_MAX, "seed {seed}: {first:?}");
    }
}

#[test]
fn the_last_good_keys_are_kept_for_a_day_and_no_longer() {
    let mut refresh = Refresh::default();
    assert_eq!(refresh.next(Duration::ZERO), Next::Fetch);
    assert!(refresh.fetched(Duration::ZERO, true));
    let day = limits::KEY_SET_AGE_MAX;
    assert!(refresh.fetched(day, false), "a failure alone takes nothing away");
    assert!(!refresh.fetched(day + Duration::from_secs(1), false));
    assert!(refresh.fetched(day + Duration::from_secs(2), true));
    assert!(!Refresh::default().fetched(Duration::ZERO, false), "there never were any");
}
