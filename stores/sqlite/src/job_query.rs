//! The statement of a [`JobQuery`].
//!
//! If the query has a name or a correlation, or if each of its states has a source of its own, the page is selected from sources first,
//! and then joined. So the jobs of other names and states are not read, with these exceptions: of a name, `Failed` reads the failed jobs
//! of all names and `Succeeded` those of the name in every state; `Ready` sorts the ready jobs.

use enact::JobState;
use enact::store::{JobQuery, PageToken};
use rusqlite::types::Value;

use crate::encode::{integer, time};
use crate::rows::job_columns;
use crate::statements::names::NameId;

/// Attempts that have failed. The job may wait for another.
const FAILED: &str = "(SELECT seq, number FROM attempts WHERE output IS NULL)";

/// Where jobs are found: rows that have a `seq`.
struct Source {
    table: &'static str,
    /// Of the rows of the table, which are called `live`.
    condition: String,
    /// Whether the rows have the number of a name.
    has_name: bool,
}

impl Source {
    fn of(table: &'static str, condition: impl Into<String>) -> Self {
        Self { table, condition: condition.into(), has_name: !matches!(table, FAILED | "cancelled") }
    }

    /// The sources of the jobs in a state.
    fn of_state(state: JobState) -> Vec<Self> {
        match state {
            JobState::Waiting => vec![Self::of("waiting", "TRUE")],
            // A job that a worker holds is ready.
            JobState::Ready => {
                vec![Self::of("ready", "live.in_line IN (0, 1)"), Self::of("running", "live.begun = 0")]
            }
            JobState::Running => vec![Self::of("running", "live.begun = 1 AND live.cancelled = 0")],
            JobState::Cancelled => vec![Self::of("cancelled", "TRUE")],
            JobState::Failed => vec![Self::of(
                FAILED,
                "(SELECT state = 'failed' AND attempts = live.number FROM jobs WHERE jobs.seq = j.seq)",
            )],
            _ => Vec::new(),
        }
    }

    /// The statement that selects the sequence numbers of the jobs that meet the conditions.
    fn sql(&self, name: Option<usize>, conditions: &[String]) -> String {
        let Self { table, condition, has_name } = self;
        let name =
            name.map(|parameter| format!("{}.name = ?{parameter}", if *has_name { "live" } else { "j" }));
        let conditions: Vec<&str> =
            [condition].into_iter().chain(&name).chain(conditions).map(String::as_str).collect();
        let conditions = conditions.join(" AND ");
        let join =
            if conditions.contains("j.") { " CROSS JOIN job_specs AS j ON j.seq = live.seq" } else { "" };
        format!("SELECT live.seq FROM {table} AS live{join} WHERE {conditions}")
    }
}

#[derive(Default)]
struct Parameters(Vec<Value>);

impl Parameters {
    /// Returns the parameter's number.
    fn bind(&mut self, value: Value) -> usize {
        self.0.push(value);
        self.0.len()
    }
}

/// The statement and its parameters. `names` are the numbers of the query's name. `None`: no job has the name.
pub(crate) fn sql(query: &JobQuery, names: Option<Vec<NameId>>) -> Option<(String, Vec<Value>)> {
    let mut parameters = Parameters::default();
    let names: Vec<Option<usize>> = match names {
        None => vec![None],
        Some(names) if names.is_empty() => return None,
        Some(names) => {
            names.into_iter().map(|name| Some(parameters.bind(Value::Integer(name.into())))).collect()
        }
    };
    let limit = parameters.bind(Value::Integer(integer(query.limit.saturating_add(1))));
    let sources = sources(query, names != [None], &mut parameters);

    let mut conditions = Vec::new();
    for (condition, at) in [("j.created_at >=", query.created_from), ("j.created_at <", query.created_before)]
    {
        if let Some(at) = at {
            conditions.push(format!("{condition} ?{}", parameters.bind(Value::Integer(time(at)))));
        }
    }
    let (beyond, direction) = if query.latest_first { ("<", "DESC") } else { (">", "ASC") };
    let row = if sources.is_some() { "live" } else { "j" };
    if let Some(page) = query.page.as_ref().map(PageToken::number) {
        let last = parameters.bind(Value::Integer(page.cast_signed()));
        conditions.push(format!("{row}.seq {beyond} ?{last}"));
    }

    let columns = job_columns!();
    let Some(Sources { found, is_by_state }) = sources else {
        conditions.extend(in_states(&query.states, "j.state"));
        let conditions = if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") };
        let sql = format!(
            "SELECT j.seq, {columns} FROM jobs AS j WHERE {conditions} ORDER BY j.seq {direction} LIMIT ?{limit}"
        );
        return Some((sql, parameters.0));
    };
    if is_by_state {
        // State tables are small, a correlation may be large: `+` keeps SQLite from using its index.
        if let Some(correlation) = &query.correlation {
            let correlation = parameters.bind(Value::Text(correlation.as_str().to_owned()));
            conditions.push(format!("+j.correlation = ?{correlation}"));
        }
    } else {
        conditions.extend(in_states(&query.states, "(SELECT state FROM jobs WHERE jobs.seq = j.seq)"));
    }
    let selects: Vec<String> =
        names.iter().flat_map(|name| found.iter().map(|source| source.sql(*name, &conditions))).collect();
    let selects = selects.join(" UNION ALL ");
    let sql = format!(
        "SELECT j.seq, {columns}
        FROM ({selects} ORDER BY 1 {direction} LIMIT ?{limit}) AS page CROSS JOIN jobs AS j ON j.seq = page.seq
        ORDER BY page.seq {direction}"
    );
    Some((sql, parameters.0))
}

struct Sources {
    found: Vec<Source>,
    /// Whether they have the jobs of the query's states only.
    is_by_state: bool,
}

/// `None`: the query is for all jobs, or for a state that most jobs are in.
fn sources(query: &JobQuery, has_name: bool, parameters: &mut Parameters) -> Option<Sources> {
    // Failed jobs are few among all jobs, but may be many compared with the jobs of one correlation.
    let has_source = |state: &JobState| match state {
        JobState::Succeeded | JobState::Unknown(_) => false,
        JobState::Failed => query.correlation.is_none(),
        _ => true,
    };
    if !query.states.is_empty() && query.states.iter().all(has_source) {
        let states = JobState::ALL.iter().filter(|state| query.states.contains(state));
        let found = states.flat_map(|state| Source::of_state(*state)).collect();
        return Some(Sources { found, is_by_state: true });
    }
    if let Some(correlation) = &query.correlation {
        let id = parameters.bind(Value::Text(correlation.as_str().to_owned()));
        // The index leaves out the job that began the correlation: that is its id.
        let found = vec![
            Source::of("job_specs", format!("live.correlation = ?{id} AND live.correlation <> live.id")),
            Source::of("job_specs", format!("live.id = ?{id} AND live.correlation = live.id")),
        ];
        return Some(Sources { found, is_by_state: false });
    }
    has_name.then(|| Sources { found: vec![Source::of("job_specs", "TRUE")], is_by_state: false })
}

fn in_states(states: &[JobState], state: &str) -> Option<String> {
    let states: Vec<String> = states.iter().map(|state| format!("'{state}'")).collect();
    (!states.is_empty()).then(|| format!("{state} IN ({})", states.join(", ")))
}
