//! The hash map of what the process keeps for each job.

use std::collections::HashMap;

/// The hasher of a [`FastMap`].
pub(crate) type FastHasher = foldhash::fast::RandomState;

/// A hash map that costs a fraction of the standard one for short keys. Its hasher is seeded at random for each map, since some keys
/// come from callers: keys that collide cannot be computed in advance.
pub(crate) type FastMap<K, V> = HashMap<K, V, FastHasher>;
