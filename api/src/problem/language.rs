//! Which of our two languages the caller reads.

use axum::http::HeaderValue;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Indonesian,
    English,
}

impl Language {
    /// The best of `Accept-Language` (RFC 9110, section 12.5.4); Indonesian unless English is preferred.
    pub fn of(accepted: Option<&HeaderValue>) -> Self {
        let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let weights: Vec<(Self, f32)> = accepted.split(',').filter_map(weighted).collect();
        let best = |wanted| weights.iter().filter(|(language, _)| *language == wanted).map(|(_, weight)| *weight).fold(0.0, f32::max);
        if best(Self::English) > best(Self::Indonesian) { Self::English } else { Self::Indonesian }
    }

    pub fn tag(self) -> &'static str {
        match self {
            Self::Indonesian => "id",
            Self::English => "en",
        }
    }

    /// As sentences of the product are asked for.
    pub fn of_text(self) -> domain::text::Language {
        self.choose(domain::text::Language::Indonesian, domain::text::Language::English)
    }

    /// The one of two texts that is in this language.
    pub fn choose<T>(self, indonesian: T, english: T) -> T {
        match self {
            Self::Indonesian => indonesian,
            Self::English => english,
        }
    }
}

/// `en-GB;q=0.8` as (English, 0.8); `None` for other languages and for weights out of range.
fn weighted(range: &str) -> Option<(Language, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let primary = parts.next()?.split('-').next()?.to_ascii_lowercase();
    let language = match primary.as_str() {
        "id" | "in" | "*" => Language::Indonesian, // `in` is what old Java clients send for Indonesian
        "en" => Language::English,
        _ => return None,
    };
    let weight = match parts.find_map(|part| part.strip_prefix("q=")) {
        Some(text) => text.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?,
        None => 1.0,
    };
    Some((language, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indonesian_unless_english_is_preferred() {
        let of = |text: &str| Language::of(Some(&text.parse().expect("a header value"))).tag();
        let cases = [
            ("", "id"),
            ("id", "id"),
            ("en", "en"),
            ("en-US,en;q=0.9", "en"),
            ("id;q=0.5, en;q=0.4", "id"),
            ("id;q=0.4, en-GB;q=0.5", "en"),
            ("in", "id"),
            ("de, fr;q=0.5", "id"),
            ("de, en;q=0.1", "en"),
            ("en;q=0", "id"),
            ("en;q=7", "id"),
            ("*", "id"),
        ];
        for (header, expected) in cases {
            assert_eq!(of(header), expected, "{header}");
        }
    }
}
