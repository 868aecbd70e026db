//! Functions that call a handler, with its types erased.
//!
//! They have a module of their own for incremental builds: if the body of one handler changes, the compiler regenerates all
//! instances of the generic functions in this module.

use std::any::Any;
use std::mem;
use std::pin::Pin;
use std::task;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending};

use super::handlers::{CommandHandler, EntityHandler, EventHandler};
use crate::context::ExecutionContext;
use crate::domain::{Command, Output, cast, cast_mut, readable_json};
use crate::model::{AnyValue, Failure, Json, drop_caught};

/// The future of a handler. A panic in its `Drop` does not replace what it is dropped for ([r15](crate::rules#r15)): a time limit, a
/// shutdown.
pub(crate) struct Handling<'a>(BoxFuture<'a, Result<Json, Failure>>);

impl Future for Handling<'_> {
    type Output = Result<Json, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> task::Poll<Self::Output> {
        self.0.poll_unpin(context)
    }
}

impl Drop for Handling<'_> {
    fn drop(&mut self) {
        drop_caught(mem::replace(&mut self.0, pending().boxed()));
    }
}

pub(crate) fn command<H: CommandHandler>(command: AnyValue, context: &ExecutionContext) -> Handling<'_> {
    Handling(Box::pin(async move {
        match H::handle(cast(command), context).await {
            Ok(output) => serialized(H::Command::NAME, output),
            Err(failure) => Err(failure),
        }
    }))
}

pub(crate) fn entity_command<'a, H: EntityHandler>(
    command: AnyValue,
    entity: &'a mut dyn Any,
    context: &'a ExecutionContext,
) -> Handling<'a> {
    let entity = cast_mut(entity);
    Handling(Box::pin(async move {
        match H::handle(cast(command), entity, context).await {
            Ok(output) => serialized(H::Command::NAME, output),
            Err(failure) => Err(failure),
        }
    }))
}

pub(crate) fn event<H: EventHandler>(event: AnyValue, context: &ExecutionContext) -> Handling<'_> {
    Handling(Box::pin(async move {
        match H::handle(cast(event), context).await {
            Ok(()) => Ok(Json::null()),
            Err(failure) => Err(failure),
        }
    }))
}

/// Serializes the output of a command handler.
fn serialized<T: Output>(command: &str, output: T) -> Result<Json, Failure> {
    let json = readable_json(&output);
    drop_caught(output);
    json.map_err(|error| {
        error.into_failure(format_args!("the output of the handler of `{command}`"), "output_not_json")
    })
}
