//! A strategy where no name is in scope but its own.
#![no_implicit_prelude]
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

// What makes async methods fit for `dyn` names it, and so does every policy.
use ::std::boxed::Box;
// What schemars derives needs these in scope.
use ::std::convert::Into;
use ::std::string::String;

/// Greet someone.
#[::enact::command]
pub struct Greet {
    name: String,
}

/// How someone is greeted.
#[::enact::strategy(name = "way_of_greeting")]
pub(crate) trait Greeting {
    /// The words.
    async fn words(&self, name: &str) -> String;
    /// How loud they are.
    fn volume(&self) -> u8 {
        1
    }
}

struct Hello;

#[::enact::strategy(variant)]
impl Greeting for Hello {
    async fn words(&self, name: &str) -> String {
        ::std::format!("hello, {name}")
    }
}

struct Shout {
    volume: u8,
}

#[::enact::strategy(variant, name = "loud")]
impl Greeting for Shout {
    async fn words(&self, name: &str) -> String {
        ::std::format!("HELLO {name}")
    }
    fn volume(&self) -> u8 {
        self.volume
    }
}

#[::enact::strategy(policy)]
fn greeting(context: &::enact::ExecutionContext) -> Box<dyn Greeting> {
    if context.tenant().is_some() { Box::new(Shout { volume: 10 }) } else { Box::new(Hello) }
}

#[::enact::command]
async fn greet(
    greet: Greet,
    greeting: Box<dyn Greeting>,
) -> ::core::result::Result<(String, u8), ::enact::Failure> {
    let words = greeting.words(&greet.name).await;
    ::core::result::Result::Ok((words, greeting.volume()))
}

#[::core::prelude::v1::test]
fn a_strategy_needs_no_name_but_box() {
    let tokio = ::tokio::runtime::Runtime::new().expect("tokio starts");
    let said = tokio.block_on(super::execute(Greet { name: ::std::convert::From::from("ada") }));
    ::core::assert_eq!(said.expect("it is said"), (::std::convert::From::from("hello, ada"), 1));
}
