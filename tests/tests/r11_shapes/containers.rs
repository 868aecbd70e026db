//! Options, lists, sets, maps, and types of other crates.

use crate::shape;

shape! { OptionOfStructShape: Option<Inner>, |d| d.option(|d| Inner { text: d.text() });
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String }
}
shape! { OptionOfInternalShape: Option<Means>, |d| { let text = d.text(); d.option(|d| d.pick([Means::Cash, Means::Card(Card { number: text.clone() })])) };
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card(Card) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String }
}
shape! { OptionOfExternalShape: Option<Means>, |d| { let text = d.text(); d.option(|d| d.pick([Means::Cash, Means::Card { number: text.clone() }])) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card { number: String } }
}
shape! { OptionOfUntaggedShape: Option<Means>, |d| { let text = d.text(); d.option(|d| d.pick([Means::Text(text.clone()), Means::Card { number: text.clone() }])) };
    #[value]
    #[serde(untagged)]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Text(String), Card { number: String } }
}
shape! { ListsShape: Lists, |d| Lists { texts: d.list(Draws::text), inners: d.list(|d| Inner { number: d.integer() }), nested: d.list(|d| d.list(Draws::integer)), options: d.list(|d| d.option(|d| Inner { number: d.integer() })) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Lists { texts: Vec<String>, inners: Vec<Inner>, nested: VecDeque<Vec<i64>>, options: Vec<Option<Inner>> }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { number: i64 }
}
shape! { SetsShape: Sets, |d| Sets { sorted: d.list(Draws::integer), hashed: d.list(Draws::text) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Sets { sorted: BTreeSet<i64>, hashed: HashSet<String> }
}
shape! { MapsShape: Maps, |d| Maps { by_name: d.list(|d| (d.text(), Inner { text: d.text() })), by_hash: d.list(|d| (d.text(), d.integer())), by_number: d.list(|d| (u32::from(d.small()), d.truth())), by_sign: d.list(|d| (d.integer(), d.text())) }, open: ["by_name", "by_hash"];
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Maps { by_name: BTreeMap<String, Inner>, by_hash: HashMap<String, i64>, by_number: BTreeMap<u32, bool>, by_sign: BTreeMap<i64, String> }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String }
}
shape! { MapsByKeyShape: Maps, |d| Maps { by_word: d.list(|d| (d.pick([Word::One, Word::Two]), Inner { text: d.text() })), by_newtype: d.list(|d| (Name(d.text()), d.text())) }, open: ["by_newtype"];
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Maps { by_word: BTreeMap<Word, Inner>, by_newtype: BTreeMap<Name, String> }
    #[value]
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Word { One, Two }
    #[value]
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Name(String);
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String }
}
shape! { TuplesShape: (i64, Inner, Option<(String, bool)>), |d| (d.integer(), Inner { text: d.text() }, d.option(|d| (d.text(), d.truth())));
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String }
}
shape! { ArraysShape: [Inner; 2], |d| [Inner { text: d.text() }, Inner { text: d.text() }];
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String }
}
shape! { AnythingShape: Any, |d| { let text = d.text(); Any { any: d.pick([Value::Null, json!(text), json!({ "a": { "b": text } })]), map: d.list(|d| (d.text(), json!(d.integer()))), number: d.integer().into() } }, open: ["any", "a", "map"];
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Any { any: Value, map: serde_json::Map<String, Value>, number: serde_json::Number }
}
shape! { NumbersShape: Numbers, |d| Numbers { a: d.pick([u8::MIN, u8::MAX]), b: d.pick([i8::MIN, i8::MAX]), c: d.pick([u32::MIN, u32::MAX]), d: d.pick([i32::MIN, i32::MAX]), e: d.pick([u64::MIN, u64::MAX]), f: d.pick([i64::MIN, i64::MAX]), g: d.pick([f64::MIN, f64::MAX, 0.1, -0.0]), h: d.pick([f32::MIN, 0.1]), i: d.pick([std::num::NonZeroU32::MIN, std::num::NonZeroU32::MAX]), j: d.pick([usize::MIN, usize::MAX]) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Numbers { a: u8, b: i8, c: u32, d: i32, e: u64, f: i64, g: f64, h: f32, i: std::num::NonZeroU32, j: usize }
}
shape! { OtherCratesShape: Others, |d| Others {
        at: enact::Timestamp::from_second(d.integer() % 100_000_000_000).unwrap_or_default(), day: d.pick([jiff::civil::Date::MIN, jiff::civil::Date::MAX]),
        span: d.pick(["P1Y2M3DT4H5M6.7S", "-PT5M", "PT0S", "P3W"]).parse().map(Span).unwrap(), length: jiff::SignedDuration::new(d.integer() >> 20, 500_000_000),
        id: d.pick([uuid::Uuid::nil(), uuid::Uuid::max()]), ip: d.pick(["::1", "10.0.0.1"]).parse().unwrap(),
        job: enact::JobId::from(uuid::Uuid::max()),
    };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Others { at: enact::Timestamp, day: jiff::civil::Date, span: Span, length: jiff::SignedDuration, id: uuid::Uuid, ip: std::net::IpAddr, job: enact::JobId }
    #[value]
    #[derive(Clone, Debug)]
    struct Span(jiff::Span);
    impl PartialEq for Span {
        fn eq(&self, other: &Self) -> bool { self.0.fieldwise() == other.0.fieldwise() }
    }
}
