//! The one task of a node that appends.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::closed;
use super::company::Company;
use super::fault::{Fault, Kind};
use super::session::Session;
use crate::batch::{Plan, State};
use crate::tail::Tail;
use crate::{Append, Clock, Error, Outcome, Position, failpoint};

/// Appends that stand or fall together, and who waits for their outcomes.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) appends: Vec<Append>,
    pub(super) reply: oneshot::Sender<Result<Vec<Outcome>, Error>>,
    pub(super) arrived: Instant,
}

impl Request {
    fn bytes(&self) -> usize {
        let events = self.appends.iter().flat_map(|append| &append.events);
        events.map(|event| event.payload.get().len()).sum()
    }
}

/// Takes what is queued and commits it together.
///
/// While no other node appends, a batch is one statement and one round trip:
/// it moves the end of the order from where memory has it, and does nothing if
/// the end is somewhere else. When another node was faster, the batch is
/// decided anew in a transaction that holds the end of the order.
pub(super) struct Appender {
    pub(super) requests: mpsc::UnboundedReceiver<Request>,
    pub(super) closing: watch::Receiver<bool>,
    pub(super) tail: Arc<Tail>,
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) session: Session,
    pub(super) batch: usize,
    pub(super) patience: Duration,
    /// Another node wrote lately.
    pub(super) contended: bool,
    pub(super) adoption: Adoption,
}

/// When to look for events of other programs again.
pub(super) struct Adoption {
    due: Instant,
    pause: Duration,
}

impl Adoption {
    pub(super) fn now() -> Self {
        Self {
            due: Instant::now(),
            pause: ADOPTION,
        }
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    fn rest(&mut self, pause: Duration) {
        self.pause = pause;
        self.due = Instant::now() + pause;
    }
}

/// How often events of other programs are looked for.
const ADOPTION: Duration = Duration::from_millis(200);
/// The same, after it failed or found only what it could not adopt, at most.
const MAX_ADOPTION: Duration = Duration::from_secs(5);
/// So many events are adopted in one transaction.
const ADOPTED: usize = 1000;
/// So often others get a turn on this thread before a timer is set for them.
const YIELDS: usize = 8;
/// A batch is full when its payloads have so many bytes.
const BYTES: usize = 8 << 20;
/// How often a batch is tried anew because the database held something else
/// than expected, before its requests are tried one by one.
const SURPRISES: u32 = 4;

impl Appender {
    /// Commits what is queued until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        let mut company = Company::default();
        loop {
            let first = tokio::select! {
                biased;
                () = closed(&mut self.closing), if !self.requests.is_closed() => {
                    self.requests.close();
                    continue;
                }
                request = self.requests.recv() => request,
                () = sleep_until(self.adoption.due), if !self.requests.is_closed() => {
                    self.look_for_foreign().await;
                    continue;
                }
            };
            let Some(first) = first else { break };
            let requests = self.collect(first, &mut company).await;
            if self.adoption.is_due() && self.session.is_connected() {
                self.look_for_foreign().await;
            }
            let (count, started) = (requests.len(), Instant::now());
            self.commit(requests).await;
            company.committed(count, self.requests.len(), started.elapsed());
        }
        self.session.close().await;
    }

    /// What is queued, and what is likely to come at once.
    async fn collect(&mut self, first: Request, company: &mut Company) -> Vec<Request> {
        let mut bytes = first.bytes();
        let mut requests = vec![first];
        let mut yields = 0;
        let mut until = None;
        while requests.len() < self.batch && bytes < BYTES {
            let request = match self.requests.try_recv() {
                Ok(request) => request,
                Err(_) if !company.is_expected(requests.len()) => break,
                Err(_) if yields < YIELDS => {
                    yields += 1;
                    tokio::task::yield_now().await;
                    continue;
                }
                Err(_) => {
                    if until.is_none() {
                        until = company.until();
                    }
                    let Some(until) = until else { break };
                    match timeout_at(until, self.requests.recv()).await {
                        Ok(Some(request)) => request,
                        Ok(None) => break,
                        Err(_) => {
                            company.did_not_come();
                            break;
                        }
                    }
                }
            };
            bytes += request.bytes();
            requests.push(request);
        }
        if until.is_some() && !company.is_expected(requests.len()) {
            company.came();
        }
        requests
    }

