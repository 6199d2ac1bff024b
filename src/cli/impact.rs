//! `impact`: what depends on one location or policy, or on everything that was edited between two bundles.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde_json::{Value, json};

use super::answer::Format;
use super::{Exit, Outcome, Stop, answer, diff, load, paint};
use crate::compile::CompiledBundle;
use crate::model::{Bundle, State};
use crate::review::impact::{self, Answer, ChangedCase, Edit, Impact, NamedBy, Object};
use crate::text::plain;

/// Arguments of `impact`.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["edited", "location", "policy"]),
    override_usage = "doorward impact [OPTIONS] <BUNDLE> <EDITED|--location <LOCATION>|--policy <POLICY>>",
    after_long_help = "\
Example:
  $ doorward impact policies/workload --location Headquarters

What depends on an object is what changes when it is not there. A policy that is not there is as if disabled. A \
location that is not there has no ranges and no countries: who excludes it excludes nobody, and whether a request \
without an address comes from there is as unknown as before. With EDITED, the edit is all that differs between the \
two bundles. Break-glass settings are left out of account. Ends with 0: `diff` has gates.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// Folder or `.tar.gz` of the bundle as it is to be.
    edited: Option<PathBuf>,
    /// A named location, by name or id.
    #[arg(long, value_name = "LOCATION")]
    location: Option<String>,
    /// A policy, by name or id.
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Looks.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let (loaded, after, edits) = match (&args.edited, &args.location, &args.policy) {
        (Some(path), _, _) => edited(&args.bundle, path)?,
        (None, Some(name), _) => taken_out(&args.bundle, |model| impact::without_location(model, name))?,
        (None, None, Some(name)) => taken_out(&args.bundle, |model| impact::without_policy(model, name))?,
        (None, None, None) => return Err(Stop::usage("name a location, a policy, or an edited bundle")),
    };
    let impact = impact::impact(&loaded.bundle, &after, &loaded.raw, edits);
    let impact = impact.map_err(|error| Stop::from(anyhow::Error::from(error)))?;
    let text = match args.format {
        Format::Human => human(&impact),
        Format::Json => answer::json(&body(&impact))?,
    };
    Ok(Outcome { text, exit: Exit::Success })
}

fn edited(before: &Path, after: &Path) -> Result<(load::Loaded, CompiledBundle, Vec<Edit>), Stop> {
    let [(loaded, before), (after, edited)] = load::two([before, after], Bundle::clone)?;
    Ok((loaded, after.bundle, impact::edits(&before, &edited)))
}

fn taken_out(
    bundle: &Path,
    edit: impl Fn(&Bundle) -> Result<(Bundle, Edit), impact::NoSuch>,
) -> Result<(load::Loaded, CompiledBundle, Vec<Edit>), Stop> {
    let (loaded, edited) = load::bundle_and(bundle, edit)?;
    let (model, edit) = edited.map_err(|error| Stop::usage(error.to_string()))?;
    let bundle = impact::compiled(model, &loaded.raw);
    let bundle = bundle.ok_or_else(|| anyhow!("the bundle cannot be compiled without `{}`", edit.name))?;
    Ok((loaded, bundle, vec![edit]))
}

