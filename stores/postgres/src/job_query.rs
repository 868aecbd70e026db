//! The statement of a [`JobQuery`].
//!
//! The page is selected from sources first, and then joined: the state tables, if each state of the query has one; otherwise the jobs of
//! its correlation or its name, or all. So the jobs of other names and states are not read, with these exceptions: `Failed` reads
//! the failed attempts of all names, and `Succeeded` the jobs in every state.

use enact::JobState;
use enact::store::{JobQuery, PageToken};

use crate::call::{Call, Parameter};
use crate::rows::job_columns;
use crate::value::{Micros, Text, integer};

/// The jobs in a state that has a source of its own: a table or a part of it. They have a `seq` by `job_specs AS s`.
fn source_of(state: JobState) -> Option<&'static str> {
    Some(match state {
        JobState::Waiting => "SELECT l.id FROM {schema}.live AS l WHERE l.stage = 'waiting'",
        JobState::Ready => {
            "SELECT l.id FROM {schema}.live AS l WHERE l.stage IN ('ready', 'in_line', 'held')"
        }
        JobState::Running => "SELECT l.id FROM {schema}.live AS l WHERE l.stage = 'running'",
        JobState::Cancelled => "SELECT c.job AS id FROM {schema}.cancelled AS c",
        JobState::Failed => {
            "SELECT DISTINCT a.job AS id FROM {schema}.attempts AS a WHERE a.output IS NULL
                AND (SELECT v.state FROM {schema}.jobs AS v WHERE v.id = a.job) = 'failed'"
        }
        _ => return None,
    })
}

#[derive(Default)]
struct Parameters<'q>(Vec<Box<dyn Parameter + 'q>>);

impl<'q> Parameters<'q> {
    /// Returns the parameter as it is written in the statement.
    fn bind(&mut self, value: impl Parameter + 'q) -> String {
        self.0.push(Box::new(value));
        format!("${}", self.0.len())
    }
}

/// The statement and its parameters. It selects one job more than the limit.
pub(crate) fn call(query: &JobQuery) -> Call<'_> {
    let mut parameters = Parameters::default();
    let limit = parameters.bind(integer(query.limit.saturating_add(1)));
    let (beyond, direction) = if query.latest_first { ("<", "DESC") } else { (">", "ASC") };

    let mut conditions = Vec::new();
    if let Some(name) = &query.name {
        conditions.push(format!("s.name = {}", parameters.bind(Text::of(name))));
    }
    for (condition, at) in [("s.created_at >=", query.created_from), ("s.created_at <", query.created_before)]
    {
        if let Some(at) = at {
            conditions.push(format!("{condition} {}", parameters.bind(Micros::of(at))));
        }
    }
    if let Some(page) = query.page.as_ref().map(PageToken::number) {
        conditions.push(format!("s.seq {beyond} {}", parameters.bind(page.cast_signed())));
    }

    // Failed jobs are few among all jobs, but may be many compared with the jobs of one correlation.
    let has_source = |state: &JobState| {
        let is_failed = *state == JobState::Failed;
        source_of(*state).is_some() && !(is_failed && query.correlation.is_some())
    };
    let is_by_state = !query.states.is_empty() && query.states.iter().all(has_source);
    let correlation =
        query.correlation.as_ref().map(|correlation| parameters.bind(Text::of(correlation.as_str())));
    let mut from = "{schema}.job_specs AS s".to_owned();
    if is_by_state {
        let states = JobState::ALL.iter().filter(|state| query.states.contains(state));
        let sources: Vec<&str> = states.filter_map(|state| source_of(*state)).collect();
        from = format!("({}) AS f JOIN {from} ON s.id = f.id", sources.join(" UNION ALL "));
        conditions.extend(correlation.map(|correlation| format!("s.correlation = {correlation}")));
    } else {
        if let Some(correlation) = correlation {
            // The index leaves out the job that began the correlation: that is its id.
            from = format!(
                "(SELECT c.id FROM {{schema}}.job_specs AS c WHERE c.correlation = {correlation} AND c.correlation <> c.id::text
                UNION ALL
                SELECT c.id FROM {{schema}}.job_specs AS c
                WHERE c.id = CASE WHEN {correlation} ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN {correlation}::uuid END
                    AND c.correlation = {correlation}) AS f JOIN {from} ON s.id = f.id"
            );
        }
        if !query.states.is_empty() {
            let states: Vec<String> = query.states.iter().map(|state| format!("'{state}'")).collect();
            conditions.push(format!(
                "(SELECT v.state FROM {{schema}}.jobs AS v WHERE v.id = s.id) IN ({})",
                states.join(", ")
            ));
        }
    }
    let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
    let columns = job_columns!();
    let sql = format!(
        "SELECT {columns}
        FROM (SELECT s.id, s.seq FROM {from} WHERE {conditions} ORDER BY s.seq {direction} LIMIT {limit}) AS page
        JOIN {{schema}}.jobs AS j ON j.id = page.id
        ORDER BY page.seq {direction}"
    );
    parameters.0.into_iter().fold(Call::composed(sql), Call::with_boxed)
}
