//! The two wasmtime engines and the clock that interrupts running code.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

use crate::incremental::Functions;
use crate::{Error, Options};

/// Time slice of running code: how long it may keep a thread before others
/// get their turn, and how exactly the wall-clock limit is kept.
const TICK: Duration = Duration::from_millis(5);

/// Stack of compiled code. Deep recursion in a function ends here.
const STACK: usize = 2 << 20;

/// Memory that a slot keeps between two executions. The engine with the
/// platform's own modules takes 5 MiB, with a dialect's packages twice that.
const WARM: usize = 16 << 20;

/// What all engines have in common.
pub(crate) fn base() -> Config {
    // How a guest ended is an everyday answer; walking the host's stack for it
    // would cost more than most executions, where RUST_BACKTRACE is set.
    wasmtime::error::disable_backtrace();
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK)
        .async_stack_size(STACK + (512 << 10))
        // Frames of compiled engine code tell nobody anything.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

/// The engine that executions run on: pooled instances, optimised code.
pub(crate) fn run(options: &Options, functions: Arc<Functions>) -> Result<Engine, Error> {
    let instances = options.max_instances.max(1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .max_component_instance_size(1 << 20)
        .max_core_instances_per_component(24)
        .max_memories_per_component(4)
        .max_tables_per_component(8)
        .total_core_instances(instances.saturating_mul(12))
        .max_core_instance_size(1 << 20)
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(4))
        .table_elements(20_000)
        .total_stacks(instances.saturating_mul(2))
        .max_memory_size(options.max_memory)
        // A slot that was used keeps its memory and is copied anew as a whole.
        // To restore only the written pages looks like less work, but they are
        // scattered, and each one that is given back costs a page fault and a
        // TLB flush on every core: with 16 clients that made it three times
        // slower.
        .max_unused_warm_slots(instances.min(16))
        .linear_memory_keep_resident(WARM)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::No)
        .decommit_batch_size(16);
    let mut config = base();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .memory_init_cow(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
        .enable_incremental_compilation(functions)
        .map_err(Error::engine("setting up the compiler cache"))?;
    Engine::new(&config).map_err(Error::engine("setting up the engine"))
}

/// The engine that snapshots are made on: one instance now and then, code that
/// runs once.
pub(crate) fn build() -> Result<Engine, Error> {
    let mut config = base();
    config.cranelift_opt_level(OptLevel::None);
    Engine::new(&config).map_err(Error::engine("setting up the snapshot engine"))
}

/// Moves the epoch of an engine while something runs on it, and sleeps else.
#[derive(Clone)]
pub(crate) struct Ticker(Arc<Ticking>);

struct Ticking {
    running: AtomicUsize,
    thread: thread::Thread,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> Result<Self, Error> {
        let engine = engine.weak();
        let (send, receive) = std::sync::mpsc::channel::<Weak<Ticking>>();
        let handle = thread::Builder::new()
            .name("epoch".into())
            .spawn(move || {
                let Ok(ticking) = receive.recv() else { return };
                loop {
                    let Some(strong) = ticking.upgrade() else {
                        return;
                    };
                    let idle = strong.running.load(Ordering::Acquire) == 0;
                    drop(strong);
                    if idle {
                        // Woken by the next execution; the timeout lets the
                        // thread end with the sandbox.
                        thread::park_timeout(Duration::from_secs(5));
                        continue;
                    }
                    thread::sleep(TICK);
                    let Some(engine) = engine.upgrade() else {
                        return;
                    };
                    engine.increment_epoch();
                }
            })
            .map_err(|_| Error::Stopped)?;
        let ticking = Arc::new(Ticking {
            running: AtomicUsize::new(0),
            thread: handle.thread().clone(),
        });
        send.send(Arc::downgrade(&ticking))
            .map_err(|_| Error::Stopped)?;
        Ok(Self(ticking))
    }

    /// Keeps the epoch moving until the guard is dropped.
    pub(crate) fn run(&self) -> Running {
        if self.0.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.0.thread.unpark();
        }
        Running(self.0.clone())
    }
}

/// One running execution.
pub(crate) struct Running(Arc<Ticking>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}
