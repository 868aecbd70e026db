//! What the attributes accept: each module is a way to write a domain that compiles without a warning, and works.
//!
//! The lints are those that a careful crate turns on; `strict.rs` goes further. A whole domain is in `design.rs`.
#![forbid(unsafe_code)]
#![deny(warnings)]

pub mod accepts {
    //! Public all the way, so that lints about documentation and visibility have something to say.
    pub mod aliases;
    pub mod attributes;
    pub mod macro_rules;
    pub mod nested;
    pub mod outcomes;
    pub mod raw_identifiers;
    pub mod recursive;
    pub mod shadowed;
    pub mod strategies;
    pub mod visibility;

    use enact::prelude::*;
    use enact::{HasOneHandler, MemoryStore};

    /// Runs a command in the domain of all modules together.
    async fn execute<C: HasOneHandler>(command: C) -> Result<C::Output, Failure> {
        let runtime = Runtime::builder(MemoryStore::new()).start().await.expect("the domain fits together");
        let output = runtime.execute(command).await;
        runtime.shutdown(Duration::from_secs(10)).await?;
        output
    }
}
