//! Custom parameters: a handler can extract any type that implements `FromContext`. What the type requires is checked at start.
//!
//! ```text
//! start() reports the missing Greetings: true
//! Ok("Guten Tag")
//! Ok("Bonjour")
//! Err(denied (no_language): no greeting in language `tlh`)
//! ```

use std::collections::BTreeMap;

use enact::context::Requirements;
use enact::prelude::*;
use enact::{FromContext, MemoryStore};

/// The greetings by language.
struct Greetings(BTreeMap<&'static str, &'static str>);

/// The greeting in the caller's language.
struct Greeting(String);

impl FromContext for Greeting {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        let language = context.metadata("language").unwrap_or("de");
        let greetings: Arc<Greetings> = context.extract()?;
        let Some(greeting) = greetings.0.get(language) else {
            let message = format!("no greeting in language `{language}`");
            return Err(Failure::new(FailureKind::Denied, "no_language", message));
        };
        Ok(Self((*greeting).to_owned()))
    }

    fn requires(requirements: &mut Requirements) {
        requirements.capability::<Greetings>();
    }
}

/// Greet the caller.
#[command]
struct Greet {}

#[command]
async fn greet(_greet: Greet, greeting: Greeting) -> Result<String, Failure> {
    Ok(greeting.0)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let incomplete = Runtime::builder(MemoryStore::new()).start().await;
    let is_reported = incomplete.is_err_and(|error| error.to_string().contains("Greetings"));
    println!("start() reports the missing Greetings: {is_reported}");

    let greetings = Greetings(BTreeMap::from([("de", "Guten Tag"), ("fr", "Bonjour")]));
    let runtime = Runtime::builder(MemoryStore::new()).provide(Arc::new(greetings)).start().await?;
    for language in ["de", "fr", "tlh"] {
        let seed = ContextSeed::new().with_metadata("language", language);
        println!("{:?}", runtime.scope(seed, async { runtime.execute(Greet {}).await }).await);
    }
    Ok(())
}
