//! What a token service or a resource tells an OAuth client about a block, in the words that Entra uses for it.
//!
//! [`OAuthError::of`] makes it of a decision; allowed requests have none. It names policies by id and nothing else of
//! them: it is for the client, and what their authors call them is not. Policies are not read here. Sources: Entra
//! documentation, Microsoft Entra authentication and authorization error codes; claims challenges, claims requests and
//! client capabilities; MSAL.NET, UiRequiredExceptionClassification; OpenID Connect Core 1.0, section 3.1.2.6; all read
//! August 2026.

use std::fmt;
use std::io::{self, Write};

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use jiff::Timestamp;
use prost::encoding::{encode_varint, encoded_len_varint};

use super::answer::needs_escape;
use super::protobuf::{write_length, write_text};
use super::v1;
use crate::compile::{CompiledBundle, PolicyIndex};
use crate::evaluate::Evaluation;
use crate::model::decision::Control;
use crate::model::{Decision, GrantControl, IdentityKind, Reason, TokenRequest, TransferMethod};
use crate::serve::gate::is_use;

/// What a request asks for, as far as it shapes the error.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    kind: IdentityKind,
    flow: Option<TransferMethod>,
    /// The number of the authentication context, 1 to 99.
    context: Option<u8>,
    /// Whether a token that exists is to be used, not one to be issued.
    is_use: bool,
    now: Option<Timestamp>,
}

impl Asked {
    /// What `request` asks for. An action other than `issue:...` is the use of a token.
    pub fn of(request: &TokenRequest<'_>) -> Self {
        let context = request.resource.authentication_context.as_deref();
        Self {
            kind: request.identity.kind,
            flow: request.authentication_flow.filter(|flow| *flow != TransferMethod::None),
            context: context.and_then(|context| context.strip_prefix('c')?.parse().ok()),
            is_use: is_use(request.action),
            now: request.now,
        }
    }
}

impl Asked {
    /// The number of the authentication context of a token that is to be issued, if it is to satisfy one.
    pub(super) fn issued_context(self) -> Option<u8> {
        self.context.filter(|_| !self.is_use)
    }

    /// Whether `bundle` had expired when it was asked.
    pub(super) fn is_stale(self, bundle: &CompiledBundle) -> bool {
        self.now.is_some_and(|now| bundle.has_expired(now))
    }
}

/// An error for an OAuth client.
#[derive(Clone, Copy, Debug)]
pub struct OAuthError<'e> {
    error: &'static str,
    outcome: Outcome,
    suberror: &'static str,
    challenge: Challenge<'e>,
}

/// A code of Entra, and what it means.
type Outcome = (u32, &'static str);

const BLOCKED: Outcome = (53003, "AADSTS53003: Access has been blocked by Conditional Access policies.");
const FLOW_BLOCKED: Outcome = (530_036, "AADSTS530036: Conditional Access does not allow this authentication flow.");
const MFA: Outcome = (50076, "AADSTS50076: Conditional Access asks for multifactor authentication.");
const COMPLIANT_DEVICE: Outcome = (53000, "AADSTS53000: Conditional Access asks for a compliant device.");
const JOINED_DEVICE: Outcome = (53001, "AADSTS53001: Conditional Access asks for a domain joined device.");
const APPROVED_APP: Outcome = (53002, "AADSTS53002: Conditional Access asks for an approved client app.");
const PROTECTED_APP: Outcome = (53009, "AADSTS53009: Conditional Access asks for an app protection policy.");
const PASSWORD_CHANGE: Outcome = (50142, "AADSTS50142: Conditional Access asks for a password change.");
const REMEDIATION: Outcome = (50131, "AADSTS50131: Conditional Access asks for risk remediation.");
const CHALLENGE: Outcome = (50158, "AADSTS50158: Conditional Access asks for an external challenge.");

/// What a resource says of a token that will not do.
const INSUFFICIENT: &str = "insufficient_claims";

/// What a client sends with its next request for a token.
#[derive(Clone, Copy, Debug)]
enum Challenge<'e> {
    Nothing,
    /// The policies that decided.
    Policies(&'e CompiledBundle, &'e [PolicyIndex]),
    /// A token that is issued after this second.
    IssuedAfter(i64),
    /// A token that satisfies this authentication context.
    Context(u8),
}

impl OAuthError<'static> {
    /// The error of a token service for a block that nobody can do anything about, and for which no policy is named.
    pub const BLOCK: Self =
        Self { error: "invalid_grant", outcome: BLOCKED, suberror: "message_only", challenge: Challenge::Nothing };
}

