//! Backups under load, restored elsewhere and in place, and what a copy may not do before it was compared
//! with Stripe.

use std::os::unix::fs::MetadataExt;
use std::process::Child;
use std::time::Duration;

use serde_json::json;
use store::db::Options;
use store::migrate::{self, MIGRATIONS};
use store::{Db, Sql};
use tokio::task::LocalSet;

use super::machine::{Machine, number, with_machine};
use super::tenant::Tenant;
use crate::browser::poll;

const PAID: Sql = Sql::new("select count(*) as n from invoices where status = 'paid'");
const PAYMENTS: Sql = Sql::new("select count(*) as n from payments where status = 'succeeded'");
const WAITING: Sql =
    Sql::new("select count(*) as n from mails where livemode = 1 and status in ('queued', 'sending')");
const RECEIPTS_HELD: Sql =
    Sql::new("select count(*) as n from mails where kind = 'receipt' and status = 'cancelled'");
const TENANT_OF_OLD: Sql = Sql::new("select count(*) as n from tenants where id = 'ten_old'");
const LOCKED: Sql = Sql::new("select count(*) as n from instance where live_locked_at is not null");

/// Waits for a command without holding up the payers.
async fn ended(mut child: Child) -> bool {
    let ended = poll(Duration::from_secs(60), async || child.try_wait().unwrap());
    ended.await.is_some_and(|status| status.success())
}

/// Sets up the endpoints of both modes, and starts the server.
async fn open(machine: &mut Machine) {
    machine.set("TRUSTED_PROXIES", "127.0.0.1");
    for mode in ["test", "live"] {
        let made = machine
            .run(&["webhooks", "setup", "--mode", mode])
            .expect("setup");
        machine.take_over(&made.out);
    }
    machine.restart().await;
}

fn since() -> [&'static str; 3] {
    ["reconcile", "--since", "3d"]
}

#[test]
fn a_backup_under_load_is_whole_and_restored_elsewhere_it_knows_what_stripe_knows() {
    with_machine(async |mut machine| {
        let tenant = machine.tenant(24).await;
        open(&mut machine).await;
        let machine_ref = &machine;
        let (paid, backed_up) = LocalSet::new()
            .run_until(async {
                let payers = async {
                    let mut paid = 0;
                    for nth in 0..tenant.links.len() {
                        paid += usize::from(machine_ref.pay(&tenant, nth).await);
                    }
                    paid
                };
                let backups = async {
                    let mut good = 0;
                    for nth in 0..3 {
                        let file = format!("backup-{nth}.db");
                        let child = machine_ref.spawn(&["backup", "--to", &file], "backup.log");
                        good += usize::from(ended(child).await);
                    }
                    good
                };
                tokio::join!(payers, backups)
            })
            .await;
        let log = std::fs::read_to_string(machine.folder.join("backup.log")).unwrap();
        assert_eq!((paid, backed_up), (24, 3), "{log}");
        machine.stop();
        assert_eq!(machine.charges(&tenant), 24);

        // On another disk: the old one is gone.
        machine
            .shell("mkdir gone && mv psa-pay.db* gone/", &Default::default())
            .expect("mv");
        let restored = machine
            .run(&["restore", "--from", "backup-1.db"])
            .expect("restore");
        assert!(restored.out.contains("LIVE stays locked"), "{}", restored.out);
        let read = machine.run(&since()).expect("reconcile");
        assert!(read.out.contains("LIVE is open again"), "{}", read.out);
        machine.run(&["check-ledger"]).expect("check-ledger");
        machine.run(&["verify-seals"]).expect("verify-seals");
        assert_eq!((number(&machine, &PAID), number(&machine, &PAYMENTS)), (24, 24));
        machine.run(&["tie-out"]).expect("tie-out");
        machine.restart().await;
        machine.stop();
        assert_eq!((machine.charges(&tenant), number(&machine, &LOCKED)), (24, 0));
    });
}

