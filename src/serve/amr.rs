//! What values of `amr` are worth: the controls and methods of Conditional Access that they are sure to be.
//!
//! Every door that is told `amr` asks here, so that the same sign-in has proved the same through each of them. Knows no
//! protocol and no request.
//!
//! Source: RFC 8176, section 2, read August 2026.

use super::wire::spelling::Spelling;
use super::wire::v1;
use crate::model::{AuthenticationMethod, GrantControl};

/// Adds what `value` proves. Taken are values that are one method and no other: a code (`otp`) may be of an app, a token
/// or a mail, and a key (`hwk`) of anything.
pub fn prove(value: &str, satisfied: &mut v1::Satisfied) {
    let method = match value {
        "mfa" => return satisfied.built_in_controls.push(GrantControl::Mfa.number()),
        "pwd" => AuthenticationMethod::Password,
        "sms" => AuthenticationMethod::Sms,
        "tel" => AuthenticationMethod::Voice,
        _ => return,
    };
    satisfied.authentication_methods.push(method.number());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_that_mean_one_thing_prove_something() {
        let mut satisfied = v1::Satisfied::default();
        for value in ["pwd", "otp", "hwk", "swk", "sc", "MFA", "", "mfa", "tel", "sms"] {
            prove(value, &mut satisfied);
        }
        let methods = [AuthenticationMethod::Password, AuthenticationMethod::Voice, AuthenticationMethod::Sms];
        assert_eq!(satisfied.authentication_methods, methods.map(Spelling::number));
        assert_eq!(satisfied.built_in_controls, [GrantControl::Mfa.number()]);
    }
}
