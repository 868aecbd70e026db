//! What the user may have meant.

/// The similarity (0 to 1) from which on a name is taken for a slip of another. High enough that what is suggested is
/// nearly always what was meant.
const SIMILAR: f64 = 0.8;

/// The candidate that is closest to a name; `None` if none is close.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity > SIMILAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// Names as a sentence lists them: `` `a`, `b` or `c` ``.
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_suggests_the_closest_name() {
        assert_eq!(closest("taget", ["target", "name"]), Some("target"));
        assert_eq!(closest("order", ["order_by", "name"]), Some("order_by"));
    }

    #[test]
    fn what_resembles_nothing_suggests_nothing() {
        assert_eq!(closest("priority", ["target", "name"]), None);
    }

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