/// Nothing takes money for an invoice of live mode, and everybody reads why.
async fn assert_locked(machine: &Machine, tenant: &Tenant, nth: usize) {
    let path = format!("/api/invoices/{}/payment-intent", tenant.invoices[nth]);
    let (status, refused) = machine.api(tenant, "POST", &path, &json!({})).await;
    assert_eq!(
        (status, refused["code"].as_str()),
        (503, Some("live_locked")),
        "{refused}"
    );
    let ready = machine
        .http
        .get(format!("{}/readyz", machine.origin))
        .send()
        .await
        .unwrap();
    let ready = ready.text().await.unwrap();
    assert!(ready.contains("live_locked: the database"), "{ready}");
    let public = format!("/api/public/invoices/{}", tenant.links[nth]);
    let shown = machine.api(tenant, "GET", &public, &json!({})).await.1;
    assert_eq!(shown["state"], "temporarily_unavailable", "{shown}");
    let page = format!("{}/pay/{}", machine.origin, tenant.links[nth]);
    assert_eq!(
        machine.http.get(&page).send().await.unwrap().status().as_u16(),
        200,
        "pages are shown"
    );
}

#[test]
fn after_yesterdays_backup_live_stays_locked_until_everything_was_read_again() {
    with_machine(async |mut machine| {
        machine.set("STRIPE_MODE", "live");
        let tenant = machine.tenant(3).await;
        open(&mut machine).await;
        assert!(machine.pay(&tenant, 0).await);
        machine.run(&["backup", "--to", "yesterday.db"]).expect("backup");
        assert!(machine.pay(&tenant, 1).await, "Stripe moves on");
        let in_the_way = machine.run(&["restore", "--from", "yesterday.db", "--replace"]);
        assert!(
            !in_the_way.good && in_the_way.err.contains("in use by another"),
            "{}",
            in_the_way.err
        );
        machine.stop();
        let kept = machine.run(&["restore", "--from", "yesterday.db"]);
        assert!(
            !kept.good && kept.err.contains("is there already"),
            "{}",
            kept.err
        );
        let put = machine
            .run(&["restore", "--from", "yesterday.db", "--replace"])
            .expect("restore");
        assert!(put.out.contains("before-restore-1"), "{}", put.out);

        machine.restart().await;
        assert!(machine.log().contains("LIVE is locked"), "{}", machine.log());
        assert_locked(&machine, &tenant, 2).await;
        machine.stop();
        let early = machine.run(&["unlock", "--because", "in a hurry"]);
        assert!(
            !early.good && early.err.contains("psa-pay reconcile --since"),
            "{}",
            early.err
        );
        let part = machine.run(&["reconcile", "--since", "1h"]);
        assert!(part.out.contains("LIVE stays locked"), "{}{}", part.out, part.err);
        assert_eq!(number(&machine, &LOCKED), 1);

        let read = machine.run(&since()).expect("reconcile");
        assert!(read.out.contains("LIVE is open again"), "{}", read.out);
        assert_eq!((number(&machine, &PAID), number(&machine, &WAITING)), (2, 0));
        assert_eq!(
            number(&machine, &RECEIPTS_HELD),
            2,
            "one was waiting in the backup, and one may have been sent since"
        );
        machine.restart().await;
        assert!(machine.pay(&tenant, 2).await, "it goes on");
        machine.stop();
        assert_eq!(
            (machine.charges(&tenant), number(&machine, &PAYMENTS)),
            (3, 3),
            "nobody paid twice"
        );
        machine.run(&["check-ledger"]).expect("check-ledger");
    });
}

