//! The rules of reloading as a table: milliseconds, input, and the actions that follow.

use std::time::Duration;

use jiff::Timestamp;

use super::*;

/// Settle 50 ms, 1 s if files are lacking, peek after 300 ms, poll 10 s. What is read is a digest and what its marks
/// tell: `young`, `lacking`, `same`, `swapped`. A built bundle is `digest`, `digest/sequence`, or `digest@expires` in
/// seconds; its revision is the digest up to a `-`. Time starts at second 100 of the day. A failure is `!message`.
const CASES: &str = "
case the_first_bundle_is_loaded_at_once
    0 tick -> read
    3 read a -> build
    9 built a -> publish, activated a
    9 deadline 10009

case changes_settle_before_they_are_read
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 changed ->
    100 deadline 150
    140 changed ->
    150 tick ->
    150 deadline 190
    190 tick -> read
    190 read b -> build
    191 built b -> publish, activated b

case changes_that_never_settle_are_read_all_the_same
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 changed ->
    149 changed ->
    198 changed ->
    247 changed ->
    296 changed ->
    345 changed ->
    394 changed ->
    394 deadline 400
    400 changed -> read

case a_poll_looks_and_reads_only_what_changed
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    10000 tick -> look
    10000 deadline 20000
    20000 tick -> look
    20000 changed ->
    20050 tick -> read
    20060 read b -> build
    20061 built b -> publish, activated b
    20061 deadline 30061

case the_digest_of_the_active_bundle_ends_a_load
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    1 reload -> read
    2 read a -> unchanged
    2 deadline 10002

case a_refused_digest_is_not_built_again_nor_told_again
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    1 changed ->
    51 tick -> read
    52 read b -> build
    53 built !invalid -> rejected invalid new
    60 changed ->
    110 tick -> read
    111 read b -> rejected invalid

case an_operator_who_asks_gets_a_refused_bundle_built_and_told_again
    0 tick -> read
    0 read b -> build
    0 built !invalid -> rejected invalid new
    1 reload -> read
    1 read b -> build
    1 built !invalid -> rejected invalid new
    2 reload -> read
    2 read b -> build
    2 built b -> publish, activated b

case putting_the_active_files_back_ends_the_failure
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    1 reload -> read
    1 read b -> build
    1 built !invalid -> rejected invalid new
    2 reload -> read
    2 read a -> recovered
    3 changed ->
    53 tick -> read
    53 read b -> build
    53 built !invalid -> rejected invalid new

case a_failure_to_read_is_told_once_and_again_after_a_success
    0 tick -> read
    0 read !missing -> rejected missing new
    0 deadline 10000
    10000 tick -> look
    10000 changed ->
    10050 tick -> read
    10050 read !missing -> rejected missing
    10060 changed ->
    10110 tick -> read
    10110 read !denied -> rejected denied new
    10120 changed ->
    10170 tick -> read
    10170 read a -> build
    10170 built a -> publish, activated a
    10180 changed ->
    10230 tick -> read
    10230 read !denied -> rejected denied new

case a_refused_bundle_is_told_again_when_it_is_readable_again
    0 tick -> read
    0 read b -> build
    0 built !invalid -> rejected invalid new
    1 changed ->
    51 tick -> read
    51 read !missing -> rejected missing new
    52 changed ->
    102 tick -> read
    102 read b -> rejected invalid new

case changes_during_a_load_cause_exactly_one_more
    0 tick -> read
    1 changed ->
    1 deadline none
    2 changed ->
    3 read a -> build
    4 changed ->
    300 built a -> publish, activated a, read
    301 read c -> build
    302 built c -> publish, activated c
    302 deadline 10302

case a_change_late_in_a_load_settles_after_it
    0 tick -> read
    1 read a -> build
    290 changed ->
    300 built a -> publish, activated a
    300 deadline 340
    340 tick -> read

case an_operator_who_asks_during_a_load_gets_one_right_after_it
    0 tick -> read
    1 reload ->
    2 read a -> build
    3 built a -> publish, activated a, read
    4 read a -> unchanged

case a_change_during_a_failed_load_is_not_lost
    0 tick -> read
    1 changed ->
    2 read !torn -> rejected torn new
    2 deadline 51
    51 tick -> read

case a_lower_sequence_is_refused
    0 tick -> read
    0 read a -> build
    0 built a/7 -> publish, activated a
    1 reload -> read
    1 read b -> build
    1 built b/6 -> rejected `sequence 6 is lower than 7, the active bundle's` new
    2 reload -> read
    2 read c -> build
    2 built c/8 -> publish, activated c

case leaving_the_sequence_out_does_not_undo_the_protection
    0 tick -> read
    0 read a -> build
    0 built a/7 -> publish, activated a
    1 reload -> read
    1 read b -> build
    1 built b -> rejected `the bundle has no sequence, the active one has sequence 7` new

