//! The database's disk is full while people pay: what would write is refused, what reads goes on, nothing
//! ends, and once there is room all goes on by itself. The disks are small ones in memory that only the test
//! sees.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use store::Sql;

use super::machine::{Machine, number_in, with_machine};
use super::tenant::Tenant;
use crate::browser::{WAIT_MAX, poll};
use crate::cluster::{Cluster, fill, may_mount};

const PAID: Sql = Sql::new("select count(*) as n from invoices where status = 'paid'");
const METRICS_TOKEN: &str = "metrics_psapay_demo_of_the_full_disk";
/// Payers who come while the disk is full.
const PAYERS: usize = 3;

/// The mount options that this user may have.
fn mounts() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--map-root-user", "--mount"]];
    let way = ways.into_iter().find(|way| may_mount(way));
    if way.is_none() {
        eprintln!("THE TEST WITH A FULL DISK OF SQLITE did not run: this user may mount nothing");
    }
    way
}

/// A tenant with open invoices, and endpoints at Stripe.
async fn opened(machine: &mut Machine) -> Tenant {
    for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
        machine.unset(name);
    }
    machine.set("TRUSTED_PROXIES", "127.0.0.1");
    let tenant = machine.tenant(1 + i64::try_from(PAYERS).unwrap()).await;
    let made = machine.run(&["webhooks", "setup"]).expect("setup");
    machine.take_over(&made.out);
    tenant
}

/// Status and text of an address of ours.
async fn get(machine: &Machine, path: &str) -> (u16, String) {
    let answer = machine
        .http
        .get(format!("{}{path}", machine.origin))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn until_ready(machine: &Machine, ready: bool) {
    let reached = poll(WAIT_MAX, async || {
        let status = get(machine, "/readyz").await.0;
        (status == if ready { 200 } else { 503 }).then_some(())
    });
    reached
        .await
        .unwrap_or_else(|| panic!("/readyz never said {ready}: {}", machine.log()));
}

/// The bytes that `/metrics` says are free of a disk of that size.
async fn free_of(machine: &Machine, size: u64) -> u64 {
    let request = machine.http.get(format!("{}/metrics", machine.origin));
    let answer = request.bearer_auth(METRICS_TOKEN).send().await.unwrap();
    let text = answer.text().await.unwrap();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<u64>().ok())
            .unwrap_or_else(|| panic!("{text}"))
    };
    assert_eq!(value("psa_pay_disk_size_bytes "), size);
    value("psa_pay_disk_free_bytes ")
}

/// An API call that writes; its status and code.
async fn write(machine: &Machine, tenant: &Tenant, nth: usize) -> (u16, Value) {
    let client = json!({"name": format!("Client {}", "x".repeat(nth))});
    let (status, body) = machine.api(tenant, "POST", "/api/clients", &client).await;
    (status, body["code"].clone())
}

/// What holds while nothing can be written.
async fn refuses(machine: &Machine, tenant: &Tenant, reads: bool) {
    assert_eq!(write(machine, tenant, 99).await, (503, json!("try_again")));
    let (status, said) = get(machine, "/readyz").await;
    // PostgreSQL's server has ended.
    let word = if reads { "disk_full" } else { "unreachable" };
    let told = format!("the database takes no writes: {word}\n");
    assert_eq!((status, said), (503, told));
    assert_eq!(get(machine, "/healthz").await.0, 200);
    assert_eq!(deliver(machine).await, 503, "Stripe is told to come again");
    if reads {
        let invoice = format!("/api/invoices/{}", tenant.invoices[1]);
        assert_eq!(machine.api(tenant, "GET", &invoice, &Value::Null).await.0, 200);
        let page = format!("/api/public/invoices/{}", tenant.links[1]);
        assert_eq!(get(machine, &page).await.0, 200, "a payer reads what is owed");
    }
    assert_eq!(machine.charges(tenant), 1, "nobody is charged meanwhile");
    assert!(machine.is_running(), "{}", machine.log());
}

/// A webhook that is truly signed.
async fn deliver(machine: &Machine) -> u16 {
    let body = json!({"id": "evt_while_full", "object": "event", "type": "payout.created", "created": 1,
        "livemode": false, "api_version": stripe::API_VERSION,
        "data": {"object": {"id": "po_1", "object": "payout"}}});
    let body = body.to_string();
    let secrets = machine.variable("STRIPE_TEST_WEBHOOK_SECRET").expect("secrets");
    let secret = stripe::Secret::new(secrets.split(',').next().unwrap());
    let now = flows::Clock::now(&server::clock::SystemClock::default()).seconds();
    let header = stripe::signature::sign(&secret, now, body.as_bytes());
    let request = machine
        .http
        .post(format!("{}/api/stripe/webhook", machine.origin));
    let answer = request.header("stripe-signature", header).body(body).send().await;
    answer.unwrap().status().as_u16()
}

