//! Gates of token issuance: the actions `issue:<token type>:<grant type>`, with which a caller asks whether a token may be
//! issued at all.
//!
//! Whatever must tell a gate from another action, or name one, asks here; what a gate leads to is no matter of this file.
//! Source: draft-gazitt-oauth-authzen-issuance, read August 2026.

use std::borrow::Cow;

use crate::limits;
use crate::model::TransferMethod;

const PREFIX: &str = "issue:";

/// Whether an action is meant as a gate; [`Gate::new`] says whether it is one.
pub fn is_gate(action: &str) -> bool {
    action.starts_with(PREFIX)
}

/// Whether `action` is the use of a token that exists; otherwise one may come of it.
pub fn is_use(action: Option<&str>) -> bool {
    action.is_some_and(|action| !is_gate(action))
}

/// An action that is a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate<'a>(Cow<'a, str>);

impl<'a> Gate<'a> {
    /// The gate that `action` names. `None` if it is the name of none: the name decides which policies apply, so it is
    /// never guessed.
    pub fn new(action: impl Into<Cow<'a, str>>) -> Option<Self> {
        let action = action.into();
        let (token, grant) = action.strip_prefix(PREFIX)?.split_once(':')?;
        let is_name = action.len() <= limits::GATE_BYTES_MAX && is_segment(token) && is_segment(grant);
        is_name.then_some(Self(action))
    }

    /// The gate of an access token for a grant type.
    pub fn access_token(grant: &str) -> Option<Gate<'static>> {
        Gate::new(format!("{PREFIX}access_token:{grant}"))
    }

    /// The action.
    pub fn action(&self) -> &str {
        &self.0
    }

    /// The flow that its grant type is, if policies know it.
    pub fn flow(&self) -> Option<TransferMethod> {
        self.0.ends_with(":device_code").then_some(TransferMethod::DeviceCodeFlow)
    }
}

fn is_segment(text: &str) -> bool {
    text.len() <= limits::GATE_SEGMENT_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_has_two_segments_of_small_letters_and_nothing_else_is_one() {
        let (segment, longer) =
            ("x".repeat(limits::GATE_SEGMENT_BYTES_MAX), "x".repeat(limits::GATE_SEGMENT_BYTES_MAX + 1));
        let names = [
            ("issue:access_token:client_credentials", true),
            ("issue:id_token:device_code", true),
            ("issue:a:b2", true),
            (&*format!("issue:access_token:{segment}"), true),
            (&*format!("issue:access_tokens:{segment}"), false),
            (&*format!("issue:a:{longer}"), false),
            ("issue:access_token", false),
            ("issue:access_token:", false),
            ("issue::device_code", false),
            ("issue:access_token:device-code", false),
            ("issue:access_token:a:b", false),
            ("issue:access_token:2fa", false),
            ("Issue:access_token:device_code", false),
            ("read", false),
        ];
        for (name, is_one) in names {
            assert_eq!(Gate::new(name).is_some_and(|gate| gate.action() == name), is_one, "{name}");
        }
        let flow = |grant| Gate::access_token(grant).unwrap().flow();
        assert_eq!((flow("device_code"), flow("no_device_code")), (Some(TransferMethod::DeviceCodeFlow), None));
    }
}
