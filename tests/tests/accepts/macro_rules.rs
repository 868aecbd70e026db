//! Items that a macro writes: what the attributes generate is none of the macro's names.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use enact::prelude::*;

use super::execute;

macro_rules! counted {
    ($command:ident, $handler:ident, $entity:ident, $rule:ident, $event:ident, $hears:ident) => {
        /// Something that is counted.
        #[entity]
        struct $entity {
            id: u64,
            count: u64,
        }

        /// Count one up.
        #[command(target = id)]
        struct $command {
            id: u64,
        }

        impl From<&$command> for $entity {
            fn from(command: &$command) -> Self {
                Self { id: command.id, count: 0 }
            }
        }

        #[command(create = if_missing, retry = Retry::fixed(2, Duration::ZERO), timeout = Duration::from_secs(1))]
        async fn $handler(_: $command, entity: &mut $entity, scale: Box<dyn Scale>) -> Result<u64, Failure> {
            entity.count += scale.step();
            emit($event {});
            Ok(entity.count)
        }

        /// Few enough.
        #[invariant(when = $event)]
        fn $rule(entity: &$entity, _: &$event) -> bool {
            entity.count < 10
        }

        /// It was counted.
        #[event]
        struct $event {}

        #[event_handler]
        async fn $hears(_: $event, _context: ExecutionContext) {}
    };
}

macro_rules! scale {
    ($scale:ident, $variant:ident, $policy:ident) => {
        /// By how much.
        #[strategy]
        trait $scale {
            /// Each time.
            fn step(&self) -> u64;
        }

        struct $variant;

        #[strategy(variant)]
        impl $scale for $variant {
            fn step(&self) -> u64 {
                2
            }
        }

        #[strategy(policy)]
        fn $policy(_: &ExecutionContext) -> Box<dyn $scale> {
            Box::new($variant)
        }
    };
}

scale!(Scale, ByTwos, by_twos);
counted!(CountSheep, count_sheep, Flock, few_sheep, SheepCounted, hear_sheep);
counted!(CountGoats, count_goats, Herd, few_goats, GoatsCounted, hear_goats);

#[tokio::test]
async fn what_a_macro_has_written_runs() {
    assert_eq!(execute(CountSheep { id: 1 }).await, Ok(2));
    assert_eq!(execute(CountGoats { id: 1 }).await, Ok(2));
}
