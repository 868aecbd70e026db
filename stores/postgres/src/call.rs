//! Statements with their parameters, and their transmission without waiting in between.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, Statement};
use uuid::Uuid;

use crate::value::{Micros, Text};

/// A parameter, which knows its type, so that a statement need not be prepared to learn it.
pub(crate) trait Parameter: ToSql + Sync {
    fn ty(&self) -> Type;
}

macro_rules! parameters {
    ($($rust:ty => $one:ident, $many:ident;)*) => {
        $(
            impl Parameter for $rust {
                fn ty(&self) -> Type { Type::$one }
            }
            impl Parameter for Option<$rust> {
                fn ty(&self) -> Type { Type::$one }
            }
            impl Parameter for Vec<$rust> {
                fn ty(&self) -> Type { Type::$many }
            }
            impl Parameter for Vec<Option<$rust>> {
                fn ty(&self) -> Type { Type::$many }
            }
        )*
    };
}

parameters! {
    bool => BOOL, BOOL_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i64 => INT8, INT8_ARRAY;
    Uuid => UUID, UUID_ARRAY;
    Micros => TIMESTAMPTZ, TIMESTAMPTZ_ARRAY;
    Text<'_> => TEXT, TEXT_ARRAY;
}

/// A statement with its parameters. In its text, `{schema}` stands for the quoted name of the schema.
pub(crate) struct Call<'a> {
    sql: Cow<'static, str>,
    parameters: Vec<Box<dyn Parameter + 'a>>,
}

impl<'a> Call<'a> {
    /// A statement that is prepared once for each connection.
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: Cow::Borrowed(sql), parameters: Vec::new() }
    }

    /// A statement that is seldom the same.
    pub(crate) fn composed(sql: String) -> Self {
        Self { sql: Cow::Owned(sql), parameters: Vec::new() }
    }

    /// Adds the next parameter.
    pub(crate) fn with(mut self, parameter: impl Parameter + 'a) -> Self {
        self.parameters.push(Box::new(parameter));
        self
    }

    /// Adds the next parameter.
    pub(crate) fn with_boxed(mut self, parameter: Box<dyn Parameter + 'a>) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn types(&self) -> Vec<Type> {
        self.parameters.iter().map(|parameter| parameter.ty()).collect()
    }
}

/// A connection, and the statements that were prepared on it.
pub(crate) struct Session {
    client: Client,
    /// Sends and receives.
    driver: JoinHandle<()>,
    schema: Rc<str>,
    /// Whether statements are prepared once, or sent with each call.
    prepares: bool,
    prepared: RefCell<HashMap<&'static str, Statement>>,
    /// The texts of the statements for the schema.
    texts: RefCell<HashMap<&'static str, Rc<str>>>,
}

type Sent<'s, T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + 's>>;

impl Session {
    pub(crate) fn new(client: Client, driver: JoinHandle<()>, schema: Rc<str>, prepares: bool) -> Self {
        Self { client, driver, schema, prepares, prepared: RefCell::default(), texts: RefCell::default() }
    }

