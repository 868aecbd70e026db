//! What users call: start a runtime, publish, execute, emit, read.

mod boundary;
mod builder;
mod emit;
mod entities;
mod events;
mod execute;
mod job_handle;
mod job_tree;
mod jobs;
mod publish;
mod request;
#[expect(clippy::module_inception, reason = "a file has the name of the type that it holds")]
mod runtime;
mod shutdown;
mod size_limits;
mod start_error;
mod tasks;
mod wait;

pub use builder::RuntimeBuilder;
pub(crate) use emit::DraftEvent;
pub use entities::Entities;
pub use events::Events;
pub use execute::Execute;
pub use job_handle::JobHandle;
pub use job_tree::JobTreeNode;
pub use jobs::Jobs;
pub use publish::Publish;
pub use runtime::Runtime;
pub use start_error::StartError;
