//! Enums in each representation.

use crate::shape;

shape! { WordsShape: Word, |d| d.pick([Word::One, Word::TwoWords, Word::Three]);
    #[value]
    #[serde(rename_all = "snake_case")]
    #[derive(Clone, Debug, PartialEq)]
    enum Word { One, TwoWords, #[serde(rename = "3")] Three }
}
shape! { DescribedWordsShape: Word, |d| d.pick([Word::One, Word::Two]);
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    enum Word {
        /// The first.
        One,
        /// The second.
        Two,
    }
}
shape! { ExternalShape: Means, |d| { let (number, text, card) = (d.integer(), d.text(), Card { number: d.text() });
        d.pick([Means::Cash, Means::Card(card), Means::Account(text.clone()), Means::Cheque { number, note: Some(text) }, Means::Coins(number, 2), Means::Nothing {}]) };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card(Card), Account(String), Cheque { number: i64, note: Option<String> }, Coins(i64, u8), Nothing {} }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String }
}
shape! { ExternalRenamedShape: Means, |d| { let text = d.text(); d.pick([Means::InCash, Means::ByCard { card_number: text.clone() }, Means::Other(text)]) };
    #[value]
    #[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { InCash, ByCard { card_number: String }, #[serde(rename = "a b")] Other(String) }
}
shape! { InternalShape: Means, |d| { let text = d.text(); d.pick([Means::Cash, Means::Card { number: text }]) };
    #[value]
    #[serde(tag = "kind", rename_all = "snake_case")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card { number: String } }
}
shape! { InternalNewtypeShape: Means, |d| { let text = d.text(); d.pick([Means::Cash, Means::Card(Card { number: text.clone() }), Means::Transfer(Transfer { iban: text, note: None })]) };
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card(Card), Transfer(Transfer) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Transfer { iban: String, note: Option<String> }
}
shape! { InternalNewtypeDenyingShape: Means, |d| { let text = d.text(); d.pick([Means::Card(Card { number: text.clone() }), Means::Whole(Whole { card: Card { number: text } })]) };
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Card(Card), Whole(Whole) }
    #[value]
    #[serde(deny_unknown_fields)]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String }
    #[value]
    #[serde(deny_unknown_fields)]
    #[derive(Clone, Debug, PartialEq)]
    struct Whole { card: Card }
}
shape! { InternalNewtypeSharedShape: Both, |d| { let text = d.text(); Both { card: Card { number: text.clone() }, means: d.option(|_| Means::Card(Card { number: text.clone() })) } };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Both { card: Card, means: Option<Means> }
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Card(Card) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String }
}
shape! { InternalNewtypeOfMapShape: Means, |d| { let map = d.list(|d| (d.name(), d.text())); d.pick([Means::Cash, Means::Named(map)]) }, open: ["value"];
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Named(BTreeMap<String, String>) }
}
shape! { InternalOfInternalShape: Outer, |d| { let text = d.text(); d.pick([Outer::None, Outer::Some(Inner::A { text: text.clone() }), Outer::Some(Inner::B(Leaf { text }))]) };
    #[value]
    #[serde(tag = "outer")]
    #[derive(Clone, Debug, PartialEq)]
    enum Outer { None, Some(Inner) }
    #[value]
    #[serde(tag = "inner")]
    #[derive(Clone, Debug, PartialEq)]
    enum Inner { A { text: String }, B(Leaf) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Leaf { text: String }
}
shape! { InternalOfFlattenedShape: Means, |d| { let text = d.text(); d.pick([Means::Cash, Means::Card(Card { number: text.clone(), common: Common { note: text } })]) };
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card(Card) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String, #[serde(flatten)] common: Common }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Common { note: String }
}
shape! { InternalUnitStructShape: Means, |d| d.pick([Means::Cash(Cash), Means::Other]);
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash(Cash), Other }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Cash;
}
shape! { InternalRecursiveShape: Term, |d| term(d, 5);
    #[value]
    #[serde(tag = "op")]
    #[derive(Clone, Debug, PartialEq)]
    enum Term { Number { of: i64 }, Not { of: Box<Term> }, Sum { of: Vec<Term> } }
    fn term(d: &mut Draws, depth: u8) -> Term {
        match if depth == 0 { 0 } else { d.number(3) } {
            0 => Term::Number { of: d.integer() },
            1 => Term::Not { of: Box::new(term(d, depth - 1)) },
            _ => Term::Sum { of: d.list(|d| term(d, depth - 1)) },
        }
    }
}
shape! { AdjacentShape: Means, |d| { let (number, text) = (d.integer(), d.text()); d.pick([Means::Cash, Means::Card { number: text.clone() }, Means::Account(text.clone()), Means::Coins(number, text)]) };
    #[value]
    #[serde(tag = "kind", content = "of")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Cash, Card { number: String }, Account(String), Coins(i64, String) }
}
shape! { AdjacentNewtypeShape: Means, |d| { let text = d.text(); d.pick([Means::Card(Card { number: text.clone() }), Means::Cards(vec![Card { number: text }])]) };
    #[value]
    #[serde(tag = "t", content = "c")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Card(Card), Cards(Vec<Card>) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String }
}
shape! { UntaggedShape: Means, |d| { let (number, text) = (d.integer(), d.text()); d.pick([Means::Card { number: text.clone() }, Means::Account { iban: text.clone() }, Means::Number(number), Means::Text(text), Means::None]) };
    #[value]
    #[serde(untagged)]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Card { number: String }, Account { iban: String }, Number(i64), Text(String), None }
}
shape! { UntaggedNewtypeShape: Means, |d| { let text = d.text(); d.pick([Means::Card(Card { number: text.clone() }), Means::Many(vec![Account { iban: text.clone() }]), Means::Account(Account { iban: text })]) };
    #[value]
    #[serde(untagged)]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Card(Card), Account(Account), Many(Vec<Account>) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Card { number: String }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Account { iban: String }
}
shape! { OneUntaggedShape: Means, |d| { let text = d.text(); d.pick([Means::Card { number: text.clone() }, Means::Other(Other { text })]) };
    #[value]
    #[serde(tag = "kind")]
    #[derive(Clone, Debug, PartialEq)]
    enum Means { Card { number: String }, #[serde(untagged)] Other(Other) }
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Other { text: String }
}
shape! { StdEnumsShape: Std, |d| { let number = d.integer(); let text = d.text(); Std { result: d.pick([Ok(number), Err(text)]), range: 1..number, bound: d.pick([std::ops::Bound::Included(number), std::ops::Bound::Unbounded]) } };
    #[value]
    #[derive(Clone, Debug, PartialEq)]
    struct Std { result: Result<i64, String>, range: std::ops::Range<i64>, bound: std::ops::Bound<i64> }
}
