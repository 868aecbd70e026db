//! Values as they are stored: texts without NUL, times as microseconds, ids as UUIDs. [`cells`](crate::cells) decodes them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use enact::{JobId, Key};
use jiff::Timestamp;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// A text to store. PostgreSQL cannot store NUL, so it is U+0001 `0`, and U+0001 is U+0001 `1`. This keeps the order of bytes.
///
/// `Debug` hides it, since the driver writes parameters to its log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Text<'t>(Cow<'t, str>);

const ESCAPE: char = '\u{1}';

impl<'t> Text<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let is_plain = !text.bytes().any(|byte| byte <= 1);
        if is_plain {
            return Self(Cow::Borrowed(text));
        }
        let mut escaped = String::with_capacity(text.len() + 8);
        for character in text.chars() {
            match character {
                '\0' => escaped.extend([ESCAPE, '0']),
                ESCAPE => escaped.extend([ESCAPE, '1']),
                other => escaped.push(other),
            }
        }
        Self(Cow::Owned(escaped))
    }

    /// As [`of`](Self::of), of a text that does not live long enough.
    pub(crate) fn owned(text: &str) -> Self {
        Self(Cow::Owned(Text::of(text).0.into_owned()))
    }

    pub(crate) fn of_key(key: &'t Key) -> Self {
        Self::of(key.as_str())
    }
}

/// The text that was stored.
pub(crate) fn unescaped(stored: &str) -> Cow<'_, str> {
    if !stored.contains(ESCAPE) {
        return Cow::Borrowed(stored);
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        match (character, character == ESCAPE) {
            (other, false) => text.push(other),
            (_, true) => match characters.next() {
                Some('0') => text.push('\0'),
                Some('1') => text.push(ESCAPE),
                // Written by hand.
                other => text.extend([Some(ESCAPE), other].into_iter().flatten()),
            },
        }
    }
    Cow::Owned(text)
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl ToSql for Text<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        <&str as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

/// A time, in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Micros(i64);

/// From 1970 to 2000, where PostgreSQL's times begin.
const EPOCH: i64 = 946_684_800_000_000;

impl Micros {
    pub(crate) fn of(time: Timestamp) -> Self {
        Self(time.as_microsecond())
    }

    /// `None` if it is beyond what a [`Timestamp`] can hold, such as `infinity`.
    pub(crate) fn time(self) -> Option<Timestamp> {
        // `Timestamp::from_microsecond` refuses the last representable second.
        const SECOND: i64 = 1_000_000;
        let nanos = i32::try_from(self.0.rem_euclid(SECOND) * 1000).unwrap_or(0);
        Timestamp::new(self.0.div_euclid(SECOND), nanos).ok()
    }

    /// A time beyond what a [`Timestamp`] can hold is the earliest or the latest one.
    pub(crate) fn clamped(self) -> Timestamp {
        self.time().unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
}

impl ToSql for Micros {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        (self.0 - EPOCH).to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Micros {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(i64::from_sql(ty, raw)?.saturating_add(EPOCH)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

pub(crate) fn uuid(id: JobId) -> Uuid {
    id.into()
}

pub(crate) fn uuids(ids: &[JobId]) -> Vec<Uuid> {
    ids.iter().copied().map(uuid).collect()
}

/// A version, a sequence number or a number of rows. PostgreSQL's integers end at 2⁶³ - 1, which none of these reaches.
pub(crate) fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_restored_and_keeps_its_order() {
        let texts = ["", "\0", "\0\0", "\0\u{1}", "\u{1}", "\u{1}0", "\u{2}", "a", "a\0", "a\u{1}b", "ab"];
        let stored: Vec<_> = texts.iter().map(|text| Text::of(text).0).collect();
        for (text, stored) in texts.iter().zip(&stored) {
            assert!(!stored.contains('\0'));
            assert_eq!(unescaped(stored), *text);
        }
        let (mut by_text, mut by_stored) = (texts.to_vec(), stored.clone());
        by_text.sort_unstable();
        by_stored.sort_unstable();
        assert_eq!(by_stored.iter().map(|stored| unescaped(stored)).collect::<Vec<_>>(), by_text);
    }
}