    /// Gives every request its answer.
    async fn commit(&mut self, requests: Vec<Request>) {
        let mut work = vec![requests];
        while let Some(mut requests) = work.pop() {
            match self.settle(&requests).await {
                Ok(plan) => {
                    let (events, outcomes) = self.state.accept(plan);
                    self.tail.publish(events);
                    // What another node did before is answered here, so it must
                    // be visible here.
                    let done = outcomes.iter().flatten().filter_map(last);
                    self.tail.advance(done.max().unwrap_or(0));
                    for (request, outcomes) in requests.into_iter().zip(outcomes) {
                        // Whoever asked may have gone; the append stands.
                        let _ = request.reply.send(Ok(outcomes));
                    }
                }
                Err(fault) if fault.may_concern_one() && requests.len() > 1 => {
                    let rest = requests.split_off(requests.len() / 2);
                    work.push(rest);
                    work.push(requests);
                }
                Err(fault) => {
                    tracing::error!(%fault, requests = requests.len(), "a commit failed");
                    for request in requests {
                        let _ = request.reply.send(Err(Error::from(&fault)));
                    }
                }
            }
        }
    }

    /// Tries until the requests are durable or refused, or until those who
    /// wait have waited long enough.
    async fn settle(&mut self, requests: &[Request]) -> Result<Plan, Fault> {
        let arrived = requests.first().map_or_else(Instant::now, |it| it.arrived);
        // Those who come late behind a slow batch get an attempt as well.
        let until = (arrived + self.patience).max(Instant::now() + self.patience / 4);
        let mut pause = Duration::from_millis(5);
        let mut surprises = 0;
        let mut unsure = None;
        loop {
            let attempt = self.attempt(requests, surprises == 0, &mut unsure);
            let fault = match attempt.await {
                Ok(plan) => return Ok(plan),
                Err(fault) => fault,
            };
            self.session.rollback().await;
            // While it is not known what became of the whole, no part of it
            // may be tried alone.
            let is_sure = unsure.is_none();
            match fault.kind {
                Kind::Refused | Kind::Unavailable => return Err(fault),
                Kind::Blocked if requests.len() > 1 && is_sure => return Err(fault),
                Kind::Stale => {
                    surprises += 1;
                    if surprises > SURPRISES && requests.len() > 1 && is_sure {
                        return Err(fault);
                    }
                    self.look_for_foreign().await;
                }
                Kind::Busy | Kind::Blocked | Kind::Lost => {}
            }
            self.contended = true;
            if Instant::now() + pause >= until {
                return Err(Fault::new(Kind::Unavailable, fault.reason));
            }
            tracing::debug!(%fault, "an append is tried again");
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// One attempt. When it fails after it may have taken effect, it leaves in
    /// `unsure` what it wrote; the next attempt finds out first.
    async fn attempt(
        &mut self,
        requests: &[Request],
        may_presume: bool,
        unsure: &mut Option<Plan>,
    ) -> Result<Plan, Fault> {
        if let Some(plan) = unsure {
            // To hold the end of the order is to wait for whoever may still be
            // committing this; and should the lost statement begin only now,
            // it finds the end moved by what follows and does nothing.
            let tip = self.session.lock().await?;
            let is_done = self.session.holds(plan).await?;
            self.session.rollback().await;
            let plan = unsure.take();
            if let (true, Some(plan)) = (is_done, plan) {
                return Ok(plan);
            }
            self.state.reset(tip);
        }
        if !self.contended {
            let plan = self.decide(requests, may_presume).await?;
            if plan.is_empty() {
                // That a command was done stays true. Everything else is true
                // if nobody wrote since.
                let is_lasting = plan.outcomes.iter().flatten().all(is_duplicate);
                if is_lasting || self.session.tip().await? == self.state.tip() {
                    return Ok(plan);
                }
            } else {
                failpoint("journal.before_commit");
                match self.session.append(self.state.tip(), &plan).await {
                    Ok(true) => {
                        failpoint("journal.after_commit");
                        return Ok(plan);
                    }
                    Ok(false) => {}
                    Err(fault) => {
                        if fault.kind == Kind::Lost {
                            *unsure = Some(plan);
                        }
                        return Err(fault);
                    }
                }
            }
            self.contended = true;
        }
        let plan = self.hold_and_decide(requests, may_presume).await?;
        if plan.is_empty() {
            self.session.rollback().await;
            return Ok(plan);
        }
        if !self.session.append(self.state.tip(), &plan).await? {
            return Err(Fault::new(Kind::Unavailable, "the table head has no row"));
        }
        failpoint("journal.before_commit");
        match self.session.commit().await {
            Ok(()) => {
                failpoint("journal.after_commit");
                Ok(plan)
            }
            Err(fault) => {
                if fault.kind == Kind::Lost {
                    *unsure = Some(plan);
                }
                Err(fault)
            }
        }
    }

    /// Leaves a transaction open in which the plan is true.
    async fn hold_and_decide(
        &mut self,
        requests: &[Request],
        may_presume: bool,
    ) -> Result<Plan, Fault> {
        let tip = self.session.lock().await?;
        if tip == self.state.tip() {
            self.contended = false;
        } else {
            self.state.reset(tip);
        }
        self.decide(requests, may_presume).await
    }

    /// Decides the requests as if the order ended where memory has it.
    ///
    /// Where memory knows nothing, it may presume that command ids and streams
    /// are new when they claim to be: if they are not, the keys of the tables
    /// refuse the batch. What is not written is never founded on a presumption.
    async fn decide(&mut self, requests: &[Request], may_presume: bool) -> Result<Plan, Fault> {
        let appends = || requests.iter().map(|request| request.appends.as_slice());
        let now = self.clock.now();
        let mut draft = self.state.draft(appends());
        let is_known =
            draft.unknown_streams().next().is_none() && draft.unknown_commands().next().is_none();
        let is_guarded = appends()
            .flatten()
            .all(|append| draft.is_known_or_new(append));
        if !is_known && may_presume && is_guarded {
            let mut presumed = draft.clone();
            let learned: Result<(), Fault> = presumed
                .learn_streams(|_| Ok(0))
                .and_then(|()| presumed.learn_commands(|_| Ok(None)));
            learned?;
            let plan = self
                .state
                .decide(presumed, appends().map(<[Append]>::to_vec), now);
            // A part of a request may stand and is not written all the same,
            // because another part does not.
            let is_written = |outcomes: &Vec<Outcome>| {
                outcomes.iter().all(is_appended) || outcomes.iter().all(is_duplicate)
            };
            if plan.outcomes.iter().all(is_written) {
                return Ok(plan);
            }
        }
        if !is_known {
            self.session.learn(&mut draft).await?;
        }
        Ok(self
            .state
            .decide(draft, appends().map(<[Append]>::to_vec), now))
    }

    /// Adopts what other programs appended, and says when to look again.
    async fn look_for_foreign(&mut self) {
        let found = self.adopt_all().await;
        self.session.rollback().await;
        match found {
            Ok(0) => self.adoption.rest(ADOPTION),
            Ok(left) => {
                if self.adoption.pause == ADOPTION {
                    tracing::warn!(
                        left,
                        "events of another program do not continue their streams"
                    );
                }
                self.adoption
                    .rest((self.adoption.pause * 2).min(MAX_ADOPTION));
            }
            Err(fault) => {
                if self.adoption.pause == ADOPTION {
                    tracing::warn!(%fault, "events of other programs could not be looked for");
                }
                self.adoption
                    .rest((self.adoption.pause * 2).min(MAX_ADOPTION));
            }
        }
    }

    /// Returns how many events were found that could not be adopted.
    async fn adopt_all(&mut self) -> Result<usize, Fault> {
        if !self.session.has_foreign().await? {
            return Ok(0);
        }
        loop {
            let tip = self.session.lock().await?;
            if tip != self.state.tip() {
                self.contended = true;
                self.state.reset(tip);
            }
            let foreign = self.session.foreign(ADOPTED).await?;
            let found = foreign.appends.len();
            // Each event is an append that stands if it continues its stream.
            let appends = foreign.appends.iter().map(slice::from_ref);
            let mut draft = self.state.draft(appends);
            let last = |stream: &_| Ok(foreign.last.get(stream).copied().unwrap_or(0));
            draft.learn_streams::<Fault>(last)?;
            let appends = foreign.appends.into_iter().map(|append| vec![append]);
            let plan = self.state.decide(draft, appends, self.clock.now());
            let adopted = plan.events.len();
            if adopted > 0 {
                if self.session.adopt(tip, &plan).await? != adopted as u64 {
                    let reason = "events of another program changed while they were adopted";
                    return Err(Fault::new(Kind::Busy, reason));
                }
                self.session.commit().await?;
                let (events, _) = self.state.accept(plan);
                self.tail.publish(events);
            } else {
                self.session.rollback().await;
            }
            if adopted == 0 || found < ADOPTED {
                return Ok(found - adopted);
            }
        }
    }
}

/// The last position of what was appended before.
fn last(outcome: &Outcome) -> Option<Position> {
    match outcome {
        Outcome::Duplicate(appended) => Some(appended.last),
        _ => None,
    }
}

fn is_appended(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Appended(_))
}

fn is_duplicate(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Duplicate(_))
}
