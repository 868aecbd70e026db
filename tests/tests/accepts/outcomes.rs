//! What handlers return.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use std::error::Error;
use std::io;

use enact::prelude::*;
use thiserror::Error;

use super::execute;

/// What is shipped.
#[value]
#[derive(Debug, PartialEq)]
pub struct Parcel {
    grams: Option<u32>,
    marks: Vec<(String, char)>,
}

/// Why nothing is shipped.
#[derive(Debug, Error)]
pub enum ShippingError {
    /// It is too heavy.
    #[error("{0} grams are too much")]
    TooHeavy(u32),
    /// The lorry is gone.
    #[error("the lorry is gone")]
    Gone(#[source] io::Error),
}

macro_rules! commands {
    ($($command:ident)*) => {
        $(
            /// One way to ship something.
            #[command]
            pub struct $command {
                grams: u32,
            }
        )*
    };
}

commands! { ShipSilently ShipBoxed ShipAnyhow ShipTyped ShipText ShipIo ShipFailure ShipEmpty }

#[command]
async fn silently(_ship: ShipSilently) {}

#[command]
async fn boxed(ship: ShipBoxed) -> Result<Parcel, Box<dyn Error + Send + Sync>> {
    if ship.grams == 0 { Err("there is nothing in it".into()) } else { Ok(parcel(ship.grams)) }
}

#[command]
async fn anyhow(ship: ShipAnyhow) -> anyhow::Result<Vec<Parcel>> {
    anyhow::ensure!(ship.grams > 0, "there is nothing in it");
    Ok(vec![parcel(ship.grams)])
}

#[command]
async fn typed(ship: ShipTyped) -> Result<Option<Parcel>, ShippingError> {
    match ship.grams {
        0 => Err(ShippingError::Gone(io::Error::other("it left"))),
        1..1000 => Ok(Some(parcel(ship.grams))),
        grams => Err(ShippingError::TooHeavy(grams)),
    }
}

#[command]
async fn text(ship: ShipText) -> Result<(u32, String), String> {
    Err(format!("{} grams are too much", ship.grams))
}

#[command]
async fn io(_ship: ShipIo) -> io::Result<()> {
    Err(io::Error::other("the disk is full"))
}

#[command]
async fn failure(_ship: ShipFailure) -> Result<std::collections::BTreeMap<String, Parcel>, Failure> {
    Err(Failure::new(FailureKind::Denied, "closed", "the office is closed"))
}

#[command]
async fn empty(_ship: ShipEmpty) -> Result<(), ShippingError> {
    Ok(())
}

fn parcel(grams: u32) -> Parcel {
    Parcel { grams: Some(grams), marks: vec![("fragile".to_owned(), '!')] }
}

#[tokio::test]
async fn an_output_is_any_value() {
    execute(ShipSilently { grams: 5 }).await.expect("it says nothing");
    execute(ShipEmpty { grams: 5 }).await.expect("it says nothing");
    assert_eq!(execute(ShipBoxed { grams: 5 }).await.expect("it is shipped"), parcel(5));
    assert_eq!(execute(ShipAnyhow { grams: 5 }).await.expect("it is shipped"), [parcel(5)]);
    assert_eq!(execute(ShipTyped { grams: 5 }).await.expect("it is shipped"), Some(parcel(5)));
}

#[tokio::test]
async fn an_error_is_any_error() {
    let message = |failure: Failure| failure.message().to_owned();
    let refused = [
        execute(ShipBoxed { grams: 0 }).await.map_err(message).expect_err("it is empty"),
        execute(ShipAnyhow { grams: 0 }).await.map_err(message).expect_err("it is empty"),
        execute(ShipTyped { grams: 0 }).await.map_err(message).expect_err("it is gone"),
        execute(ShipTyped { grams: 1000 }).await.map_err(message).expect_err("it is heavy"),
        execute(ShipText { grams: 1000 }).await.map_err(message).expect_err("it is heavy"),
        execute(ShipIo { grams: 5 }).await.map_err(message).expect_err("it is full"),
        execute(ShipFailure { grams: 5 }).await.map_err(message).expect_err("it is closed"),
    ];
    let expected = [
        "there is nothing in it",
        "there is nothing in it",
        "the lorry is gone",
        "1000 grams are too much",
        "1000 grams are too much",
        "the disk is full",
        "the office is closed",
    ];
    assert_eq!(refused, expected);
}
