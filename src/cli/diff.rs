//! `diff`: every request that two bundles decide differently, as regions, for reading and for gates.

use std::path::PathBuf;

use serde::Serialize;

use super::answer::Format;
use super::{Exit, Outcome, Stop, answer, load, paint};
use crate::model::set::Word;
use crate::review::analysis::{self, ChangeKind, Comparison, Facet, Note, Region, Shown, Witness};
use crate::text::plain;

/// Version of the JSON output; it rises when a reader of an older one could be misled.
const SCHEMA_VERSION: u32 = 1;

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward diff main/policies policies --fail-on newly-allowed

Regions do not overlap, and together they are all requests whose decision changes, but for what is told as not \
compared. Ends with 0, or with 5 when there is a change that --fail-on names, or when there are too many to tell all. \
`newly-allowed` also fails on changed controls that let somebody through who was not before.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle as it was.
    before: PathBuf,
    /// Folder or `.tar.gz` of the bundle as it is to be.
    after: PathBuf,
    /// End with 5 when there is such a change; report-only changes are looked at for `report-only` and `any` only.
    #[arg(long, value_enum, value_name = "CHANGE", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// How to write the comparison.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What to fail on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Somebody gets a token who got none.
    NewlyAllowed,
    /// Somebody gets no token who could get one.
    NewlyBlocked,
    /// A token comes for other controls, or with another session.
    ChangedControls,
    /// A report-only policy would do something else.
    ReportOnly,
    /// Something was not compared.
    NotCompared,
    /// Any of these.
    Any,
}

impl FailOn {
    /// Whether there is such a change, or may be one among those that are not told.
    fn matches(self, comparison: &Comparison) -> bool {
        let enforced = |wanted: &dyn Fn(&Region) -> bool| {
            comparison.regions.iter().any(|region| !region.is_report_only && wanted(region))
        };
        comparison.is_cut
            || match self {
                Self::NewlyAllowed => enforced(&|region| region.loosens),
                Self::NewlyBlocked => enforced(&|region| region.kind == ChangeKind::NewlyBlocked),
                Self::ChangedControls => enforced(&|region| region.kind == ChangeKind::Controls),
                Self::ReportOnly => comparison.regions.iter().any(|region| region.is_report_only),
                Self::NotCompared => !comparison.notes.is_empty(),
                Self::Any => !comparison.regions.is_empty() || !comparison.notes.is_empty(),
            }
    }
}

/// Compares.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let [(before, ()), (after, ())] = load::two([&args.before, &args.after], |_| ())?;
    let comparison =
        analysis::diff(&before.bundle, &after.bundle).map_err(|error| Stop::from(anyhow::Error::from(error)))?;
    let text = match args.format {
        Format::Human => human(&comparison),
        Format::Json => answer::json(&body(&comparison))?,
    };
    let fails = args.fail_on.iter().any(|fail_on| fail_on.matches(&comparison));
    Ok(Outcome { text, exit: if fails { Exit::Changed } else { Exit::Success } })
}

/// A comparison for reading: the kinds of change one after the other, report-only changes last.
pub fn human(comparison: &Comparison) -> String {
    let mut text = String::new();
    for is_report_only in [false, true] {
        for kind in ChangeKind::ALL {
            let regions: Vec<_> = comparison
                .regions
                .iter()
                .filter(|region| region.kind == kind && region.is_report_only == is_report_only)
                .collect();
            if regions.is_empty() {
                continue;
            }
            let title = format!("{}{}", if is_report_only { "report-only: " } else { "" }, heading(kind));
            let title = match kind {
                ChangeKind::NewlyAllowed => paint::verdict(false, &title),
                _ => paint::doubt(&title),
            };
            text += &format!("{title} ({})\n\n", paint::counted(regions.len(), "region"));
            regions.into_iter().for_each(|region| text += &told(region));
        }
    }
    if comparison.regions.is_empty() {
        text += &format!("{}\n", paint::verdict(comparison.notes.is_empty(), "no decision changes"));
    }
    for note in &comparison.notes {
        text += &format!("{} {note}\n", paint::doubt("not compared:"));
    }
    text
}

