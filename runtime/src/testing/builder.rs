//! Configuring and starting a test runtime.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::test_runtime::TestRuntime;
use crate::engine::IdSource;
use crate::model::clock::{ManualClock, Timestamp};
use crate::runtime::RuntimeBuilder;
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// Configures and starts a [`TestRuntime`]. Defaults: a new store in memory, no capabilities, and a clock at the start of
/// 2030 in UTC.
#[must_use = "nothing is started until `start` is called"]
pub struct TestRuntimeBuilder {
    pub(super) runtime: RuntimeBuilder,
    pub(super) clock: ManualClock,
    open: Option<Open>,
    pub(super) seed: Option<u64>,
}

/// Opens the store, at the start and at each restart.
type Open = Box<dyn Fn() -> Arc<dyn Store> + Send + Sync>;

impl TestRuntimeBuilder {
    /// 2030-01-01T00:00:00Z.
    const START: Timestamp = Timestamp::constant(1_893_456_000, 0);

    pub(super) fn new() -> Self {
        let runtime = RuntimeBuilder::on(Arc::new(MemoryStore::new()));
        Self { runtime, clock: ManualClock::at(Self::START), open: None, seed: None }
    }

    /// Provides a capability, as [`RuntimeBuilder::provide`] does; typically a fake.
    pub fn provide<T: ?Sized + Send + Sync + 'static>(mut self, capability: Arc<T>) -> Self {
        self.runtime = self.runtime.provide(capability);
        self
    }

    /// Sets other options of the runtime: its lease, its retention, its limits. The store and the clock are set here, and
    /// limits on concurrency have no effect, since the test decides which job runs.
    pub fn configure(mut self, configure: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Self {
        self.runtime = configure(self.runtime);
        self
    }

    /// Uses this store, which survives [restarts](TestRuntime::restart).
    pub fn store(self, store: impl Store) -> Self {
        let store: Arc<dyn Store> = Arc::new(store);
        Self { open: Some(Box::new(move || store.clone())), ..self }
    }

    /// Uses a store that is reopened at each [restart](TestRuntime::restart), such as a file.
    pub fn open<S: Store>(self, open: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self { open: Some(Box::new(move || Arc::new(open()))), ..self }
    }

    /// Uses this clock. Several runtimes may share one, as on one machine.
    pub fn clock(self, clock: &ManualClock) -> Self {
        Self { clock: clock.clone(), ..self }
    }

    /// Starts the clock at this time.
    pub fn starting_at(self, start: Timestamp) -> Self {
        Self { clock: ManualClock::at(start), ..self }
    }

    /// Derives what is not specified from a seed, so that it is the same in each run: the ids of jobs and events, the name of
    /// the worker, and, on the store in memory, the order of jobs that are equally ready ([r26](crate::rules#r26)). A test
    /// that passes with some seeds only relies on an order that is not guaranteed.
    ///
    /// Two runtimes on one store need different seeds, or their ids collide.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Starts the runtime.
    ///
    /// # Panics
    /// With every problem of the domain and of the settings, if there is any ([r50](crate::rules#r50)).
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
            TestRuntime::new(Setup { runtime, clock, open, seed }, place).await
        }
    }
}

/// What a start and each restart need.
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
