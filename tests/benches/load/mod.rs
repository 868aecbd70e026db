//! The load and the command-line options of the benchmarks.

use std::sync::LazyLock;
use std::time::Duration;

/// The number of accounts that the load is spread over: `-- --accounts N`, by default 1000.
pub(crate) static ACCOUNTS: LazyLock<usize> = LazyLock::new(|| option("--accounts").unwrap_or(1000).max(1));

#[allow(dead_code, reason = "not every benchmark uses it")]
pub(crate) fn account(number: usize) -> String {
    format!("a-{}", number % *ACCOUNTS)
}

/// The value of a command-line option. Ignores all others, such as those that Cargo adds.
pub(crate) fn option(name: &str) -> Option<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

/// The time that so many percent of the calls did not exceed.
#[allow(dead_code, reason = "not every benchmark measures times")]
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}
