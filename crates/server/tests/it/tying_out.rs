//! `psa-pay tie-out` on the command line: what it says, and how it ends, of books that agree with Stripe and
//! of books that do not.

use flows::reconcile;
use serde_json::json;
use store::db::Options;
use store::{Db, Sql};

use crate::engines::World;
use crate::program::psa_pay;
use crate::refunds::{paid, refund};
use crate::town::{Town, Wishes};

/// A Stripe that says more of the payment than the books, and an invoice that says less.
const PLANT: [Sql; 2] = [
    Sql::new("update balance_transactions set amount = amount + 7, net = net + 7 where type = 'charge'"),
    Sql::new("update invoices set applied = applied - 100 where applied > 0"),
];
const UPROOT: [Sql; 2] = [
    Sql::new("update balance_transactions set amount = amount - 7, net = net - 7 where type = 'charge'"),
    Sql::new("update invoices set applied = applied + 100 where applied > 0"),
];
const OPEN: Sql = Sql::new(
    "select count(*) as n from reconciliation_breaks where kind = 'tie_out' and resolved_at is null",
);

/// The command, over the town's database and Stripe: its exit code, what it shows, what it says of errors.
fn tie_out(town: &Town, world: &World, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ended = psa_pay(&world.url)
        .env("STRIPE_API_BASE", &town.stripe_url)
        .arg("tie-out")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

/// Changes rows behind the product's back, and answers how many breaks are open.
async fn change(world: &World, changes: &'static [Sql]) -> i64 {
    let db = Db::open(&world.url, Options::default()).await.unwrap();
    let changed = db.write(move |tx| {
        for change in changes {
            assert_eq!(tx.execute(change, &[])?, 1, "{change:?}");
        }
        tx.one(&OPEN, &[])?.int("n")
    });
    let open = changed.await.unwrap_or_else(|e: store::Error| panic!("{e}"));
    db.close().await;
    open
}

both! {
    fn the_command_names_what_does_not_agree_and_fails(world: &World) {
        // The command has the machine's time: what happened here is long ago by then.
        let wishes = Wishes { deliveries: false, worker: false, still: true, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let part = json!({"payment_id": paid.payment, "amount": 345, "settlement": "still_owed"});
            refund(&town, part).await;
            town.advance_ms(60 * 60 * 1000);
            reconcile::run(&town.app).await.unwrap();
            town.app.db.close().await;
            let tenant = town.msp.scope.tenant.as_str();

            let (code, shown, said) = tie_out(&town, world, &[]);
            assert_eq!(code, Some(0), "{shown}{said}");
            let of_tenant = format!("ok      {tenant} TEST usd: Stripe ");
            let line = shown.lines().find(|line| line.starts_with(&of_tenant));
            let line = line.unwrap_or_else(|| panic!("{shown}"));
            assert!(line.ends_with("external 0.00 USD, on the way 0.00 USD"), "{line}");
            let own = "ok      ten_platform TEST usd: Stripe 3.70 USD, books 3.70 USD";
            assert!(shown.contains(own), "{shown}");
            assert!(shown.ends_with("All 2 agree.\n"), "{shown}");
            for (of, what) in [("platform", "ten_platform"), (tenant, tenant)] {
                let (code, shown, said) = tie_out(&town, world, &["--offline", "--tenant", of]);
                assert_eq!(code, Some(0), "{shown}{said}");
                assert!(shown.contains(what) && shown.ends_with("All 1 agree.\n"), "{shown}");
            }
            let (code, _, said) = tie_out(&town, world, &["--tenant", "ten_nobody"]);
            assert_eq!(code, Some(1));
            assert!(said.contains("no such tenant, or nothing is booked"), "{said}");

            assert_eq!(change(world, &PLANT).await, 0);
            for arguments in [&["--offline"][..], &[]] {
                let (code, shown, said) = tie_out(&town, world, arguments);
                assert_eq!(code, Some(1), "{shown}{said}");
                assert!(shown.contains(&format!("DIFFERS {tenant} TEST usd: ")), "{shown}");
                let of_payment = format!("{} other_amount: books ", paid.payment);
                let of_invoice = format!("{} invoice_differs: owed 4.45 USD, books 3.45 USD", paid.invoice);
                assert!(shown.contains(&of_payment) && shown.contains(&of_invoice), "{shown}");
                assert!(shown.contains("ok      ten_platform"), "{shown}");
                assert!(said.contains("1 of 2 do not agree") && !shown.contains("agree."), "{said}");
            }
            // Without reading it changed nothing; with it there is a break, until they agree.
            assert_eq!(change(world, &UPROOT).await, 1);
            assert_eq!(tie_out(&town, world, &[]).0, Some(0));
            assert_eq!(change(world, &[]).await, 0);
        });
    }
}
