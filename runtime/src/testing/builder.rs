use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::test_runtime::TestRuntime;
use crate::engine::IdSource;
use crate::model::clock::{ManualClock, Timestamp};
use crate::runtime::RuntimeBuilder;
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// What a [`TestRuntime`] is started with. By default: a new store in memory, no capabilities, and a clock that stands at
/// the beginning of 2030 in UTC.
#[must_use = "nothing is started until `start` is called"]
pub struct TestRuntimeBuilder {
    pub(super) runtime: RuntimeBuilder,
    pub(super) clock: ManualClock,
    open: Option<Open>,
    pub(super) seed: Option<u64>,
}

/// Opens a store, at the start and at each restart.
type Open = Box<dyn Fn() -> Arc<dyn Store> + Send + Sync>;

impl TestRuntimeBuilder {
    /// When the clock begins, unless the test says so: midnight before New Year's Day 2030, in UTC.
    const BEGINNING: Timestamp = Timestamp::constant(1_893_456_000, 0);

    pub(super) fn new() -> Self {
        let runtime = RuntimeBuilder::on(Arc::new(MemoryStore::new()));
        Self { runtime, clock: ManualClock::at(Self::BEGINNING), open: None, seed: None }
    }

    /// Provides a capability, as [`RuntimeBuilder::provide`] does: in a test, a fake.
    pub fn provide<T: ?Sized + Send + Sync + 'static>(mut self, capability: Arc<T>) -> Self {
        self.runtime = self.runtime.provide(capability);
        self
    }

    /// Sets what else a runtime can be told: its lease, its retention, its limits. The store and the clock are the test's; how
    /// many jobs run at a time is of no account, as the test says which runs.
    pub fn configure(mut self, configure: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Self {
        self.runtime = configure(self.runtime);
        self
    }

    /// Runs on this store instead of a new one in memory. It outlives [restarts](TestRuntime::restart).
    pub fn store(self, store: impl Store) -> Self {
        let store: Arc<dyn Store> = Arc::new(store);
        Self { open: Some(Box::new(move || store.clone())), ..self }
    }

    /// Runs on a store that is opened anew at each [restart](TestRuntime::restart), as a file is.
    pub fn open<S: Store>(self, open: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self { open: Some(Box::new(move || Arc::new(open()))), ..self }
    }

    /// Takes the time from this clock: one that several runtimes share, as if they ran on one machine.
    pub fn clock(self, clock: &ManualClock) -> Self {
        Self { clock: clock.clone(), ..self }
    }

    /// Has the clock begin at this moment.
    pub fn beginning_at(self, start: Timestamp) -> Self {
        Self { clock: ManualClock::at(start), ..self }
    }

    /// Draws what nobody has promised from a seed: the ids of jobs and events and the name of the worker, which are then the
    /// same in each run; and, on the store in memory, the order of jobs that are equally ready (r26). A test that passes with
    /// some seeds only relies on an order that there is not.
    ///
    /// Two runtimes on one store need two seeds: their ids would be the same.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Starts.
    ///
    /// # Panics
    /// With every problem of the domain, if it has any (r50).
    #[track_caller]
    pub fn start(self) -> impl Future<Output = TestRuntime> {
        let place = Location::caller();
        async move {
            let Self { mut runtime, clock, open, seed } = self;
            runtime.ids = seed.map_or_else(IdSource::default, IdSource::seeded);
            let open = open.unwrap_or_else(|| {
                let store: Arc<dyn Store> =
                    Arc::new(seed.map_or_else(MemoryStore::new, MemoryStore::shuffled));
                Box::new(move || store.clone())
            });
            TestRuntime::of(Setup { runtime, clock, open, seed }, place).await
        }
    }
}

/// All that a start takes, and a restart once more.
pub(super) struct Setup {
    pub(super) runtime: RuntimeBuilder,
    pub(super) clock: ManualClock,
    pub(super) open: Open,
    pub(super) seed: Option<u64>,
}

impl fmt::Debug for TestRuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRuntimeBuilder")
            .field("runtime", &self.runtime)
            .field("clock", &self.clock)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