impl<'e> OAuthError<'e> {
    /// The error of a block; `None` for what is allowed. `bundle` is the one that decided. Allocates nothing.
    pub fn of(bundle: &'e CompiledBundle, evaluation: &'e Evaluation, asked: Asked) -> Option<Self> {
        if evaluation.decision() == Decision::Allow {
            return None;
        }
        let control = match evaluation.reason() {
            Reason::ControlsUnmet => evaluation.unmet(bundle).next(),
            _ => None,
        };
        let outcome = match control {
            Some(control) => asking(control),
            None if is_by_flow(bundle, evaluation, asked) => FLOW_BLOCKED,
            None => BLOCKED,
        };
        if asked.is_use {
            let challenge = match (asked.context.filter(|_| control.is_some()), asked.now) {
                (Some(context), _) => Challenge::Context(context),
                (None, Some(now)) => Challenge::IssuedAfter(now.as_second()),
                (None, None) => Challenge::Nothing,
            };
            return Some(Self { error: INSUFFICIENT, outcome, suberror: "", challenge });
        }
        let (error, suberror) = match control {
            Some(control) if matches!(asked.kind, IdentityKind::User | IdentityKind::AgentUser) => remedy(control),
            _ => ("invalid_grant", "message_only"),
        };
        let challenge = match evaluation.policies() {
            [] => Challenge::Nothing,
            policies => Challenge::Policies(bundle, policies),
        };
        Some(Self { error, outcome, suberror, challenge })
    }

    /// As a message.
    pub fn to_message(self) -> v1::OAuthError {
        let (code, description) = self.outcome;
        let mut claims = Vec::new();
        self.write_claims(&mut claims);
        v1::OAuthError {
            error: self.error.to_owned(),
            error_description: description.to_owned(),
            error_codes: vec![code],
            suberror: self.suberror.to_owned(),
            claims: String::from_utf8(claims).unwrap_or_default(),
        }
    }

    /// Writes it as field 11 of an answer in protobuf.
    pub(super) fn write_protobuf(self, out: &mut Vec<u8>) {
        const CODES_TAG: u8 = 3 << 3 | 2;
        let (code, description) = self.outcome;
        write_last(out, 11, |out| {
            write_text(out, 1, self.error);
            write_text(out, 2, description);
            out.push(CODES_TAG);
            encode_varint(encoded_len_varint(u64::from(code)) as u64, out);
            encode_varint(u64::from(code), out);
            write_text(out, 4, self.suberror);
            if !matches!(self.challenge, Challenge::Nothing) {
                write_last(out, 5, |out| self.write_claims(out));
            }
        });
    }

    /// Writes it as JSON.
    pub(super) fn write_json(self, out: &mut Vec<u8>) {
        let (code, description) = self.outcome;
        // INVARIANT: words and sentences of this file hold nothing that JSON escapes, and a `Vec` takes every byte.
        for piece in [r#"{"error":""#, self.error, r#"","errorDescription":""#, description, r#"","errorCodes":["#] {
            out.extend_from_slice(piece.as_bytes());
        }
        let _ = serde_json::to_writer(&mut *out, &code);
        out.push(b']');
        if !self.suberror.is_empty() {
            for piece in [r#","suberror":""#, self.suberror, "\""] {
                out.extend_from_slice(piece.as_bytes());
            }
        }
        match self.challenge {
            Challenge::Nothing => {}
            // WHY: what most blocks say is not quoted byte by byte.
            Challenge::Policies(bundle, policies) => {
                out.extend_from_slice(br#","claims":""#);
                out.extend_from_slice(POLICIES_QUOTED);
                for (place, policy) in policies.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    write_quoted_text(out, &bundle.policy(*policy).id);
                }
                out.extend_from_slice(POLICIES_END);
                out.push(b'"');
            }
            Challenge::IssuedAfter(_) | Challenge::Context(_) => {
                out.extend_from_slice(br#","claims":""#);
                self.write_claims(&mut Quoting(out));
                out.push(b'"');
            }
        }
        out.push(b'}');
    }

    /// The value of the parameter `claims`: JSON at a token service, the same in base64 at a resource.
    fn write_claims(self, out: &mut impl Write) {
        // INVARIANT: all that is written to takes every byte.
        let _ = match self.challenge {
            Challenge::Nothing => Ok(()),
            Challenge::Policies(bundle, policies) => write_policies(out, bundle, policies),
            Challenge::IssuedAfter(seconds) => in_base64(out, |out| {
                write!(out, r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{seconds}"}}}}}}"#)
            }),
            Challenge::Context(number) => in_base64(out, |out| {
                write!(out, r#"{{"access_token":{{"acrs":{{"essential":true,"value":"c{number}"}}}}}}"#)
            }),
        };
    }
}

impl v1::OAuthError {
    /// Of a scope that is refused. An action that is no gate reads as the use of a token, and there is none yet. Source: RFC
    /// 6749, section 5.2.
    pub fn of_scope(self) -> Self {
        Self { error: "invalid_scope".to_owned(), claims: String::new(), ..self }
    }

    /// The challenge of a resource, for `WWW-Authenticate`; `None` for what a token service says. Source: Entra
    /// documentation, claims challenges, claims requests and client capabilities, read August 2026.
    pub fn challenge(&self) -> Option<String> {
        let is_of_resource = self.error == INSUFFICIENT && !self.claims.is_empty();
        is_of_resource.then(|| format!("Bearer error=\"{}\", claims=\"{}\"", self.error, self.claims))
    }
}

/// The error and its description, for people.
impl fmt::Display for OAuthError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.error, self.outcome.1)
    }
}