/// Payers who try again and again while it is full, and what is done meanwhile.
async fn while_they_try(machine: &Machine, tenant: &Tenant, meanwhile: impl AsyncFnOnce()) {
    let paying = async {
        let (one, two, three) = tokio::join!(
            machine.pay(tenant, 1),
            machine.pay(tenant, 2),
            machine.pay(tenant, 3),
        );
        assert_eq!(
            [one, two, three],
            [true; PAYERS],
            "everybody pays in the end: {}",
            machine.log()
        );
    };
    tokio::join!(paying, meanwhile());
    assert_eq!(machine.charges(tenant), 1 + PAYERS);
    assert!(!machine.log().contains("panicked"), "{}", machine.log());
}

#[test]
fn a_full_disk_of_sqlites_refuses_writes_and_reads_on_until_there_is_room() {
    let Some(mounts) = mounts() else { return };
    with_machine(async |mut machine| {
        let tenant = opened(&mut machine).await;
        machine.set("DATABASE_URL", "sqlite:small/psa-pay.db");
        machine.set("METRICS_TOKEN", METRICS_TOKEN);
        machine.run_within(
            mounts,
            "mkdir small; mount -t tmpfs -o size=24m tmpfs small; cp psa-pay.db small/; exec \"$@\"",
        );
        machine.restart().await;
        assert!(machine.pay(&tenant, 0).await, "{}", machine.log());
        let small = format!(
            "/proc/{}/root{}/small",
            machine.process(),
            machine.folder.display()
        );
        let in_the_way = fill(Path::new(&small));
        // What room the last write has left is used up by a few.
        let refused = poll(WAIT_MAX, async || {
            static NTH: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
            let nth = NTH.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            (write(&machine, &tenant, nth).await.0 == 503).then_some(())
        });
        refused.await.expect("a disk without room");
        while_they_try(&machine, &tenant, async || {
            refuses(&machine, &tenant, true).await;
            assert!(
                free_of(&machine, 24 << 20).await < 1 << 20,
                "the operator sees it"
            );
            fs::remove_file(&in_the_way).unwrap();
            until_ready(&machine, true).await;
        })
        .await;
        // Its pages, its ledger and its seals hold.
        machine
            .run_beside(&["backup", "--to", "copy.db"])
            .expect("backup");
        let copy = format!("sqlite:{}", machine.folder.join("copy.db").display());
        assert_eq!(number_in(&copy, &PAID), 1 + i64::try_from(PAYERS).unwrap());
        machine.stop();
    });
}

/// PostgreSQL ends itself when it cannot write its log, and stays down until there is room and somebody
/// starts it. In `./check full`: making a server of its own takes longer than all other tests.
#[test]
fn a_full_disk_of_postgresqls_ends_its_server_and_not_ours() {
    if std::env::var("PSA_PAY_CHECK_FULL").as_deref() != Ok("1") {
        eprintln!("the full disk of PostgreSQL is tried in ./check full");
        return;
    }
    let Some(cluster) = Cluster::on_a_small_disk(120) else {
        return;
    };
    let url = cluster.database("psa_pay");
    with_machine(async |mut machine| {
        machine.set("DATABASE_URL", &url);
        let tenant = opened(&mut machine).await;
        machine.restart().await;
        assert!(machine.pay(&tenant, 0).await, "{}", machine.log());
        let in_the_way = fill(&cluster.disk());
        let url_of_filler = url.clone();
        let ended = tokio::task::spawn_blocking(move || fill_its_log(&url_of_filler));
        ended.await.unwrap();
        until_ready(&machine, false).await;
        while_they_try(&machine, &tenant, async || {
            refuses(&machine, &tenant, false).await;
            fs::remove_file(&in_the_way).unwrap();
            cluster.again();
            until_ready(&machine, true).await;
        })
        .await;
        machine.stop();
        assert_eq!(number_in(&url, &PAID), 1 + i64::try_from(PAYERS).unwrap());
        machine.agrees_with_stripe().await;
    });
}

/// Has the server begin one file of its log after the other, until it ends.
fn fill_its_log(url: &str) {
    for _ in 0..1_000 {
        let Ok(mut client) = postgres::Client::connect(url, postgres::NoTls) else {
            return;
        };
        let next = "select pg_logical_emit_message(true, 'test', 'x'); select pg_switch_wal()";
        while client.batch_execute(next).is_ok() {}
    }
    panic!("the server goes on without room");
}
