//! Short names of stores, for addresses.

use uuid::Uuid;

/// How many shops of one name are told apart by a number; the next one must name itself.
const MOST_NAMESAKES: usize = 20;

/// Lower-case words with dashes between them. An id would hide the store that has it.
pub(crate) fn is_slug(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (2..=60).contains(&text.len()) && text.split('-').all(is_word) && Uuid::try_parse(text).is_err()
}

/// Made of a name, then the same with a number; nothing of a name that leaves nothing.
pub(crate) fn slugs_of(name: &str) -> Vec<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let words: String = name.chars().filter(|c| *c != '\'').map(plain).collect();
    let mut slug = words.split_whitespace().collect::<Vec<_>>().join("-");
    slug.truncate(50);
    let slug = slug.trim_end_matches('-');
    let numbered = |number| if number == 1 { slug.to_owned() } else { format!("{slug}-{number}") };
    if is_slug(slug) { (1..=MOST_NAMESAKES).map(numbered).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_lower_kebab() {
        assert!(is_slug("warung-bu-sri") && is_slug("w2"));
        for wrong in ["", "a", "Warung", "a--b", "-a", "a-", "a_b", "01890a5d-ac96-774b-bcce-b302099a8057"] {
            assert!(!is_slug(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_name_makes_slugs() {
        assert_eq!(slugs_of("  Warung Bu Sri's (Jl. 1)")[..2], ["warung-bu-sris-jl-1", "warung-bu-sris-jl-1-2"]);
        assert!(slugs_of("炸鸡").is_empty() && slugs_of("-").is_empty());
        assert!(slugs_of(&"ab ".repeat(40)).iter().all(|slug| is_slug(slug)));
    }
}
