//! How schemas are compiled.

use jsonschema::ValidationOptions;

/// The options of every validator.
pub(super) fn options() -> ValidationOptions<'static> {
    jsonschema::options().offline()
}
