//! A parameter of one's own: a type that implements `FromContext` is drawn like a built-in one, and what it requires is
//! checked when the program starts.
//!
//! ```text
//! no start: true
//! Ok("Guten Tag")
//! Ok("Bonjour")
//! Err(denied (no_language): nobody here speaks `tlh`)
//! ```

use std::collections::BTreeMap;

use enact::context::Requirements;
use enact::prelude::*;
use enact::{FromContext, MemoryStore};

/// How the languages greet that are spoken here.
struct Greetings(BTreeMap<&'static str, &'static str>);

/// How whoever asks is greeted.
struct Greeting(String);

impl FromContext for Greeting {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        let language = context.metadata("language").unwrap_or("de");
        let greetings: Arc<Greetings> = context.extract()?;
        let Some(greeting) = greetings.0.get(language) else {
            let message = format!("nobody here speaks `{language}`");
            return Err(Failure::new(FailureKind::Denied, "no_language", message));
        };
        Ok(Self((*greeting).to_owned()))
    }

    fn requires(needs: &mut Requirements) {
        needs.capability::<Greetings>();
    }
}

/// Come in.
#[command]
struct Enter {}

#[command]
async fn enter(_enter: Enter, greeting: Greeting) -> Result<String, Failure> {
    Ok(greeting.0)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let forgotten = Runtime::builder(MemoryStore::new()).start().await;
    println!("no start: {}", forgotten.is_err_and(|error| error.to_string().contains("Greetings")));

    let greetings = Greetings(BTreeMap::from([("de", "Guten Tag"), ("fr", "Bonjour")]));
    let house = Runtime::builder(MemoryStore::new()).provide(Arc::new(greetings)).start().await?;
    for language in ["de", "fr", "tlh"] {
        let seed = ContextSeed::new().with_metadata("language", language);
        println!("{:?}", house.scope(seed, async { house.execute(Enter {}).await }).await);
    }
    Ok(())
}
