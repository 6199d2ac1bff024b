//! `replay`: a decision log against another bundle. Which past decisions would change, and for whom?

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use super::answer::Format;
use super::{Exit, Outcome, Stop, answer, aside, load, paint};
use crate::limits;
use crate::serve::replay::{Counts, Groups, Replayer, Report};

/// How a compressed file begins, as rotated logs often are.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Version of the JSON output; it rises when a reader of an older one could be misled.
const SCHEMA_VERSION: u32 = 1;
/// Groups that people are shown of each kind.
const SHOWN: usize = 10;
/// Lines between two looks at the counter.
const STEP: u64 = 20_000;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward replay policies/workload policies/decisions.jsonl

The log is what `serve --decision-log` writes. Each record is decided again, for the time at which it was decided, \
with the countries that the bundle's database has now, or else with the recorded ones. Lines that are no records are \
named. Locations are those of this bundle: where none of them is, a request counts as in no named location.

Ends with 0, with 5 when decisions change as `--fail-on` says or it says something and no record was decided again, and \
else with 7 when some lines could not be read.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle to decide with.
    bundle: PathBuf,
    /// Decision log, a JSON object a line; `-` for standard input.
    log: PathBuf,
    /// End with 5 when decisions change so, or when the log has no decision; may be repeated.
    #[arg(long, value_enum, value_name = "CHANGE")]
    fail_on: Vec<FailOn>,
    /// How to write the changes.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A change that a pipeline may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Any change.
    Changed,
    /// What was blocked would be allowed.
    NewlyAllowed,
    /// What was allowed would be blocked.
    NewlyBlocked,
}

/// Replays.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let loaded = load::bundle(&args.bundle)?;
    let mut replayer = Replayer::new(&loaded.bundle);
    let report = if args.log == Path::new("-") {
        read(std::io::stdin().lock(), &mut replayer)
    } else {
        File::open(&args.log).and_then(|file| read(BufReader::with_capacity(1 << 20, file), &mut replayer))
    };
    let report = report.with_context(|| format!("cannot read `{}`", args.log.display()))?;
    let changed = report.changed;
    let changes = args.fail_on.iter().any(|fail_on| match fail_on {
        FailOn::Changed => changed.all() > 0,
        FailOn::NewlyAllowed => changed.newly_allowed > 0,
        FailOn::NewlyBlocked => changed.newly_blocked > 0,
    });
    // WHY: a gate that has compared nothing has not found that nothing changes; the log may be of somewhere else.
    let fails = changes || !args.fail_on.is_empty() && report.compared() == 0;
    let exit = match report.unreadable {
        _ if fails => Exit::Changed,
        0 => Exit::Success,
        _ => Exit::Partial,
    };
    let text = match args.format {
        Format::Human => human(&args.log, &report),
        Format::Json => answer::json(&body(&report))?,
    };
    Ok(Outcome { text, exit })
}

/// Replays line by line; a counter runs where a person watches.
fn read(mut log: impl BufRead, replayer: &mut Replayer<'_>) -> std::io::Result<Report> {
    if log.fill_buf()?.starts_with(&GZIP) {
        return Err(std::io::Error::other("it is compressed; `gzip -dc FILE | doorward replay BUNDLE -` reads it"));
    }
    let is_watched = aside::is_watched();
    let mut report = Report::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = limits::REPLAY_LINE_BYTES_MAX as u64 + 1;
        if (&mut log).take(most).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() > limits::REPLAY_LINE_BYTES_MAX {
            if line.last() != Some(&b'\n') {
                log.skip_until(b'\n')?;
            }
            report.note(Err(format!("it has more than {} bytes", limits::REPLAY_LINE_BYTES_MAX)));
        } else {
            report.note(replayer.replay(&line));
        }
        if is_watched && report.lines.is_multiple_of(STEP) {
            aside::progress(&format!("{} lines, {} changed", report.lines, report.changed.all()));
        }
    }
    if is_watched {
        aside::progress("");
    }
    Ok(report)
}

