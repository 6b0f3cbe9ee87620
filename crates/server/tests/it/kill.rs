//! Nothing is lost and nobody is charged twice when the program itself dies: it runs as an operator starts
//! it, is killed or frozen at moments that a seed draws while payers pay, and Stripe meanwhile loses answers
//! and loses, doubles, delays and reorders webhooks. Afterwards what psa-pay knows is what Stripe has, object
//! by object.
//!
//! `./check` kills it a few times during a few dozen payments; `./check full` (`PSA_PAY_CHECK_FULL=1`) goes
//! through 1,000, and freezes one of two instances for two minutes. `PSA_PAY_KILL_SEED` draws other moments.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use store::db::Engine;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::engines::World;

mod answered;
mod compare;
mod database;
mod installation;
mod payer;

use installation::{Installation, Instance};

/// Moments of an instance's life are this long.
const TICK: Duration = Duration::from_millis(50);
/// A write at Stripe is struck once in so many ticks.
const STRUCK_EVERY: u64 = 20;
/// So often payers come back whose page said that it is being checked: on a busy machine their patience ends
/// before a lease does.
const COME_BACK: usize = 4;

/// How much a run goes through.
struct Extent {
    payments: usize,
    payers: usize,
    seed: u64,
    /// How long one of several instances stands still, in ticks; none in a short run.
    frozen_ticks: Option<u64>,
}

impl Extent {
    fn of_this_run() -> Extent {
        let full = std::env::var("PSA_PAY_CHECK_FULL").as_deref() == Ok("1");
        let (payments, payers, frozen_ticks) = match full {
            true => (1_000, 40, Some(2_400)),
            false => (36, 12, None),
        };
        let seed = std::env::var("PSA_PAY_KILL_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        Extent {
            payments,
            payers,
            seed: seed.unwrap_or(20_261_126),
            frozen_ticks,
        }
    }
}

/// A sequence of numbers that depends on its seed alone.
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// A number below `bound` (SplitMix64).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

both! {
    fn killed_at_random_moments_it_knows_what_stripe_knows_and_charges_nobody_twice(world: &World) {
        let extent = Extent::of_this_run();
        let instances = match world.db.engine() {
            Engine::Sqlite => 1,
            Engine::Postgres => 2,
        };
        drop(rustls::crypto::ring::default_provider().install_default());
        crate::engines::block_on(world.db.close());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let installation = Installation::prepare(&world.url, instances, extent.payments).await;
            eprintln!("seed {}", extent.seed);
            let kills = a_bad_day(&installation, &extent).await;
            assert!(kills >= 3, "only {kills} kills");
            heal(&installation, &extent).await;
            compare::with_stripe(&world.url, &installation).await;
        });
        runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

/// Payers pay while instances die; answers how often one was killed.
async fn a_bad_day(installation: &Installation, extent: &Extent) -> usize {
    let mut instances: Vec<Instance> = (0..installation.ports.len())
        .map(|n| installation.start(n))
        .collect();
    installation.until_ready().await;
    arm_faults(installation, extent);
    let over = AtomicBool::new(false);
    let trouble = async {
        let kills = trouble(installation, extent, &mut instances, &over).await;
        (instances, kills)
    };
    let paying = async {
        let unpaid = pay_all(installation, extent, &installation.links).await;
        over.store(true, Ordering::SeqCst);
        extent.payments - unpaid.len()
    };
    let ((mut instances, kills), paid) = tokio::join!(trouble, paying);
    eprintln!(
        "{kills} kills, {paid} of {} invoices paid meanwhile",
        extent.payments
    );
    installation.until_ready().await;
    for instance in &mut instances {
        instance.stop();
    }
    kills
}

/// Strikes the next write at Stripe: every try of it finds no answer, it is done behind a failure, or there
/// are too many. One now and then: an account that is silent time after time is left alone, and nobody pays.
fn strike(installation: &Installation, nth: u64) {
    let (effect, count) = match nth % 3 {
        0 => ("lose_answer", 3),
        1 => ("error500_after", 1),
        _ => ("error429", 1),
    };
    let fault = json!({"effect": effect, "method": "POST", "path": "/v1/payment_intents", "count": count});
    installation.control("POST", "/_simulator/faults", fault);
}

