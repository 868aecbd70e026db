//! W3C trace context headers are accepted or refused as in the test suite of the recommendation (r31).
//!
//! The suite (<https://github.com/w3c/trace-context>, `test/`) drives a service over HTTP. Each case about the value
//! of a header is here, under the name of its test. A value that starts a new trace or is discarded there is refused here; a
//! value that is continued there is accepted here.
//!
//! The HTTP side is up to the caller: it looks up headers by name in any casing
//! (`test_traceparent_header_name`, `…_valid_casing`, and the same of `tracestate`), parses nothing without a `traceparent`
//! (`test_both_traceparent_and_tracestate_missing`, `test_tracestate_included_traceparent_missing`,
//! `test_multiple_requests_without_traceparent`), and joins several `tracestate` fields with commas in their order.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use enact::TraceContext;
use serde_json::{Value, json};

const VERSION: &str = "the version must be two lower-case hex digits";
const TRACE_ID: &str = "the trace id must be 32 lower-case hex digits";
const PARENT_ID: &str = "the parent id must be 16 lower-case hex digits";
const FLAGS: &str = "the flags must be two lower-case hex digits";
const FORBIDDEN: &str = "version ff is forbidden";
const TRAILING: &str = "version 00 ends with the flags";
const APPENDED: &str = "the fields of a later version must be printable ASCII characters";
const ZERO_TRACE: &str = "the trace id must not be zero";
const ZERO_PARENT: &str = "the parent id must not be zero";
const MEMBER: &str = "a member must be `key=value`";
const MEMBERS: &str = "there may be at most 32 members";
const KEY: &str = "a key must be 1 to 256 lower-case letters, digits and `_-*/@`, first a letter or a digit";
const VALUE: &str = "a value must be 1 to 256 printable ASCII characters, without `,` and `=`";

const ACCEPTED: Result<(), &str> = Ok(());
const PARENT: &str = "00-12345678901234567890123456789012-1234567890123456-00";

