//! Instances of psa-pay: what they do at start, their worker and their reconciler as `server/src/worker.rs`
//! has them, and the requests that come to them.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use flows::{App, books, limits, reconcile, requests, seals, stripe_events, tie_out};
use store::{Sql, stripe_operations};

use crate::judge;
use crate::marks::Mark;
use crate::ports::{rest, rest_until};
use crate::schedule::Task;
use crate::stage::Stage;
use crate::swarm::{DAY_MS, HOUR_MS, MINUTE_MS};

/// As in the server's worker.
const BATCH: i64 = 64;
const TOGETHER: usize = 32;
const PLACES_PER_ACCOUNT: usize = 4;
const EVENT_MS: i64 = 45_000;
const PLACE_MS: i64 = 55_000;
const RECONCILE_MS: i64 = 280_000;
const RECONCILE_EVERY_MS: i64 = 2_000;
const LOOK_EVERY_MS: i64 = 500;

/// Starts an instance in the mode that the operator has chosen.
pub fn start(stage: &Rc<Stage>, nth: usize) {
    let app = stage.app(stage.mode.get(), false);
    {
        let mut instances = stage.instances.borrow_mut();
        instances[nth].starts += 1;
        instances[nth].paused_until_ms = 0;
        // Requests are answered once it is ready.
        instances[nth].app = None;
    }
    stage.hit(Mark::Restarted);
    let here = Rc::clone(stage);
    let starting = async move {
        if here.instance_count() == 1 {
            release_leases(&here, &app).await;
        }
        while reconcile::hurry(&app).await.is_err() {
            rest(&here.shared, 1_000).await;
        }
        here.instances.borrow_mut()[nth].app = Some(app.clone());
        for (what, task) in [
            ("worker", boxed(work(Rc::clone(&here), app.clone(), nth))),
            (
                "reconciler",
                boxed(reconcile_all(Rc::clone(&here), app.clone(), nth)),
            ),
            ("housekeeping", boxed(keep_house(Rc::clone(&here), app))),
        ] {
            here.spawn_task(Task {
                name: format!("{what} {nth}"),
                instance: Some(nth),
                future: task,
                turns: None,
                until_ms: None,
            });
        }
    };
    stage.spawn_task(Task {
        name: format!("start {nth}"),
        instance: Some(nth),
        future: boxed(starting),
        turns: None,
        until_ms: None,
    });
}

/// What an instance does that is alone on its database: whoever held a lease is gone.
async fn release_leases(stage: &Stage, app: &App) {
    loop {
        let now = app.clock.now();
        let released = app.db.write(move |tx| {
            stripe_operations::release_leases(tx, now)?;
            store::requests::release_leases(tx, now)
        });
        let released: Result<(), store::Error> = released.await;
        if released.is_ok() {
            return;
        }
        rest(&stage.shared, 1_000).await;
    }
}

fn boxed(future: impl Future<Output = ()> + 'static) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(future)
}

/// Tasks of one instance that wait for Stripe, by account.
type Places = Rc<RefCell<Vec<String>>>;

/// Frees a place, also when its task is dropped.
struct Place(Places, String);

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.0.borrow_mut();
        if let Some(at) = taken.iter().position(|account| *account == self.1) {
            taken.swap_remove(at);
        }
    }
}

fn take_place(places: &Places, account: &str) -> Option<Place> {
    let mut taken = places.borrow_mut();
    let of_account = taken.iter().filter(|one| *one == account).count();
    if of_account >= PLACES_PER_ACCOUNT {
        return None;
    }
    taken.push(account.to_owned());
    drop(taken);
    Some(Place(Rc::clone(places), account.to_owned()))
}