/// What goes wrong on the way from Stripe: about one of five payments is struck by each.
fn arm_faults(installation: &Installation, extent: &Extent) {
    let often = extent.payments / 5;
    for delivery in ["drop", "duplicate", "reorder", "delay"] {
        for event in ["payment_intent.succeeded", "charge.", "application_fee."] {
            let fault = json!({"delivery": delivery, "event": event, "count": often, "delay_ms": 3_000});
            installation.control("POST", "/_simulator/faults", fault);
        }
    }
}

/// Kills instances at drawn moments and starts them again, until the payers are done. In a long run one of
/// several stands still once, long enough for others to take over what it held.
async fn trouble(
    installation: &Installation,
    extent: &Extent,
    instances: &mut [Instance],
    over: &AtomicBool,
) -> usize {
    let mut draw = Draw::new(extent.seed);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut kills, mut next) = (0, 10);
    let (mut thaw_in, mut passed) = (None, 0_u64);
    let mut freezing = extent.frozen_ticks.filter(|_| instances.len() > 1);
    while !over.load(Ordering::SeqCst) || kills < 3 || thaw_in.is_some() {
        ticks.tick().await;
        passed += 1;
        if passed.is_multiple_of(STRUCK_EVERY) && !over.load(Ordering::SeqCst) {
            strike(installation, passed / STRUCK_EVERY);
        }
        thaw_in = match thaw_in {
            Some(0) => {
                instances[0].signal("-CONT");
                None
            }
            Some(left) => Some(left - 1),
            None => None,
        };
        next -= 1;
        if next > 0 {
            continue;
        }
        next = 6 + i64::try_from(draw.below(50)).unwrap();
        if kills > 4
            && let Some(frozen) = freezing.take()
        {
            instances[0].signal("-STOP");
            thaw_in = Some(frozen);
            continue;
        }
        let awake = usize::from(thaw_in.is_some());
        let victim = awake + usize::try_from(draw.below((instances.len() - awake) as u64)).unwrap();
        instances[victim].kill();
        kills += 1;
        instances[victim] = installation.start(victim);
    }
    kills
}

/// Several payers at a time; answers what those heard who never saw their invoice paid.
async fn pay_all(installation: &Installation, extent: &Extent, links: &[String]) -> Vec<String> {
    let next = Rc::new(Cell::new(0));
    let paying = async {
        let mut payers = JoinSet::new();
        for _ in 0..extent.payers {
            let (next, links, door) = (next.clone(), links.to_vec(), installation.door());
            payers.spawn_local(async move {
                let mut unpaid = Vec::new();
                loop {
                    let nth = next.replace(next.get() + 1);
                    let Some(link) = links.get(nth) else {
                        break unpaid;
                    };
                    unpaid.extend(payer::pay(&door, nth, link).await.err());
                }
            });
        }
        payers.join_all().await.concat()
    };
    LocalSet::new().run_until(paying).await
}

/// Everything works again: what is on its way arrives, the operator lets psa-pay read what it missed, and the
/// payers who had left come back.
async fn heal(installation: &Installation, extent: &Extent) {
    installation.control("DELETE", "/_simulator/faults", json!(null));
    installation.reconcile().await;
    let mut instances: Vec<Instance> = (0..installation.ports.len())
        .map(|n| installation.start(n))
        .collect();
    installation.until_ready().await;
    // Stripe's second try of what was lost on the way.
    installation.control("POST", "/_simulator/clock", json!({"advance_ms": 61_000}));
    let mut unpaid = Vec::new();
    for _ in 0..COME_BACK {
        unpaid = pay_all(installation, extent, &installation.links).await;
        if unpaid.is_empty() {
            break;
        }
    }
    assert!(
        unpaid.is_empty(),
        "not every invoice can be paid in the end: {unpaid:#?}"
    );
    // What Stripe says of a charge some seconds after it.
    installation.control("POST", "/_simulator/clock", json!({"advance_ms": 61_000}));
    for instance in &mut instances {
        instance.stop();
    }
    installation.reconcile().await;
}