#[test]
fn a_cloned_database_starts_with_live_locked_and_one_that_was_only_restarted_does_not() {
    with_machine(async |mut machine| {
        machine.set("STRIPE_MODE", "live");
        machine.tenant(1).await;
        open(&mut machine).await;
        machine.restart().await;
        machine.stop();
        assert_eq!(number(&machine, &LOCKED), 0, "two starts of the same are no copy");
        machine
            .shell("cp psa-pay.db trial.db", &Default::default())
            .expect("cp");
        machine.set("DATABASE_URL", "sqlite:trial.db");
        machine.restart().await;
        assert!(
            machine
                .log()
                .contains("LIVE is locked: the database was copied or moved")
        );
        machine.stop();
        machine.set("DATABASE_URL", "sqlite:psa-pay.db");
        machine.restart().await;
        machine.stop();
        assert_eq!(number(&machine, &LOCKED), 0, "the original is not touched");
    });
}

#[test]
fn a_damaged_backup_is_not_put_in_place() {
    with_machine(async |mut machine| {
        machine.tenant(1).await;
        open(&mut machine).await;
        machine.run(&["backup", "--to", "good.db"]).expect("backup");
        let again = machine.run(&["backup", "--to", "good.db"]);
        assert!(
            !again.good && again.err.contains("is there already"),
            "{}",
            again.err
        );
        machine.stop();
        let spoil = "head -c 40000 good.db > short.db";
        machine.shell(spoil, &Default::default()).expect("spoil");
        let refused = machine.run(&["restore", "--from", "short.db", "--replace"]);
        assert!(!refused.good, "{}", refused.out);
        assert!(machine.folder.join("psa-pay.db").exists(), "what was there stays");
        machine.restart().await;
    });
}

/// Root restored, and the server, which is not root, could not open the file.
#[test]
fn a_restored_database_belongs_to_whom_the_old_one_did() {
    const NOBODY: u32 = 61_234;
    if !rustix::process::getuid().is_root() {
        eprintln!("THE OWNER OF A RESTORED FILE was not looked at: only root gives files away");
        return;
    }
    with_machine(async |mut machine| {
        machine.tenant(1).await;
        open(&mut machine).await;
        machine.run(&["backup", "--to", "good.db"]).expect("backup");
        machine.stop();
        let given = format!("chown {NOBODY} psa-pay.db && rm -f psa-pay.db.lock");
        machine.shell(&given, &Default::default()).expect("chown");
        machine
            .run(&["restore", "--from", "good.db", "--replace"])
            .expect("restore");
        for file in ["psa-pay.db", "psa-pay.db.lock"] {
            let owner = std::fs::metadata(machine.folder.join(file)).unwrap().uid();
            assert_eq!(owner, NOBODY, "{file}");
        }
    });
}

/// Changes a file of SQLite's by hand.
fn spoil(machine: &Machine, file: &str, lines: &str) {
    let path = machine.folder.join(file);
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(lines)
        .unwrap();
}

/// The old database was gone by the time that its successor's ledger was looked at.
#[test]
fn a_backup_whose_ledger_is_wrong_was_put_in_place() {
    with_machine(async |mut machine| {
        let tenant = machine.tenant(2).await;
        open(&mut machine).await;
        assert!(machine.pay(&tenant, 0).await);
        machine.run(&["backup", "--to", "good.db"]).expect("backup");
        machine.stop();
        // A whole file, in which somebody has edited an amount.
        machine
            .shell("cp good.db wrong.db", &Default::default())
            .expect("cp");
        spoil(
            &machine,
            "wrong.db",
            "update invoices set applied = 1 where status = 'paid'",
        );
        let before = std::fs::read(machine.folder.join("psa-pay.db")).unwrap();
        let refused = machine.run(&["restore", "--from", "wrong.db", "--replace"]);
        assert!(
            !refused.good && refused.err.contains("nothing replaced"),
            "{}{}",
            refused.out,
            refused.err
        );
        let after = std::fs::read(machine.folder.join("psa-pay.db")).unwrap();
        assert!(before == after, "what was there is as it was");
        machine
            .shell("! ls | grep -E 'part|before-restore'", &Default::default())
            .expect("nothing is left lying about");
        machine.restart().await;
        machine.stop();
        assert_eq!((number(&machine, &PAID), number(&machine, &LOCKED)), (1, 0));
    });
}

