//! The same policies in cedar-policy, the way it is fastest when nothing slices its policies for it.
//!
//! Who is in scope of a policy is a group, and the caller has already found the locations of the address: what is
//! timed is the evaluation alone, with every entity and the request built before.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet as CedarPolicies,
    Request, RestrictedExpression,
};

use doorward::model::set::Word;

use crate::policy_set::{Asked, PolicySet};

/// A policy set as Cedar holds it.
pub struct Cedar {
    policies: CedarPolicies,
    entities: Entities,
    authorizer: Authorizer,
}

impl Cedar {
    /// Parses the policies and builds an entity for every service principal.
    pub fn new(set: &PolicySet) -> Self {
        let mut groups: HashMap<usize, HashSet<EntityUid>> = HashMap::new();
        let asking: BTreeSet<usize> = set.requests.iter().map(|asked| asked.principal).collect();
        for principal in asking {
            let parents = set.policies_of(principal).map(|policy| uid("Target", &format!("p{policy}"))).collect();
            groups.insert(principal, parents);
        }
        let entities = groups
            .into_iter()
            .map(|(principal, parents)| Entity::new_no_attrs(uid("SP", &set.principals[principal]), parents));
        Self {
            policies: CedarPolicies::from_str(&set.cedar()).expect("the policies are right"),
            entities: Entities::from_entities(entities, None).expect("no entity is there twice"),
            authorizer: Authorizer::new(),
        }
    }

    /// The request, with the locations of its address.
    pub fn request(&self, set: &PolicySet, asked: &Asked) -> Request {
        let text = |text: String| RestrictedExpression::new_string(text);
        let locations = set.locations_of(asked.address).into_iter().map(|index| text(format!("l{index}")));
        let context = Context::from_pairs([
            ("locations".to_owned(), RestrictedExpression::new_set(locations)),
            ("risk".to_owned(), text(asked.risk.as_str().to_owned())),
        ]);
        let (principal, action) = (uid("SP", &asked.id), uid("Action", "token"));
        Request::new(principal, action, uid("Resource", "any"), context.expect("no key is there twice"), None)
            .expect("without a schema any request will do")
    }

    /// The policies that block, by position.
    pub fn decide(&self, request: &Request) -> BTreeSet<usize> {
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        assert_eq!(response.diagnostics().errors().count(), 0, "no policy errs");
        match response.decision() {
            Decision::Allow => BTreeSet::new(),
            Decision::Deny => response
                .diagnostics()
                .reason()
                .filter_map(|id| id.to_string().strip_prefix("policy").and_then(|index| index.parse().ok()))
                .collect(),
        }
    }
}

fn uid(kind: &str, id: &str) -> EntityUid {
    let kind = EntityTypeName::from_str(kind).expect("a type name");
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}
