//! Texts in lists of ids that are no id: well-known words of other lists, near misses of words, patterns and whole lists.
//!
//! Each would pass for an id that nobody has, and a block that names it would cover nobody. Knows texts only, not what the
//! words mean, which is for `target`. Start with [`is_no_id`].

use super::super::rules;
use super::object::Context;
use crate::model::IdRef;
use crate::text::{Diagnostic, Mend, Spanned, suggest};

/// The well-known words, and where they stand.
const WORDS: &[(&str, &str)] = &[
    ("None", "lists of users and applications"),
    ("All", "lists of users and applications"),
    ("GuestsOrExternalUsers", "lists of users"),
    ("AllAgentIdUsers", "lists of users"),
    ("Office365", "lists of applications"),
    ("MicrosoftAdminPortals", "lists of applications"),
    ("AllAgentIdResources", "lists of applications"),
    ("ServicePrincipalsInMyTenant", "`includeServicePrincipals`"),
    ("AllTrusted", "lists of locations"),
];

/// What people write for `All`, letters only.
const FOR_ALL: &[&str] = &["allusers", "allapps", "allapplications", "allcloudapps", "allresources"];

/// Whether `text`, which is none of the words `own` that its list has, is no id either; then it is reported.
///
/// Cost: some 15 ns for a GUID, which is never looked at further.
pub fn is_no_id(text: Spanned<&str>, own: &[&str], context: &mut Context) -> bool {
    if IdRef::new(text.value).is_guid() {
        return false;
    }
    // WHY: a distinguished name has commas of its own.
    let (help, mend) = if text.value.contains(',') && !text.value.contains('=') {
        ("give each id an entry of its own".to_owned(), None)
    } else if let Some(word) = meant(text.value, own) {
        (format!("did you mean `{word}`?"), Mend::spelling(text.value, word))
    } else if let Some((word, place)) = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.value)) {
        (format!("`{word}` is a word of {place}; name ids here"), None)
    } else if text.value.contains('*') {
        ("ids are compared as they are written, never as patterns".to_owned(), None)
    } else {
        return false;
    };
    let what = format!("`{}` is no id", text.value);
    context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what).help(help).mend(mend));
    true
}

/// The word of the list that `text` is a slip of.
fn meant<'w>(text: &str, own: &[&'w str]) -> Option<&'w str> {
    if let Some(word) = own.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Some(word);
    }
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).flat_map(char::to_lowercase).collect();
    // WHY not any near miss of short words: `hall` and `ali` are ids of somebody, `alll` of nobody.
    let is_all = FOR_ALL.contains(&&*letters)
        || letters.chars().all(|letter| "al".contains(letter)) && suggest::nearest(&letters, ["All"]).is_some();
    if let Some(all) = own.iter().find(|word| **word == "All").filter(|_| is_all) {
        return Some(all);
    }
    suggest::nearest(text, own.iter().copied().filter(|word| word.len() > "None".len()))
}
