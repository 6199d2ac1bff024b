//! Tokens of known issuers, verified here: no issuer is asked about a token.
//!
//! [`Issuers::verify`] is all that doors need. [`settings`] says what is believed, [`token`] reads and checks one token,
//! [`keys`] holds an issuer's keys, [`refresh`] decides when they are fetched, [`fetch`] fetches them. Fetching runs on
//! a thread of its own ([`Issuers::keep`]); a request at most waits a bounded time for one fetch that is on its way.
//! What claims mean is not known here. [`sign`] makes the one token that is ours.

mod fetch;
mod keys;
mod refresh;
mod settings;
mod sign;
mod token;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{sleep, timeout};

use self::fetch::{FetchError, Fetcher};
use self::keys::KeySet;
use self::refresh::{Next, Refresh};
pub use self::settings::{Algorithm, Algorithms, Audiences, IssuerSettings, KeySource, Leeway};
pub use self::sign::{SignError, SigningAlgorithm, sign};
use self::token::Token;
pub use self::token::{Claims, TokenError};
use crate::limits;

/// The issuers whose tokens are believed. Clones share their keys.
#[derive(Clone, Debug)]
pub struct Issuers(Arc<[Issuer]>);

/// Two settings are for one issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are two entries for the issuer `{0}`")]
pub struct SecondIssuer(String);

/// How long a request waits for keys.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the first keys of an issuer.
    first: Duration,
    /// For one more, when others are there.
    more: Duration,
}

impl Patience {
    /// With tokens of callers.
    pub const FOR_CALLERS: Self = Self { first: limits::KEY_SET_WAIT_MAX, more: limits::KEY_SET_WAIT_MAX };
    /// With tokens of those who are asked about. They are not held up by a key that is made up.
    pub const FOR_CLIENTS: Self = Self { first: limits::KEY_SET_WAIT_MAX, more: limits::KEY_SET_WAIT_MORE_MAX };

    /// The same, and never longer than `most`.
    pub fn within(self, most: Duration) -> Self {
        Self { first: self.first.min(most), more: self.more.min(most) }
    }
}

#[derive(Debug)]
struct Issuer {
    settings: IssuerSettings,
    /// Since when it is known; the clock of `refresh`.
    since: Instant,
    refresh: Mutex<Refresh>,
    /// The keys, `None` when there are none that may be used; told anew after each fetch, whatever it brought.
    keys: watch::Sender<Option<Arc<KeySet>>>,
    is_wanted: Notify,
    waiting: Semaphore,
}

impl Issuers {
    /// These issuers, without keys until [`Issuers::keep`] runs.
    ///
    /// # Errors
    /// One of them is there twice: which of both was meant would be anyone's guess.
    pub fn new(settings: Vec<IssuerSettings>) -> Result<Self, SecondIssuer> {
        let mut names = HashSet::new();
        if let Some(second) = settings.iter().find(|settings| !names.insert(&settings.issuer)) {
            return Err(SecondIssuer(second.issuer.clone()));
        }
        let issuer = |settings| Issuer {
            settings,
            since: Instant::now(),
            refresh: Mutex::default(),
            keys: watch::Sender::new(None),
            is_wanted: Notify::new(),
            waiting: Semaphore::new(limits::KEY_SET_WAITING_MAX),
        };
        Ok(Self(settings.into_iter().map(issuer).collect()))
    }

    /// Verifies a token at `now`: a compact JWS whose issuer, key, algorithm, audience and time are all right. A token
    /// without `aud` or `exp` never is.
    ///
    /// When it names a key that is not there the keys are fetched again, at most once in [`limits::KEY_SET_PAUSE`], and
    /// this waits for them, as long as `patience`.
    ///
    /// # Errors
    /// Every [`TokenError`]. With [`TokenError::NoKeys`] nothing is known about the token, through no fault of its own; with
    /// [`TokenError::KeyUnsure`] nobody knows whose fault it is. All others are the token's. Cost: the check of one
    /// signature, some ten microseconds.
    pub async fn verify(&self, token: &str, now: Timestamp, patience: Patience) -> Result<Claims, TokenError> {
        let token = Token::read(token)?;
        let is_its = |issuer: &&Issuer| issuer.settings.issuer == token.issuer;
        let issuer = self.0.iter().find(is_its).ok_or(TokenError::Issuer)?;
        if !issuer.settings.algorithms.allow(token.algorithm) {
            return Err(TokenError::Algorithm);
        }
        let keys = issuer.keys_for(&token, patience).await?;
        let key = keys.find(token.key_id.as_deref(), token.algorithm).ok_or(TokenError::Key)?;
        token.check(key, &issuer.settings, now)
    }

