//! PostgreSQL is killed and started again in a loop while clients pay: whoever is cut off tries again, and
//! what psa-pay knows in the end is what Stripe has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::db::Options;
use store::{Db, Sql};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::installation::Installation;
use super::{Extent, compare, heal, pay_all};
use crate::cluster::Cluster;

const PAID: Sql = Sql::new("select count(*) as n from invoices where status = 'paid'");

/// How much of it there is, how long payers try, and between which two kills how long.
struct Loop {
    extent: Extent,
    patience: Duration,
    every: Duration,
    /// Whether it works again before the next kill; killed while it comes back, nobody might pay for long.
    works_between: bool,
}

impl Loop {
    fn of_this_run() -> Loop {
        let full = std::env::var("PSA_PAY_CHECK_FULL").as_deref() == Ok("1");
        let (payments, payers, patience_s, every_ms) = match full {
            true => (400, 20, 300, 3_000),
            false => (18, 6, 30, 2_500),
        };
        Loop {
            extent: Extent {
                payments,
                payers,
                seed: 0,
                frozen_ticks: None,
            },
            patience: Duration::from_secs(patience_s),
            every: Duration::from_millis(every_ms),
            works_between: !full,
        }
    }
}

#[test]
fn while_postgresql_is_killed_again_and_again_nobody_is_charged_twice() {
    let Some(cluster) = Cluster::start() else { return };
    let (cluster, run) = (Arc::new(cluster), Loop::of_this_run());
    drop(rustls::crypto::ring::default_provider().install_default());
    let url = cluster.database("psa_pay");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let installation = Installation::prepare(&url, 1, run.extent.payments).await;
        let mut instance = installation.start(0);
        installation.until_ready().await;
        let over = AtomicBool::new(false);
        let paying = async {
            // Who has not paid by then comes back when it is over.
            let paying = pay_all(&installation, &run.extent, &installation.links);
            drop(timeout(run.patience, paying).await);
            over.store(true, Ordering::SeqCst);
        };
        let (kills, ()) = tokio::join!(kill_until(&cluster, &run, &installation, &over), paying);
        let paid = paid(&url).await;
        eprintln!(
            "{kills} kills, {paid} of {} invoices paid meanwhile",
            run.extent.payments
        );
        assert!(kills >= 2, "only {kills} kills");
        assert!(paid >= 1, "nobody pays while it is killed");
        // It has lived through all of them, and works without anybody's help.
        installation.until_ready().await;
        instance.stop();
        heal(&installation, &run.extent).await;
        compare::with_stripe(&url, &installation).await;
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
}

/// How many invoices are paid by now.
async fn paid(url: &str) -> i64 {
    let db = Db::open(url, Options::default()).await.unwrap();
    let paid = db.read(|tx| tx.one(&PAID, &[])?.int("n")).await.unwrap();
    db.close().await;
    paid
}

/// Kills the server and starts it again until the payers are done; answers how often.
async fn kill_until(
    cluster: &Arc<Cluster>,
    run: &Loop,
    installation: &Installation,
    over: &AtomicBool,
) -> usize {
    let mut ticks = interval(run.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kills = 0;
    while !over.load(Ordering::SeqCst) || kills < 2 {
        ticks.tick().await;
        let killed = Arc::clone(cluster);
        let done = tokio::task::spawn_blocking(move || {
            killed.kill();
            killed.again();
        });
        done.await.unwrap();
        kills += 1;
        if run.works_between {
            installation.until_ready().await;
        }
    }
    kills
}
