//! A walk over a value as `serde` shows it, which finds what its JSON would not.
//!
//! JSON has no NaN and no infinity: `serde_json` writes `null` for them, as it does for `None` and for `Some(())`. The text alone
//! does not tell them apart.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// The deepest nesting that `serde_json` reads.
pub(crate) const MAX_DEPTH: usize = 127;

/// A value that is written as `null`, or not read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    Nan,
    Infinity,
    NegativeInfinity,
    /// `Some` of a value that is written as `null`.
    SomeNull,
    /// An array or an object below [`MAX_DEPTH`] others. The walk ends there.
    TooDeep,
}

/// What a walk has found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    depth: usize,
    /// The tokens of the pointer to the current value; `None` if nobody asks for pointers.
    path: Option<Vec<Cow<'static, str>>>,
    oddities: Vec<Oddity>,
    pointers: Vec<String>,
}

/// Walks over a value. The oddities are in the order of the walk.
pub(super) fn oddities<T: Serialize + ?Sized>(value: &T) -> Vec<Oddity> {
    let mut walk = Walk::default();
    // An error of a `Serialize` of the value's own is reported when the value is written.
    let _ = value.serialize(&mut walk);
    walk.oddities
}

/// The JSON pointer of each oddity, in the same order.
pub(super) fn pointers<T: Serialize + ?Sized>(value: &T) -> Vec<String> {
    let mut walk = Walk { path: Some(Vec::new()), ..Walk::default() };
    let _ = value.serialize(&mut walk);
    walk.pointers
}

impl Walk {
    #[cold]
    fn found(&mut self, oddity: Oddity) {
        self.oddities.push(oddity);
        if let Some(path) = &self.path {
            let escaped = path.iter().map(|token| token.replace('~', "~0").replace('/', "~1"));
            self.pointers.push(escaped.flat_map(|token| ["/".to_owned(), token]).collect());
        }
    }

    fn enter(&mut self) -> Result<(), Stopped> {
        if self.depth == MAX_DEPTH {
            self.found(Oddity::TooDeep);
            return Err(Stopped);
        }
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Walks over a part of the current value.
    fn part<T: Serialize + ?Sized>(
        &mut self,
        token: impl FnOnce() -> Cow<'static, str>,
        value: &T,
    ) -> Result<(), Stopped> {
        if let Some(path) = &mut self.path {
            path.push(token());
        }
        value.serialize(&mut *self)?;
        if let Some(path) = &mut self.path {
            path.pop();
        }
        Ok(())
    }

    fn float(&mut self, value: f64) {
        if !value.is_finite() {
            self.found(match value {
                f64::INFINITY => Oddity::Infinity,
                f64::NEG_INFINITY => Oddity::NegativeInfinity,
                _ => Oddity::Nan,
            });
        }
    }
}

/// Whether a value is written as `null` because it has no content.
type IsNull = Result<bool, Stopped>;

/// The walk has ended early.
#[derive(Debug)]
pub(super) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

impl Error for Stopped {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! not_null {
    ($($method:ident($type:ty),)*) => {
        $(fn $method(self, _: $type) -> IsNull {
            Ok(false)
        })*
    };
}

impl<'w> Serializer for &'w mut Walk {
    type Ok = bool;
    type Error = Stopped;
    type SerializeSeq = Parts<'w>;
    type SerializeTuple = Parts<'w>;
    type SerializeTupleStruct = Parts<'w>;
    type SerializeTupleVariant = Parts<'w>;
    type SerializeMap = Parts<'w>;
    type SerializeStruct = Parts<'w>;
    type SerializeStructVariant = Parts<'w>;

    not_null! {
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_char(char),
        serialize_str(&str),
        serialize_bytes(&[u8]),
    }

    fn serialize_f32(self, value: f32) -> IsNull {
        self.float(value.into());
        Ok(false)
    }

    fn serialize_f64(self, value: f64) -> IsNull {
        self.float(value);
        Ok(false)
    }

    fn serialize_none(self) -> IsNull {
        Ok(true)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> IsNull {
        let is_null = value.serialize(&mut *self)?;
        if is_null {
            self.found(Oddity::SomeNull);
        }
        Ok(is_null)
    }

    fn serialize_unit(self) -> IsNull {
        Ok(true)
    }

    fn serialize_unit_struct(self, _: &'static str) -> IsNull {
        Ok(true)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> IsNull {
        Ok(false)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> IsNull {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> IsNull {
        self.enter()?;
        self.part(|| variant.into(), value)?;
        self.leave();
        Ok(false)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'w>, Stopped> {
        Parts::of(self, None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'w>, Stopped> {
        Parts::of(self, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'w>, Stopped> {
        Parts::of(self, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'w>, Stopped> {
        Parts::of(self, Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'w>, Stopped> {
        Parts::of(self, None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'w>, Stopped> {
        Parts::of(self, None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'w>, Stopped> {
        Parts::of(self, Some(variant))
    }
}

/// The elements of an array, or the fields of an object.
pub(super) struct Parts<'w> {
    walk: &'w mut Walk,
    /// The number of elements so far.
    index: usize,
    /// The key of the next entry of a map, if pointers are asked for.
    key: Cow<'static, str>,
    /// Whether they are in an object that has the variant's name.
    is_variant: bool,
}

impl<'w> Parts<'w> {
    fn of(walk: &'w mut Walk, variant: Option<&'static str>) -> Result<Self, Stopped> {
        if let Some(variant) = variant {
            walk.enter()?;
            if let Some(path) = &mut walk.path {
                path.push(variant.into());
            }
        }
        walk.enter()?;
        Ok(Self { walk, index: 0, key: Cow::Borrowed(""), is_variant: variant.is_some() })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stopped> {
        let index = self.index;
        self.index += 1;
        self.walk.part(|| index.to_string().into(), value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stopped> {
        self.walk.part(|| name.into(), value)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the end of each kind of parts returns it")]
    fn finish(self) -> IsNull {
        if self.is_variant {
            if let Some(path) = &mut self.walk.path {
                path.pop();
            }
            self.walk.leave();
        }
        self.walk.leave();
        Ok(false)
    }
}

macro_rules! of_elements {
    ($($kind:ident::$method:ident,)*) => {
        $(impl $kind for Parts<'_> {
            type Ok = bool;
            type Error = Stopped;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stopped> {
                self.element(value)
            }

            fn end(self) -> IsNull {
                self.finish()
            }
        })*
    };
}

of_elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! of_fields {
    ($($kind:ident,)*) => {
        $(impl $kind for Parts<'_> {
            type Ok = bool;
            type Error = Stopped;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Stopped> {
                self.field(name, value)
            }

            fn end(self) -> IsNull {
                self.finish()
            }
        })*
    };
}

of_fields! {
    SerializeStruct,
    SerializeStructVariant,
}

impl SerializeMap for Parts<'_> {
    type Ok = bool;
    type Error = Stopped;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stopped> {
        if self.walk.path.is_some() {
            self.key = match serde_json::to_value(key) {
                Ok(serde_json::Value::String(text)) => text.into(),
                Ok(other) => other.to_string().into(),
                Err(_) => "?".into(),
            };
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stopped> {
        let key = std::mem::take(&mut self.key);
        self.walk.part(|| key, value)
    }

    fn end(self) -> IsNull {
        self.finish()
    }
}