const fn heading(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::NewlyAllowed => "newly allowed",
        ChangeKind::NewlyBlocked => "newly blocked",
        ChangeKind::Controls => "changed controls",
    }
}

fn told(region: &Region) -> String {
    let Region { subjects, facets, before, after, witness, .. } = region;
    let text = format!("  {}: {before} -> {after}\n", paint::styled(paint::STRONG, subjects));
    let mut lines = conditions(facets);
    match witness {
        Some(Shown { witness, policies }) => {
            lines.push(("example".to_owned(), example(witness)));
            for (side, names) in ["before", "after"].into_iter().zip(policies) {
                let names = if names.is_empty() { "no policy".to_owned() } else { listed(names) };
                lines.push((format!("decides {side}"), names));
            }
        }
        None => lines.push(("example".to_owned(), "none can be made: this may be so".to_owned())),
    }
    text + &table(&lines)
}

/// What the requests of a region have in common, by condition.
pub fn conditions(facets: &[Facet]) -> Vec<(String, String)> {
    let told = |facet: &Facet| {
        let all_but = if facet.is_all_but { "any but " } else { "" };
        (facet.condition.as_str().to_owned(), format!("{all_but}{}", listed(&facet.values)))
    };
    facets.iter().map(told).collect()
}

/// Lines of two columns, and an empty one.
pub fn table(lines: &[(String, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let line = |(name, value): &(String, String)| {
        format!("    {}  {}\n", paint::styled(paint::FAINT, &paint::padded(name, width)), plain(value))
    };
    lines.iter().map(line).collect::<String>() + "\n"
}

/// Most values of a list that are written out.
const SHOWN: usize = 6;

/// Values in a line, the first of them.
pub fn listed(values: &[String]) -> String {
    let mut text = values.iter().take(SHOWN).map(|value| plain(value)).collect::<Vec<_>>().join(", ");
    if values.len() > SHOWN {
        text += &format!(" and {} more", values.len() - SHOWN);
    }
    text
}

/// A request as JSON in a line, as `decide --request -` takes it.
pub fn example(witness: &Witness) -> String {
    let request = witness.json();
    serde_json::to_string(&request).unwrap_or_default()
}

/// A comparison as JSON.
pub fn body(comparison: &Comparison) -> impl Serialize {
    Body::of(comparison)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'c> {
    schema_version: u32,
    regions: Vec<RegionBody<'c>>,
    not_compared: Vec<&'c str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegionBody<'c> {
    change: &'static str,
    report_only: bool,
    loosens: bool,
    subjects: &'c str,
    conditions: Vec<FacetBody<'c>>,
    before: &'c str,
    after: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<&'c [Vec<String>; 2]>,
}

/// One condition of a region as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FacetBody<'c> {
    condition: &'c str,
    all_but: bool,
    values: &'c [String],
}

/// Conditions of a region as JSON.
pub fn condition_bodies(facets: &[Facet]) -> Vec<FacetBody<'_>> {
    facets
        .iter()
        .map(|Facet { condition, values, is_all_but }| FacetBody {
            condition: condition.as_str(),
            all_but: *is_all_but,
            values,
        })
        .collect()
}

impl<'c> Body<'c> {
    fn of(comparison: &'c Comparison) -> Self {
        let region = |region: &'c Region| RegionBody {
            change: region.kind.as_str(),
            report_only: region.is_report_only,
            loosens: region.loosens,
            subjects: region.subjects,
            conditions: condition_bodies(&region.facets),
            before: &region.before,
            after: &region.after,
            example: region.witness.as_ref().map(|shown| shown.witness.json()),
            policies: region.witness.as_ref().map(|shown| &shown.policies),
        };
        Self {
            schema_version: SCHEMA_VERSION,
            regions: comparison.regions.iter().map(region).collect(),
            not_compared: comparison.notes.iter().map(Note::as_str).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn no_gate_opens_on_changes_that_are_not_told() {
        for gate in FailOn::value_variants() {
            assert!(!gate.matches(&Comparison::default()), "{gate:?}");
            assert!(gate.matches(&Comparison { is_cut: true, ..Comparison::default() }), "{gate:?}");
        }
    }
}
