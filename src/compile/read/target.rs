//! Reads the entries of assignment lists: well-known words, ids, names, and placeholders that are neither.

use super::super::rules;
use super::object::Context;
use super::placeholder::is_placeholder;
use super::word::is_no_id;
use crate::model::id::guid_meant;
use crate::model::policy::{LocationTarget, PrincipalTarget, ResourceTarget, UserTarget};
use crate::model::{Id, IdFlaw, IdRef};
use crate::text::{Diagnostic, Spanned};

/// What Microsoft's templates write into `excludeUsers` for people to read.
const TEMPLATE_TEXT: &str = "Current administrator will be excluded";

const OF_USERS: &[&str] = &["None", "All", "GuestsOrExternalUsers", "AllAgentIdUsers"];
const OF_RESOURCES: &[&str] = &["None", "All", "Office365", "MicrosoftAdminPortals", "AllAgentIdResources"];

type Texts<'n> = Vec<Spanned<&'n str>>;

/// Entries of a user list.
pub fn users(texts: Texts<'_>, context: &mut Context) -> Vec<Spanned<UserTarget>> {
    each(texts, context, |text, context| match text.value {
        "None" => None,
        "All" => Some(UserTarget::All),
        "GuestsOrExternalUsers" => Some(UserTarget::GuestsOrExternalUsers),
        "AllAgentIdUsers" => Some(UserTarget::AllAgentUsers),
        TEMPLATE_TEXT => {
            let what = format!("`{TEMPLATE_TEXT}` is an instruction, not an account");
            let help = "name the account to exclude by its object id";
            context.report(Diagnostic::new(&rules::TEMPLATE_TEXT, text.span, what).help(help));
            None
        }
        _ if is_no_id(text, OF_USERS, context) => None,
        name => {
            if name.contains('@') {
                let what = format!("`{name}` is a sign-in name");
                let help = "name the account by its object id";
                context.report(Diagnostic::new(&rules::USER_NAME, text.span, what).help(help));
            }
            id(text, context).map(UserTarget::Id)
        }
    })
}

/// Object ids of groups, roles or tenants.
pub fn ids(texts: Texts<'_>, context: &mut Context) -> Vec<Spanned<Id>> {
    each(texts, context, |text, context| if is_no_id(text, &[], context) { None } else { id(text, context) })
}

/// Entries of a service principal or agent identity list; `all` is the word for everybody.
pub fn principals(texts: Texts<'_>, all: &str, context: &mut Context) -> Vec<Spanned<PrincipalTarget>> {
    each(texts, context, |text, context| match text.value {
        "None" => None,
        word if word == all => Some(PrincipalTarget::All),
        blank if Id::is_blank(blank) => not_an_id(text, context),
        _ if is_respelt(text, context) => None,
        // WHY: names in the catalogue are free text, so only the look-up can tell a placeholder from a name.
        named => Some(PrincipalTarget::Named(named.into())),
    })
}

/// Entries of an application list.
pub fn resources(texts: Texts<'_>, context: &mut Context) -> Vec<Spanned<ResourceTarget>> {
    each(texts, context, |text, context| match text.value {
        "None" => None,
        "All" => Some(ResourceTarget::All),
        "Office365" => Some(ResourceTarget::Office365),
        "MicrosoftAdminPortals" => Some(ResourceTarget::MicrosoftAdminPortals),
        "AllAgentIdResources" => Some(ResourceTarget::AllAgentResources),
        _ if is_no_id(text, OF_RESOURCES, context) => None,
        _ => id(text, context).map(ResourceTarget::App),
    })
}

/// Entries of a location list.
pub fn locations(texts: Texts<'_>, context: &mut Context) -> Vec<Spanned<LocationTarget>> {
    each(texts, context, |text, context| match text.value {
        "All" => Some(LocationTarget::All),
        blank if Id::is_blank(blank) => not_an_id(text, context),
        // WHY: names of locations are free text, so only the look-up can tell a placeholder from a name.
        named => LocationTarget::trusted(named).or_else(|| Some(LocationTarget::Named(named.into()))),
    })
}

/// Reads each text, or what it stands for if it is a placeholder: then at the place of the placeholder.
fn each<T>(
    texts: Texts<'_>,
    context: &mut Context,
    mut read: impl FnMut(Spanned<&str>, &mut Context) -> Option<T>,
) -> Vec<Spanned<T>> {
    // WHY: nearly every text is kept, and a large bundle has hundreds of thousands.
    let mut targets = Vec::with_capacity(texts.len());
    let placeholders = context.placeholders.clone();
    for text in texts {
        let span = text.span;
        if let Some(meaning) = placeholders.as_ref().and_then(|all| all.meaning(text, context)) {
            for text in meaning {
                targets.extend(read(Spanned::new(text, span), context).map(|target| Spanned::new(target, span)));
            }
        } else {
            targets.extend(read(text, context).map(|target| Spanned::new(target, span)));
        }
    }
    targets
}

fn id(text: Spanned<&str>, context: &mut Context) -> Option<Id> {
    match IdRef::read(text.value) {
        Err(flaw) if flaw != IdFlaw::Blank => {
            context.report(misspelt_id(text, flaw));
            None
        }
        // WHY asked first: nearly every entry is one, and a large bundle has hundreds of thousands.
        Ok(IdRef::Guid(guid)) => Some(Id::Guid(guid)),
        _ if is_placeholder(text.value) => not_an_id(text, context),
        _ => Some(Id::new(text.value)),
    }
}

/// A GUID in another form would be taken for a name that nobody has.
fn is_respelt(text: Spanned<&str>, context: &mut Context) -> bool {
    let flaw = IdRef::read(text.value).err().filter(|_| guid_meant(text.value).is_some());
    if let Some(flaw) = flaw {
        context.report(misspelt_id(text, flaw));
    }
    flaw.is_some()
}

/// Tells of a text that is an id but for what is around or within it.
pub fn misspelt_id(text: Spanned<&str>, flaw: IdFlaw) -> Diagnostic {
    let what = format!("`{}` is not an id: it {}", text.value, flaw.problem());
    let near = guid_meant(text.value).map(|guid| Id::Guid(guid).to_string());
    let near = near.or_else(|| (flaw == IdFlaw::Padded).then(|| text.value.trim().to_owned()));
    let diagnostic = Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what);
    match near {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("write the id as the directory has it"),
    }
}

/// Tells of an entry that names nothing.
fn not_an_id<T>(text: Spanned<&str>, context: &mut Context) -> Option<T> {
    let what = format!("`{}` is not an id", text.value);
    let help = "put the object id here, or say in `placeholders` of bundle.yaml what it stands for; `doorward check \
                --beside` prints one to fill in";
    context.report(Diagnostic::new(&rules::PLACEHOLDER, text.span, what).help(help));
    None
}
