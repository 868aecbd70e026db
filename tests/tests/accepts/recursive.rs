//! Messages that contain themselves, in a roundabout way.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use enact::prelude::*;

use super::execute;

/// A part, and what it is made of.
#[event]
#[derive(PartialEq, Debug)]
struct Part {
    screws: Vec<Screw>,
    parts: Vec<Part>,
}

/// A screw, and what it holds.
#[event]
#[derive(PartialEq, Debug)]
struct Screw {
    holds: Option<Box<Part>>,
}

/// Build something.
#[command]
struct Build {
    again: Option<Box<Build>>,
}

#[command]
async fn build(build: Build) -> Result<bool, Failure> {
    let screw = Screw { holds: Some(Box::new(Part { screws: Vec::new(), parts: Vec::new() })) };
    emit(Part { screws: vec![screw], parts: vec![Part { screws: Vec::new(), parts: Vec::new() }] });
    Ok(build.again.is_some())
}

#[tokio::test]
async fn what_contains_itself_is_taken() {
    let again = Some(Box::new(Build { again: None }));
    assert_eq!(execute(Build { again }).await, Ok(true));
}
