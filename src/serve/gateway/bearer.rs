//! The bearer token that a client gives to its gateway, verified here by the keys of the configured issuers.
//!
//! A token that is there and cannot be believed is never the same as none: whoever brings one is not nobody. What the
//! claims mean is [`claims`](crate::serve::claims)'; which protocol brought the header is not known here. Start with
//! [`holder`].

use jiff::Timestamp;

use crate::model::decision::InputError;
use crate::serve::claims::Holder;
use crate::serve::gateway::claim_names::ClaimNames;
use crate::serve::jwt::{Issuers, Patience, TokenError};

/// Why it is not known who asks although something says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// What says it cannot be used.
    Input(InputError),
    /// It is a token that cannot be believed, or, with [`TokenError::NoKeys`], not yet. One with [`TokenError::KeyUnsure`] is
    /// not believed: its client can have made it up.
    Token(TokenError),
}

impl From<InputError> for Unproven {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<TokenError> for Unproven {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<Unproven> for InputError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Input(error) => error,
            Unproven::Token(error) => Self::invalid("authorization", error.to_string()),
        }
    }
}

/// Who holds the token in the lines of `authorization`, whose claims have these names; nobody when there is none, or nobody
/// issues tokens that count.
///
/// # Errors
/// A token that `issuers` cannot verify now; verified claims that cannot be used. Cost: as [`Issuers::verify`].
pub async fn holder<'h>(
    issuers: Option<&Issuers>,
    lines: impl Iterator<Item = &'h [u8]>,
    names: &ClaimNames,
    patience: Patience,
) -> Result<Option<Holder>, Unproven> {
    let Some(issuers) = issuers else { return Ok(None) };
    let Some(token) = token(lines)? else { return Ok(None) };
    let claims = issuers.verify(token, Timestamp::now(), patience).await?;
    Ok(Some(Holder::new(&names.read(claims.as_map()))?))
}

/// The token of a header (RFC 6750, section 2.1). Other schemes are the business of others.
fn token<'h>(mut lines: impl Iterator<Item = &'h [u8]>) -> Result<Option<&'h str>, TokenError> {
    let Some(first) = lines.next() else { return Ok(None) };
    // WHY: which of two would count is for nobody to guess.
    if lines.any(|line| bearer(line).is_some() || bearer(first).is_some()) {
        return Err(TokenError::Malformed);
    }
    bearer(first).map(|token| std::str::from_utf8(token).map_err(|_| TokenError::Malformed)).transpose()
}

/// What stands behind the name of the scheme.
fn bearer(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (scheme, rest) = line.split_at_checked(end)?;
    scheme.eq_ignore_ascii_case(b"bearer").then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_one_token_another_scheme_or_nothing_that_can_be_believed() {
        let read = |lines: &[&'static [u8]]| token(lines.iter().copied());
        for (lines, expected) in [
            (&[][..], Ok(None)),
            (&[&b"Basic YTpi"[..]], Ok(None)),
            (&[b"bearerx a"], Ok(None)),
            (&[b"Basic YTpi", b"Basic YTpj"], Ok(None)),
            (&[b"Bearer a.b.c"], Ok(Some("a.b.c"))),
            (&[b" bEARER \t a.b.c "], Ok(Some("a.b.c"))),
            (&[b"Bearer"], Ok(Some(""))),
            (&[b"Bearer a, Bearer b"], Ok(Some("a, Bearer b"))),
            (&[b"Bearer a", b"Bearer a"], Err(TokenError::Malformed)),
            (&[b"Basic a", b"Bearer b"], Err(TokenError::Malformed)),
            (&[b"Bearer b", b"Basic a"], Err(TokenError::Malformed)),
            (&[b"Bearer \xff"], Err(TokenError::Malformed)),
        ] {
            assert_eq!(read(lines), expected, "{lines:?}");
        }
    }
}
