//! Flattened parts.

use crate::shape;

shape! { flattened FlatStructShape: Inner, |d| Inner { text: d.text(), more: d.option(Draws::integer) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String, more: Option<i64> }
}
shape! { flattened FlatDenyingShape: Inner, |d| Inner { text: d.text(), leaf: Leaf { number: d.integer() } };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String, leaf: Leaf }
    #[value]
    #[serde(deny_unknown_fields)]
    #[derive(Clone, Debug, PartialEq)]
    struct Leaf { number: i64 }
}
shape! { flattened FlatOptionShape: Option<Inner>, |d| d.option(|d| Inner { text: d.text(), more: d.integer() });
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String, more: i64 }
}
shape! { flattened FlatTwiceShape: Middle, |d| Middle { text: d.text(), inner: Inner { number: d.integer(), leaf: Leaf { is: d.truth() } } };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Middle { text: String, #[serde(flatten)] inner: Inner }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { number: i64, leaf: Leaf }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Leaf { is: bool }
}
shape! { flattened FlatInternalShape: Means, |d| { let text = d.text(); d.pick([Means::Cash, Means::Card { number: text.clone() }, Means::Transfer(Transfer { iban: text })]) };
    #[value]
    #[serde(tag = "kind", rename_all = "snake_case")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card { number: String }, Transfer(Transfer) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Transfer { iban: String }
}
shape! { flattened FlatAdjacentShape: Means, |d| { let text = d.text(); d.pick([Means::Cash, Means::Card { number: text.clone() }, Means::Text(text)]) };
    #[value]
    #[serde(tag = "kind", content = "of")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card { number: String }, Text(String) }
}
shape! { flattened FlatUntaggedShape: Means, |d| { let text = d.text(); d.pick([Means::Card { number: text.clone() }, Means::Account(Account { iban: text })]) };
    #[value]
    #[serde(untagged)]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Card { number: String }, Account(Account) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Account { iban: String }
}
shape! { flattened FlatExternalShape: Means, |d| { let text = d.text(); d.pick([Means::Card { number: text.clone() }, Means::Account(text)]) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Card { number: String }, Account(String) }
}
shape! { flattened FlatExternalUnitsShape: Means, |d| { let text = d.text(); d.pick([Means::Cash, Means::Free, Means::Card { number: text }]) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    enum Means {
        /// In coins.
        Cash,
        Free,
        Card { number: String },
    }
}
shape! { flattened FlatOptionInternalShape: Option<Means>, |d| { let text = d.text(); d.option(|d| d.pick([Means::Cash, Means::Card { number: text.clone() }])) };
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card { number: String } }
}
shape! { flattened FlatMapShape: BTreeMap<String, String>, |d| d.list(|d| (d.name(), d.text())), open: [""]; }
shape! { flattened FlatAnyShape: BTreeMap<String, Value>, |d| d.list(|d| (d.name(), json!({ "a": d.integer() }))), open: ["", "x", "z", "y~1z", "ö", "other"]; }
shape! { flattened FlatStructAndEnumsShape: Parts, |d| { let text = d.text(); Parts { name: text.clone(), means: d.pick([Means::Cash, Means::Card(Card { number: text.clone() })]), state: d.pick([State::Open { since: 1 }, State::Closed]), card: Card { number: text } } };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Parts { name: String, #[serde(flatten)] means: Means, #[serde(flatten)] state: State, card: Card }
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card(Card) }
    #[value]
    #[serde(tag = "state")]
    #[derive(Clone, Debug, PartialEq)]
    enum State { Open { since: i64 }, Closed }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String }
}
shape! { FlatInsideShape: Outer, |d| { let text = d.text(); Outer { list: d.list(|_| Inner { text: text.clone(), means: Means::Card { number: text.clone() } }), by_name: d.list(|d| (d.name(), Inner { text: d.text(), means: Means::Cash })) } }, open: ["by_name"];
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Outer { list: Vec<Inner>, by_name: HashMap<String, Inner> }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Inner { text: String, #[serde(flatten)] means: Means }
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card { number: String } }
}
shape! { FlatRecursiveShape: Node, |d| node(d, 5);
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Node { label: String, #[serde(flatten)] kind: Kind }
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Kind { Leaf { number: i64 }, Branch { nodes: Vec<Node> } }
    fn node(d: &mut Draws, depth: u8) -> Node {
        let kind = if depth == 0 || d.truth() { Kind::Leaf { number: d.integer() } } else { Kind::Branch { nodes: d.list(|d| node(d, depth - 1)) } };
        Node { label: d.text(), kind }
    }
}
shape! { FlatDefaultsShape: Outer, |d| Outer { a: d.integer(), inner: Inner { b: d.integer(), c: d.option(Draws::text) } };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Outer { #[serde(default)] a: i64, #[serde(flatten, default)] inner: Inner }
    #[value]
    #[serde(default, rename_all = "UPPERCASE")]
    #[derive(Clone, Debug, PartialEq, Default)]
    struct Inner { b: i64, #[serde(skip_serializing_if = "Option::is_none")] c: Option<String> }
}