fn human(log: &Path, report: &Report) -> String {
    let changed = report.changed;
    let verdict = match changed.all() {
        _ if report.compared() == 0 && report.refused > 0 => paint::doubt("no decisions: nothing was compared"),
        _ if report.compared() == 0 => paint::doubt("no records: nothing was compared"),
        0 => paint::verdict(true, "no decision changes"),
        1 => paint::doubt("1 decision changes"),
        many => paint::doubt(&format!("{many} decisions change")),
    };
    let mut text = match report.compared() {
        0 => format!("{verdict}\n"),
        compared => format!("{verdict} of {compared}{}\n", sum(changed)),
    };
    if report.other_reasons > 0 {
        text += &format!("  {} stay, for other reasons\n", report.other_reasons);
    }
    if report.refused > 0 {
        let count = usize::try_from(report.refused).unwrap_or(usize::MAX);
        text += &format!("  {} refused then and now, and not compared\n", paint::counted(count, "request"));
    }
    let kinds =
        [("identity", &report.by_identity), ("policy", &report.by_policy), ("named location", &report.by_location)];
    for (kind, groups) in kinds {
        text += &table(kind, groups);
    }
    for unreadable in report.unreadable_lines.iter().take(SHOWN) {
        let place = format!("{}:{}", log.display(), unreadable.line);
        text += &format!("\n{place}: {} {}", paint::error_label(), unreadable.why);
    }
    if report.unreadable > 0 {
        let count = usize::try_from(report.unreadable).unwrap_or(usize::MAX);
        text += &format!("\n{} could not be read\n", paint::counted(count, "line"));
    }
    text
}

/// `: 3 newly allowed, 1 newly blocked`; empty for none.
fn sum(counts: Counts) -> String {
    let Counts { newly_allowed, newly_blocked, otherwise } = counts;
    let parts =
        [(newly_allowed, "newly allowed"), (newly_blocked, "newly blocked"), (otherwise, "refused or no longer")];
    let told: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) }
}

fn table(kind: &str, groups: &Groups) -> String {
    let sorted = groups.sorted();
    if sorted.is_empty() {
        return String::new();
    }
    let width = sorted.iter().take(SHOWN).map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("\n{}\n", paint::styled(paint::STRONG, &format!("by {kind}")));
    for (name, group) in sorted.iter().take(SHOWN) {
        let faint = paint::styled(paint::FAINT, &format!("first in line {}", group.first_line));
        let counts = sum(group.counts);
        text += &format!("  {}  {}  {faint}\n", paint::padded(name, width), counts.trim_start_matches(": "));
    }
    if sorted.len() > SHOWN {
        text += &format!("  ... and {} more\n", sorted.len() - SHOWN);
    }
    text
}

fn body(report: &Report) -> Value {
    let counts = |counts: Counts| {
        json!({
            "newlyAllowed": counts.newly_allowed,
            "newlyBlocked": counts.newly_blocked,
            "otherwise": counts.otherwise,
        })
    };
    let groups = |groups: &Groups| -> Vec<Value> {
        let group = |(name, group): (&str, &crate::serve::replay::Group)| json!({ "name": name, "changed": counts(group.counts), "firstLine": group.first_line });
        groups.sorted().into_iter().map(group).collect()
    };
    let lines: Vec<_> =
        report.unreadable_lines.iter().map(|line| json!({ "line": line.line, "why": line.why })).collect();
    json!({
        "schemaVersion": SCHEMA_VERSION,
        "lines": report.lines,
        "compared": report.compared(),
        "refused": report.refused,
        "same": report.same,
        "otherReasons": report.other_reasons,
        "changed": counts(report.changed),
        "byIdentity": groups(&report.by_identity),
        "byPolicy": groups(&report.by_policy),
        "byLocation": groups(&report.by_location),
        "unreadable": report.unreadable,
        "unreadableLines": lines,
    })
}
