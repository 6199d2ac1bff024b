//! What `--help` teaches is true.

use super::run::{bundle, doorward, write};

#[test]
fn every_verb_shows_an_example_that_works() {
    // `serve` does not end by itself; a test of its own runs it.
    for verb in [
        "run",
        "healthcheck",
        "check",
        "fmt",
        "decide",
        "explain",
        "gaps",
        "impact",
        "prove",
        "test",
        "replay",
        "export",
        "schema",
        "authzen-selftest",
    ] {
        let help = doorward(&[verb, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{verb}");
        let mut examples = 0;
        for line in help.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("$ doorward ")) {
            let words: Vec<_> = line.split(' ').collect();
            assert_eq!(words.first(), Some(&verb));
            let run = doorward(&words);
            assert_eq!(run.code, 0, "{line}: {}", run.told());
            examples += 1;
        }
        assert_eq!(examples, 1, "{verb} shows one example");
    }
    assert!(doorward(&["serve", "--help"]).stdout.contains("$ doorward serve policies/workload"));
}

/// The indented lines of `verb --help` from the one that begins with `first` on.
fn file_shown_by(verb: &str, first: &str) -> String {
    let help = doorward(&[verb, "--help"]).stdout;
    let start = help.find(&format!("\n  {first}")).unwrap() + 1;
    let lines = help[start..].lines().take_while(|line| line.starts_with("  "));
    lines.map(|line| format!("{}\n", &line[2..])).collect()
}

/// Whoever has nothing but `--help` can write a bundle, its tests and a statement.
#[test]
fn what_help_shows_of_files_is_sound_and_holds_together() {
    let policy = file_shown_by("check", "policies:");
    let cases = file_shown_by("test", "cases:");
    let folder = bundle(&[("policies.yaml", &policy), ("tests/networks.yaml", &cases)]);
    let path = folder.path().to_str().unwrap();
    let run = doorward(&["check", path]);
    assert!(run.code == 0 && run.stdout.contains(": valid\n"), "{}", run.told());
    let run = doorward(&["test", path]);
    assert!(run.code == 0 && run.stdout.contains("3 passed"), "{}", run.told());
    write(folder.path(), "statements/risk.yaml", &file_shown_by("prove", "displayName:"));
    let run = doorward(&["prove", path]);
    assert!(run.code == 5 && run.stdout.contains("refuted  No tokens at high risk"), "{}", run.told());
}

#[test]
fn paragraphs_of_help_are_wrapped_once() {
    for verb in ["check", "test", "explain", "diff", "impact", "gaps", "fmt", "replay", "export", "schema", "run"] {
        let help = doorward(&[verb, "--help"]).stdout;
        let lines: Vec<_> = help.lines().collect();
        for pair in lines.windows(2) {
            let is_prose = |line: &str| line.starts_with(char::is_alphabetic);
            let next = pair[1].split(' ').next().unwrap().chars().count();
            let is_torn = is_prose(pair[0]) && is_prose(pair[1]) && pair[0].chars().count() + next < 90;
            assert!(!is_torn, "{verb}: {} / {}", pair[0], pair[1]);
        }
    }
}

#[test]
fn help_lists_every_exit_code() {
    let help = doorward(&["--help"]);
    // Long meanings are wrapped.
    let words = help.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for (exit, meaning) in doorward::cli::Exit::ALL {
        assert!(words.contains(&format!("{} {meaning}", exit as u8)), "{exit:?}");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error_on_standard_error() {
    for arguments in [&["decide"][..], &["explode"], &["check", "a", "b"], &["decide", "x", "--risk", "severe"], &[]] {
        let run = doorward(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert_eq!(run.stdout, "");
        assert!(!run.stderr.is_empty());
    }
}
