//! What cases name of their bundle: policies that must exist, and identities by their object ids.

use std::collections::HashSet;

use super::super::{mistaken, rules};
use super::difference::is_called;
use super::read::Case;
use crate::compile::CompiledBundle;
use crate::model::TokenRequest;
use crate::text::suggest::nearest;
use crate::text::{Diagnostic, Diagnostics, Node, Span};

/// Tells the policies that `case` names and the bundle does not have.
pub(super) fn check_policies(bundle: &CompiledBundle, case: &Case<'_>, diagnostics: &mut Diagnostics) {
    let policies = bundle.policies();
    for name in case.expected.names() {
        if !policies.iter().any(|policy| is_called(policy, name.value)) {
            let what = format!("no policy is called `{}`", name.value);
            let names = policies.iter().flat_map(|policy| [&*policy.display_name, &*policy.id]);
            let diagnostic = Diagnostic::new(&rules::CASE_POLICY, name.span, what);
            diagnostics.push(match nearest(name.value, names) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("name a policy of this bundle by its `displayName` or `id`"),
            });
        }
    }
}

/// Looks at the identities of requests, at each place of the files once.
#[derive(Debug, Default)]
pub(super) struct Identities {
    looked: HashSet<Span>,
}

impl Identities {
    /// Tells an id that is probably none. `node` is the document of `request`.
    pub(super) fn check(
        &mut self,
        bundle: &CompiledBundle,
        request: &TokenRequest<'_>,
        node: &Node<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(id) = node.member("identity").and_then(|identity| identity.member("id")) else { return };
        if !self.looked.insert(id.span) {
            return;
        }
        if let Some(mistaken) = mistaken::identity(bundle, &request.identity) {
            diagnostics.push(Diagnostic::new(&rules::CASE_IDENTITY, id.span, mistaken.what).help(mistaken.help));
        }
    }
}