/// A database of the version before there were marks, with one tenant.
async fn of_an_older_version(machine: &Machine, file: &str) {
    const TENANT: Sql =
        Sql::new("insert into tenants (id, name, created_at) values ('ten_old', 'Of old', 1700000000000)");
    let url = format!("sqlite:{}", machine.folder.join(file).display());
    let db = Db::open(&url, Options::default()).await.unwrap();
    let before_marks = &MIGRATIONS[..38];
    assert_eq!(before_marks[37].name, "0038_console");
    migrate::run(&db, before_marks, 1_700_000_000_000).await.unwrap();
    let added = db.write(|tx| tx.execute(&TENANT, &[])).await;
    added.unwrap_or_else(|error: store::Error| panic!("{error}"));
    db.close().await;
}

#[test]
fn a_backup_of_an_older_version_could_not_be_restored() {
    with_machine(async |mut machine| {
        machine.tenant(1).await;
        open(&mut machine).await;
        machine.stop();
        of_an_older_version(&machine, "old.db").await;
        let put = machine
            .run(&["restore", "--from", "old.db", "--replace"])
            .expect("restore");
        assert!(put.out.contains("from 0039_instance on"), "{}", put.out);
        assert_eq!(number(&machine, &TENANT_OF_OLD), 1);
        machine.restart().await;
        machine.stop();
        assert_eq!(
            number(&machine, &LOCKED),
            1,
            "it had no mark, and is a copy all the same"
        );

        // A file of SQLite's, with nothing in it.
        std::fs::write(machine.folder.join("empty.db"), b"").unwrap();
        let empty = machine.run(&["restore", "--from", "empty.db", "--replace"]);
        assert!(
            !empty.good && empty.err.contains("it holds nothing of psa-pay"),
            "{}",
            empty.err
        );

        let newer = "insert into schema_migrations (name, checksum, created_at) values ('9999_later', '', 1)";
        machine
            .shell("cp old.db new.db", &Default::default())
            .expect("cp");
        spoil(&machine, "new.db", newer);
        let refused = machine.run(&["restore", "--from", "new.db", "--replace"]);
        assert!(
            !refused.good && refused.err.contains("nothing replaced"),
            "{}",
            refused.err
        );
        assert_eq!(number(&machine, &TENANT_OF_OLD), 1);
    });
}

/// A restore that was cut off after the old database got its second name, and before the new one was there.
#[test]
fn a_restore_that_was_interrupted_is_done_again_and_keeps_one_old_database() {
    with_machine(async |mut machine| {
        let tenant = machine.tenant(1).await;
        open(&mut machine).await;
        machine.run(&["backup", "--to", "empty.db"]).expect("backup");
        assert!(machine.pay(&tenant, 0).await);
        machine.stop();
        let cut_off = "ln psa-pay.db psa-pay.db.before-restore-1 && head -c 5000 empty.db > psa-pay.db.part";
        machine.shell(cut_off, &Default::default()).expect("ln");
        machine.restart().await;
        machine.stop();
        assert_eq!(
            (number(&machine, &PAID), number(&machine, &LOCKED)),
            (1, 0),
            "it is the old one"
        );
        let put = machine
            .run(&["restore", "--from", "empty.db", "--replace"])
            .expect("restore");
        assert!(put.out.contains("before-restore-1"), "{}", put.out);
        assert_eq!(number(&machine, &PAID), 0);
        machine
            .shell("! ls | grep -E 'part|before-restore-2|-wal'", &Default::default())
            .expect("nothing is left lying about");
        machine
            .shell("mv psa-pay.db.before-restore-1 psa-pay.db", &Default::default())
            .expect("mv");
        assert_eq!(number(&machine, &PAID), 1, "whole");
    });
}
