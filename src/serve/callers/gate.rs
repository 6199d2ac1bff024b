//! What stands before the requests of one connection.
//!
//! A caller whose connection says who it is passes at once. Others bring a token with each request, in `authorization`
//! or, because a gateway passes its own caller's on there, in `doorward-authorization`, which comes first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

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
        if let Some(name) = self.callers.by_secret(&hash).or_else(|| Some(self.accepted(&hash, now)?.name)) {
            return Ok(Some(name));
        }
        let (name, expires) = self.callers.by_token(token, now).await?;
        self.accept(Accepted { token: hash, name: Arc::clone(&name), until: until(expires, now) });
        Ok(Some(name))
    }

    /// The lease of a stream that is opened with a request that [`Gate::admit`] has let in; none if its caller is known by
    /// something that does not end before the connection.
    pub fn lease(&self, headers: &HeaderMap, now: Timestamp) -> Option<Lease> {
        let Standing::Stranger = self.standing else { return None };
        let token = presented(headers).ok()?;
        let hash = SecretHash::of(token.as_bytes());
        if self.callers.by_secret(&hash).is_some() {
            return None;
        }
        let until = self.accepted(&hash, now).map_or(now, |accepted| accepted.until);
        Some(Lease { callers: Arc::clone(&self.callers), token: token.into(), until })
    }

    /// Takes away the token that [`Gate::admit`] has looked at: what a request says then is of whom it asks for, and the
    /// caller is never taken for its own client.
    pub fn take_token(&self, headers: &mut HeaderMap) {
        if matches!(self.standing, Standing::Stranger) && headers.remove(OWN).is_none() {
            headers.remove(AUTHORIZATION);
        }
    }

    fn accepted(&self, token: &SecretHash, now: Timestamp) -> Option<Accepted> {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.as_ref().filter(|accepted| accepted.token.matches(token) && now < accepted.until).cloned()
    }

    fn accept(&self, accepted: Accepted) {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(accepted);
    }
}

/// The access token that a stream was opened with: the stream goes on for as long as the token is good.
#[derive(Debug)]
pub struct Lease {
    callers: Arc<Callers>,
    token: Box<str>,
    until: Timestamp,
}

impl Lease {
    /// Waits until the token is good no more, and says why. It is looked at again as often as that of a connection.
    pub async fn ended(self) -> Refusal {
        let mut until = self.until;
        loop {
            let left = Timestamp::now().duration_until(until);
            tokio::time::sleep(Duration::try_from(left).unwrap_or(Duration::ZERO)).await;
            let now = Timestamp::now();
            if now < until {
                continue;
            }
            until = match self.callers.by_token(&self.token, now).await {
                Ok((_, expires)) => self::until(expires, now),
                Err(denial) => return denial.into(),
            };
            // INVARIANT: every turn waits.
            if until <= now {
                return Denial::Invalid.into();
            }
        }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Invalid => Self::Unauthenticated(Challenge::InvalidToken),
            Denial::Insufficient => Self::Forbidden(Some(Challenge::InsufficientScope)),
            Denial::Unknown => Self::NoKeys,
        }
    }
}

/// How long an accepted token is accepted without another look; `expires` in seconds since the epoch.
fn until(expires: f64, now: Timestamp) -> Timestamp {
    let left = expires - now.as_duration().as_secs_f64();
    let most = limits::CALLER_TOKEN_KEPT_MAX;
    let kept = if left > 0.0 { Duration::from_secs_f64(left.min(most.as_secs_f64())) } else { Duration::ZERO };
    now.checked_add(kept).unwrap_or(now)
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
    use jiff::SignedDuration;

    use super::*;

    /// A stream is never believed because it is open.
    #[tokio::test]
    async fn a_lease_that_nobody_can_renew_has_ended() {
        let settings = "jwt: [{ issuer: 'https://a.example', jwks: none.json, audiences: [doorward], scope: decide }]";
        let callers = Arc::new(Callers::new(serde_saphyr::from_str(settings).unwrap()).unwrap());
        let lease = |token: &str| Lease { callers: Arc::clone(&callers), token: token.into(), until: Timestamp::now() };
        assert_eq!(lease("no token").ended().await, Refusal::Unauthenticated(Challenge::InvalidToken));
        // {"alg":"ES256"} and {"iss":"https://a.example"}; whether the signature is right takes the keys.
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2EuZXhhbXBsZSJ9.AAAA";
        assert_eq!(lease(token).ended().await, Refusal::NoKeys);
    }

    #[test]
    fn an_accepted_token_is_looked_at_again_when_it_ends_and_after_a_minute_at_the_latest() {
        let now: Timestamp = "2026-09-01T12:00:00Z".parse().unwrap();
        let second = now.as_second() as f64;
        for (expires, kept) in [(300.0, 60), (60.5, 60), (12.0, 12), (0.0, 0), (-7.0, 0), (f64::MAX, 60)] {
            let left = until(second + expires, now).duration_since(now);
            assert_eq!(left, SignedDuration::from_secs(kept), "{expires}");
        }
        assert!(until(0.0, now) <= now);
        assert!(until(f64::NAN, now) <= now);
    }
}
