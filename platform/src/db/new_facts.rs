use chrono::{DateTime, Utc};

/// What a load added to what was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewFacts {
    pub count: u64,
    /// When the earliest of them could have been known.
    pub earliest: Option<DateTime<Utc>>,
}

impl NewFacts {
    pub(super) fn of(count: i64, earliest: Option<DateTime<Utc>>) -> Self {
        Self { count: count.unsigned_abs(), earliest }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let earliest = self.earliest.into_iter().chain(other.earliest).min();
        Self { count: self.count + other.count, earliest }
    }
}