/// The name of the test, the value of `traceparent`, and whether it is accepted or why not.
type ParentCase = (&'static str, &'static str, Result<(), &'static str>);

/// The name of the test, the fields of `tracestate`, and whether they are accepted or why not.
type StateCase = (&'static str, Vec<String>, Result<(), &'static str>);

#[rustfmt::skip] // one case per line
const PARENTS: &[ParentCase] = &[
    ("test_traceparent_included_tracestate_missing", "00-12345678901234567890123456789012-1234567890123456-01", ACCEPTED),
    ("test_multiple_requests_with_valid_traceparent", "00-12345678901234567890123456789012-1234567890123456-01", ACCEPTED),
    ("test_multiple_requests_with_illegal_traceparent", "00-00000000000000000000000000000000-1234567890123456-01", Err(ZERO_TRACE)),
    // Two fields joined with a comma, as HTTP allows for lists, are refused.
    ("test_traceparent_duplicated", "00-12345678901234567890123456789011-1234567890123456-01,00-12345678901234567890123456789012-1234567890123456-01", Err(FLAGS)),
    ("test_traceparent_version_0x00", "00-12345678901234567890123456789012-1234567890123456-01.", Err(FLAGS)),
    ("test_traceparent_version_0x00", "00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like", Err(TRAILING)),
    ("test_traceparent_version_0xcc", "cc-12345678901234567890123456789012-1234567890123456-01", ACCEPTED),
    ("test_traceparent_version_0xcc", "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like", ACCEPTED),
    ("test_traceparent_version_0xcc", "cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like", Err(FLAGS)),
    ("test_traceparent_version_0xff", "ff-12345678901234567890123456789012-1234567890123456-01", Err(FORBIDDEN)),
    ("test_traceparent_version_illegal_characters", ".0-12345678901234567890123456789012-1234567890123456-01", Err(VERSION)),
    ("test_traceparent_version_illegal_characters", "0.-12345678901234567890123456789012-1234567890123456-01", Err(VERSION)),
    ("test_traceparent_version_too_long", "000-12345678901234567890123456789012-1234567890123456-01", Err(VERSION)),
    ("test_traceparent_version_too_long", "0000-12345678901234567890123456789012-1234567890123456-01", Err(VERSION)),
    ("test_traceparent_version_too_short", "0-12345678901234567890123456789012-1234567890123456-01", Err(VERSION)),
    ("test_traceparent_trace_id_all_zero", "00-00000000000000000000000000000000-1234567890123456-01", Err(ZERO_TRACE)),
    ("test_traceparent_trace_id_illegal_characters", "00-.2345678901234567890123456789012-1234567890123456-01", Err(TRACE_ID)),
    ("test_traceparent_trace_id_illegal_characters", "00-1234567890123456789012345678901.-1234567890123456-01", Err(TRACE_ID)),
    ("test_traceparent_trace_id_too_long", "00-123456789012345678901234567890123-1234567890123456-01", Err(TRACE_ID)),
    ("test_traceparent_trace_id_too_short", "00-1234567890123456789012345678901-1234567890123456-01", Err(TRACE_ID)),
    ("test_traceparent_parent_id_all_zero", "00-12345678901234567890123456789012-0000000000000000-01", Err(ZERO_PARENT)),
    ("test_traceparent_parent_id_illegal_characters", "00-12345678901234567890123456789012-.234567890123456-01", Err(PARENT_ID)),
    ("test_traceparent_parent_id_illegal_characters", "00-12345678901234567890123456789012-123456789012345.-01", Err(PARENT_ID)),
    ("test_traceparent_parent_id_too_long", "00-12345678901234567890123456789012-12345678901234567-01", Err(PARENT_ID)),
    ("test_traceparent_parent_id_too_short", "00-12345678901234567890123456789012-123456789012345-01", Err(PARENT_ID)),
    ("test_traceparent_trace_flags_illegal_characters", "00-12345678901234567890123456789012-1234567890123456-.0", Err(FLAGS)),
    ("test_traceparent_trace_flags_illegal_characters", "00-12345678901234567890123456789012-1234567890123456-0.", Err(FLAGS)),
    ("test_traceparent_trace_flags_too_long", "00-12345678901234567890123456789012-1234567890123456-001", Err(FLAGS)),
    ("test_traceparent_trace_flags_too_short", "00-12345678901234567890123456789012-1234567890123456-1", Err(FLAGS)),
    ("test_traceparent_ows_handling", " 00-12345678901234567890123456789012-1234567890123456-01", ACCEPTED),
    ("test_traceparent_ows_handling", "\t00-12345678901234567890123456789012-1234567890123456-01", ACCEPTED),
    ("test_traceparent_ows_handling", "00-12345678901234567890123456789012-1234567890123456-01 ", ACCEPTED),
    ("test_traceparent_ows_handling", "00-12345678901234567890123456789012-1234567890123456-01\t", ACCEPTED),
    ("test_traceparent_ows_handling", "\t 00-12345678901234567890123456789012-1234567890123456-01 \t", ACCEPTED),
    ("test_propagates_random_flag", "00-12345678901234567890123456789012-1234567890123456-02", ACCEPTED),

    // The two parsers of the suite disagree: only one accepts a later version, and only the other refuses zeros. This follows
    // the suite's tests of a service, which accept later versions and refuse zeros.
    ("BaseTraceparentTest.test_from_string", "00-12345678901234567890123456789012-1234567890123456-00", ACCEPTED),
    ("BaseTraceparentTest.test_from_string", "01-12345678901234567890123456789012-1234567890123456-00", ACCEPTED),
    ("BaseTraceparentTest.test_from_string", "02-12345678901234567890123456789012-1234567890123456-00", ACCEPTED),
    ("BaseTraceparentTest.test_from_string", "cc-12345678901234567890123456789012-1234567890123456-00", ACCEPTED),
    ("BaseTraceparentTest.test_from_string", "ff-12345678901234567890123456789012-1234567890123456-00", Err(FORBIDDEN)),
    ("BaseTraceparentTest.test_from_string", "00-ffffffffffffffffffffffffffffffff-1234567890123456-00", ACCEPTED),
    ("BaseTraceparentTest.test_from_string", "00-12345678901234567890123456789012-ffffffffffffffff-00", ACCEPTED),
    ("BaseTraceparentTest.test_from_string", "0-12345678901234567890123456789012-1234567890123456-00", Err(VERSION)),
    ("BaseTraceparentTest.test_from_string", "000-12345678901234567890123456789012-1234567890123456-00", Err(VERSION)),
    ("BaseTraceparentTest.test_from_string", "00-1234567890123456789012345678901-1234567890123456-00", Err(TRACE_ID)),
    ("BaseTraceparentTest.test_from_string", "00-123456789012345678901234567890123-1234567890123456-00", Err(TRACE_ID)),
    ("BaseTraceparentTest.test_from_string", "00-12345678901234567890123456789012-123456789012345-00", Err(PARENT_ID)),
    ("BaseTraceparentTest.test_from_string", "00-12345678901234567890123456789012-12345678901234567-00", Err(PARENT_ID)),
    ("BaseTraceparentTest.test_version_limit", "fe-12345678901234567890123456789012-1234567890123456-00", ACCEPTED),
    ("BaseTraceparentTest.test_str", "12-12345678901234567890123456789012-1234567890123456-ff", ACCEPTED),
    ("TraceparentTest.test_from_string", "00-12345678901234567890123456789012-1234567890123456-03", ACCEPTED),
    ("TraceparentTest.test_from_string", "00-12345678901234567890123456789012-1234567890123456-ff", ACCEPTED),
    ("TraceparentTest.test_from_string", "00-00000000000000000000000000000000-1234567890123456-00", Err(ZERO_TRACE)),
    ("TraceparentTest.test_from_string", "00-12345678901234567890123456789012-0000000000000000-00", Err(ZERO_PARENT)),

    // From the recommendation, where the suite has no case.
    ("hex digits are in lower case", "0A-12345678901234567890123456789012-1234567890123456-01", Err(VERSION)),
    ("hex digits are in lower case", "00-1234567890123456789012345678901A-1234567890123456-01", Err(TRACE_ID)),
    ("hex digits are in lower case", "00-12345678901234567890123456789012-123456789012345A-01", Err(PARENT_ID)),
    ("hex digits are in lower case", "00-12345678901234567890123456789012-1234567890123456-0A", Err(FLAGS)),
    ("fields are between dashes", "00_12345678901234567890123456789012_1234567890123456_01", Err(VERSION)),
    ("version 00 ends with the flags", "00-12345678901234567890123456789012-1234567890123456-01-", Err(TRAILING)),
    ("a later version has all the fields of 00", "cc-12345678901234567890123456789012-1234567890123456", Err(FLAGS)),
    ("a later version has all the fields of 00", "cc-12345678901234567890123456789012-1234567890123456-1", Err(FLAGS)),
    ("a later version has ids", "cc-00000000000000000000000000000000-1234567890123456-01", Err(ZERO_TRACE)),
    ("a later version has ids", "cc-12345678901234567890123456789012-0000000000000000-01-x", Err(ZERO_PARENT)),
    ("a later version may append nothing after a dash", "cc-12345678901234567890123456789012-1234567890123456-01-", ACCEPTED),
    ("a later version appends what a header can hold", "cc-12345678901234567890123456789012-1234567890123456-01-a b~", ACCEPTED),
    ("a later version appends what a header can hold", "cc-12345678901234567890123456789012-1234567890123456-01-a\r\nb: c", Err(APPENDED)),
    ("a later version appends what a header can hold", "cc-12345678901234567890123456789012-1234567890123456-01-a-b\r\nb: c", Err(APPENDED)),
    ("a later version appends what a header can hold", "cc-12345678901234567890123456789012-1234567890123456-01-\u{e9}", Err(APPENDED)),
    ("only spaces and tabs are optional whitespace", "\n00-12345678901234567890123456789012-1234567890123456-01", Err(VERSION)),
    ("only spaces and tabs are optional whitespace", "00-12345678901234567890123456789012-1234567890123456-01\u{a0}", Err(FLAGS)),
    ("digits are ASCII", "00-1234567890123456789012345678901\u{661}-1234567890123456-01", Err(TRACE_ID)),
    ("an empty value is none", "", Err(VERSION)),
    ("an empty value is none", " \t", Err(VERSION)),
];

fn states() -> Vec<StateCase> {
    let case = |name, fields: &[&str], expected| {
        (name, fields.iter().map(|&field| field.to_owned()).collect::<Vec<_>>(), expected)
    };
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|char| !matches!(char, ',' | '=')).collect();
    let bars = |range: std::ops::RangeInclusive<u8>| {
        range.map(|n| format!("bar{n:02}={n:02}")).collect::<Vec<_>>().join(",")
    };
    let x = |count| "x".repeat(count);
    let long = |key: String| format!("{key}=1");
    #[rustfmt::skip] // one case per line
    let cases = vec![
        case("test_tracestate_included_traceparent_included", &["foo=1,bar=2"], ACCEPTED),
        case("test_tracestate_empty_header", &[""], ACCEPTED),
        case("test_tracestate_empty_header", &["foo=1", ""], ACCEPTED),
        case("test_tracestate_empty_header", &["", "foo=1"], ACCEPTED),
        case("test_tracestate_multiple_headers_different_keys", &["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], ACCEPTED),
        // The suite allows to keep or drop duplicates. They are kept.
        case("test_tracestate_duplicated_keys", &["foo=1,foo=1"], ACCEPTED),
        case("test_tracestate_duplicated_keys", &["foo=1,foo=2"], ACCEPTED),
        case("test_tracestate_duplicated_keys", &["foo=1", "foo=1"], ACCEPTED),
        case("test_tracestate_duplicated_keys", &["foo=1", "foo=2"], ACCEPTED),
        case("test_tracestate_all_allowed_characters", &[&format!("{key}={value}")], ACCEPTED),
        case("test_tracestate_all_allowed_characters", &[&format!("{key}@a-z0-9_-*/={value}")], ACCEPTED),
        case("test_tracestate_ows_handling", &["foo=1 \t , \t bar=2, \t baz=3"], ACCEPTED),
        case("test_tracestate_ows_handling", &["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], ACCEPTED),
        case("test_tracestate_ows_handling", &[" foo=1"], ACCEPTED),
        case("test_tracestate_ows_handling", &["\tfoo=1"], ACCEPTED),
        case("test_tracestate_ows_handling", &["foo=1 "], ACCEPTED),
        case("test_tracestate_ows_handling", &["foo=1\t"], ACCEPTED),
        case("test_tracestate_ows_handling", &["\t foo=1 \t"], ACCEPTED),
        // The suite allows to discard the header or the member. The header is refused.
        case("test_tracestate_key_illegal_characters", &["foo =1"], Err(KEY)),
        case("test_tracestate_key_illegal_characters", &["FOO=1"], Err(KEY)),
        case("test_tracestate_key_illegal_characters", &["foo.bar=1"], Err(KEY)),
        case("test_tracestate_key_illegal_vendor_format", &["foo@=1,bar=2"], ACCEPTED),
        case("test_tracestate_key_illegal_vendor_format", &["@foo=1,bar=2"], Err(KEY)),
        case("test_tracestate_key_illegal_vendor_format", &["foo@@bar=1,bar=2"], ACCEPTED),
        case("test_tracestate_key_illegal_vendor_format", &["foo@bar@baz=1,bar=2"], ACCEPTED),
        case("test_tracestate_member_count_limit", &[&bars(1..=10), &bars(11..=20), &bars(21..=30), &bars(31..=32)], ACCEPTED),
        case("test_tracestate_member_count_limit", &[&bars(1..=10), &bars(11..=20), &bars(21..=30), &bars(31..=33)], Err(MEMBERS)),
        case("test_tracestate_key_length_limit", &["foo=1", &long("z".repeat(256))], ACCEPTED),
        case("test_tracestate_key_length_limit", &["foo=1", &long("z".repeat(257))], Err(KEY)),
        case("test_tracestate_key_length_limit", &["foo=1", &long("t".repeat(241) + "@" + &"v".repeat(14))], ACCEPTED),
        case("test_tracestate_key_length_limit", &["foo=1", &long("t".repeat(242) + "@v")], ACCEPTED),
        case("test_tracestate_key_length_limit", &["foo=1", &long("t@".to_owned() + &"v".repeat(15))], ACCEPTED),
        case("test_tracestate_value_illegal_characters", &["foo=bar=baz"], Err(VALUE)),
        case("test_tracestate_value_illegal_characters", &["foo=,bar=3"], Err(VALUE)),

        // From the parser of the suite.
        case("TestTracestate.test_ctor_with_string", &["foo=1,bar=2,baz=3"], ACCEPTED),
        case("TestTracestate.test_ctor_with_string", &["foobarbaz"], Err(MEMBER)),
        case("TestTracestate.test_all_allowed_chars", &[&format!("{key}@={value}")], ACCEPTED),
        case("TestTracestate.test_delimiter", &["foo=1, \t bar=2"], ACCEPTED),
        case("TestTracestate.test_delimiter", &["foo=1,\t \tbar=2"], ACCEPTED),
        case("TestTracestate.test_method_from_string", &["foo=1", "bar=2", "baz=3"], ACCEPTED),
        case("TestTracestate.test_method_from_string", &["baz=3", "bar=2", "foo=1"], ACCEPTED),
        // At least 512 characters should be propagated. Any number is accepted.
        case("TestTracestate.test_method_is_valid", &[&format!("bar={},foo={}", x(256), x(256))], ACCEPTED),
        case("TestTracestate.test_method_repr", &["foo=1, bar=2, baz=3"], ACCEPTED),
        case("TestTracestate.test_setitem", &["=abc"], Err(KEY)),
        case("TestTracestate.test_setitem", &["special@vendor=abracadabra"], ACCEPTED),
        case("TestTracestate.test_setitem", &["1special=abracadabra"], ACCEPTED),
        case("TestTracestate.test_setitem", &["special.vendor=abracadabra"], Err(KEY)),
        case("TestTracestate.test_setitem", &["foo="], Err(VALUE)),
        case("TestTracestate.test_setitem", &[&format!("foo={}", x(256))], ACCEPTED),
        case("TestTracestate.test_setitem", &[&format!("foo={}", x(257))], Err(VALUE)),

        // From the recommendation, where the suite has no case.
        case("a key begins with a letter or a digit", &["_foo=1"], Err(KEY)),
        case("a key begins with a letter or a digit", &["-foo=1"], Err(KEY)),
        case("a space at the start is part of a value", &["foo=  1"], ACCEPTED),
        case("a space at the start is part of a value", &[&format!("foo= {}", x(256))], Err(VALUE)),
        case("a space at the end is not part of a value", &[&format!("foo={} ,bar=2", x(256))], ACCEPTED),
        case("a value is not only spaces", &["foo=  ,bar=2"], Err(VALUE)),
        case("a value has no tab", &["foo=\t1"], Err(VALUE)),
        case("a value has no line break", &["foo=1\r\nb: c"], Err(VALUE)),
        case("a value is ASCII", &["foo=\u{e9}"], Err(VALUE)),
        case("a value has no DEL", &["foo=\u{7f}"], Err(VALUE)),
        case("only spaces and tabs are optional whitespace", &["foo=1\u{a0}"], Err(VALUE)),
        case("only spaces and tabs are optional whitespace", &["\nfoo=1"], Err(KEY)),
        case("members are empty or have a value", &["foo=1, ,\t,,bar=2"], ACCEPTED),
        case("members are empty or have a value", &["foo=1;bar,baz=1"], ACCEPTED),
        case("members are empty or have a value", &["foo=1,bar"], Err(MEMBER)),
        // The grammar counts empty members, the parser of the suite does not. They are not counted.
        case("an empty member does not count", &[&bars(1..=32), "", " ", ",,"], ACCEPTED),
        case("a key that occurs twice counts twice", &[&bars(1..=32), "bar01=1"], Err(MEMBERS)),
    ];
    cases
}

/// A value without the optional whitespace around it, which HTTP does not count as part of it.
fn trimmed(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

fn parse_error(traceparent: &str, tracestate: Option<&str>) -> String {
    TraceContext::parse(traceparent, tracestate).unwrap_err().to_string()
}

/// Asserts that an accepted trace context passes through JSON unchanged.
fn assert_passes_through_json(name: &str, trace: &TraceContext) {
    let json = serde_json::to_value(trace).unwrap();
    assert_eq!(serde_json::from_value::<TraceContext>(json).unwrap(), *trace, "{name}");
}

#[test]
fn r31_a_traceparent_is_kept_unchanged_or_refused_with_the_reason() {
    for &(name, value, expected) in PARENTS {
        match expected {
            Ok(()) => {
                let trace = TraceContext::parse(value, None).expect(name);
                assert_eq!((trace.traceparent(), trace.tracestate()), (trimmed(value), None), "{name}");
                assert_passes_through_json(name, &trace);
            }
            Err(reason) => {
                let refusal = format!("traceparent `{}` is malformed: {reason}", trimmed(value));
                assert_eq!(parse_error(value, None), refusal, "{name}: {value:?}");
                // A malformed `tracestate` beside it does not change the error.
                assert_eq!(parse_error(value, Some("FOO=1")), refusal, "{name}: {value:?}");
            }
        }
    }
}

#[test]
fn r31_a_tracestate_is_kept_unchanged_or_refused_with_the_reason() {
    for (name, fields, expected) in states() {
        let value = fields.join(",");
        match expected {
            Ok(()) => {
                let trace = TraceContext::parse(PARENT, Some(&value)).expect(name);
                let state = Some(trimmed(&value)).filter(|state| !state.is_empty());
                assert_eq!((trace.traceparent(), trace.tracestate()), (PARENT, state), "{name}: {value:?}");
                assert_passes_through_json(name, &trace);
            }
            Err(reason) => {
                let refusal = format!("tracestate `{}` is malformed: {reason}", trimmed(&value));
                assert_eq!(parse_error(PARENT, Some(&value)), refusal, "{name}: {value:?}");
            }
        }
    }
}

#[test]
fn r31_a_tracestate_without_members_is_none() {
    for state in ["", " ", "\t", ",", " ,\t, ", ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"] {
        let trace = TraceContext::parse(PARENT, Some(state)).expect(state);
        assert_eq!(trace, TraceContext::parse(PARENT, None).unwrap(), "{state:?}");
    }
}

#[test]
fn r31_a_deserialized_trace_is_validated_too() {
    let read = |json: Value| serde_json::from_value::<TraceContext>(json).map_err(|error| error.to_string());
    let (parent, state) = (PARENT.replacen("00", "ff", 1), "FOO=1");
    assert_eq!(read(json!({"traceparent": parent})), Err(parse_error(&parent, None)));
    let refused = read(json!({"traceparent": PARENT, "tracestate": state}));
    assert_eq!(refused, Err(parse_error(PARENT, Some(state))));
}

#[test]
fn r31_a_trace_has_its_ids_and_its_sampled_flag() {
    for (value, sampled) in [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02", false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", true),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0a", false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-10", false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", true),
        (" cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-00-x", true),
        ("\tcc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-01-x", false),
    ] {
        let trace = TraceContext::parse(value, None).expect(value);
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736", "{value}");
        assert_eq!(trace.parent_id(), "00f067aa0ba902b7", "{value}");
        assert_eq!(trace.is_sampled(), sampled, "{value}");
    }
}