    /// Ends the session.
    pub(crate) async fn close(self) {
        let Self { client, driver, .. } = self;
        drop(client);
        // One that fails has ended, too.
        let _ = driver.await;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs one statement that reads by indexes, whatever the statistics of its tables say: a plan is kept as long as the connection, and the
    /// tables may have been empty when it was made.
    pub(crate) async fn run_indexed(&self, call: Call<'_>) -> Result<Vec<Row>, tokio_postgres::Error> {
        // After an error, COMMIT has rolled back.
        let mut rows = self.pipeline(Frame::Whole, vec![Call::new(BY_INDEX), call]).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// Runs one statement.
    pub(crate) async fn run(&self, call: Call<'_>) -> Result<Vec<Row>, tokio_postgres::Error> {
        let mut rows = self.pipeline(Frame::Alone, vec![call]).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// Sends the statements at once and returns their rows, in order. The first error is returned when all have been answered.
    pub(crate) async fn pipeline(
        &self,
        frame: Frame,
        calls: Vec<Call<'_>>,
    ) -> Result<Vec<Vec<Row>>, tokio_postgres::Error> {
        let statements = self.prepare(&calls).await?;
        let mut sent: Vec<Sent<'_, Vec<Row>>> = Vec::with_capacity(calls.len() + 2);
        if frame.begins() {
            sent.push(self.command("BEGIN"));
        }
        for (call, statement) in calls.iter().zip(&statements) {
            sent.push(self.send(call, statement.as_ref()));
        }
        if frame.commits() {
            sent.push(self.command("COMMIT"));
        }
        let mut rows = all_in_order(sent).await?;
        if frame.commits() {
            rows.pop();
        }
        if frame.begins() {
            rows.remove(0);
        }
        Ok(rows)
    }

    fn send<'s>(&'s self, call: &'s Call<'_>, statement: Option<&'s Statement>) -> Sent<'s, Vec<Row>> {
        let parameters = call.parameters.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync));
        if let Some(statement) = statement {
            let parameters: Vec<_> = parameters.collect();
            return Box::pin(async move { self.client.query(statement, &parameters).await });
        }
        let text = self.text(call);
        let parameters: Vec<_> = parameters.zip(call.types()).collect();
        Box::pin(async move { self.client.query_typed(&text, &parameters).await })
    }

    /// Undoes the transaction, if one is open.
    pub(crate) async fn roll_back(&self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute("ROLLBACK").await
    }

    /// Runs several statements without parameters.
    pub(crate) async fn execute_all(&self, statements: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(statements).await
    }

    fn command(&self, command: &'static str) -> Sent<'_, Vec<Row>> {
        Box::pin(async move { self.client.batch_execute(command).await.map(|()| Vec::new()) })
    }

    /// Prepares the statements that are not prepared yet, before anything is sent. `None`: it is sent with its text.
    async fn prepare(&self, calls: &[Call<'_>]) -> Result<Vec<Option<Statement>>, tokio_postgres::Error> {
        let mut statements = Vec::with_capacity(calls.len());
        for call in calls {
            statements.push(match call.sql {
                Cow::Borrowed(sql) if self.prepares => Some(self.prepared(sql, call).await?),
                _ => None,
            });
        }
        Ok(statements)
    }

    async fn prepared(&self, sql: &'static str, call: &Call<'_>) -> Result<Statement, tokio_postgres::Error> {
        let known = self.prepared.borrow().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare_typed(&self.text(call), &call.types()).await?;
        self.prepared.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }

    /// The text of a statement for the schema.
    fn text(&self, call: &Call<'_>) -> Rc<str> {
        let for_schema = |sql: &str| sql.replace("{schema}", &self.schema).into();
        match &call.sql {
            Cow::Owned(sql) => for_schema(sql),
            Cow::Borrowed(sql) => {
                self.texts.borrow_mut().entry(sql).or_insert_with(|| for_schema(sql)).clone()
            }
        }
    }
}

/// What surrounds the statements of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Each is a transaction of its own.
    Alone,
    /// A transaction begins.
    Begin,
    /// They are within a transaction.
    Within,
    /// A transaction ends.
    Commit,
    /// They are a transaction.
    Whole,
}

/// For the current transaction, so that it passes through a pooler.
const BY_INDEX: &str = "
    SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
        set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)";

impl Frame {
    fn begins(self) -> bool {
        matches!(self, Self::Begin | Self::Whole)
    }

    fn commits(self) -> bool {
        matches!(self, Self::Commit | Self::Whole)
    }
}

/// Polls futures in order, so that each sends its request before the next one does, until all are ready. Returns the first error.
async fn all_in_order<T>(mut sent: Vec<Sent<'_, T>>) -> Result<Vec<T>, tokio_postgres::Error> {
    let mut ready: Vec<Option<Result<T, tokio_postgres::Error>>> = sent.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut is_pending = false;
        for (future, ready) in sent.iter_mut().zip(&mut ready) {
            if ready.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(result) => *ready = Some(result),
                    Poll::Pending => is_pending = true,
                }
            }
        }
        if is_pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    ready.into_iter().flatten().collect()
}
