//! What policies, locations, principals, token requests and decisions *are*.
//!
//! Plain values whose constructors hold the invariants. The model knows no file format and no wire format, derives no
//! serde, and decides nothing; `compile` fills it from documents, `serve::wire` from requests, `evaluate` reads it.
//!
//! # Words
//!
//! | doorward | Entra | AuthZEN | Cedar |
//! |---|---|---|---|
//! | identity (user, service principal, agent identity, ...) | users or workload identities | subject | principal |
//! | resource (apps, user action, authentication context) | target resources | resource | resource |
//! | token request | sign-in | evaluation request | request |
//! | condition | condition | - | `when` |
//! | decision | result | decision | decision |
//!
//! Where the documentation of Conditional Access is silent, [`rulings`] says what holds.
//!
//! Start with [`policy`] for what is decided by, [`request`] for what is decided, [`decision`] for the answer.

pub mod attribute;
pub mod bundle;
pub mod decision;
pub mod entity;
pub mod free;
pub mod id;
pub mod location;
pub mod policy;
pub mod principal;
pub mod request;
pub mod rulings;
pub mod session;
pub mod set;
pub mod shaping;
pub mod truth;
pub mod vocabulary;

pub use attribute::{AttributeValue, Attributes};
pub use bundle::{Bundle, BundleSettings};
pub use decision::{Control, Decision, Reason};
pub use entity::{Entities, Entity, Property, SubjectTypes};
pub use free::{FreeAttributes, FreeFacts, FreeValue};
pub use id::{Id, IdFlaw, IdRef};
pub use location::{IpRange, LocationKind, NamedLocation};
pub use policy::Policy;
pub use principal::ServicePrincipal;
pub use request::TokenRequest;
pub use session::SessionControls;
pub use set::Set;
pub use truth::Truth;
pub use vocabulary::*;
