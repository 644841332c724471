//! Whether a password is worth having: by how many guesses it stands, not by which characters it has (NIST SP 800-63B 5.1.1.2,
//! OWASP ASVS 5.0 6.2).

use zxcvbn::{Score, zxcvbn};

/// Characters at least.
pub const SHORTEST: usize = 10;
/// Characters at most: hashing must not become a way to keep us busy.
pub const LONGEST: usize = 128;

/// What is wrong with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    TooShort,
    TooLong,
    /// Common words, names, dates and rows of keys, in whatever disguise, or the person's own name and address.
    Guessable,
}

/// Why this password should not be taken; `about` is what everyone knows of the person: address, name.
#[must_use]
pub fn weakness(password: &str, about: &[&str]) -> Option<Weakness> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Some(Weakness::TooShort);
    }
    if length > LONGEST {
        return Some(Weakness::TooLong);
    }
    let words: Vec<&str> = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).chain(LOCAL_WORDS).collect();
    (zxcvbn(password, &words).score() < Score::Three).then_some(Weakness::Guessable)
}

/// What the lists of the estimator, which were made elsewhere, do not know: the first guesses at a password of ours.
const LOCAL_WORDS: [&str; 24] = [
    "viralcast",
    "viral",
    "cast",
    "warung",
    "toko",
    "kedai",
    "rumah",
    "makan",
    "ayam",
    "geprek",
    "nasi",
    "goreng",
    "bakso",
    "kopi",
    "rahasia",
    "sandi",
    "indonesia",
    "merdeka",
    "jakarta",
    "bandung",
    "surabaya",
    "bismillah",
    "sayang",
    "cinta",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_refused() {
        for password in ["password123", "qwertyuiop", "1234567890", "Password2026!", "bismillah123", "warung12345", "srisrisri123"] {
            assert_eq!(weakness(password, &["sri@example.com", "Sri"]), Some(Weakness::Guessable), "{password}");
        }
        assert_eq!(weakness("pendek", &[]), Some(Weakness::TooShort));
        assert_eq!(weakness(&"é".repeat(129), &[]), Some(Weakness::TooLong));
    }

    #[test]
    fn phrases_and_random_characters_are_taken() {
        for password in ["sambal terasi di atas genteng", "kX9#mPq2vL", "tiga gajah lewat jembatan"] {
            assert_eq!(weakness(password, &["sri@example.com", "Sri"]), None, "{password}");
        }
    }
}