/// Whether a deciding policy is about the request's authentication flow.
fn is_by_flow(bundle: &CompiledBundle, evaluation: &Evaluation, asked: Asked) -> bool {
    let Some(flow) = asked.flow else { return false };
    let decides = |index: &PolicyIndex| evaluation.policies().binary_search(index).is_ok();
    bundle.compiled().iter().any(|policy| policy.flows.contains(flow) && decides(&policy.index))
}

/// What an unmet control comes to.
fn asking(control: Control<'_>) -> Outcome {
    match control {
        Control::BuiltIn(GrantControl::Block) => BLOCKED,
        Control::BuiltIn(GrantControl::Mfa) | Control::AuthenticationStrength(_) => MFA,
        Control::BuiltIn(GrantControl::CompliantDevice) => COMPLIANT_DEVICE,
        Control::BuiltIn(GrantControl::DomainJoinedDevice) => JOINED_DEVICE,
        Control::BuiltIn(GrantControl::ApprovedApplication) => APPROVED_APP,
        Control::BuiltIn(GrantControl::CompliantApplication) => PROTECTED_APP,
        Control::BuiltIn(GrantControl::PasswordChange) => PASSWORD_CHANGE,
        Control::BuiltIn(GrantControl::RiskRemediation) => REMEDIATION,
        Control::BuiltIn(GrantControl::VerifiedId) | Control::TermsOfUse(_) | Control::CustomFactor(_) => CHALLENGE,
    }
}

/// `error` and `suberror` for somebody who can do something about an unmet control: sign in again, or mend something
/// outside of the sign-in first.
const fn remedy(control: Control<'_>) -> (&'static str, &'static str) {
    match control {
        Control::BuiltIn(GrantControl::Block) => ("invalid_grant", "message_only"),
        Control::BuiltIn(GrantControl::CompliantApplication) => ("invalid_grant", "protection_policy_required"),
        Control::BuiltIn(
            GrantControl::CompliantDevice | GrantControl::DomainJoinedDevice | GrantControl::ApprovedApplication,
        ) => ("invalid_grant", "additional_action"),
        _ => ("interaction_required", "basic_action"),
    }
}

/// What stands before and after the ids of policies that blocked: as JSON, and in a text of JSON.
const POLICIES: &[u8] = br#"{"access_token":{"capolids":{"essential":true,"values":["#;
const POLICIES_QUOTED: &[u8] = br#"{\"access_token\":{\"capolids\":{\"essential\":true,\"values\":["#;
const POLICIES_END: &[u8] = b"]}}}";

fn write_policies(out: &mut impl Write, bundle: &CompiledBundle, policies: &[PolicyIndex]) -> io::Result<()> {
    out.write_all(POLICIES)?;
    for (place, policy) in policies.iter().enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        serde_json::to_writer(&mut *out, &bundle.policy(*policy).id)?;
    }
    out.write_all(POLICIES_END)
}

/// Writes a text of JSON that stands in a text of JSON.
fn write_quoted_text(out: &mut Vec<u8>, text: &str) {
    if needs_escape(text) {
        // INVARIANT: a `Vec` takes every byte.
        let _ = serde_json::to_writer(Quoting(out), text);
        return;
    }
    out.extend_from_slice(br#"\""#);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(br#"\""#);
}

fn in_base64<W: Write>(out: &mut W, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut encoder = EncoderWriter::new(out, &STANDARD);
    write(&mut encoder)?;
    encoder.finish().map(|_| ())
}

/// Writes a field whose length is known when it is written.
fn write_last(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let end = out.len();
    write_length(out, field, end - start);
    let head = out.len() - end;
    out.get_mut(start..).unwrap_or_default().rotate_right(head);
}

/// Writes JSON into a text of JSON.
struct Quoting<'o>(&'o mut Vec<u8>);

impl Write for Quoting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if matches!(byte, b'"' | b'\\') {
                self.0.push(b'\\');
            }
            self.0.push(*byte);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
