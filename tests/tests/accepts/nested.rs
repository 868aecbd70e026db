//! A domain in nested modules, and one inside a function.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use super::execute;

mod events {
    pub(super) mod inner {
        use enact::prelude::*;

        /// A bell was rung.
        #[event]
        pub(in super::super) struct Rung {
            pub(in super::super) times: u64,
        }
    }
}

mod commands {
    use enact::prelude::*;

    /// Ring a bell.
    #[command(target = bell)]
    pub(super) struct Ring {
        pub(super) bell: super::entities::BellId,
    }
}

mod entities {
    use enact::prelude::*;

    #[value]
    #[derive(Clone)]
    pub(super) struct BellId(pub(super) u64);

    /// A bell.
    #[entity(id = number)]
    pub(super) struct Bell {
        pub(super) number: BellId,
        pub(super) rung: u64,
    }

    impl From<&super::commands::Ring> for Bell {
        fn from(ring: &super::commands::Ring) -> Self {
            Self { number: ring.bell.clone(), rung: 0 }
        }
    }
}

mod handlers {
    use super::events::inner;

    #[enact::command(create = if_missing)]
    async fn ring(
        _ring: super::commands::Ring,
        bell: &mut super::entities::Bell,
    ) -> Result<u64, enact::Failure> {
        bell.rung += 1;
        enact::emit(inner::Rung { times: bell.rung });
        Ok(bell.rung)
    }

    #[enact::event_handler]
    async fn hear(_rung: inner::Rung) {}

    /// A bell does not wear out.
    #[enact::invariant(when = inner::Rung)]
    fn lasting(bell: &super::entities::Bell, rung: &inner::Rung) -> bool {
        bell.rung == rung.times
    }
}

#[tokio::test]
async fn a_domain_may_be_spread_over_modules() {
    let ring = commands::Ring { bell: entities::BellId(1) };
    assert_eq!(execute(ring).await.expect("it rings"), 1);
}

#[tokio::test]
async fn a_domain_may_be_inside_a_function() {
    use enact::prelude::*;

    /// A door.
    #[entity]
    struct Door {
        id: u8,
        is_open: bool,
    }

    /// Open a door.
    #[command(target = door)]
    struct Open {
        door: u8,
    }

    impl From<&Open> for Door {
        fn from(open: &Open) -> Self {
            Self { id: open.door, is_open: false }
        }
    }

    /// How a door is opened.
    #[strategy]
    trait Opening {
        fn opens(&self) -> bool;
    }

    struct Pull;

    #[strategy(variant)]
    impl Opening for Pull {
        fn opens(&self) -> bool {
            true
        }
    }

    #[strategy(policy)]
    fn opening(_context: &ExecutionContext) -> Box<dyn Opening> {
        Box::new(Pull)
    }

    /// A door that is opened is open.
    #[invariant(when = Open)]
    fn closed(door: &Door) -> bool {
        !door.is_open
    }

    #[command(create = if_missing)]
    async fn open(_open: Open, door: &mut Door, opening: Box<dyn Opening>) {
        door.is_open = opening.opens();
    }

    execute(Open { door: 1 }).await.expect("it opens");
}
