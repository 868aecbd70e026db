//! Events.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A fact that has occurred (r03). `#[event]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "put `#[event]` on the struct `{Self}`",
    note = "if it is a command, `publish` it; its handler has `#[command]`"
)]
pub trait Event: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What the event is called in the store and in JSON (r52). Stable.
    const NAME: &'static str;
}
