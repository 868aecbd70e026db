//! Records that cannot be read.

use crate::model::{Failure, FailureKind, Unreadable};

/// The failure of a job that cannot be read, with the code `unreadable_job` ([r07](crate::rules#r07)). It names each column.
pub fn unreadable_job(parts: &[Unreadable]) -> Failure {
    let mut message = "the stored job cannot be read".to_owned();
    for (index, part) in parts.iter().enumerate() {
        message.push_str(if index == 0 { ": " } else { "; " });
        message.push_str(&part.to_string());
    }
    message.push_str(". Correct the stored job and retry it, or submit it again");
    Failure::new(FailureKind::Error, "unreadable_job", message).permanent()
}
