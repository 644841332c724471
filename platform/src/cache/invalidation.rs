use super::Key;

/// What is no longer as the cache may have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Invalidation {
    Key(String),
    /// Every key that begins like this; the empty prefix is all of them.
    Prefix(String),
}

impl Invalidation {
    /// One value.
    #[must_use]
    pub fn key(key: &Key) -> Self {
        Self::Key(key.name.clone())
    }

    /// A value that is kept in parts ([`Key::part`]), with all of them.
    #[must_use]
    pub fn key_and_parts(key: &Key) -> Self {
        Self::Prefix(format!("{}:", key.name))
    }

    /// Many values, for example [`super::keys::predictions_of`] a store.
    #[must_use]
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self::Prefix(prefix.into())
    }

    pub(super) fn everything() -> Self {
        Self::prefix("")
    }

    /// Whether nothing is spared.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::Prefix(prefix) if prefix.is_empty())
    }

    pub(super) fn covers(&self, name: &str) -> bool {
        match self {
            Self::Key(key) => key == name,
            Self::Prefix(prefix) => name.starts_with(prefix),
        }
    }

    /// As one process tells another.
    pub(super) fn to_word(&self) -> String {
        match self {
            Self::Key(key) => format!("={key}"),
            Self::Prefix(prefix) => format!("^{prefix}"),
        }
    }

    /// What cannot be read may have been about anything.
    pub(super) fn of_word(word: &str) -> Self {
        match word.split_at_checked(1) {
            Some(("=", key)) => Self::Key(key.to_owned()),
            Some(("^", prefix)) => Self::Prefix(prefix.to_owned()),
            _ => Self::everything(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were_and_strange_ones_are_about_everything() {
        for said in [Invalidation::Key("a:1".to_owned()), Invalidation::prefix("a:"), Invalidation::everything()] {
            assert_eq!(Invalidation::of_word(&said.to_word()), said);
        }
        for strange in ["", "a:1", "\u{e9}"] {
            assert!(Invalidation::of_word(strange).covers("anything"), "{strange}");
        }
    }

    #[test]
    fn a_prefix_covers_what_begins_like_it() {
        assert!(Invalidation::prefix("a:1:").covers("a:1:x") && !Invalidation::prefix("a:1:").covers("a:10:x"));
        assert!(Invalidation::Key("a:1".to_owned()).covers("a:1") && !Invalidation::Key("a:1".to_owned()).covers("a:1:x"));
    }
}
