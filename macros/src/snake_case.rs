//! Names of types as names of values.

/// `VendorDown` as `vendor_down`, `IOError` as `io_error`.
pub(crate) fn snake_case(name: &str) -> String {
    let letters: Vec<_> = name.chars().collect();
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| letters[index]);
        let after = letters.get(index + 1);
        let begins_a_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || before.is_uppercase() && after.is_some_and(|after| after.is_lowercase())
            });
        if begins_a_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_separated() {
        for (name, code) in [
            ("Suspicious", "suspicious"),
            ("VendorDown", "vendor_down"),
            ("IOError", "io_error"),
            ("Http2Refused", "http2_refused"),
            ("NoSSL", "no_ssl"),
            ("Already_Snaked", "already_snaked"),
            ("A", "a"),
        ] {
            assert_eq!(snake_case(name), code);
        }
    }
}
