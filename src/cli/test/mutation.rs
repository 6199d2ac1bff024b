//! Which mistakes the cases would not notice, for reading and as JSON.

use serde_json::{Value, json};

use super::coverage::paste;
use crate::cli::paint;
use crate::review::mutate::{Fate, Mutation};
use crate::text::plain;

/// A count, the changes that no case notices, and cases that would.
pub fn list(mutation: &Mutation) -> String {
    let (all, survivors) = (mutation.mutants.len(), mutation.survivors().count());
    let noticed = paint::verdict(survivors == 0, &format!("{} of {all}", all - survivors));
    let mut text = format!("\nmutation: {noticed} changes of the bundle are noticed\n");
    if mutation.untried > 0 {
        text += &format!("  {} more were not tried\n", mutation.untried);
    }
    if survivors == 0 {
        return text;
    }
    text += "\nno case notices:\n";
    for mutant in mutation.survivors() {
        let lacks = match mutant.fate {
            Fate::Survived { case: None } => paint::styled(paint::FAINT, "  (no request found that it changes)"),
            _ => String::new(),
        };
        text += &format!("  {}{lacks}\n", plain(&mutant.what));
    }
    text + &paste("notice", mutation.survivors().filter_map(|mutant| case(&mutant.fate)))
}

fn case(fate: &Fate) -> Option<&str> {
    match fate {
        Fate::Survived { case } => case.as_deref(),
        Fate::Killed | Fate::Refused => None,
    }
}

/// Counts, and what no case notices.
pub fn json(mutation: &Mutation) -> Value {
    let told = |it: &crate::review::mutate::Mutant| json!({ "what": it.what, "case": case(&it.fate) });
    let survivors: Vec<_> = mutation.survivors().map(told).collect();
    json!({
        "noticed": mutation.mutants.len() - survivors.len(),
        "of": mutation.mutants.len(),
        "untried": mutation.untried,
        "survivors": survivors,
    })
}
