//! What a part of a domain can do, as functions without its types.
//!
//! They are generated for each type of each program, so they are short, and leave to others what needs no type.

use std::any::{Any, TypeId};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::de::StrRead;

use super::command::Command;
use super::entity::Entity;
use crate::model::{Json, Key};

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

/// An entity type as functions.
#[derive(Clone, Copy)]
pub(crate) struct EntityPart {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
    pub(crate) parse: Parse,
    pub(crate) to_json: fn(&dyn Any) -> serde_json::Result<Json>,
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

/// The fields of a command that mean something to the runtime.
#[derive(Clone, Copy)]
pub(crate) struct KeyFields {
    pub(crate) target: Option<&'static str>,
    pub(crate) idempotency_key: Option<&'static str>,
    pub(crate) order_by: Option<&'static str>,
}

/// What is in these fields of one command.
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

/// A command as the boundary takes it: its type, its JSON, and its keys.
pub(crate) struct AnyCommand {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
    pub(crate) json: serde_json::Result<Value>,
    pub(crate) keys: Keys,
}

impl AnyCommand {
    pub(crate) fn of<C: Command>(command: &C) -> Self {
        Self {
            type_id: TypeId::of::<C>(),
            name: C::NAME,
            json: serde_json::to_value(command),
            keys: Keys::of(command),
        }
    }
}
