//! Structs and their serde options.

use crate::shape;

shape! { PlainShape: Plain, |d| Plain { text: d.text(), number: d.integer(), is: d.truth(), real: d.fraction(), letter: d.pick(['x', 'ß']) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Plain { text: String, number: i64, is: bool, real: f64, letter: char }
}
shape! { EmptyShape: Empty, |_| Empty {};
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Empty {}
}
shape! { EmptyInEachPlaceShape: Empties, |d| { let empty = || Empty {}; Empties { list: d.list(|_| empty()), option: d.option(|_| empty()), external: d.pick([External::A {}, External::B(empty()), External::C]), internal: d.pick([Internal::A {}, Internal::B(empty()), Internal::C]), adjacent: d.pick([Adjacent::A {}, Adjacent::B(empty())]), flat: empty() } };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Empties { list: Vec<Empty>, option: Option<Empty>, external: External, internal: Internal, adjacent: Adjacent, #[serde(flatten)] flat: Empty }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Empty {}
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    enum External { A {}, B(Empty), C }
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Internal { A {}, B(Empty), C }
    #[value]
    #[serde(tag = "kind", content = "of")]
    #[derive(Clone, Debug, PartialEq)]
    enum Adjacent { A {}, B(Empty) }
}
shape! { UnitShape: Unit, |_| Unit;
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Unit;
}
shape! { NewtypeShape: Name, |d| Name(d.text());
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Name(String);
}
shape! { NewtypeOfStructShape: Outer, |d| Outer(Inner { text: d.text() });
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Outer(Inner);
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String }
}
shape! { TransparentShape: Outer, |d| Outer { inner: Inner { text: d.text() } };
    #[value]
    #[serde(transparent)]
    #[derive(Clone, Debug, PartialEq)]
    struct Outer { inner: Inner }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String }
}
shape! { TupleStructShape: Pair, |d| Pair(d.integer(), Inner { text: d.option(Draws::text) });
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Pair(i64, Inner);
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: Option<String> }
}
shape! { RenamedShape: Renamed, |d| Renamed { text: d.text(), other_name: d.integer(), raw: d.truth() };
    #[value]
    #[serde(rename_all = "camelCase")]
    #[derive(Clone, Debug, PartialEq)]
    struct Renamed { #[serde(rename = "a/ü ~")] text: String, other_name: i64, #[serde(rename = "type")] raw: bool }
}
shape! { ShoutingShape: Shouting, |d| Shouting { some_text: d.text(), some_more: d.integer() };
    #[value]
    #[serde(rename_all = "SCREAMING-KEBAB-CASE")]
    #[derive(Clone, Debug, PartialEq)]
    struct Shouting { some_text: String, some_more: i64 }
}
shape! { DefaultsShape: Defaults, |d| Defaults { a: d.integer(), b: d.text(), c: d.list(Draws::integer), d: d.option(Draws::integer) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Defaults { #[serde(default)] a: i64, #[serde(default = "seven")] b: String, #[serde(default)] c: Vec<i64>, d: Option<i64> }
    fn seven() -> String { "7".to_owned() }
}
shape! { DefaultOfAllShape: Defaults, |d| Defaults { a: d.integer(), b: d.text() };
    #[value]
    #[serde(default)]
    #[derive(Clone, Debug, PartialEq, Default)]
    struct Defaults { a: i64, b: String }
}
shape! { SkippedShape: Skipped, |d| Skipped { kept: d.text(), gone: 0, none: d.option(Draws::text), few: d.list(Draws::text) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Skipped {
        kept: String,
        #[serde(skip)]
        gone: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        none: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        few: Vec<String>,
    }
}
shape! { WrittenOnlyShape: Written, |d| Written { text: d.text(), computed: 0 };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Written { text: String, #[serde(skip_deserializing)] computed: u8 }
}
shape! { ReadOnlyShape: Read, |d| Read { text: d.text(), given: 0 };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Read { text: String, #[serde(skip_serializing, default)] given: u8 }
}
shape! { WithModuleShape: Timed, |d| Timed { millis: Duration::from_millis(d.number(1 << 40)), plain: Duration::new(d.number(99), 7) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Timed { #[serde(with = "millis")] #[schemars(with = "u64")] millis: Duration, plain: Duration }
    mod millis {
        use serde::{Deserialize, Deserializer, Serializer};
        use std::time::Duration;
        pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u64(u64::try_from(value.as_millis()).unwrap())
        }
        pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
            u64::deserialize(deserializer).map(Duration::from_millis)
        }
    }
}
shape! { TryFromShape: Even, |d| Even(d.integer() / 4 * 2);
    #[value]
    #[serde(try_from = "i64", into = "i64")]
    #[derive(Clone, Debug, PartialEq)]
    struct Even(i64);
    impl TryFrom<i64> for Even {
        type Error = String;
        fn try_from(number: i64) -> Result<Self, String> {
            if number % 2 == 0 { Ok(Self(number)) } else { Err(format!("{number} is odd")) }
        }
    }
    impl From<Even> for i64 {
        fn from(even: Even) -> Self { even.0 }
    }
}
shape! { DenyUnknownShape: Strict, |d| Strict { text: d.text(), inner: Inner { number: d.integer() } };
    #[value]
    #[serde(deny_unknown_fields)]
    #[derive(Clone, Debug, PartialEq)]
    struct Strict { text: String, inner: Inner }
    #[value]
    #[serde(deny_unknown_fields)]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { number: i64 }
}
shape! { RecursiveShape: Tree, |d| tree(d, 4);
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Tree { label: String, left: Option<Box<Tree>>, #[serde(default)] rest: Vec<Tree> }
    fn tree(d: &mut Draws, depth: u8) -> Tree {
        let deeper = |d: &mut Draws| tree(d, depth - 1);
        Tree {
            label: d.text(),
            left: if depth > 0 { d.option(|d| Box::new(deeper(d))) } else { None },
            rest: if depth > 0 { d.list(deeper) } else { Vec::new() },
        }
    }
}
shape! { GenericShape: Pair<Inner, Option<i64>>, |d| Pair { left: Inner { text: d.text() }, right: d.option(Draws::integer) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Pair<L, R> { left: L, right: R }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String }
}
