//! What pages add up is kept by day: it is what the rows come to, whatever happened, and while days are
//! folded.

use domain::Scope;
use domain::seal::Day;
use flows::{books, invariants};
use futures_util::future::join_all;
use store::day_sums::{self, Collected, Owed};
use store::{Sql, Tx, binds};

use crate::engines::World;
use crate::invariants::day;
use crate::town::{Town, Wishes};

/// As pages added it up before the sums were kept.
const COLLECTED: Sql = Sql::new(
    "with moved as (
       select p.currency, p.received as amount, coalesce(p.application_fee, 0) as fee, 1 as payments
       from payments p
       where p.tenant_id = $1 and p.livemode = $2 and p.succeeded_at >= $3 and p.succeeded_at < $4
       union all
       select r.currency, -r.amount as amount,
         case when r.fee_status = 'returned' then -r.fee_amount else 0 end as fee, 0 as payments
       from refunds r
       where r.tenant_id = $1 and r.livemode = $2 and r.booked_at >= $3 and r.booked_at < $4
       union all
       select r.currency, r.amount as amount, 0 as fee, 0 as payments
       from refunds r
       where r.tenant_id = $1 and r.livemode = $2 and r.reversed_at >= $3 and r.reversed_at < $4
       union all
       select d.currency, m.disputed as amount, 0 as fee, 0 as payments
       from dispute_movements m
       join disputes d on d.tenant_id = m.tenant_id and d.livemode = m.livemode and d.id = m.dispute_id
       where m.tenant_id = $1 and m.livemode = $2 and m.created_at >= $3 and m.created_at < $4)
     select moved.currency, cast(sum(moved.amount) as bigint) as received,
       cast(sum(moved.fee) as bigint) as application_fees, cast(sum(moved.payments) as bigint) as payments
     from moved
     group by moved.currency
     order by moved.currency",
);

const OWED: Sql = Sql::new(
    "select currency, cast(sum(total - applied - credited) as bigint) as owed,
       cast(sum(case when status = 'open' and due_date < $3 then total - applied - credited else 0 end)
         as bigint) as overdue,
       count(*) as invoices,
       cast(sum(case when status = 'open' and due_date < $3 then 1 else 0 end) as bigint)
         as invoices_overdue
     from invoices
     where tenant_id = $1 and livemode = $2 and status in ('open', 'processing')
     group by currency
     order by currency",
);

/// What is kept of a tenant's sums, and what its rows come to, as text.
async fn both_ways(town: &Town) -> [Vec<String>; 2] {
    let (scope, now) = (town.msp.scope.clone(), town.app.clock.now());
    let read = town.app.db.read(move |tx| {
        let today = Day::of(now);
        let (mut kept, mut rows) = (Vec::new(), Vec::new());
        for back in 0..4 {
            let day = Day::of(now.plus_ms(-back * 24 * 60 * 60 * 1000));
            let next = Day::of(day.ends());
            kept.extend(day_sums::collected(tx, &scope, day, next)?.iter().map(collected));
            rows.extend(collected_of_rows(tx, &scope, day)?);
        }
        let sum = |owed: &Owed| {
            let Owed {
                currency,
                owed,
                overdue,
                invoices,
                invoices_overdue,
            } = owed;
            format!("{currency} {owed} {overdue} {invoices} {invoices_overdue}")
        };
        kept.extend(day_sums::owed(tx, &scope, &today.to_string())?.iter().map(sum));
        for row in tx.query(&OWED, binds![&scope.tenant, scope.mode, today.to_string()])? {
            let int = |column| row.int(column);
            rows.push(format!(
                "{} {} {} {} {}",
                row.text("currency")?.to_uppercase(),
                int("owed")?,
                int("overdue")?,
                int("invoices")?,
                int("invoices_overdue")?
            ));
        }
        Ok::<_, store::Error>([kept, rows])
    });
    read.await.unwrap()
}

fn collected(one: &Collected) -> String {
    let Collected {
        currency,
        received,
        application_fees,
        payments,
    } = one;
    format!("{currency} {received} {application_fees} {payments}")
}

fn collected_of_rows(tx: &mut Tx, scope: &Scope, day: Day) -> Result<Vec<String>, store::Error> {
    let rows = tx.query(
        &COLLECTED,
        binds![&scope.tenant, scope.mode, day.begins(), day.ends()],
    )?;
    let line = |row: &store::db::Row| {
        Ok(format!(
            "{} {} {} {}",
            row.text("currency")?.to_uppercase(),
            row.int("received")?,
            row.int("application_fees")?,
            row.int("payments")?
        ))
    };
    rows.iter().map(line).collect()
}

both! {
    fn what_pages_add_up_is_what_the_rows_come_to_before_and_after_days_are_folded(world: &World) {
        Town::run_as(world, Wishes::default(), async |town| {
            let ([town, live], _) = day::live_through(town).await;
            for town in [&town, &live] {
                let [kept, rows] = both_ways(town).await;
                assert_eq!(kept, rows);
            }
            let [before, _] = both_ways(&town).await;
            // A day on which money came, and what is owed.
            assert!(before.len() >= 2, "{before:?}");
            assert!(books::fold_sums(&town.app.db).await.unwrap() > 0);
            assert_eq!(books::fold_sums(&town.app.db).await.unwrap(), 0, "nothing is left to be folded");
            let [after, rows] = both_ways(&town).await;
            assert_eq!((&after, &rows), (&before, &before));
            let broken = invariants::check_quiet(&town.app).await.unwrap();
            assert!(broken.is_empty(), "{broken:#?}");
        });
    }

    fn payments_while_days_are_folded_are_all_in_the_sums(world: &World) {
        Town::run(world, async |town| {
            let mut links = Vec::new();
            for _ in 0..8 {
                let invoice = town.invoice(10_000, "usd").await;
                links.push(town.link(&invoice).await);
            }
            let pays = links.iter().map(async |link| {
                let paid = town.pay(link, &town.token("pm_card_visa"), 10_000, "usd").await;
                assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            });
            let folds = async {
                for _ in 0..30 {
                    books::fold_sums(&town.app.db).await.unwrap();
                }
            };
            tokio::join!(join_all(pays), folds);
            town.until_quiet().await;
            let [kept, rows] = both_ways(&town).await;
            assert_eq!(kept, rows);
            assert_eq!(kept, ["USD 80000 2400 8"]);
        });
    }
}
