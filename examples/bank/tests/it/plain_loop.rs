//! Applies a ledger in a plain loop, without enact. Replays are compared with its result.

use std::collections::{BTreeMap, HashMap};

use bank::domain::MAX_CENTS;
use bank::ledger::COLUMNS;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) rows: u64,
    /// Rows that repeat the transaction and content of an earlier row.
    pub(crate) repeated: u64,
    pub(crate) succeeded: u64,
    /// The number of refused rows, by kind and code.
    pub(crate) refused: BTreeMap<(String, String), u64>,
    pub(crate) balances: BTreeMap<String, i64>,
}

/// The account, whether it is credited, and the amount in cents.
type Request = (String, bool, i64);
type Refusal = (&'static str, &'static str);
type Outcome = Result<(), Refusal>;

/// Applies a ledger. Quoted fields are not supported.
pub(crate) fn run(ledger: &[u8]) -> Expected {
    let mut expected = Expected::default();
    let mut known: HashMap<String, (Request, Outcome)> = HashMap::new();
    let lines = ledger.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    for line in lines.skip(1).filter(|line| !line.is_empty()) {
        expected.rows += 1;
        let outcome = read(line).and_then(|(transaction, request)| {
            if let Some((first, outcome)) = known.get(&transaction) {
                if *first != request {
                    return Err(("idempotency_mismatch", "idempotency_mismatch"));
                }
                expected.repeated += 1;
                return *outcome;
            }
            let outcome = apply(&mut expected.balances, &request);
            known.insert(transaction, (request, outcome));
            outcome
        });
        match outcome {
            Ok(()) => expected.succeeded += 1,
            Err((kind, code)) => *expected.refused.entry((kind.into(), code.into())).or_default() += 1,
        }
    }
    expected
}

/// Parses a line into its transaction and request.
fn read(line: &[u8]) -> Result<(String, Request), Refusal> {
    let fields: Vec<_> = line.split(|byte| *byte == b',').map(str::from_utf8).collect();
    if let Some(column) = fields.iter().position(Result::is_err) {
        return Err(("malformed", COLUMNS[column]));
    }
    let fields: Vec<_> = fields.into_iter().flatten().collect();
    let [transaction, account, _, direction, _, _, cents, _] = fields[..] else {
        return Err(("malformed", "line"));
    };
    let is_credit = match direction {
        "credit" => true,
        "debit" => false,
        _ => return Err(("malformed", "direction")),
    };
    let cents = cents.parse().map_err(|_| ("malformed", "amount_cents"))?;
    match cents {
        ..1 => Err(("invalid", "minimum")),
        1..=MAX_CENTS => Ok(()),
        _ => Err(("invalid", "maximum")),
    }?;
    if account.contains(' ') {
        return Err(("invalid", "pattern"));
    }
    Ok((transaction.to_owned(), (account.to_owned(), is_credit, cents)))
}

fn apply(balances: &mut BTreeMap<String, i64>, (account, is_credit, cents): &Request) -> Outcome {
    if *is_credit {
        *balances.entry(account.clone()).or_default() += cents;
        return Ok(());
    }
    let balance = balances.get_mut(account).ok_or(("not_found", "not_found"))?;
    if *cents > *balance {
        return Err(("violated", "covered"));
    }
    *balance -= cents;
    Ok(())
}
