//! What is asked for, and how often: the options of the benchmarks.

/// Over how many accounts the load is spread.
pub(crate) const ACCOUNTS: usize = 1000;

pub(crate) fn account(number: usize) -> String {
    format!("a-{}", number % ACCOUNTS)
}

/// The value of an option on the command line. Cargo adds options of its own, which are passed over.
pub(crate) fn option(name: &str) -> Option<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}
