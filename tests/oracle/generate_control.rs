//! Generated grant and session controls, and the authentication strengths of a bundle.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use doorward::model::policy::{AuthenticationStrength, GrantControls};
use doorward::model::session::{Period, SessionControls, SignInFrequency};
use doorward::model::set::{Set, Word};
use doorward::model::shaping::{Shaping, StatedObligation, TokenShape};
use doorward::model::{AuthenticationMethod, FrequencyFactors, FrequencyUnit, GrantControl, Operator};
use doorward::text::Span;

use super::generate::placed;
use super::world::STRENGTHS;

/// Controls of a policy; often `block` or nothing.
pub fn grant() -> impl Strategy<Value = Option<GrantControls>> {
    let nothing = (Set::EMPTY, None, Vec::new(), Vec::new());
    let block = (Set::from_iter([GrantControl::Block]), None, Vec::new(), Vec::new());
    let controls = (
        subsequence(GrantControl::ALL[1..].to_vec(), 0..3).prop_map(Set::from_iter),
        weighted(0.3, strength()),
        subsequence(vec!["terms-1", "terms-2"], 0..2).prop_map(|ids| ids.into_iter().map(Into::into).collect()),
        subsequence(vec!["factor-1"], 0..=1).prop_map(|ids| ids.into_iter().map(Into::into).collect()),
    );
    let operator = select(Operator::ALL);
    (operator, prop_oneof![6 => Just(block), 5 => controls, 4 => Just(nothing)]).prop_map(
        |(operator, (built_in, authentication_strength, terms_of_use, custom_factors))| {
            let is_empty: bool = built_in.is_empty()
                && authentication_strength.is_none()
                && Vec::<Box<str>>::is_empty(&terms_of_use)
                && Vec::<Box<str>>::is_empty(&custom_factors);
            (!is_empty).then_some(GrantControls {
                operator,
                built_in,
                authentication_strength,
                terms_of_use,
                custom_factors,
                span: Span::NONE,
            })
        },
    )
}

/// A strength as policies carry it: expanded or as a mere id.
fn strength() -> impl Strategy<Value = AuthenticationStrength> {
    (select(&STRENGTHS), weighted(0.4, combinations())).prop_map(|(id, allowed_combinations)| AuthenticationStrength {
        id: placed(id.into()),
        display_name: None,
        allowed_combinations,
    })
}

fn combinations() -> impl Strategy<Value = Vec<Set<AuthenticationMethod>>> {
    vec(subsequence(AuthenticationMethod::ALL.to_vec(), 1..=2).prop_map(Set::from_iter), 1..3)
}

/// Strengths of the bundle: a built-in one in another form, and one of its own.
pub fn strengths() -> impl Strategy<Value = Vec<AuthenticationStrength>> {
    (subsequence(STRENGTHS.to_vec(), 0..=2), vec(combinations(), 3)).prop_map(|(ids, combinations)| {
        let each = ids.into_iter().zip(combinations).map(|(id, combinations)| AuthenticationStrength {
            id: placed(id.into()),
            display_name: None,
            allowed_combinations: Some(combinations),
        });
        each.collect()
    })
}

/// Mostly nothing.
pub fn session() -> impl Strategy<Value = (SessionControls, Option<Box<str>>)> {
    fn seldom<T: Word>() -> impl Strategy<Value = Option<T>> {
        weighted(0.2, select(T::ALL))
    }
    let period =
        prop_oneof![Just((24, FrequencyUnit::Hours)), Just((1, FrequencyUnit::Days)), Just((4, FrequencyUnit::Hours))];
    let period = weighted(0.8, period.prop_map(|(value, unit)| Period { value, unit }));
    let frequency =
        (period, select(FrequencyFactors::ALL)).prop_map(|(period, factors)| SignInFrequency { period, factors });
    let is_on = || proptest::bool::weighted(0.1);
    let switches = (is_on(), is_on(), is_on());
    let profile = weighted(0.1, select(&["profile-1", "profile-2"]).prop_map(Into::into));
    (weighted(0.6, frequency), seldom(), seldom(), seldom(), switches, profile).prop_map(
        |(
            sign_in_frequency,
            persistent_browser,
            cloud_app_security,
            continuous_access_evaluation,
            switches,
            profile,
        )| {
            let controls = SessionControls {
                sign_in_frequency,
                persistent_browser,
                cloud_app_security,
                continuous_access_evaluation,
                application_enforced_restrictions: switches.0,
                disable_resilience_defaults: switches.1,
                secure_sign_in_session: switches.2,
            };
            (controls, profile)
        },
    )
}

/// Mostly nothing. Names are few, so that policies say the same of one claim, and other things of it.
pub fn shaping() -> impl Strategy<Value = Option<Box<Shaping>>> {
    let values = subsequence(vec!["a", "b", "c"], 1..=2).prop_map(|all| all.into_iter().map(Box::from).collect());
    let claims = proptest::collection::btree_map(select(vec!["tags", "level"]).prop_map(Box::from), values, 0..=2);
    let lifetime = weighted(0.5, select(vec![300, 900, 36_000]));
    let token = (lifetime, claims, any::<bool>()).prop_map(|(lifetime, claims, is_critical)| {
        let critical = claims.keys().filter(|_| is_critical).cloned().collect();
        TokenShape { lifetime, claims, critical }
    });
    let kind = select(vec!["notification", "session_termination", "urn:example:obligation"]);
    let obligation = kind.prop_map(|kind| StatedObligation { id: None, kind: kind.into(), properties: "{}".into() });
    (token, vec(obligation, 0..2)).prop_map(|(token, obligations)| {
        let shaping = Shaping { token, obligations };
        (!shaping.is_empty()).then(|| Box::new(shaping))
    })
}
