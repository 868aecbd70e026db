//! Type erasure of commands, events and entities.
//!
//! These functions are instantiated for each type of a domain. They are short, to keep compile times low: what needs no
//! type parameter is elsewhere.

use std::any::{Any, TypeId};

use serde::de::DeserializeOwned;
use serde_json::de::StrRead;

use super::command::Command;
use super::entity::Entity;
use super::round_trip::{NotStorable, Written, readable_json};
use crate::model::{AnyValue, Json, Key};

/// Deserializes a value of the type that the function is an instance for.
pub(crate) type Parse = fn(&mut JsonReader<'_>) -> serde_json::Result<AnyValue>;

pub(crate) type JsonReader<'a> = serde_json::Deserializer<StrRead<'a>>;

/// Deserializes a whole text.
pub(crate) fn parse(json: &str, parse: Parse) -> serde_json::Result<AnyValue> {
    let mut reader = JsonReader::from_str(json);
    let value = parse(&mut reader)?;
    reader.end()?;
    Ok(value)
}

pub(crate) fn parse_as<T: DeserializeOwned + Send + Sync + 'static>(
    reader: &mut JsonReader<'_>,
) -> serde_json::Result<AnyValue> {
    T::deserialize(reader).map(AnyValue::new)
}

pub(crate) fn to_json<E: Entity>(entity: &dyn Any) -> Result<Json, NotStorable> {
    readable_json(cast_ref::<E>(entity))
}

pub(crate) fn key<E: Entity>(entity: &dyn Any) -> Option<Key> {
    Key::of(cast_ref::<E>(entity).id())
}

pub(crate) fn keys<C: Command>(command: &dyn Any) -> Keys {
    Keys::of(cast_ref::<C>(command))
}

pub(crate) fn cast<T: 'static>(value: AnyValue) -> T {
    value.into_inner().unwrap_or_else(|| type_mismatch())
}

pub(crate) fn cast_ref<T: 'static>(value: &dyn Any) -> &T {
    match value.downcast_ref() {
        Some(value) => value,
        None => type_mismatch(),
    }
}

pub(crate) fn cast_mut<T: 'static>(value: &mut dyn Any) -> &mut T {
    match value.downcast_mut() {
        Some(value) => value,
        None => type_mismatch(),
    }
}

fn type_mismatch() -> ! {
    unreachable!("each part of a domain is called with values of its own type only")
}

/// An entity type, as a table of functions.
#[derive(Clone, Copy)]
pub(crate) struct EntityPart {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
    pub(crate) parse: Parse,
    pub(crate) to_json: fn(&dyn Any) -> Result<Json, NotStorable>,
    pub(crate) key: fn(&dyn Any) -> Option<Key>,
}

impl EntityPart {
    pub(crate) fn of<E: Entity>() -> Self {
        Self {
            type_id: TypeId::of::<E>(),
            name: E::NAME,
            parse: parse_as::<E>,
            to_json: to_json::<E>,
            key: key::<E>,
        }
    }
}

/// The fields of a command that the runtime reads.
#[derive(Clone, Copy)]
pub(crate) struct KeyFields {
    pub(crate) target: Option<&'static str>,
    pub(crate) idempotency_key: Option<&'static str>,
    pub(crate) order_by: Option<&'static str>,
}

/// The values of these fields in one command.
pub(crate) struct Keys {
    pub(crate) target: Option<Key>,
    pub(crate) idempotency_key: Option<Key>,
    pub(crate) order_key: Option<Key>,
}

impl Keys {
    pub(crate) fn of<C: Command>(command: &C) -> Self {
        Self {
            target: command.target(),
            idempotency_key: command.idempotency_key(),
            order_key: command.order_key(),
        }
    }
}

/// A command with its type erased: its JSON and its keys.
pub(crate) struct AnyCommand {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
    pub(crate) json: Result<Written, NotStorable>,
    pub(crate) keys: Keys,
}

impl AnyCommand {
    pub(crate) fn of<C: Command>(command: &C) -> Self {
        Self {
            type_id: TypeId::of::<C>(),
            name: C::NAME,
            json: Written::of(command),
            keys: Keys::of(command),
        }
    }
}
