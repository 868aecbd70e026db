use std::fmt;

use serde::{Deserialize, Serialize};

/// A W3C trace context: what the headers `traceparent` and `tracestate` carry, checked.
///
/// <https://www.w3.org/TR/trace-context/>
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Headers", into = "Headers")]
pub struct TraceContext {
    parent: String,
    state: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Headers {
    traceparent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
}

/// Why a `traceparent` or `tracestate` was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header} `{value}` is malformed: {reason}")]
pub struct MalformedTrace {
    header: &'static str,
    value: String,
    reason: &'static str,
}

impl TraceContext {
    /// Takes the two headers of a request.
    ///
    /// # Errors
    /// If one of them is not as the recommendation says, with the reason.
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Result<Self, MalformedTrace> {
        let refuse = |header, value: &str, reason| MalformedTrace { header, value: value.to_owned(), reason };
        check_parent(traceparent).map_err(|reason| refuse("traceparent", traceparent, reason))?;
        if let Some(state) = tracestate {
            check_state(state).map_err(|reason| refuse("tracestate", state, reason))?;
        }
        Ok(Self {
            parent: traceparent.to_owned(),
            state: tracestate.filter(|state| !state.trim().is_empty()).map(str::to_owned),
        })
    }

    /// The value of `traceparent`.
    pub fn traceparent(&self) -> &str {
        &self.parent
    }

    /// The value of `tracestate`.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
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
        Self::parse(&headers.traceparent, headers.tracestate.as_deref())
    }
}

impl From<TraceContext> for Headers {
    fn from(trace: TraceContext) -> Self {
        Self { traceparent: trace.parent, tracestate: trace.state }
    }
}

/// `version "-" trace-id "-" parent-id "-" flags`; a later version may append `"-"` and more.
fn check_parent(value: &str) -> Result<(), &'static str> {
    let mut fields = value.split('-');
    let mut field = |length, reason| match fields.next() {
        Some(field) if field.len() == length && is_lower_hex(field) => Ok(field),
        _ => Err(reason),
    };
    let version = field(2, "the version must be two lower-case hex digits")?;
    let trace = field(32, "the trace id must be 32 lower-case hex digits")?;
    let parent = field(16, "the parent id must be 16 lower-case hex digits")?;
    field(2, "the flags must be two lower-case hex digits")?;
    if version == "ff" {
        return Err("version ff is forbidden");
    }
    if version == "00" && fields.next().is_some() {
        return Err("version 00 ends with the flags");
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

/// At most 32 members `key "=" value`, between commas, spaces and tabs around them, empty ones allowed.
fn check_state(value: &str) -> Result<(), &'static str> {
    let mut keys: Vec<&str> = Vec::new();
    let members = value.split(',').map(|member| member.trim_matches([' ', '\t']));
    for member in members.filter(|member| !member.is_empty()) {
        let (key, value) = member.split_once('=').ok_or("a member must be `key=value`")?;
        if !is_state_key(key) {
            return Err(
                "a key must be lower-case letters, digits and `_-*/`, or two such parts with one `@` between",
            );
        }
        if !is_state_value(value) {
            return Err("a value must be 1 to 256 printable ASCII characters, without `,` and `=`");
        }
        if keys.contains(&key) {
            return Err("a key must not occur twice");
        }
        keys.push(key);
    }
    if keys.len() > 32 { Err("there may be at most 32 members") } else { Ok(()) }
}

fn is_state_key(key: &str) -> bool {
    let is_part = |part: &str, longest: usize, digit_first: bool| {
        let starts_well =
            part.starts_with(|c: char| c.is_ascii_lowercase() || (digit_first && c.is_ascii_digit()));
        let is_allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
        starts_well && part.len() <= longest && part.bytes().all(is_allowed)
    };
    match key.split_once('@') {
        Some((tenant, system)) => is_part(tenant, 241, true) && is_part(system, 14, false),
        None => is_part(key, 256, false),
    }
}

fn is_state_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
}
