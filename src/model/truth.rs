//! Three-valued logic.

use std::ops::{BitAnd, BitOr, Not};

/// Whether something holds, when a fact it needs may be missing (Kleene's strong logic).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// It does not, whatever the missing facts are.
    False,
    /// It depends on a fact that is missing.
    Unknown,
    /// It does, whatever the missing facts are.
    True,
}

impl Truth {
    /// Whether it may hold. In enforcement, what may apply does apply, so that missing evidence never widens access.
    pub const fn is_possible(self) -> bool {
        !matches!(self, Self::False)
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl BitAnd for Truth {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.min(other)
    }
}

impl BitOr for Truth {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}
