//! Functions that call a handler, with its types erased.
//!
//! They have a module of their own for incremental builds: if the body of one handler changes, the compiler regenerates all
//! instances of the generic functions in this module.

use std::any::Any;

use futures_util::future::BoxFuture;

use super::handlers::{CommandHandler, EntityHandler, EventHandler};
use crate::context::ExecutionContext;
use crate::domain::{AnyValue, Command, NotStorable, cast, cast_mut, readable_json};
use crate::model::{Failure, Json};

/// The future of a handler.
pub(crate) type Handling<'a> = BoxFuture<'a, Result<Json, Failure>>;

pub(crate) fn command<H: CommandHandler>(command: AnyValue, context: &ExecutionContext) -> Handling<'_> {
    Box::pin(async move {
        match H::handle(cast(command), context).await {
            Ok(output) => serialized(H::Command::NAME, readable_json(&output)),
            Err(failure) => Err(failure),
        }
    })
}

pub(crate) fn entity_command<'a, H: EntityHandler>(
    command: AnyValue,
    entity: &'a mut dyn Any,
    context: &'a ExecutionContext,
) -> Handling<'a> {
    let entity = cast_mut(entity);
    Box::pin(async move {
        match H::handle(cast(command), entity, context).await {
            Ok(output) => serialized(H::Command::NAME, readable_json(&output)),
            Err(failure) => Err(failure),
        }
    })
}

pub(crate) fn event<H: EventHandler>(event: AnyValue, context: &ExecutionContext) -> Handling<'_> {
    Box::pin(async move {
        match H::handle(cast(event), context).await {
            Ok(()) => Ok(Json::null()),
            Err(failure) => Err(failure),
        }
    })
}

/// Serializes the output of a command handler.
fn serialized(command: &str, output: Result<Json, NotStorable>) -> Result<Json, Failure> {
    output.map_err(|error| {
        error.into_failure(format_args!("the output of the handler of `{command}`"), "output_not_json")
    })
}
