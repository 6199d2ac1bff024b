//! When the keys of an issuer are fetched. Pure: time is a parameter, since the issuer became known.
//!
//! Keys are fetched at the start, every [`limits::KEY_SET_REFRESH`], and when a token names one that is not there. One
//! fetch runs at a time, and tokens cause at most one in [`limits::KEY_SET_PAUSE`]: whoever makes tokens up cannot make
//! doorward flood an issuer. Start with [`Refresh::next`].

use std::time::Duration;

use crate::limits;

/// What is known of the fetches of one issuer's keys.
#[derive(Clone, Debug, Default)]
pub struct Refresh {
    begun: Option<Duration>,
    succeeded: Option<Duration>,
    failures: u32,
    is_fetching: bool,
    /// A token asked for a fetch that has not begun.
    is_wanted: bool,
    /// When a token last got a fetch of its own.
    granted: Option<Duration>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Fetch the keys, and say how that went with [`Refresh::fetched`].
    Fetch,
    /// Wait for so long, or until a key is wanted.
    Wait(Duration),
}

impl Refresh {
    /// What to do at `now`. After [`Next::Fetch`] nothing but waiting is to be done until the fetch has ended.
    pub fn next(&mut self, now: Duration) -> Next {
        if self.is_fetching {
            return Next::Wait(limits::KEY_SET_TIME_MAX);
        }
        let due = self.due();
        if due > now {
            return Next::Wait(due - now);
        }
        self.begun = Some(now);
        self.is_fetching = true;
        self.is_wanted = false;
        Next::Fetch
    }

    /// A token names a key that is not there. Whether a fetch is on its way that may bring it.
    pub fn want(&mut self, now: Duration) -> bool {
        if self.begun.is_none() || self.is_fetching || self.is_wanted {
            return true;
        }
        self.is_wanted = self.granted.is_none_or(|granted| now >= granted + limits::KEY_SET_PAUSE);
        if self.is_wanted {
            self.granted = Some(now);
        }
        self.is_wanted
    }

    /// Whether a token may be told that a key is not there: the keys were fetched for the last token that missed one, or
    /// later, and nothing says that they have changed since.
    pub fn is_answered(&self) -> bool {
        let is_current = self.succeeded.is_some() && self.succeeded >= self.granted;
        is_current && self.failures == 0 && !self.is_fetching && !self.is_wanted
    }

    /// A fetch ended. Whether the keys that there are may still be used.
    pub fn fetched(&mut self, now: Duration, has_succeeded: bool) -> bool {
        self.is_fetching = false;
        if has_succeeded {
            self.succeeded = Some(now);
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
        }
        self.succeeded.is_some_and(|succeeded| now <= succeeded + limits::KEY_SET_AGE_MAX)
    }

    fn due(&self) -> Duration {
        let Some(begun) = self.begun.filter(|_| !self.is_wanted) else {
            return Duration::ZERO;
        };
        begun
            + match self.failures {
                0 => limits::KEY_SET_REFRESH,
                failures => {
                    let doubled = 2_u32.saturating_pow(failures - 1);
                    limits::KEY_SET_RETRY.saturating_mul(doubled).min(limits::KEY_SET_RETRY_MAX)
                }
            }
    }
}

#[cfg(test)]
mod simulation;
