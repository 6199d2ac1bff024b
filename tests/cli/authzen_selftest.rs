//! `authzen-selftest` from the outside.

use super::run::doorward;

#[test]
fn every_row_of_the_certification_is_asked_and_answered_as_expected() {
    let run = doorward(&["authzen-selftest"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.told());
    let rows: Vec<_> = run.stdout.lines().filter(|line| line.contains(" ok ")).collect();
    let numbers: Vec<_> = rows.iter().filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8", "S1", "S2", "S3", "S4", "S5", "S6"]);
    assert!(!run.stdout.contains("FAILED"), "{}", run.stdout);
}