async fn work(stage: Rc<Stage>, app: App, nth: usize) {
    const NEXT: Sql = Sql::new(
        "select min(next_attempt_at) as n from stripe_webhook_events where next_attempt_at is not null",
    );
    let places = Places::default();
    loop {
        let next_ms = stage.number(&NEXT).unwrap_or(i64::MAX);
        if next_ms > stage.now_ms() {
            nap(&stage, next_ms).await;
            continue;
        }
        let taken = match stripe_events::take(&app, BATCH).await {
            Ok(taken) => taken,
            Err(_) => {
                rest(&stage.shared, LOOK_EVERY_MS).await;
                continue;
            }
        };
        if taken.is_empty() {
            rest(&stage.shared, LOOK_EVERY_MS).await;
        }
        if taken.iter().any(|event| event.parks > 0) {
            stage.hit(Mark::Parked);
        }
        for events in taken.chunks(TOGETHER) {
            let left = stripe_events::apply_together(&app, events.to_vec()).await;
            judge::events(&stage);
            for event in left {
                let Some(place) = take_place(&places, &event.account) else {
                    let _ = stripe_events::put_off(&app, &event).await;
                    continue;
                };
                let (app, here) = (app.clone(), Rc::clone(&stage));
                let apply = async move {
                    let _place = place;
                    match within(&here, EVENT_MS, stripe_events::apply(&app, &event)).await {
                        Some(_) => judge::events(&here),
                        None => {
                            here.hit(Mark::TimeLimit);
                            let _ = stripe_events::out_of_time(&app, &event).await;
                        }
                    }
                };
                spawn_within(&stage, nth, "event", PLACE_MS, apply);
            }
        }
    }
}

async fn reconcile_all(stage: Rc<Stage>, app: App, nth: usize) {
    const NEXT: Sql = Sql::new(
        "select min(at) as n from (
           select min(lease_until) as at from stripe_operations where status in ('sent', 'unknown')
           union all
           select min(next_check_at) as at from payments where next_check_at is not null
           union all
           select min(next_check_at) as at from refunds where next_check_at is not null) due",
    );
    let places = Places::default();
    let mut lists_ms = stage.now_ms() + MINUTE_MS;
    loop {
        let ask_ms = app.breakers.next_ask().map_or(i64::MAX, |at| at.ms());
        let next_ms = stage.number(&NEXT).unwrap_or(i64::MAX).min(lists_ms).min(ask_ms);
        if next_ms > stage.now_ms() {
            nap(&stage, next_ms).await;
            continue;
        }
        let lists = stage.now_ms() >= lists_ms;
        if lists {
            // Coming to rest has an end, and the payouts of its last day are to be read before it.
            let every_ms = stage.shared.with(|state| match state.calm {
                true => state.swarm.lists_every_ms.min(2 * HOUR_MS),
                false => state.swarm.lists_every_ms,
            });
            lists_ms = stage.now_ms() + every_ms;
        }
        if let Ok(due) = reconcile::due(&app).await {
            if due.is_empty() {
                // Whatever is due rests: the product looks every two seconds all the same.
                let until_ms = ask_ms.clamp(stage.now_ms() + RECONCILE_EVERY_MS, stage.now_ms() + MINUTE_MS);
                nap(&stage, until_ms).await;
            }
            for row in due {
                let listed = matches!(
                    row,
                    reconcile::Due::Events(_) | reconcile::Due::Balance(_) | reconcile::Due::Payout(_)
                );
                if listed && !lists {
                    continue;
                }
                let Some(place) = take_place(&places, row.account()) else {
                    continue;
                };
                let app = app.clone();
                let look = async move {
                    let _place = place;
                    reconcile::look(&app, &row).await;
                };
                spawn_within(&stage, nth, "reconcile", RECONCILE_MS, look);
            }
        }
        rest(&stage.shared, RECONCILE_EVERY_MS).await;
    }
}

fn spawn_within(
    stage: &Rc<Stage>,
    nth: usize,
    name: &str,
    within_ms: i64,
    work: impl Future<Output = ()> + 'static,
) {
    let here = Rc::clone(stage);
    stage.spawn_task(Task {
        name: format!("{name} {nth}"),
        instance: Some(nth),
        future: Box::pin(async move {
            work.await;
            here.ring();
        }),
        turns: None,
        until_ms: Some(stage.now_ms() + within_ms),
    });
}

async fn keep_house(stage: Rc<Stage>, app: App) {
    loop {
        // Each is tried again at the next look.
        let _ = seals::run(&app).await;
        let _ = books::close_hours(&app).await;
        let _ = tie_out::run_due(&app).await;
        let _ = requests::remove_old(&app).await;
        let _ = limits::remove_old(&app).await;
        rest(&stage.shared, DAY_MS).await;
    }
}

/// What a future comes to if it does so in time; dropped otherwise.
async fn within<T>(stage: &Stage, ms: i64, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, until_ms) = (std::pin::pin!(work), stage.now_ms() + ms);
    let mut timed = false;
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        if stage.now_ms() >= until_ms {
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut timed, true) {
            stage.shared.set_timer(until_ms, context.waker());
        }
        Poll::Pending
    })
    .await
}

