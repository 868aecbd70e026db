/// The sequence number of a job. Counts from 1 and is never reused.
pub(super) type Seq = u64;
