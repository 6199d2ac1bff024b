//! Whether a list of targets covers somebody, three-valued, and which entry said so.
//!
//! The one place that combines include and exclude. It lies in `compile` because classes of principals are folded
//! with it when a bundle is compiled; `evaluate` asks the same function for what is known only at request time.

use super::cedar::CedarCondition;
use super::network::LocationIndex;
use super::policy::{CompiledFilter, PrincipalScope, Suite};
use crate::filter::Undisclosed;
use crate::model::{Attributes, FilterMode, Id, IdRef, Truth};

/// In the place of an id: who or what no list names.
///
/// WHY no id of its own: whichever it was, some bundle could list it, and would exempt everybody with it.
pub const STRANGER: Option<IdRef<'static>> = None;

/// Whether a condition holds, and what decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match<'b> {
    /// Whether it holds.
    pub holds: Truth,
    /// What decided it.
    pub by: By<'b>,
}

/// What decided a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By<'b> {
    /// The policy does not configure it.
    NotConfigured,
    /// The policy does not target this kind of subject.
    NoScope,
    /// Entra never evaluates such a request.
    NeverEvaluated,
    /// Entra's eligibility rules keep the workload out.
    NotEligible,
    /// An entry of the include side.
    Include(Entry<'b>),
    /// An entry of the exclude side.
    Exclude(Entry<'b>),
    /// No entry of the include side.
    NothingIncluded,
    /// A condition in Cedar, which has no sides.
    Cedar(&'b CedarCondition),
}

/// An entry of an assignment list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'b> {
    /// A word of Graph's, such as `All` or `high`.
    Word(&'static str),
    /// Text of the bundle, such as `c1`.
    Text(&'b str),
    /// An id.
    Id(&'b Id),
    /// A group, by number.
    Group(u32),
    /// A role, by number.
    Role(u32),
    /// A location, by number.
    Location(LocationIndex),
    /// A suite of applications.
    Suite(Suite),
    /// The filter.
    Filter,
}

impl<'b> Match<'b> {
    /// A condition that is not configured, which matches everything.
    pub const NOT_CONFIGURED: Self = Self { holds: Truth::True, by: By::NotConfigured };

    /// Include and exclude side of a condition: it holds when some entry includes and none excludes. Each side is the
    /// truth of its entries, in order; the first entry with the highest truth decides.
    pub fn of(
        include: impl IntoIterator<Item = (Truth, Entry<'b>)>,
        exclude: impl IntoIterator<Item = (Truth, Entry<'b>)>,
    ) -> Self {
        let Some((included, entry)) = strongest(include) else {
            return Self { holds: Truth::False, by: By::NothingIncluded };
        };
        match strongest(exclude) {
            Some((excluded, by)) if (!excluded) < included || excluded == Truth::True => {
                Self { holds: included & !excluded, by: By::Exclude(by) }
            }
            _ => Self { holds: included, by: By::Include(entry) },
        }
    }
}

/// The entry with the highest truth; `None` when all are false.
fn strongest<'b>(entries: impl IntoIterator<Item = (Truth, Entry<'b>)>) -> Option<(Truth, Entry<'b>)> {
    let mut best = None;
    for (truth, entry) in entries {
        match truth {
            Truth::True => return Some((truth, entry)),
            Truth::Unknown if best.is_none() => best = Some((truth, entry)),
            _ => {}
        }
    }
    best
}

impl CompiledFilter {
    /// Whether the rule is true of an object with these attributes; `None`: nobody said which it has.
    fn rule_holds(&self, attributes: Option<&Attributes<'_>>) -> Truth {
        match attributes {
            Some(attributes) => self.rule.evaluate(attributes),
            None => self.rule.evaluate(&Undisclosed),
        }
    }

    /// The filter as an entry of the side that `mode` puts it on.
    pub fn entry(&self, mode: FilterMode, attributes: Option<&Attributes<'_>>) -> Option<(Truth, Entry<'static>)> {
        (self.mode == mode).then(|| (self.rule_holds(attributes), Entry::Filter))
    }
}

impl PrincipalScope {
    /// Whether the scope covers the object `id`, or a [`STRANGER`], with these attributes. `also` is a second id that
    /// stands for the object: the blueprint of an agent identity, with whether it is known.
    pub fn covers(
        &self,
        all: &'static str,
        id: Option<IdRef<'_>>,
        also: Blueprint<'_>,
        attributes: Option<&Attributes<'_>>,
    ) -> Match<'_> {
        if self.is_empty() {
            return Match { holds: Truth::False, by: By::NoScope };
        }
        let filter = |mode| self.filter.as_ref().and_then(|filter| filter.entry(mode, attributes));
        let all = |is_all: bool| is_all.then_some((Truth::True, Entry::Word(all)));
        Match::of(
            [all(self.includes_all), listed(&self.include, id), also.find(&self.include), filter(FilterMode::Include)]
                .into_iter()
                .flatten(),
            [all(self.excludes_all), listed(&self.exclude, id), also.find(&self.exclude), filter(FilterMode::Exclude)]
                .into_iter()
                .flatten(),
        )
    }
}

/// What is known of an agent identity's blueprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blueprint<'a> {
    /// The object is no agent identity, so it has none.
    Inapplicable,
    /// It has one; nobody said which.
    Unknown,
    /// This one.
    Known(IdRef<'a>),
}

impl Blueprint<'_> {
    fn find<'b>(self, ids: &'b [Id]) -> Option<(Truth, Entry<'b>)> {
        match self {
            Self::Inapplicable => None,
            Self::Unknown => ids.first().map(|id| (Truth::Unknown, Entry::Id(id))),
            Self::Known(blueprint) => listed(ids, Some(blueprint)),
        }
    }
}

fn listed<'b>(ids: &'b [Id], id: Option<IdRef<'_>>) -> Option<(Truth, Entry<'b>)> {
    find(ids, id?).map(|id| (Truth::True, Entry::Id(id)))
}

/// `id` in a sorted list.
pub fn find<'b>(ids: &'b [Id], id: IdRef<'_>) -> Option<&'b Id> {
    let order = |entry: &Id| match (entry, id) {
        (Id::Guid(entry), IdRef::Guid(id)) => entry.cmp(&id),
        (Id::Text(entry), IdRef::Text(id)) => (**entry).cmp(id),
        (Id::Guid(_), IdRef::Text(_)) => std::cmp::Ordering::Less,
        (Id::Text(_), IdRef::Guid(_)) => std::cmp::Ordering::Greater,
    };
    ids.binary_search_by(order).ok().and_then(|position| ids.get(position))
}
