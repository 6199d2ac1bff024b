//! What stands before the requests of one connection.
//!
//! A caller whose connection says who it is passes at once. Others bring a token with each request, in `authorization`
//! or, because a gateway passes its own caller's on there, in `doorward-authorization`, which comes first.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};

use super::secret::SecretHash;
use super::{Callers, Denial, Standing};
use crate::limits;
use crate::serve::wire::{Challenge, Refusal};

/// The header of the caller's own token, where `authorization` is somebody else's.
const OWN: &str = "doorward-authorization";

/// Stands before the requests of one connection.
#[derive(Debug)]
pub struct Gate {
    callers: Arc<Callers>,
    standing: Standing,
    accepted: Mutex<Option<Accepted>>,
}

/// The access token that was accepted last: a caller sends the same one for minutes.
#[derive(Clone, Debug)]
struct Accepted {
    token: SecretHash,
    name: Arc<str>,
    until: Timestamp,
}

impl Gate {
    pub(super) const fn new(callers: Arc<Callers>, standing: Standing) -> Self {
        Self { callers, standing, accepted: Mutex::new(None) }
    }

    /// Lets a request in at `now`: the caller's name, if it has one.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`], [`Refusal::Forbidden`], [`Refusal::NoKeys`].
    pub async fn admit(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<Arc<str>>, Refusal> {
        match &self.standing {
            Standing::Known(name) => return Ok(name.clone()),
            Standing::Unwelcome => return Err(Refusal::Forbidden(None)),
            Standing::Stranger => {}
        }
        let token = presented(headers)?;
        let hash = SecretHash::of(token.as_bytes());
        if let Some(name) = self.callers.by_secret(&hash).or_else(|| self.accepted(&hash, now)) {
            return Ok(Some(name));
        }
        match self.callers.by_token(token, now).await {
            Ok((name, expires)) => {
                self.accept(Accepted { token: hash, name: Arc::clone(&name), until: until(expires, now) });
                Ok(Some(name))
            }
            Err(Denial::Invalid) => Err(Refusal::Unauthenticated(Challenge::InvalidToken)),
            Err(Denial::Insufficient) => Err(Refusal::Forbidden(Some(Challenge::InsufficientScope))),
            Err(Denial::Unknown) => Err(Refusal::NoKeys),
        }
    }

    /// Takes away the token that [`Gate::admit`] has looked at: what a request says then is of whom it asks for, and the
    /// caller is never taken for its own client.
    pub fn take_token(&self, headers: &mut HeaderMap) {
        if matches!(self.standing, Standing::Stranger) && headers.remove(OWN).is_none() {
            headers.remove(AUTHORIZATION);
        }
    }

    fn accepted(&self, token: &SecretHash, now: Timestamp) -> Option<Arc<str>> {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let same = accepted.as_ref().filter(|accepted| accepted.token.matches(token) && now < accepted.until);
        same.map(|accepted| Arc::clone(&accepted.name))
    }

    fn accept(&self, accepted: Accepted) {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(accepted);
    }
}

/// How long an accepted token is accepted without another look.
fn until(expires: f64, now: Timestamp) -> Timestamp {
    let left =
        SignedDuration::try_from_secs_f64(expires - now.as_duration().as_secs_f64()).unwrap_or(SignedDuration::ZERO);
    let most = SignedDuration::try_from(limits::CALLER_TOKEN_KEPT_MAX).unwrap_or(SignedDuration::ZERO);
    now.checked_add(left.min(most)).unwrap_or(now)
}

/// The token of a request.
fn presented(headers: &HeaderMap) -> Result<&str, Refusal> {
    let name = if headers.contains_key(OWN) { OWN } else { AUTHORIZATION.as_str() };
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Refusal::Unauthenticated(Challenge::Token))?;
    let invalid = Refusal::Unauthenticated(Challenge::InvalidToken);
    // WHY: which of two would count is for nobody to guess.
    if values.next().is_some() {
        return Err(invalid);
    }
    match value.to_str().ok().and_then(|value| value.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Ok(token.trim()),
        Some(_) => Err(Refusal::Unauthenticated(Challenge::Token)),
        None => Err(invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_token_is_looked_at_again_when_it_ends_and_after_a_minute_at_the_latest() {
        let now: Timestamp = "2026-09-01T12:00:00Z".parse().unwrap();
        let second = now.as_second() as f64;
        for (expires, kept) in [(300.0, 60), (60.5, 60), (12.0, 12), (0.0, 0), (f64::MAX, 0)] {
            let left = until(second + expires, now).duration_since(now);
            assert_eq!(left, SignedDuration::from_secs(kept), "{expires}");
        }
        assert!(until(0.0, now) <= now);
        assert!(until(f64::NAN, now) <= now);
    }
}