case a_reused_sequence_is_accepted_with_an_alarm
    0 tick -> read
    0 read a -> build
    0 built a/7 -> publish, activated a
    1 reload -> read
    1 read b -> build
    1 built b/7 -> publish, activated b reused

case bundles_without_sequences_replace_each_other_without_an_alarm
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    1 reload -> read
    1 read b -> build
    1 built b -> publish, activated b

case an_expired_bundle_is_refused
    0 tick -> read
    0 read a -> build
    0 built a@100 -> rejected `the bundle expired at 1970-01-01T00:01:40Z` new
    1 reload -> read
    1 read b -> build
    1 built b@101 -> publish, activated b

case a_young_reading_is_built_after_a_second_that_is_the_same
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 changed ->
    150 tick -> read
    150 read b young ->
    150 deadline 200
    200 tick -> read
    200 read c young ->
    250 tick -> read
    250 read c same young -> build
    251 built c -> publish, activated c

case the_same_digest_with_other_marks_is_not_still
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 changed ->
    150 tick -> read
    150 read b young ->
    200 tick -> read
    200 read b young ->
    250 tick -> read
    250 read b same young -> build

case a_reading_that_lacks_files_must_hold_still_for_longer
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 changed ->
    150 tick -> read
    150 read b lacking ->
    150 deadline 1150
    160 changed ->
    1150 tick -> read
    1150 read c lacking ->
    2150 tick -> read
    2150 read c lacking same -> build

case a_hurried_operator_does_not_get_a_part_of_a_bundle
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 reload -> read
    100 read b lacking ->
    200 reload -> read
    200 read b lacking same ->
    200 deadline 1200
    1200 tick -> read
    1200 read b lacking same -> build

case a_swap_is_complete_at_once
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 changed ->
    150 tick -> read
    150 read b swapped young lacking -> build
    151 built b -> publish, activated b

case a_reading_amid_events_is_not_calm
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 changed ->
    399 changed ->
    400 changed -> read
    400 read b ->
    450 tick -> read
    450 read b same -> build

case files_that_never_hold_still_are_reported_and_not_activated
    0 tick -> read
    0 read a -> build
    0 built a -> publish, activated a
    100 changed ->
    150 tick -> read
    150 read b young ->
    10149 tick -> read
    10149 read c young ->
    10200 tick -> read
    10200 read d young -> rejected `the files keep changing; they are not activated before they hold still` new
    10250 tick -> read
    10250 read e young ->
    10300 tick -> read
    10300 read e young same -> build
    10300 built e -> publish, activated e

case a_reused_revision_is_accepted_with_an_alarm
    0 tick -> read
    0 read 7-a -> build
    0 built 7-a -> publish, activated 7-a
    1 reload -> read
    1 read 7-b -> build
    1 built 7-b -> publish, activated 7-b relabelled
    2 reload -> read
    2 read 8-c -> build
    2 built 8-c -> publish, activated 8-c

case the_expiry_of_the_active_bundle_is_told_once
    0 tick -> read
    0 read a -> build
    0 built a@115 -> publish, activated a
    10000 tick -> look
    20000 tick -> look, expired
    30000 tick -> look
    30001 reload -> read
    30001 read b -> build
    30001 built b@131 -> publish, activated b
    41000 tick -> look, expired

case the_coming_expiry_of_the_active_bundle_is_told_once_in_the_last_tenth_of_its_time
    0 tick -> read
    0 read a -> build
    0 built a@300 -> publish, activated a
    179000 tick -> look
    180000 tick -> expiring
    189000 tick -> look
    200000 tick -> look, expired

case the_coming_expiry_of_the_active_bundle_is_told_a_week_before_at_the_earliest
    0 tick -> read
    0 read a -> build
    0 built a@8640100 -> publish, activated a
    8035199000 tick -> look
    8035200000 tick -> expiring
    8640000000 tick -> look, expired

case answers_that_nobody_asked_for_are_ignored
    0 tick -> read
    0 built a ->
    0 read a -> build
    0 read a ->
    0 built a -> publish, activated a
    0 built a ->
    0 read a ->
    0 deadline 10000
";

