//! A source of random values that proptest can shrink: a list of numbers, of which each draw uses one.

use proptest::collection::vec;
use proptest::strategy::Strategy;

/// Numbers to draw from. When they are used up, each draw is 0.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    numbers: Vec<u64>,
    used: usize,
}

pub(crate) fn any() -> impl Strategy<Value = Draws> {
    vec(proptest::num::u64::ANY, 0..48).prop_map(|numbers| Draws { numbers, used: 0 })
}

impl Draws {
    fn next(&mut self) -> u64 {
        let number = self.numbers.get(self.used).copied().unwrap_or(0);
        self.used += 1;
        number
    }

    /// One of the values.
    pub(crate) fn pick<T>(&mut self, values: impl IntoIterator<Item = T>) -> T {
        let mut values: Vec<_> = values.into_iter().collect();
        let index = self.next() % values.len() as u64;
        values.swap_remove(usize::try_from(index).unwrap())
    }

    /// A number below a limit.
    pub(crate) fn number(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A number below 100.
    pub(crate) fn small(&mut self) -> u8 {
        u8::try_from(self.number(100)).unwrap()
    }

    pub(crate) fn integer(&mut self) -> i64 {
        self.next().cast_signed()
    }

    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 40).unwrap()) / 8.0
    }

    pub(crate) fn truth(&mut self) -> bool {
        self.next() % 2 == 1
    }

    pub(crate) fn text(&mut self) -> String {
        self.pick(["", "a", "Card", "ünïcode \"quoted\"", "kind", "2", "null", "a/b~c"]).to_owned()
    }

    /// The name of a field that no shape has.
    pub(crate) fn name(&mut self) -> String {
        self.pick(["x", "y/z", "ö", "other"]).to_owned()
    }

    pub(crate) fn option<T>(&mut self, draw: impl Fn(&mut Self) -> T) -> Option<T> {
        self.truth().then(|| draw(self))
    }

    pub(crate) fn list<T, L: FromIterator<T>>(&mut self, draw: impl Fn(&mut Self) -> T) -> L {
        (0..self.number(4)).map(|_| draw(self)).collect()
    }
}
