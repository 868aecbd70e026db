//! The events or commands that a test expects: one, or several of any types.

use serde::Serialize;
use serde_json::Value;

use crate::domain::{Command, Event};

/// A command or an event, as it is stored.
#[derive(Debug, PartialEq)]
pub struct Message {
    pub(super) name: String,
    pub(super) payload: Value,
}

impl Message {
    #[track_caller]
    pub(super) fn of<T: Serialize>(name: &str, message: &T) -> Self {
        let payload = serde_json::to_value(message)
            .unwrap_or_else(|error| panic!("the expected `{name}` cannot be written as JSON: {error}"));
        Self { name: name.to_owned(), payload }
    }
}

macro_rules! list {
    ($(#[$doc:meta])* $list:ident of $message:ident) => {
        $(#[$doc])*
        pub trait $list {
            /// Each, in order.
            #[doc(hidden)]
            fn into_messages(self) -> Vec<Message>;
        }

        impl<M: $message> $list for M {
            #[track_caller]
            fn into_messages(self) -> Vec<Message> {
                vec![Message::of(M::NAME, &self)]
            }
        }

        impl<L: $list, const N: usize> $list for [L; N] {
            fn into_messages(self) -> Vec<Message> {
                self.into_iter().flat_map(L::into_messages).collect()
            }
        }

        impl<L: $list> $list for Vec<L> {
            fn into_messages(self) -> Vec<Message> {
                self.into_iter().flat_map(L::into_messages).collect()
            }
        }

        list!(@tuple $list A a);
        list!(@tuple $list A a, B b);
        list!(@tuple $list A a, B b, C c);
        list!(@tuple $list A a, B b, C c, D d);
        list!(@tuple $list A a, B b, C c, D d, E e);
        list!(@tuple $list A a, B b, C c, D d, E e, F f);
    };
    (@tuple $list:ident $($type:ident $value:ident),+) => {
        impl<$($type: $list),+> $list for ($($type,)+) {
            fn into_messages(self) -> Vec<Message> {
                let ($($value,)+) = self;
                [$($value.into_messages()),+].into_iter().flatten().collect()
            }
        }
    };
}

list! {
    /// Events that a test expects, in order: one, an array or vector of one type, or a tuple of up to six types.
    EventList of Event
}
list! {
    /// Commands that a test expects, in order: one, an array or vector of one type, or a tuple of up to six types.
    CommandList of Command
}
