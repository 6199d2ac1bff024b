//! Guests and personal accounts: of which kind somebody is, and from which tenant.
//!
//! Graph has no word for personal Microsoft accounts, but they have a home tenant of their own. Policies may name them by
//! that tenant, as Entra does, or by the kind `personalMicrosoftAccount`, which says the same. Such an account is
//! external, so where it is no guest of another kind it is also `otherExternalUser`. It lies in `compile` because tables by
//! kind of guest are made of it when a bundle is compiled; `evaluate` asks the same functions.

use crate::model::policy::Guests;
use crate::model::request::Identity;
use crate::model::{GuestType, Id, IdRef, Set, Truth};

const PERSONAL: GuestType = GuestType::PersonalMicrosoftAccount;

/// Whether somebody is any kind of guest.
pub fn is_any(identity: &Identity<'_>) -> Truth {
    identity.guest_type.map_or(Truth::Unknown, |kind| Truth::from(kind != GuestType::None))
}

/// Whether somebody is one of `guests`. An internal guest has no home tenant abroad, so no list of tenants matches it.
pub fn is_among(guests: &Guests, identity: &Identity<'_>) -> Truth {
    let of_kind = is_of_kind(guests.types, identity);
    let Some(tenants) = &guests.tenants else { return of_kind };
    let from_tenant = match (identity.guest_type, home(identity)) {
        (Some(GuestType::InternalGuest), _) => Truth::False,
        (_, Some(home)) => tenants.iter().fold(Truth::False, |any, tenant| any | tenant.as_ref().is_same(home)),
        (_, None) => Truth::Unknown,
    };
    of_kind & from_tenant
}

/// Whether a policy that lists `guests` means personal accounts, by their kind or by their home tenant.
pub fn names_personal_accounts(guests: &Guests) -> bool {
    let by_tenant = |tenants: &Vec<Id>| tenants.iter().any(|tenant| tenant.as_ref() == IdRef::PERSONAL_ACCOUNTS);
    guests.types.contains(PERSONAL) || guests.tenants.as_ref().is_some_and(by_tenant)
}

fn is_of_kind(types: Set<GuestType>, identity: &Identity<'_>) -> Truth {
    let personal = if types.contains(PERSONAL) { is_personal(identity) } else { Truth::False };
    let others = types.len() > usize::from(types.contains(PERSONAL));
    let listed = match identity.guest_type {
        Some(PERSONAL) => Truth::from(types.contains(GuestType::OtherExternalUser)),
        Some(kind) => Truth::from(types.contains(kind)),
        None if others => Truth::Unknown,
        None => Truth::False,
    };
    listed | personal
}

/// Whether somebody's account is a personal Microsoft account.
pub fn is_personal(identity: &Identity<'_>) -> Truth {
    match (identity.guest_type, identity.home_tenant) {
        (Some(PERSONAL), _) => Truth::True,
        (Some(GuestType::None | GuestType::InternalGuest), _) => Truth::False,
        (_, Some(home)) => home.is_same(IdRef::PERSONAL_ACCOUNTS),
        (_, None) => Truth::Unknown,
    }
}

/// Whether kind and home tenant cannot both be true in `tenant`, which may be unknown: members and internal guests are at
/// home there, all others elsewhere. Source: Entra documentation, Properties of a B2B collaboration user; Users and groups in
/// Conditional Access policies, "Include or exclude external users"; read August 2026.
pub fn contradicts(identity: &Identity<'_>, tenant: Option<&Id>) -> bool {
    let (Some(kind), Some(home)) = (identity.guest_type, identity.home_tenant) else { return false };
    let is_personal = home.is_same(IdRef::PERSONAL_ACCOUNTS);
    let is_here = tenant.map_or(Truth::Unknown, |tenant| home.is_same(tenant.as_ref()));
    match kind {
        GuestType::None | GuestType::InternalGuest => is_personal == Truth::True || is_here == Truth::False,
        PERSONAL => is_personal == Truth::False,
        _ => is_here == Truth::True,
    }
}

/// The home tenant, which for a personal account goes without saying.
pub fn home<'a>(identity: &Identity<'a>) -> Option<IdRef<'a>> {
    identity.home_tenant.or((identity.guest_type == Some(PERSONAL)).then_some(IdRef::PERSONAL_ACCOUNTS))
}