fn human(impact: &Impact) -> String {
    let mut text = String::new();
    for edit in &impact.edits {
        let name = if edit.name.is_empty() { String::new() } else { format!(" `{}`", edit.name) };
        let object = paint::styled(paint::STRONG, &format!("{}{name}", edit.object.as_str()));
        text += &format!("{object}: {}\n", edit.kind.as_str());
        if edit.object == Object::Location {
            let names: Vec<_> = edit.named_by.iter().map(namer).collect();
            let lines: Vec<_> = match names.is_empty() {
                true => vec![("named by".to_owned(), "no policy".to_owned())],
                false => names.into_iter().map(|name| ("named by".to_owned(), name)).collect(),
            };
            text += &diff::table(&lines);
        }
    }
    if impact.edits.is_empty() {
        text += &format!("{}\n", paint::verdict(true, "nothing was edited"));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text += &concerned(impact);
    text += &diff::human(&impact.comparison);
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text + &cases(impact)
}

fn namer(by: &NamedBy) -> String {
    let state = match by.state {
        State::Enabled => "",
        State::ReportOnly => ", report-only",
        State::Disabled => ", disabled",
    };
    format!("{} ({}{state})", by.policy, by.how.join(", "))
}

/// Whose requests are decided differently, by kind of identity.
fn concerned(impact: &Impact) -> String {
    let all = identities(impact);
    if all.is_empty() {
        return String::new();
    }
    let told = |(subjects, who): (&'static str, Concerned)| (subjects.to_owned(), diff::listed(&who.names()));
    let lines: Vec<_> = all.into_iter().map(told).collect();
    format!("{}\n{}", paint::styled(paint::STRONG, "concerns"), diff::table(&lines))
}

/// Who is in some region.
enum Concerned {
    /// Everybody of the kind.
    Everybody,
    /// These, none twice.
    Some(Vec<String>),
}

impl Concerned {
    fn names(self) -> Vec<String> {
        match self {
            Self::Everybody => vec!["everybody".to_owned()],
            Self::Some(names) => names,
        }
    }
}

/// By kind of identity, who is in some region; a region that names nobody is about everybody.
fn identities(impact: &Impact) -> BTreeMap<&'static str, Concerned> {
    let mut all = BTreeMap::new();
    for region in &impact.comparison.regions {
        let who = all.entry(region.subjects).or_insert_with(|| Concerned::Some(Vec::new()));
        let mut facets = region.facets.iter().filter(|facet| facet.condition.is_of_identity()).peekable();
        let Concerned::Some(names) = who else { continue };
        if facets.peek().is_none() {
            *who = Concerned::Everybody;
            continue;
        }
        for facet in facets {
            let all_but = || vec![format!("any but {}", facet.values.join(", "))];
            let told = if facet.is_all_but { all_but() } else { facet.values.clone() };
            let new: Vec<_> = told.into_iter().filter(|name| !names.contains(name)).collect();
            names.extend(new);
        }
    }
    all
}

/// Most test cases that are written out.
const CASES_SHOWN: usize = 12;

fn cases(impact: &Impact) -> String {
    let asked = paint::counted(impact.asked, "test case");
    if impact.cases.is_empty() {
        return format!("{}\n", paint::verdict(true, &format!("no answer to {asked} changes")));
    }
    let title = format!("other answers to {} of {asked}", impact.cases.len());
    let mut text = format!("{}\n\n", paint::doubt(&title));
    let place = |case: &ChangedCase| format!("{}:{}", case.file, case.line);
    let width = impact.cases.iter().take(CASES_SHOWN).map(|case| place(case).chars().count()).max().unwrap_or(0);
    for case in impact.cases.iter().take(CASES_SHOWN) {
        let place = paint::styled(paint::FAINT, &paint::padded(&place(case), width));
        let [before, after] = case.answers.each_ref().map(|answer| told(answer.as_ref()));
        text += &format!("  {place}  {}: {before} -> {after}\n", plain(&case.name));
    }
    if impact.cases.len() > CASES_SHOWN {
        text += &format!("  ... and {} more\n", impact.cases.len() - CASES_SHOWN);
    }
    text
}

fn told(answer: Option<&Answer>) -> String {
    let Some(Answer { decision, policies, passes }) = answer else { return "refused".to_owned() };
    let by = if policies.is_empty() { String::new() } else { format!(" by {}", diff::listed(policies)) };
    let fails = if *passes { "" } else { " (fails)" };
    format!("{}{by}{fails}", decision.as_str())
}

fn body(impact: &Impact) -> Value {
    let by = |by: &NamedBy| json!({ "policy": by.policy, "state": crate::model::set::Word::as_str(by.state), "how": by.how });
    let edit = |edit: &Edit| {
        json!({
            "object": edit.object.as_str(),
            "name": edit.name,
            "edit": edit.kind.as_str(),
            "namedBy": edit.named_by.iter().map(by).collect::<Vec<_>>(),
        })
    };
    let answer = |answer: &Option<Answer>| {
        answer
            .as_ref()
            .map(|it| json!({ "decision": it.decision.as_str(), "policies": it.policies, "passes": it.passes }))
    };
    let case = |case: &ChangedCase| {
        let [before, after] = case.answers.each_ref().map(answer);
        json!({ "file": case.file, "line": case.line, "name": case.name, "before": before, "after": after })
    };
    json!({
        "schemaVersion": 1,
        "edits": impact.edits.iter().map(edit).collect::<Vec<_>>(),
        "identities": identities(impact).into_iter().map(|(of, who)| (of, who.names())).collect::<BTreeMap<_, _>>(),
        "requests": diff::body(&impact.comparison),
        "testCases": { "asked": impact.asked, "changed": impact.cases.iter().map(case).collect::<Vec<_>>() },
    })
}
