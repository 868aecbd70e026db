//! A schema accepts what its type writes and reads, and no field that its type does not have (r11): random values of many shapes,
//! by type and by JSON.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(non_snake_case, reason = "each shape is a module named as its command")]

mod containers;
mod depth;
mod draws;
mod enums;
mod flattened;
mod structs;

use std::fmt::Debug;
use std::sync::LazyLock;

use enact::prelude::*;
use enact::{HasOneHandler, MemoryStore};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use draws::Draws;

/// The number of random values of each shape.
const CASES: u32 = 64;

/// One shape: types, a command with a field of the first of them, and a function that draws a value. `open` names the objects that
/// accept any field: by the last token of their pointer.
macro_rules! shape {
    ($name:ident: $ty:ty, $draw:expr $(, open: [$($open:literal),*])?; $($items:item)*) => {
        shape!(@module $name, [], $ty, $draw, [$($($open),*)?]; $($items)*);
    };
    (flattened $name:ident: $ty:ty, $draw:expr $(, open: [$($open:literal),*])?; $($items:item)*) => {
        shape!(@module $name, [#[serde(flatten)]], $ty, $draw, [$($($open),*)?]; $($items)*);
    };
    (@module $name:ident, [$($attribute:tt)*], $ty:ty, $draw:expr, [$($open:literal),*]; $($items:item)*) => {
        mod $name {
            #![allow(unused_imports, reason = "each shape uses a part of this")]
            #![allow(clippy::struct_field_names, reason = "fields are named by their types")]
            use std::collections::*;
            use enact::prelude::*;
            use serde_json::{Value, json};
            use crate::draws::Draws;

            $($items)*

            /// Take a value.
            #[command]
            #[derive(Clone, Debug, PartialEq)]
            struct $name {
                first: u8,
                $($attribute)*
                value: $ty,
                last: Option<String>,
            }

            #[command]
            async fn take(command: $name) -> Result<Value, Failure> {
                Ok(serde_json::to_value(command).unwrap())
            }

            #[test]
            fn r11_a_shape_is_accepted_and_an_unknown_field_refused() {
                let draw: fn(&mut Draws) -> $ty = $draw;
                crate::check(
                    stringify!($name),
                    &[$($open),*],
                    |draws| $name { first: draws.small(), value: draw(draws), last: draws.option(Draws::text) },
                );
            }
        }
    };
}
pub(crate) use shape;

static TOKIO: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap());

/// The runtime of all shapes.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| TOKIO.block_on(async { Runtime::builder(MemoryStore::new()).start().await.unwrap() }));

/// Executes random values as typed commands and as JSON, and with an unknown field in each object.
fn check<C>(name: &str, open: &[&str], draw: impl Fn(&mut Draws) -> C)
where
    C: HasOneHandler<Output = Value> + Clone + Debug + PartialEq,
{
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let (tokio, runtime) = (TOKIO.handle(), &*RUNTIME);
    let drawn = runner.run(&draws::any(), |mut draws| {
        let command = draw(&mut draws);
        let json = serde_json::to_value(&command).unwrap();
        let run = tokio.block_on(async {
            let typed =
                runtime.execute(command.clone()).await.map_err(|refused| format!("{json}: {refused}"))?;
            let named = runtime.execute_json(name, json.clone()).await;
            let named = named.map_err(|refused| format!("{json} as JSON: {refused}"))?;
            for run in [typed, named] {
                if serde_json::from_value::<C>(run.clone()).unwrap() != command {
                    return Err(format!("{json} became {run}"));
                }
            }
            for place in objects("", &json) {
                if open.contains(&place.rsplit('/').next().unwrap()) {
                    continue;
                }
                let mut wrong = json.clone();
                wrong.pointer_mut(&place).unwrap()["zzz"] = json!(1);
                let refused = runtime.execute_json(name, wrong.clone()).await;
                let Err(refused) = refused else { return Err(format!("{wrong} is accepted")) };
                let field = format!("{place}/zzz");
                if refused.violations().len() != 1 || refused.violations()[0].pointer() != Some(&*field) {
                    return Err(format!("{wrong}: {refused}"));
                }
            }
            Ok(())
        });
        run.map_err(proptest::test_runner::TestCaseError::fail)
    });
    if let Err(failed) = drawn {
        let schema = &runtime.wiring().command(name).unwrap().schema;
        panic!("{failed}\n{schema:#}");
    }
}

/// The JSON pointers of the objects in a value.
fn objects(pointer: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match value {
        Value::Object(fields) => {
            found.push(pointer.to_owned());
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                found.extend(objects(&format!("{pointer}/{name}"), value));
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                found.extend(objects(&format!("{pointer}/{index}"), element));
            }
        }
        _ => {}
    }
    found
}
