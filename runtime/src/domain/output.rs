use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a handler may return on success: any type that can be written as JSON and read back. It is stored with the job.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a handler",
    label = "cannot be stored as JSON",
    note = "put `#[value]` on `{Self}`, or on the types inside it, as in `Option<…>` or `Vec<…>`",
    note = "the output is stored with the job, so it must be `Send + 'static`"
)]
pub trait Output: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Output for T {}
