use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An immutable fact ([r03](crate::rules#r03)). `#[event]` implements this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "put `#[event]` on the struct `{Self}`",
    note = "commands are published with `publish`, and their handlers have `#[command]`"
)]
pub trait Event: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The name in the store and in JSON ([r52](crate::rules#r52)). Stable.
    const NAME: &'static str;
}
