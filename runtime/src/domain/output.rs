//! What handlers return.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a handler may return when it succeeds: every value that JSON can carry. It stands on the job's record (r06).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a handler",
    label = "its output cannot be written as JSON",
    note = "put `#[value]` on `{Self}`; if it is made of others, as `Option<…>` and `Vec<…>` are, on those",
    note = "it is kept on the job's record, so it borrows nothing, and can be sent to another thread"
)]
pub trait Output: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Output for T {}
