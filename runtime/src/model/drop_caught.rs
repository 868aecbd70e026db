//! Dropping the user's values ([r15](crate::rules#r15)).

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Drops a value. A panic in its `Drop` is logged and goes no further: it must not replace the outcome of an attempt.
pub(crate) fn drop_caught<T>(value: T) {
    let mut value = Some(value);
    caught(&mut || drop(value.take()));
}

/// Without a type parameter, so that it is compiled once.
fn caught(drop: &mut dyn FnMut()) {
    // Unwind safe: nothing of the value is left.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(drop)) {
        tracing::error!("a panic in `Drop`: {}", panic_text(&*panic));
        // Its own `Drop` may panic, too.
        mem::forget(panic);
    }
}

/// The message of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