    /// Fetches keys for as long as it is awaited.
    pub async fn keep(&self) {
        let fetcher = Fetcher::default();
        join_all(self.0.iter().map(|issuer| issuer.keep(&fetcher))).await;
    }
}

impl Issuer {
    /// The keys, with the one of `token` among them if it can be had.
    async fn keys_for(&self, token: &Token<'_>, patience: Patience) -> Result<Arc<KeySet>, TokenError> {
        let find = || {
            let keys = self.keys.borrow().clone();
            let has_key = |keys: &Arc<KeySet>| keys.find(token.key_id.as_deref(), token.algorithm).is_some();
            keys.filter(has_key)
        };
        if let Some(keys) = find() {
            return Ok(keys);
        }
        // WHY: from here on nothing is missed: what is told before this line is looked at after it.
        let mut told = self.keys.subscribe();
        if let Some(keys) = find() {
            return Ok(keys);
        }
        let has_keys = || self.keys.borrow().is_some();
        let most = if has_keys() { patience.more } else { patience.first };
        let place = self.waiting.try_acquire();
        if place.is_ok() && self.refresh().want(self.since.elapsed()) {
            self.is_wanted.notify_one();
            let _ = timeout(most, told.changed()).await;
        }
        // WHY: keys that could not be fetched just now may lack one that is good: nobody knows.
        let is_known = place.is_ok() && self.refresh().is_answered();
        find().ok_or_else(|| match has_keys() {
            _ if is_known => TokenError::Key,
            true => TokenError::KeyUnsure,
            false => TokenError::NoKeys,
        })
    }

    async fn keep(&self, fetcher: &Fetcher) {
        let mut has_failed = false;
        loop {
            let next = self.refresh().next(self.since.elapsed());
            match next {
                Next::Wait(wait) => self.wait(wait).await,
                Next::Fetch => {
                    let fetched = self.fetch(fetcher).await;
                    let is_usable = self.refresh().fetched(self.since.elapsed(), fetched.is_ok());
                    self.tell(&fetched, &mut has_failed);
                    match fetched {
                        Ok(keys) => drop(self.keys.send_replace(Some(Arc::new(keys)))),
                        Err(_) => self.keys.send_modify(|keys| *keys = keys.take().filter(|_| is_usable)),
                    }
                }
            }
        }
    }

    async fn wait(&self, wait: Duration) {
        tokio::select! {
            () = sleep(wait) => {}
            () = self.is_wanted.notified() => {}
        }
    }

    async fn fetch(&self, fetcher: &Fetcher) -> Result<KeySet, FetchError> {
        let fetching = fetcher.fetch(&self.settings.jwks);
        let json = timeout(limits::KEY_SET_TIME_MAX, fetching).await.map_err(|_| FetchError::Slow)??;
        Ok(KeySet::read(&json)?)
    }

    /// Says what became of a fetch, once until that changes.
    fn tell(&self, fetched: &Result<KeySet, FetchError>, has_failed: &mut bool) {
        let issuer = &self.settings.issuer;
        match fetched {
            Ok(keys) if *has_failed => {
                tracing::info!(issuer, keys = keys.len(), "the keys of an issuer are there again")
            }
            Ok(keys) if keys.len() == 0 => tracing::warn!(issuer, "an issuer has no key that can be used"),
            Ok(_) => {}
            Err(_) if *has_failed => {}
            Err(error) => {
                let error = error as &dyn std::error::Error;
                tracing::warn!(issuer, error, "the keys of an issuer cannot be fetched; the last ones stay");
            }
        }
        *has_failed = fetched.is_err();
    }

    fn refresh(&self) -> MutexGuard<'_, Refresh> {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
