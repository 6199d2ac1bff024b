//! What `--help` teaches is true.

use super::run::doorward;

#[test]
fn every_verb_shows_an_example_that_works() {
    // `serve` does not end by itself; a test of its own runs it.
    for verb in ["run", "check", "fmt", "decide", "explain", "test", "replay", "export", "schema", "authzen-selftest"] {
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

#[test]
fn help_lists_every_exit_code() {
    let help = doorward(&["--help"]);
    for (exit, meaning) in doorward::cli::Exit::ALL {
        assert!(help.stdout.contains(&format!("  {}  {meaning}", exit as u8)), "{exit:?}");
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
