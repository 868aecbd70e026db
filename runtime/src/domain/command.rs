use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::output::Output;
use crate::model::Key;

/// A request to do something, with exactly one handler. `#[command]` on a struct implements this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "not a command",
    note = "put `#[command]` on the struct `{Self}`",
    note = "the handler of an event has `#[event_handler]`"
)]
pub trait Command: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The name in the store and in JSON ([r52](crate::rules#r52)). Stable.
    const NAME: &'static str;

    /// Former names, by which stored jobs and requests are still accepted ([r52](crate::rules#r52)).
    const ALIASES: &'static [&'static str] = &[];

    /// The field that [`target`](Self::target) reads.
    const TARGET: Option<&'static str> = None;

    /// The field that [`idempotency_key`](Self::idempotency_key) reads.
    const IDEMPOTENCY_KEY: Option<&'static str> = None;

    /// The field that [`order_key`](Self::order_key) reads.
    const ORDER_BY: Option<&'static str> = None;

    /// The id of the entity that the command acts on; `None` if it has no target, or the field is `null`.
    fn target(&self) -> Option<Key> {
        None
    }

    /// The idempotency key: of several requests with one key, only the first becomes a job
    /// ([r25](crate::rules#r25)). A command with an empty key is `Invalid`.
    fn idempotency_key(&self) -> Option<Key> {
        None
    }

    /// The key of the command's lane: published commands of a lane run one at a time, in the order they were published
    /// ([r26](crate::rules#r26)). A command with an empty key is `Invalid`.
    fn order_key(&self) -> Option<Key> {
        None
    }
}

/// A command with a target. `#[command(target = field)]` implements this trait.
#[diagnostic::on_unimplemented(
    message = "the command `{Self}` has no target, so its handler cannot bind an entity",
    label = "`{Self}` has no target",
    note = "name the field with the entity's id on the struct `{Self}`: `#[command(target = field)]`",
    note = "or remove the entity parameter, and access entities through a `Repository<…>`"
)]
pub trait Targeted: Command {
    /// The type of the target's identity.
    type Id;
}

/// A command without a target. `#[command]` without `target` implements this trait.
#[diagnostic::on_unimplemented(
    message = "the command `{Self}` has a target, but its handler binds no entity",
    label = "this handler binds no entity",
    note = "add the entity as a parameter: `entity: &mut …`",
    note = "or write `#[command(stateless)]` on the function, if the target serves only routing and correlation"
)]
pub trait Untargeted: Command {}

/// A command that has its handler ([r04](crate::rules#r04)). `#[command]` on a function implements this trait for the type of
/// the function's first parameter. A second handler would be a second implementation, which the compiler rejects.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command with a handler",
    label = "`{Self}` has no handler",
    note = "write one: `#[command] async fn …(command: {Self}) -> Result<(), …>`, with `entity: &mut …` as the second parameter if the command has a target",
    note = "events are emitted with `emit`"
)]
pub trait HasOneHandler: Command {
    /// What the handler returns on success.
    type Output: Output;

    /// The entity that the handler binds, or `()`.
    type Entity;
}
