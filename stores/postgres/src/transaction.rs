//! A transaction in two round trips, and what follows when its connection is lost.

use tokio_postgres::Row;

use crate::call::{Call, Frame, Session};
use crate::connection::{Connection, Doubt};
use crate::error::Error;
use crate::value::Text;

/// Why a transaction was not confirmed.
pub(crate) enum Failed {
    /// It was not committed.
    Undone(Error),
    /// The connection was lost after COMMIT had been sent.
    InDoubt(Doubt),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Undone(error)
    }
}

/// Settings that hold for one transaction, so that they pass through a pooler. The tables are
/// read by their indexes whatever their statistics say: a plan is kept as long as the connection. A process that stops within a
/// transaction loses it soon, since others wait for its locks.
macro_rules! begin {
    ($lock:literal) => {
        concat!(
            "SELECT set_config('synchronous_commit', $1, true), set_config('idle_in_transaction_session_timeout', '2s', true),
                set_config('lock_timeout', '10s', true), set_config('plan_cache_mode', 'force_generic_plan', true),
                set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
                set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true), ",
            $lock,
            "(hashtextextended('enact {schema}', 0))"
        )
    };
}

/// What else may run beside a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Others that are shared, and each locks what it changes: jobs, entities, lanes, turns and idempotency keys.
    Shared,
    /// No other one.
    Exclusive,
}

impl Mode {
    fn begin(self) -> &'static str {
        match self {
            Self::Shared => begin!("pg_advisory_xact_lock_shared"),
            Self::Exclusive => begin!("pg_advisory_xact_lock"),
        }
    }
}

const SOON: &str = "SELECT set_config('synchronous_commit', 'off', true)";

/// An open transaction.
pub(crate) struct Transaction<'s> {
    session: &'s Session,
    connection: &'s Connection,
    doubt: Doubt,
}

impl<'s> Transaction<'s> {
    /// Begins a transaction and runs the first statements.
    pub(crate) async fn begin(
        connection: &'s Connection,
        session: &'s Session,
        mode: Mode,
        calls: Vec<Call<'_>>,
    ) -> Result<(Self, Vec<Vec<Row>>), Failed> {
        let synchronous_commit = connection.target.durability.synchronous_commit();
        let (mark, doubt) = connection.mark();
        let mut all = vec![Call::new(mode.begin()).with(Text::of(synchronous_commit)), mark];
        let own = all.len();
        all.extend(calls);
        let begun = connection.within_limit(async { Ok(session.pipeline(Frame::Begin, all).await?) }).await;
        match begun {
            Ok(mut rows) => Ok((Self { session, connection, doubt }, rows.split_off(own))),
            Err(error) => Err(undo(connection, session, error).await),
        }
    }

    /// Runs further statements.
    pub(crate) async fn run(&self, calls: Vec<Call<'_>>) -> Result<Vec<Vec<Row>>, Failed> {
        let answer = async { Ok(self.session.pipeline(Frame::Within, calls).await?) };
        match self.connection.within_limit(answer).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(undo(self.connection, self.session, error).await),
        }
    }

    /// Runs the last statements and commits.
    pub(crate) async fn commit(self, calls: Vec<Call<'_>>) -> Result<Vec<Vec<Row>>, Failed> {
        let answer = async { Ok(self.session.pipeline(Frame::Commit, calls).await?) };
        match self.connection.within_limit(answer).await {
            Ok(rows) => Ok(rows),
            Err(error) if error.is_connection_lost() || self.session.is_closed() => {
                self.connection.drop_session();
                Err(Failed::InDoubt(self.doubt))
            }
            Err(error) => Err(undo(self.connection, self.session, error).await),
        }
    }

    /// As [`commit`](Self::commit), without waiting for the disk. It becomes durable before any later one does.
    pub(crate) async fn commit_soon(self, mut calls: Vec<Call<'_>>) -> Result<Vec<Vec<Row>>, Failed> {
        calls.push(Call::new(SOON));
        self.commit(calls).await
    }

    /// Ends the transaction without effect.
    pub(crate) async fn roll_back(self) -> Result<(), Failed> {
        match self.connection.within_limit(async { Ok(self.session.roll_back().await?) }).await {
            Ok(()) => Ok(()),
            Err(error) => Err(undo(self.connection, self.session, error).await),
        }
    }

    /// Ends the transaction after an error.
    pub(crate) async fn fail(self, error: Error) -> Failed {
        undo(self.connection, self.session, error).await
    }
}

async fn undo(connection: &Connection, session: &Session, error: Error) -> Failed {
    let is_lost = error.is_connection_lost() || session.is_closed();
    let undone = async { Ok(session.roll_back().await?) };
    if is_lost || connection.within_limit(undone).await.is_err() {
        connection.drop_session();
    }
    Failed::Undone(error)
}
