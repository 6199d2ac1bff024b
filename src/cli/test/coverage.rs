//! What the cases exercise, as a table and as JSON.

use serde_json::{Value, json};

use crate::cli::paint;
use crate::compile::{CompiledBundle, PolicyIndex};
use crate::review::coverage::{Coverage, Item, Subject};
use crate::text::plain;

/// A line for each policy and one for the named locations, then what is not covered, then cases for that.
pub fn table(bundle: &CompiledBundle, coverage: &Coverage) -> String {
    let (all, covered) = coverage.counts();
    let percent = paint::verdict(covered == all, &format!("{} %", coverage.percent()));
    let mut text = format!("\ncoverage: {covered} of {all}, {percent}\n");
    let name = |policy: Option<PolicyIndex>| match policy {
        Some(policy) => bundle.policy(policy).display_name.to_string(),
        None => "named locations".to_owned(),
    };
    let groups: Vec<_> = coverage.items.chunk_by(|a, b| policy(a) == policy(b)).collect();
    let rows = groups.iter().filter_map(|items| Some((name(policy(items.first()?)), *items)));
    let rows: Vec<_> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, items) in &rows {
        let covered = items.iter().filter(|item| item.is_covered).count();
        let count = format!("{covered} of {}", items.len());
        let count = if covered == items.len() { count } else { paint::doubt(&count) };
        text += &format!("  {}  {count}\n", paint::padded(name, width));
    }
    let uncovered: Vec<_> = coverage.items.iter().filter(|item| !item.is_covered).collect();
    if uncovered.is_empty() {
        return text;
    }
    text += "\nnot covered:\n";
    for item in &uncovered {
        let lacks = if item.case.is_none() { paint::styled(paint::FAINT, "  (no case found)") } else { String::new() };
        text += &format!("  {}{lacks}\n", plain(&item.subject.told(bundle)));
    }
    text + &paste("cover", uncovered.iter().filter_map(|item| item.case.as_deref()))
}

/// Cases as a file of their own, which are there to `verb` what was listed.
pub fn paste<'c>(verb: &str, cases: impl Iterator<Item = &'c str>) -> String {
    let cases: String = cases.collect();
    if cases.is_empty() {
        return cases;
    }
    format!(
        "\nto {verb} them, a file below `tests/`; it says what the bundle answers today, so read it first:\n\ncases:\n{cases}"
    )
}

fn policy(item: &Item) -> Option<PolicyIndex> {
    match item.subject {
        Subject::Policy { policy, .. } | Subject::Condition { policy, .. } | Subject::Risk { policy, .. } => {
            Some(policy)
        }
        Subject::Location { .. } => None,
    }
}

/// Counts, and what is not covered.
pub fn json(bundle: &CompiledBundle, coverage: &Coverage) -> Value {
    let (all, covered) = coverage.counts();
    let uncovered = coverage.items.iter().filter(|item| !item.is_covered);
    json!({
        "covered": covered,
        "of": all,
        "percent": coverage.percent(),
        "uncovered": uncovered
            .map(|item| json!({ "what": item.subject.told(bundle), "case": item.case }))
            .collect::<Vec<_>>(),
    })
}