/// Waits until a moment, or until there may be work.
async fn nap(stage: &Stage, until_ms: i64) {
    let mut rung = false;
    poll_fn(|context| {
        if std::mem::replace(&mut rung, true) || stage.now_ms() >= until_ms {
            return Poll::Ready(());
        }
        if until_ms < i64::MAX {
            stage.shared.set_timer(until_ms, context.waker());
        }
        stage.bells.borrow_mut().push(context.waker().clone());
        Poll::Pending
    })
    .await;
}

/// Where the answer of a request arrives.
struct Reply<T> {
    answer: Option<T>,
    gone: bool,
    waiting: Option<Waker>,
}

/// Tells whoever waits that nobody will answer any more.
struct Answering<T>(Rc<RefCell<Reply<T>>>);

impl<T> Drop for Answering<T> {
    fn drop(&mut self) {
        let mut reply = self.0.borrow_mut();
        reply.gone = true;
        if let Some(waiting) = reply.waiting.take() {
            waiting.wake();
        }
    }
}

/// Sends a request to one of the instances that are there, and waits for its answer: none when there was no
/// instance, when it went down, or when the caller did not wait.
pub async fn request<T, F, Fut>(stage: &Rc<Stage>, name: &str, act: F) -> Option<T>
where
    T: 'static,
    F: FnOnce(App) -> Fut,
    Fut: Future<Output = T> + 'static,
{
    let there: Vec<(usize, App)> = {
        let instances = stage.instances.borrow();
        let there = instances.iter().enumerate();
        there
            .filter_map(|(nth, instance)| Some((nth, instance.app.clone()?)))
            .collect()
    };
    if there.is_empty() {
        return None;
    }
    let (nth, app) = &there[stage.shared.with(|state| state.dice.below(there.len()))];
    let reply = Rc::new(RefCell::new(Reply {
        answer: None,
        gone: false,
        waiting: None,
    }));
    let answering = Answering(Rc::clone(&reply));
    let (work, here) = (act(app.clone()), Rc::clone(stage));
    let turns = stage.shared.strikes(Mark::RequestDropped).then(|| {
        stage
            .shared
            .with(|state| u32::try_from(state.dice.between(0, 24)).unwrap())
    });
    stage.spawn_task(Task {
        name: format!("{name} at {nth}"),
        instance: Some(*nth),
        future: Box::pin(async move {
            let answer = work.await;
            answering.0.borrow_mut().answer = Some(answer);
            here.ring();
        }),
        turns,
        until_ms: None,
    });
    poll_fn(|context| {
        let mut reply = reply.borrow_mut();
        if reply.gone {
            return Poll::Ready(reply.answer.take());
        }
        reply.waiting = Some(context.waker().clone());
        Poll::Pending
    })
    .await
}

/// The operator: starts what went down, and switches the mode now and then.
pub async fn operate(stage: Rc<Stage>) {
    let mut dice = stage.dice();
    let mut down_since: Vec<Option<i64>> = vec![None; stage.instance_count()];
    let mut switch_at_ms = stage.now_ms() + dice.between(DAY_MS / 4, 4 * DAY_MS);
    loop {
        rest_until(&stage.shared, stage.now_ms() + dice.between(5_000, 30 * 60_000)).await;
        if stage.now_ms() >= switch_at_ms {
            switch_at_ms = stage.now_ms() + dice.between(DAY_MS / 4, 4 * DAY_MS);
            stage.hit(Mark::ModeSwitched);
            let other = match stage.mode.get() {
                domain::Mode::Test => domain::Mode::Live,
                domain::Mode::Live => domain::Mode::Test,
            };
            stage.mode.set(other);
            for nth in 0..down_since.len() {
                stage.crash(nth);
                start_later(&stage, nth);
            }
            continue;
        }
        for (nth, since) in down_since.iter_mut().enumerate() {
            let up = stage.instances.borrow()[nth].app.is_some();
            match (up, *since) {
                (true, _) => *since = None,
                (false, None) => *since = Some(stage.now_ms()),
                (false, Some(_)) => {
                    *since = None;
                    stage.crash(nth);
                    start_later(&stage, nth);
                }
            }
        }
    }
}

/// What went down is swept away before anything of the next start is there.
fn start_later(stage: &Rc<Stage>, nth: usize) {
    let here = Rc::clone(stage);
    stage.spawn(format!("operator starts {nth}"), async move { start(&here, nth) });
}
