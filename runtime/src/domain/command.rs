//! Commands.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::output::Output;
use crate::model::Key;

/// A request to do something, with exactly one handler. `#[command]` on a struct implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "not a command",
    note = "put `#[command]` on the struct `{Self}`",
    note = "if it is an event, its handler has `#[event_handler]`"
)]
pub trait Command: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What the command is called in the store and in JSON (r52). Stable.
    const NAME: &'static str;

    /// What it was called before: jobs and requests of these names are its own (r52).
    const ALIASES: &'static [&'static str] = &[];

    /// The field that holds the id of the entity that it acts on, if one does: what [`target`](Self::target) reads.
    const TARGET: Option<&'static str> = None;

    /// The field by which the same request is known again, if one does.
    const IDEMPOTENCY_KEY: Option<&'static str> = None;

    /// The field that names its lane, if one does.
    const ORDER_BY: Option<&'static str> = None;

    /// The id of the entity that it acts on; `None` if it has no target, or the field is `null`.
    fn target(&self) -> Option<Key> {
        None
    }

    /// The key under which the same request is not taken twice (r25).
    fn idempotency_key(&self) -> Option<Key> {
        None
    }

    /// The key of the lane in which published commands run one at a time, in the order they were published (r26).
    fn order_key(&self) -> Option<Key> {
        None
    }
}

/// A command with a target. `#[command(target = field)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command with a target, so its handler cannot bind an entity",
    label = "`{Self}` has no target",
    note = "say on the struct `{Self}` which of its fields holds the entity's id: `#[command(target = field)]`",
    note = "or bind no entity here, and reach entities through a `Repository<…>`"
)]
pub trait Targeted: Command {
    /// The type of the target's identity.
    type Id;
}

/// A command without a target. `#[command]` without `target` implements it.
#[diagnostic::on_unimplemented(
    message = "the command `{Self}` names a target, but its handler binds no entity",
    label = "this handler binds no entity",
    note = "take the entity as a parameter: `entity: &mut …`",
    note = "or say `#[command(stateless)]` on the function: the target then serves routing and correlation only"
)]
pub trait Untargeted: Command {}

/// A command that has its one handler (r04). `#[command]` on a function implements it for the command that the function
/// takes first; a second handler is a second implementation, which the compiler refuses.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command with a handler",
    label = "nothing handles `{Self}`",
    note = "write its handler: `#[command] async fn …(command: {Self}) -> Result<(), …>`, with `&mut Entity` as the second parameter if the command has a target",
    note = "if `{Self}` is an event, `emit` it"
)]
pub trait HasOneHandler: Command {
    /// What the handler returns when it succeeds.
    type Output: Output;

    /// The entity that the handler binds; `()` if it binds none.
    type Entity;
}
