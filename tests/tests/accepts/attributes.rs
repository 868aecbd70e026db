//! Other attributes, above those of enact and below them.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use enact::prelude::*;

use super::execute;

/** A thing with a doc comment
of another form. */
#[derive(Debug)]
#[entity]
#[derive(Clone, PartialEq)]
#[must_use]
struct Lamp {
    #[doc = "Its identity."]
    id: u64,
    /// Whether it is lit.
    #[serde(default)]
    lit: bool,
}

#[doc = "Light a lamp."]
#[command(target = lamp)]
#[derive(Clone, Debug)]
#[cfg_attr(test, derive(PartialEq))]
struct Light {
    lamp: u64,
    #[cfg(test)]
    by: Option<String>,
    #[cfg(not(test))]
    by: Missing,
}

impl From<&Light> for Lamp {
    fn from(light: &Light) -> Self {
        Self { id: light.lamp, lit: false }
    }
}

/// Light a lamp in the old way.
#[command]
pub struct Kindle {}

#[command]
#[deprecated(note = "light it")]
async fn kindle(_: Kindle) {}

/// A lamp was lit.
#[allow(dead_code)]
#[event]
#[derive(Debug)]
#[non_exhaustive]
struct Lit {
    lamp: u64,
}

#[tracing::instrument(skip_all)]
#[command(create = if_missing)]
#[doc = "Instrumented above."]
async fn light(light: Light, lamp: &mut Lamp) -> Result<bool, Failure> {
    lamp.lit = light.by.is_some();
    emit(Lit { lamp: lamp.id });
    Ok(lamp.lit)
}

#[event_handler]
#[tracing::instrument(skip_all)]
#[allow(clippy::unused_async)]
async fn shine(_lit: Lit) {}

#[cfg(any())]
#[event_handler]
async fn never_compiled(_lit: Missing) {}

#[invariant]
#[cfg(any())]
fn never_checked(_lamp: &Missing) -> bool {
    false
}

/// It is one of the first thousand.
///
/// What follows is for programmers.
#[invariant]
#[inline]
#[must_use]
fn numbered(lamp: &Lamp) -> bool {
    lamp.id < 1000
}

#[tokio::test]
async fn other_attributes_keep_their_meaning() {
    let light = |lamp| Light { lamp, by: Some("ada".to_owned()) };
    assert!(execute(light(1)).await.expect("it is lit"));

    let refused = execute(light(1000)).await.expect_err("there are not so many");
    assert_eq!(refused.violations()[0].message(), "It is one of the first thousand.");
}