/// The sequences of a process ended with it, and whoever could restart it could put an older bundle in force.
#[test]
fn what_was_in_force_before_is_not_undercut_by_the_first_bundle() {
    for (first, expected) in [
        ("a/6", Err("sequence 6 is lower than 7, which was in force before")),
        ("a", Err("the bundle has no sequence, one with sequence 7 was in force before")),
        ("a/7", Ok(())),
        ("a/8", Ok(())),
    ] {
        let mut machine = Machine::new(Pace::default(), Duration::ZERO).refuse_below(Some(7));
        let mut told = Vec::new();
        for step in ["tick", "read a", &format!("built {first}")] {
            told = machine.handle(Duration::ZERO, Timestamp::UNIX_EPOCH, input(step));
        }
        let outcome = match told.last() {
            Some(Action::Report(Report::Activated { .. })) => Ok(()),
            Some(Action::Report(Report::Rejected { rejection, .. })) => Err(&*rejection.message),
            other => panic!("{first}: {other:?}"),
        };
        assert_eq!(outcome, expected, "{first}");
    }
}

#[test]
fn the_table_of_reloading_holds() {
    let mut cases = 0;
    for case in CASES.split("case ").skip(1) {
        let (name, steps) = case.split_once('\n').unwrap();
        check(name, steps);
        cases += 1;
    }
    assert_eq!(cases, CASES.matches("\ncase ").count());
}

fn check(name: &str, steps: &str) {
    let mut machine = Machine::new(Pace::default(), Duration::ZERO);
    for step in steps.lines().map(str::trim).filter(|step| !step.is_empty()) {
        let (at, rest) = step.split_once(' ').unwrap();
        let now = Duration::from_millis(at.parse().unwrap());
        let wall = Timestamp::from_second(100).unwrap() + now;
        if let Some(deadline) = rest.strip_prefix("deadline ") {
            let shown = machine.deadline().map_or("none".to_owned(), |at| at.as_millis().to_string());
            assert_eq!(shown, deadline, "{name}: {step}");
            continue;
        }
        let (told, expected) = rest.split_once("->").unwrap();
        let actions: Vec<_> = machine.handle(now, wall, input(told.trim())).iter().map(show).collect();
        assert_eq!(actions.join(", "), expected.trim(), "{name}: {step}");
    }
}

fn input(told: &str) -> Input {
    let rejection = |message: &str| Rejection::new(Stage::Parse, message);
    match told.split_once(' ').unwrap_or((told, "")) {
        ("changed", _) => Input::Changed,
        ("tick", _) => Input::Tick,
        ("reload", _) => Input::Reload,
        ("read", bundle) => Input::Read(match bundle.strip_prefix('!') {
            Some(message) => Err(rejection(message)),
            None => Ok(reading(bundle)),
        }),
        ("built", bundle) => Input::Built(match bundle.strip_prefix('!') {
            Some(message) => Err(rejection(message)),
            None => Ok(facts(bundle)),
        }),
        _ => panic!("unknown input {told}"),
    }
}

fn reading(told: &str) -> Reading {
    let (digest, marks) = told.split_once(' ').unwrap_or((told, ""));
    let is_marked = |mark| marks.split(' ').any(|word| word == mark);
    Reading {
        digest: digest.into(),
        is_swapped: is_marked("swapped"),
        is_lacking: is_marked("lacking"),
        is_same: is_marked("same"),
        age: if is_marked("young") { Duration::ZERO } else { Duration::from_secs(3600) },
    }
}

fn facts(bundle: &str) -> Facts {
    let (bundle, expires) = bundle.split_once('@').map_or((bundle, None), |(bundle, at)| (bundle, Some(at)));
    let (digest, sequence) = bundle.split_once('/').map_or((bundle, None), |(digest, number)| (digest, Some(number)));
    Facts {
        name: "bundle".into(),
        revision: digest.split('-').next().unwrap().into(),
        digest: digest.into(),
        sequence: sequence.map(|number| number.parse().unwrap()),
        expires: expires.map(|at| Timestamp::from_second(at.parse().unwrap()).unwrap()),
        policies: 0,
        locations: 0,
        ranges: 0,
    }
}

fn show(action: &Action) -> String {
    match action {
        Action::Look => "look".into(),
        Action::Read => "read".into(),
        Action::Build => "build".into(),
        Action::Publish => "publish".into(),
        Action::WarnExpiring => "expiring".into(),
        Action::WarnExpired => "expired".into(),
        Action::Report(Report::Activated { facts, is_sequence_reused, is_revision_reused }) => {
            let sequence = if *is_sequence_reused { " reused" } else { "" };
            format!("activated {}{sequence}{}", facts.digest, if *is_revision_reused { " relabelled" } else { "" })
        }
        Action::Report(Report::Unchanged { is_recovery: false }) => "unchanged".into(),
        Action::Report(Report::Unchanged { is_recovery: true }) => "recovered".into(),
        Action::Report(Report::Rejected { rejection, is_new, .. }) => {
            let quote = if rejection.message.contains(' ') { "`" } else { "" };
            format!("rejected {quote}{}{quote}{}", rejection.message, if *is_new { " new" } else { "" })
        }
    }
}
