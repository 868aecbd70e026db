use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A valid [W3C trace context](https://www.w3.org/TR/trace-context/): the headers `traceparent` and `tracestate`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Headers", into = "Headers")]
pub struct TraceContext {
    parent: String,
    state: Option<String>,
    /// The fields of a stored trace that this version does not know.
    unknown: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Headers {
    traceparent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// The error of parsing a [`TraceContext`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header} `{value}` is malformed: {reason}")]
pub struct MalformedTrace {
    header: &'static str,
    value: String,
    reason: &'static str,
}

/// The positions of the fields in a `traceparent` of any version.
const TRACE_ID: Range<usize> = 3..35;
const PARENT_ID: Range<usize> = 36..52;
const FLAGS: Range<usize> = 53..55;

impl TraceContext {
    /// Parses the values of the two headers, by the grammar of level 2 of the recommendation.
    ///
    /// Join several `tracestate` headers with commas. Surrounding spaces and tabs are dropped; otherwise the values are
    /// kept as they are. A `tracestate` without members counts as absent.
    ///
    /// Parsing is lenient where the recommendation permits it: it accepts later versions of `traceparent`, undefined flags,
    /// empty members, duplicate keys, and a `tracestate` of any length.
    ///
    /// # Errors
    /// If a value is malformed, with the reason; the `traceparent` is checked first.
    ///
    /// To keep the trace in spite of a malformed `tracestate`, parse again without it:
    ///
    /// ```
    /// # use enact::TraceContext;
    /// # let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// # let state = Some("Rojo=1");
    /// let trace = TraceContext::parse(parent, state).or_else(|_| TraceContext::parse(parent, None));
    /// # assert_eq!(trace.unwrap().tracestate(), None);
    /// ```
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Result<Self, MalformedTrace> {
        let refuse = |header, value: &str, reason| MalformedTrace { header, value: value.to_owned(), reason };
        let parent = without_space(traceparent);
        check_parent(parent).map_err(|reason| refuse("traceparent", parent, reason))?;
        let state = tracestate.map(without_space).filter(|state| members(state).next().is_some());
        if let Some(state) = state {
            check_state(state).map_err(|reason| refuse("tracestate", state, reason))?;
        }
        Ok(Self { parent: parent.to_owned(), state: state.map(str::to_owned), unknown: Map::new() })
    }

    /// The `traceparent` header.
    pub fn traceparent(&self) -> &str {
        &self.parent
    }

    /// The `tracestate` header.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The trace id: 32 lower-case hex digits, not all zero.
    pub fn trace_id(&self) -> &str {
        &self.parent[TRACE_ID]
    }

    /// The id of the caller's span: 16 lower-case hex digits, not all zero.
    pub fn parent_id(&self) -> &str {
        &self.parent[PARENT_ID]
    }

    /// Whether the `sampled` flag is set: the caller may have recorded its span.
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.parent[FLAGS], 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parent)
    }
}

impl TryFrom<Headers> for TraceContext {
    type Error = MalformedTrace;

    fn try_from(headers: Headers) -> Result<Self, MalformedTrace> {
        let trace = Self::parse(&headers.traceparent, headers.tracestate.as_deref())?;
        Ok(Self { unknown: headers.unknown, ..trace })
    }
}

impl From<TraceContext> for Headers {
    fn from(trace: TraceContext) -> Self {
        Self { traceparent: trace.parent, tracestate: trace.state, unknown: trace.unknown }
    }
}

/// Trims the optional whitespace around a value or a member.
fn without_space(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

/// `version "-" trace-id "-" parent-id "-" flags`; a later version may append `"-"` and more.
fn check_parent(value: &str) -> Result<(), &'static str> {
    let mut fields = value.splitn(5, '-');
    let mut field = |length, reason| match fields.next() {
        Some(field) if field.len() == length && is_lower_hex(field) => Ok(field),
        _ => Err(reason),
    };
    let version = field(2, "the version must be two lower-case hex digits")?;
    let trace = field(32, "the trace id must be 32 lower-case hex digits")?;
    let parent = field(16, "the parent id must be 16 lower-case hex digits")?;
    field(2, "the flags must be two lower-case hex digits")?;
    let appended = fields.next();
    if version == "ff" {
        return Err("version ff is forbidden");
    }
    if version == "00" && appended.is_some() {
        return Err("version 00 ends with the flags");
    }
    if appended.is_some_and(|appended| !appended.bytes().all(is_printable)) {
        return Err("the fields of a later version must be printable ASCII characters");
    }
    if is_zero(trace) {
        return Err("the trace id must not be zero");
    }
    if is_zero(parent) {
        return Err("the parent id must not be zero");
    }
    Ok(())
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// At most 32 members `key "=" value`. A value may begin with a space, but not end with one.
fn check_state(value: &str) -> Result<(), &'static str> {
    if members(value).count() > 32 {
        return Err("there may be at most 32 members");
    }
    for member in members(value) {
        let (key, value) = member.split_once('=').ok_or("a member must be `key=value`")?;
        if !is_state_key(key) {
            return Err(
                "a key must be 1 to 256 lower-case letters, digits and `_-*/@`, first a letter or a digit",
            );
        }
        if !is_state_value(value) {
            return Err("a value must be 1 to 256 printable ASCII characters, without `,` and `=`");
        }
    }
    Ok(())
}

/// The members between commas, without empty ones.
fn members(state: &str) -> impl Iterator<Item = &str> {
    state.split(',').map(without_space).filter(|member| !member.is_empty())
}

fn is_state_key(key: &str) -> bool {
    let is_allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    key.len() <= 256
        && key.starts_with(|first| matches!(first, 'a'..='z' | '0'..='9'))
        && key.bytes().all(is_allowed)
}

fn is_state_value(value: &str) -> bool {
    (1..=256).contains(&value.len()) && value.bytes().all(|byte| is_printable(byte) && byte != b'=')
}
