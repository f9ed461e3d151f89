//! Driving one instance: calls into it, waiting for what it waits for, and
//! telling how it ended.

use std::time::Instant;

use futures::{FutureExt as _, StreamExt as _};
use wasmtime::component::{
    Component, ComponentExportIndex, Instance, InstancePre, Linker, TypedFunc,
};
use wasmtime::{Store, Trap};

use crate::capability::Answer;
use crate::guest::{Interrupt, Settled, State, flatten};
use crate::{Error, Failure};

/// A component with the entry points of the world `function`, ready to be
/// instantiated.
#[derive(Clone)]
pub(crate) struct Ready {
    pre: InstancePre<State>,
    run: ComponentExportIndex,
    resume: ComponentExportIndex,
    tick: ComponentExportIndex,
}

impl Ready {
    pub(crate) fn new(linker: &Linker<State>, component: &Component) -> Result<Self, Error> {
        let index = |name: &str| {
            component.get_export_index(None, name).ok_or(Error::Engine {
                step: "looking for its entry points",
                source: wasmtime::Error::msg(format!("no export {name}")),
            })
        };
        Ok(Self {
            pre: linker
                .instantiate_pre(component)
                .map_err(Error::engine("linking its imports"))?,
            run: index("run")?,
            resume: index("resume")?,
            tick: index("tick")?,
        })
    }

    /// Instantiates and runs one job to its end.
    pub(crate) async fn execute(
        &self,
        store: &mut Store<State>,
        job: &str,
        code: Option<&str>,
        body: &[u8],
    ) -> Result<Settled, Failure> {
        let instance = match self.pre.instantiate_async(&mut *store).await {
            Ok(instance) => instance,
            Err(error) => return Err(failure(store, &error)),
        };
        let calls = Calls::new(store, &instance, self)?;
        calls.drive(store, job, code, body).await
    }

    /// Runs one job in an instance that is there already.
    pub(crate) async fn drive(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
        job: &str,
        code: Option<&str>,
    ) -> Result<Settled, Failure> {
        let calls = Calls::new(store, instance, self)?;
        calls.drive(store, job, code, &[]).await
    }
}

/// The entry points of one instance.
struct Calls {
    instance: Instance,
    run: ComponentExportIndex,
    resume: TypedFunc<(u32, bool, String, Vec<u8>), ()>,
    tick: TypedFunc<(), ()>,
}

impl Calls {
    fn new(store: &mut Store<State>, instance: &Instance, ready: &Ready) -> Result<Self, Failure> {
        let wrong = |error: wasmtime::Error| Failure::Internal(format!("{error:#}"));
        Ok(Self {
            instance: *instance,
            run: ready.run,
            resume: instance
                .get_typed_func(&mut *store, ready.resume)
                .map_err(wrong)?,
            tick: instance
                .get_typed_func(&mut *store, ready.tick)
                .map_err(wrong)?,
        })
    }

    async fn drive(
        &self,
        store: &mut Store<State>,
        job: &str,
        code: Option<&str>,
        body: &[u8],
    ) -> Result<Settled, Failure> {
        let run = self
            .instance
            .get_typed_func::<(&str, Option<&str>, &[u8]), ()>(&mut *store, &self.run)
            .map_err(|error| Failure::Internal(format!("{error:#}")))?;
        let called = run.call_async(&mut *store, (job, code, body)).await;
        self.check(store, called)?;
        loop {
            // A call that yielded on the way may come back while its jobs are
            // still running; the next call is let in only after them.
            while std::mem::take(&mut store.data_mut().host.yielded) && !store.data().host.is_done()
            {
                self.tick(store).await?;
            }
            if let Some(settled) = store.data_mut().host.settled.take() {
                return Ok(settled);
            }
            if Instant::now() >= store.data().host.deadline {
                return Err(Failure::Timeout);
            }
            self.step(store).await?;
        }
    }

    /// Waits for the next thing to happen and lets the guest react to it.
    async fn step(&self, store: &mut Store<State>) -> Result<(), Failure> {
        let host = &mut store.data_mut().host;
        let due = host.wake.is_some_and(|at| at <= host.now());
        if due {
            self.tick(store).await?;
        }
        let host = &mut store.data_mut().host;
        if let Some(Some((id, answer))) = host.pending.next().now_or_never() {
            return self.resume(store, id, answer).await;
        }
        if due || host.settled.is_some() {
            return Ok(());
        }
        let sleep = host.wake.map(|at| host.moment(at));
        let completion = match (host.pending.is_empty(), sleep) {
            (true, None) => return Err(Failure::NeverSettled),
            (true, Some(at)) => {
                tokio::time::sleep_until(at.into()).await;
                None
            }
            (false, None) => host.pending.next().await,
            (false, Some(at)) => tokio::time::timeout_at(at.into(), host.pending.next())
                .await
                .ok()
                .flatten(),
        };
        match completion {
            Some((id, answer)) => self.resume(store, id, answer).await,
            None => Ok(()),
        }
    }

    async fn tick(&self, store: &mut Store<State>) -> Result<(), Failure> {
        let called = self.tick.call_async(&mut *store, ()).await;
        self.check(store, called)
    }

    async fn resume(
        &self,
        store: &mut Store<State>,
        id: u32,
        answer: Option<Answer>,
    ) -> Result<(), Failure> {
        let Some(answer) = answer else {
            return Ok(());
        };
        store.data_mut().host.completed(id, &answer);
        let (ok, value, data) = flatten(answer);
        let called = self
            .resume
            .call_async(&mut *store, (id, ok, value, data))
            .await;
        self.check(store, called)
    }

    fn check(&self, store: &Store<State>, called: wasmtime::Result<()>) -> Result<(), Failure> {
        match called {
            Ok(()) => Ok(()),
            // The response was there already when something else went wrong.
            Err(_) if store.data().host.is_done() => Ok(()),
            Err(error) => Err(failure(store, &error)),
        }
    }
}

fn failure(store: &Store<State>, error: &wasmtime::Error) -> Failure {
    let state = store.data();
    if state.limiter.breached {
        return Failure::Memory {
            limit: state.limiter.limit(),
        };
    }
    match state.host.interrupt {
        Some(Interrupt::Canceled) => return Failure::Canceled,
        Some(Interrupt::Timeout | Interrupt::Settled) => return Failure::Timeout,
        None => {}
    }
    match error.downcast_ref::<Trap>() {
        // The engine's own stack lies at the start of its memory: running over
        // it leaves the memory.
        Some(Trap::StackOverflow | Trap::MemoryOutOfBounds) => Failure::StackOverflow,
        _ => {
            let words = state.last_words();
            Failure::Internal(format!("{error:#} {words}").trim_end().to_owned())
        }
    }
}
