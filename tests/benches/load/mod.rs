//! The load and the command-line options of the benchmarks.

/// The number of accounts that the load is spread over.
pub(crate) const ACCOUNTS: usize = 1000;

pub(crate) fn account(number: usize) -> String {
    format!("a-{}", number % ACCOUNTS)
}

/// The value of a command-line option. Ignores all others, such as those that Cargo adds.
pub(crate) fn option(name: &str) -> Option<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}
