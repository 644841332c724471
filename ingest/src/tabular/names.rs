//! Finding a column by the name a person typed.

use std::collections::HashSet;

use super::TabularError;

/// The column called `wanted`: exactly, or else the only one that differs in case alone.
#[must_use]
pub fn find<'a>(names: &'a [String], wanted: &str) -> Option<&'a str> {
    if let Some(exact) = names.iter().find(|name| *name == wanted) {
        return Some(exact);
    }
    let folded = wanted.to_lowercase();
    let mut similar = names.iter().filter(|name| name.to_lowercase() == folded);
    match (similar.next(), similar.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// The name most like `wanted`, if one is like enough to be a slip of it.
#[must_use]
pub fn closest<'a>(names: &'a [String], wanted: &str) -> Option<&'a str> {
    const LIKE: f64 = 0.55;
    let folded = wanted.to_lowercase();
    names
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &folded), name))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name.as_str())
}

/// # Errors
/// [`TabularError::DuplicateColumn`]. Columns without a name (a row index, say) may be several.
pub(super) fn unique(file: &str, names: &[String]) -> Result<(), TabularError> {
    let mut seen = HashSet::new();
    match names.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
        Some(column) => Err(TabularError::DuplicateColumn { file: file.to_owned(), column: column.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_exactly_first_then_in_any_case() {
        let names: Vec<String> = ["Y", "y", "Tanggal"].map(String::from).to_vec();
        assert_eq!(find(&names, "y"), Some("y"));
        assert_eq!(find(&names, "tanggal"), Some("Tanggal"));
        assert_eq!(find(&names, "jumlah"), None);
        assert_eq!(closest(&names, "tangal"), Some("Tanggal"));
        assert_eq!(closest(&names, "price"), None);
    }
}
