//! `doctor --watch`: the first payment from now on, followed through everything that has to stand about it,
//! at Stripe, in the rows and in the books. Stripe forbids testing in live mode with real cards, so this is
//! how the first genuine one is proven.

use std::time::Duration;

use domain::{Mode, Timestamp};
use flows::Clock;
use flows::stripe_events::catalogue;
use store::Db;
use store::db::Options;
use store::followed::{self, Followed};
use stripe::{AccountId, Client, IntentStatus, application_fees, payment_intents};

use super::Line;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::start;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long what follows a payment may take: the event, the fee, the books.
const SETTLES_WITHIN_LOOKS: u32 = 60;

/// What to do where no webhook came.
const UNHEARD: &str = "see `psa-pay webhooks list`, and whether PUBLIC_URL can be reached from outside";

/// Waits for the first payment, and checks it.
pub async fn run(config: &Config, minutes: u32) -> Vec<Line> {
    let now = SystemClock::default().now();
    // Not among the lines, which a program may read.
    eprintln!(
        "Waiting for the first payment in {} mode, for {minutes} minutes at most …",
        config.mode.label()
    );
    follow(config, config.mode, now, "", minutes.saturating_mul(60)).await
}

/// Waits for the first payment since a moment (of one invoice, where one is named), and checks it.
pub async fn follow(config: &Config, mode: Mode, since: Timestamp, invoice: &str, looks: u32) -> Vec<Line> {
    let options = Options {
        beside: true,
        ..start::options(config)
    };
    let failed = |why: String| {
        vec![Line::failure(
            "payment",
            why,
            "see the server's log, and try again",
        )]
    };
    let db = match Db::open(config.database_url.expose(), options).await {
        Ok(db) => db,
        Err(error) => return failed(error.to_string()),
    };
    let (mut seen, mut unread) = (None, None);
    let mut left = looks;
    while left > 0 {
        match look(&db, mode, since, invoice).await {
            // A database that is away for a moment ends no watch of an hour.
            Err(why) => unread = Some(why),
            Ok(Some(found)) if is_settled(&found) => {
                seen = Some(found);
                break;
            }
            Ok(Some(found)) => {
                // Money has come: what follows gets its own time.
                left = left.min(SETTLES_WITHIN_LOOKS);
                seen = Some(found);
            }
            Ok(None) => unread = None,
        }
        left -= 1;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    db.close().await;
    match (seen, start::client(config, mode)) {
        (None, _) => failed(unread.unwrap_or_else(|| "no payment came".to_owned())),
        (_, Err(why)) => failed(why),
        (Some(found), Ok(client)) => check(&client, &found).await,
    }
}

async fn look(db: &Db, mode: Mode, since: Timestamp, invoice: &str) -> Result<Option<Followed>, String> {
    let invoice = invoice.to_owned();
    let told_by = catalogue::AT_LEAST[0];
    let found = db.read(move |tx| followed::first(tx, mode, since, &invoice, told_by));
    found.await.map_err(|error: store::Error| error.to_string())
}

fn is_settled(found: &Followed) -> bool {
    let fee_is_booked = found.fee.unwrap_or(0) == 0 || found.fees_booked > 0;
    found.told > 0 && found.postings > 0 && found.charge.is_some() && fee_is_booked
}

/// A line for each side of it.
async fn check(client: &Client, found: &Followed) -> Vec<Line> {
    let id = &found.payment_id;
    let mut lines = vec![
        line(
            "payment.row",
            found.received == found.amount,
            format!("{id}: {} of {} arrived", found.received, found.amount),
            "look at the payment in Stripe's dashboard",
        ),
        line("payment.webhook", found.told > 0, webhook(found), UNHEARD),
        line(
            "payment.invoice",
            found.invoice_status == "paid",
            format!("{} is {}", found.invoice_id, found.invoice_status),
            "a part may have been paid, or an event is missing: see the invoice's history",
        ),
        line(
            "payment.books",
            found.postings == 1,
            format!("{} postings of it", found.postings),
            "run `psa-pay check-ledger`",
        ),
    ];
    lines.push(intent(client, found).await);
    lines.push(fee(client, found).await);
    lines
}

fn webhook(found: &Followed) -> String {
    match (found.told, found.listed) {
        (0, 0) => format!("no event told of {}", found.intent),
        (0, _) => format!(
            "no webhook told of {}: its event was found in Stripe's list of events alone",
            found.intent
        ),
        (told, _) => format!("{told} events told of {}", found.intent),
    }
}

async fn intent(client: &Client, found: &Followed) -> Line {
    let Ok(account) = AccountId::parse(&found.account) else {
        return Line::failure(
            "payment.intent",
            "the account's id cannot be read",
            "see the payment's row",
        );
    };
    match payment_intents::retrieve(client, &account, &found.intent).await {
        Err(error) => Line::failure(
            "payment.intent",
            error.to_string(),
            "look again once Stripe answers",
        ),
        Ok(intent) => line(
            "payment.intent",
            intent.status == IntentStatus::Succeeded
                && intent.amount_received == found.received
                && intent.application_fee_amount.unwrap_or(0) == found.fee.unwrap_or(0),
            format!(
                "{} on {}: {} received, fee {}",
                found.intent,
                found.account,
                intent.amount_received,
                intent.application_fee_amount.unwrap_or(0)
            ),
            "the rows and Stripe differ: run `psa-pay reconcile --since 1d`",
        ),
    }
}

async fn fee(client: &Client, found: &Followed) -> Line {
    let asked = found.fee.unwrap_or(0);
    let Some(charge) = found.charge.as_deref().filter(|_| asked > 0) else {
        return of_fee(asked, None, found.fees_booked);
    };
    match application_fees::list(client, charge).await {
        Err(error) => Line::failure("payment.fee", error.to_string(), "look again once Stripe answers"),
        Ok(page) => {
            let got = page.data.iter().map(|fee| fee.amount).sum();
            of_fee(asked, Some(got), found.fees_booked)
        }
    }
}

/// `got` is what Stripe says that the platform got of the charge, where the charge is known. What it got and
/// has not booked is what no webhook told of, and no fault of the rules.
fn of_fee(asked: i64, got: Option<i64>, booked: i64) -> Line {
    let rules = "see whether fee rules are as they should be, and `psa-pay tie-out --tenant platform`";
    match got {
        _ if asked == 0 => Line::ok("payment.fee", "no fee was asked"),
        None => Line::failure(
            "payment.fee",
            format!("of the {asked} asked nothing is known: no webhook has told of the charge"),
            UNHEARD,
        ),
        Some(got) => {
            let says = format!("the platform got {got} of {asked}, {booked} booked");
            match (got == asked, booked > 0) {
                (true, true) => Line::ok("payment.fee", says),
                (true, false) => Line::failure(
                    "payment.fee",
                    format!("{says}: no webhook has told of it"),
                    UNHEARD,
                ),
                (false, _) => Line::failure("payment.fee", says, rules),
            }
        }
    }
}

fn line(code: &str, good: bool, says: String, remedy: &str) -> Line {
    match good {
        true => Line::ok(code, says),
        false => Line::failure(code, says, remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    /// Where every delivery was dropped, the fee's rules were blamed.
    #[test]
    fn a_fee_that_no_webhook_told_of_is_no_fault_of_the_rules() {
        for (asked, got, booked, good, remedy) in [
            (0, None, 0, true, ""),
            (37, Some(37), 1, true, ""),
            (37, Some(37), 0, false, "webhooks list"),
            (37, None, 0, false, "webhooks list"),
            (37, Some(0), 0, false, "fee rules"),
            (37, Some(12), 1, false, "fee rules"),
        ] {
            let line = of_fee(asked, got, booked);
            assert_eq!(line.status == Status::Ok, good, "{line:?}");
            assert!(line.remedy.contains(remedy), "{line:?}");
        }
    }
}
