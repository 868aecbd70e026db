//! Names that are keywords.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]
#![allow(non_camel_case_types)]

use enact::prelude::*;

use super::execute;

/// A loop.
#[entity(id = r#in)]
pub struct r#loop {
    r#in: u64,
    r#where: Option<String>,
}

/// Break a loop.
#[command(target = r#loop, idempotency_key = r#match, order_by = r#fn)]
pub struct r#break {
    r#loop: u64,
    r#match: Option<String>,
    r#fn: String,
}

impl From<&r#break> for r#loop {
    fn from(r#break: &r#break) -> Self {
        Self { r#in: r#break.r#loop, r#where: None }
    }
}

/// A loop is broken.
#[event]
pub struct r#yield {
    r#if: bool,
}

/// How a loop is broken.
#[strategy]
pub trait r#trait {
    /// Where it ends.
    async fn r#final(&self, r#ref: &r#break) -> String;
}

struct r#virtual;

#[strategy(variant)]
impl r#trait for r#virtual {
    async fn r#final(&self, r#ref: &r#break) -> String {
        r#ref.r#fn.clone()
    }
}

#[strategy(policy)]
fn r#abstract(_: &ExecutionContext) -> Box<dyn r#trait> {
    Box::new(r#virtual)
}

/// It is somewhere.
#[invariant(when = r#yield)]
fn r#static(r#loop: &r#loop, r#yield: &r#yield) -> bool {
    r#loop.r#where.is_some() == r#yield.r#if
}

#[command(create = if_missing)]
async fn r#do(r#break: r#break, r#loop: &mut r#loop, r#dyn: Box<dyn r#trait>) {
    r#loop.r#where = Some(r#dyn.r#final(&r#break).await);
    emit(r#yield { r#if: true });
}

#[event_handler]
async fn r#become(_: r#yield) {}

#[tokio::test]
async fn keywords_are_names_like_others() {
    let r#break = r#break { r#loop: 1, r#match: None, r#fn: "here".to_owned() };
    execute(r#break).await.expect("it is broken");
}
