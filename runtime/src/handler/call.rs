//! How a handler is called, as functions without its types.
//!
//! They are alone in their module. All that the compiler generates of a module's generic functions it generates anew when
//! the body of one handler changes, so nothing but what depends on handlers' bodies is here.

use std::any::Any;

use futures_util::future::BoxFuture;

use super::handlers::{CommandHandler, EntityHandler, EventHandler};
use crate::context::ExecutionContext;
use crate::domain::{AnyValue, Command, cast, cast_mut};
use crate::model::{Failure, FailureKind, Json};

/// A handler at work.
pub(crate) type Handling<'a> = BoxFuture<'a, Result<Json, Failure>>;

pub(crate) fn command<H: CommandHandler>(command: AnyValue, context: &ExecutionContext) -> Handling<'_> {
    Box::pin(async move {
        match H::handle(cast(command), context).await {
            Ok(output) => written(H::Command::NAME, Json::of(&output)),
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
            Ok(output) => written(H::Command::NAME, Json::of(&output)),
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

/// The output of a command's handler.
fn written(command: &str, output: serde_json::Result<Json>) -> Result<Json, Failure> {
    output.map_err(|error| {
        let message = format!("what the handler of `{command}` returned cannot be written as JSON: {error}");
        Failure::new(FailureKind::Error, "output_not_json", message).permanent()
    })
}
