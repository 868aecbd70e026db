//! What a part of a domain can do, as functions without its types.
//!
//! They are generated for each type of each program, so they are short, and leave to others what needs no type.

use std::any::Any;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::de::StrRead;

use crate::invariant::Verdict;
use crate::registration::Keys;
use crate::{Command, Creation, Entity, EntityHandler, Invariant, Json, Key};

/// A command, an event or an entity.
pub(crate) type AnyValue = Box<dyn Any + Send + Sync>;

/// Reads a value of a type.
pub(crate) type Parse = fn(&mut JsonReader<'_>) -> serde_json::Result<AnyValue>;

pub(crate) type JsonReader<'a> = serde_json::Deserializer<StrRead<'a>>;

/// Reads the value that a text is.
pub(crate) fn parse(json: &str, parse: Parse) -> serde_json::Result<AnyValue> {
    let mut reader = JsonReader::from_str(json);
    let value = parse(&mut reader)?;
    reader.end()?;
    Ok(value)
}

pub(crate) fn parse_as<T: DeserializeOwned + Send + Sync + 'static>(
    reader: &mut JsonReader<'_>,
) -> serde_json::Result<AnyValue> {
    Ok(Box::new(T::deserialize(reader)?))
}

pub(crate) fn to_json<T: Serialize + 'static>(value: &dyn Any) -> serde_json::Result<Json> {
    Json::of(cast_ref::<T>(value))
}

pub(crate) fn key<E: Entity>(entity: &dyn Any) -> Option<Key> {
    Key::of(cast_ref::<E>(entity).id())
}

pub(crate) fn keys<C: Command>(command: &dyn Any) -> Keys {
    Keys::of(cast_ref::<C>(command))
}

pub(crate) fn create<H: EntityHandler>(command: &dyn Any) -> AnyValue {
    match H::creation() {
        Creation::Always(from) | Creation::IfMissing(from) => Box::new(from(cast_ref(command))),
        Creation::Never => unreachable!("this function is kept for a policy that creates"),
    }
}

pub(crate) fn check<I: Invariant>(entity: &dyn Any, when: &dyn Any) -> Verdict {
    I::check(cast_ref(entity), cast_ref(when))
}

pub(crate) fn cast<T: 'static>(value: AnyValue) -> T {
    match value.downcast() {
        Ok(value) => *value,
        Err(_) => not_own(),
    }
}

pub(crate) fn cast_ref<T: 'static>(value: &dyn Any) -> &T {
    match value.downcast_ref() {
        Some(value) => value,
        None => not_own(),
    }
}

pub(crate) fn cast_mut<T: 'static>(value: &mut dyn Any) -> &mut T {
    match value.downcast_mut() {
        Some(value) => value,
        None => not_own(),
    }
}

fn not_own() -> ! {
    unreachable!("a part is only given values that it has made itself")
}
