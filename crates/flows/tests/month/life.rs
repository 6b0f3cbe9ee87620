//! What happens in the month, hour by hour.

use std::collections::BTreeMap;

use domain::fee::{BasisPoints, Terms};
use domain::invoice::{Line, Quantity, TaxRate};
use domain::payment::{IntentStatus, PaymentState};
use domain::{Currency, InvoiceId, Mode, Money};
use flows::collect::{self, PayRequest};
use flows::fees::{self, NewRule};
use flows::invoicing::{self, Draft};
use flows::payer_view::{self, Look, Panel};
use flows::{Failure, page_tokens, pay_links};

use crate::back;
use crate::executor::run;
use crate::town::{BY, PAYER, Town};

const HOUR_MS: i64 = 3_600_000;
const HOURS: usize = 30 * 24;
/// After the month: what is on its way arrives.
const CALM_DAYS: usize = 20;
const RECONCILE_EVERY: usize = 12;
const FINE: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
/// The next charge of this card is disputed.
const DISPUTED: &str = "4000000000000259";
/// A refund to this card fails days later.
const REFUND_FAILS: &str = "4000000000005126";

const WORK: [&str; 4] = ["Managed workplace", "Backup storage", "On-site hours", "Licences"];

/// An invoice that waits to be paid.
struct Sent {
    msp: usize,
    link: String,
    card: &'static str,
}

/// Lives through the month with so many invoices, and through the calm after it.
pub fn live(town: &mut Town, invoices: usize) {
    let mut due: BTreeMap<usize, Vec<Sent>> = BTreeMap::new();
    let mut sent = 0;
    for hour in 0..HOURS {
        while sent * HOURS < invoices * (hour + 1) {
            let (at, bill) = bill(town, hour);
            due.entry(at).or_default().push(bill);
            sent += 1;
        }
        for bill in due.remove(&hour).unwrap_or_default() {
            if let Some(later) = pay(town, &bill) {
                due.entry(hour + 1 + later)
                    .or_default()
                    .push(Sent { card: FINE, ..bill });
            }
        }
        others(town, hour);
        town.pass(HOUR_MS);
        if hour.is_multiple_of(RECONCILE_EVERY) {
            town.reconcile();
        }
    }
    for _ in 0..CALM_DAYS * 2 {
        back::answer_disputes(town);
        town.pass(12 * HOUR_MS);
        town.reconcile();
    }
}

/// What happens beside bills and payments.
fn others(town: &mut Town, hour: usize) {
    if hour == HOURS / 2 {
        dearer(town);
    }
    match hour % 24 {
        3 => back::answer_disputes(town),
        7 | 13 | 19 => back::own_sale(town),
        9 | 15 => back::refund_in_dashboard(town),
        11 => back::credit_note(town),
        20 if hour % 120 == 20 => back::fail_payout(town),
        _ => {}
    }
    if hour.is_multiple_of(3) {
        back::refund(town);
    }
}

/// The platform asks for another fee from now on: 2.5 % and 30 of each dollar payment, at least 50 and at
/// most 1,500 minor units; 2.5 % of all others.
fn dearer(town: &Town) {
    let rate = BasisPoints::new(250).unwrap();
    let usd = Currency::parse("usd").unwrap();
    for (currency, terms) in [
        (
            Some(usd),
            Terms::new(Some(usd), rate, 30, Some(50), Some(1_500)).unwrap(),
        ),
        (None, Terms::of_rate(rate)),
    ] {
        let rule = NewRule {
            tenant: None,
            mode: Mode::Test,
            method: None,
            currency,
            terms: Some(terms),
            effective_from: None,
        };
        run(fees::add_rule(&town.app, &BY, town.app.moment(), rule)).unwrap();
    }
    town.count("changes of the fee");
}

/// Bills a client; answers when it will be paid, as an hour of the month.
fn bill(town: &mut Town, hour: usize) -> (usize, Sent) {
    let msp = town.dice.below(town.msps.len());
    let client = town.dice.below(town.msps[msp].clients.len());
    let currency = town.msps[msp].currency;
    let lines = 1 + town.dice.below(4);
    let mut drafted = Vec::new();
    for _ in 0..lines {
        let price = town.dice.between(1_500, 90_000);
        let rate = *town.dice.pick(&[0, 8_875, 19_000]);
        let what = *town.dice.pick(&WORK);
        let line = Line::new(
            what,
            Quantity::from_thousandths(town.dice.between(1, 12) * 500),
            Money::new(price, currency),
            TaxRate::from_thousandths_of_percent(rate).unwrap(),
        );
        drafted.push(line.unwrap());
    }
    let draft = Draft {
        client_id: town.msps[msp].clients[client].clone(),
        currency,
        memo: None,
        due_date: None,
        discount: None,
        lines: drafted,
    };
    let (app, scope) = (&town.app, &town.msps[msp].scope);
    let invoice = run(invoicing::create(app, scope, &BY, app.moment(), draft)).unwrap();
    let id: InvoiceId = invoice.id;
    run(invoicing::finalize(app, scope, &BY, &id)).unwrap();
    let link = run(pay_links::rotate(app, scope, &BY, &id, None)).unwrap().token;
    town.count("invoices");
    let card = match town.dice.below(100) {
        0..8 => DECLINED,
        8..12 => DISPUTED,
        12..15 => REFUND_FAILS,
        _ => FINE,
    };
    let wait = usize::try_from(town.dice.between(0, 7 * 24)).unwrap();
    (hour + wait, Sent { msp, link, card })
}

/// A payer opens the page and pays. After so many hours they try again, if they were declined.
fn pay(town: &mut Town, bill: &Sent) -> Option<usize> {
    let Look::Invoice(view) = run(payer_view::look(&town.app, &bill.link)).unwrap() else {
        town.count("links that had run out");
        return None;
    };
    if !matches!(view.panel, Panel::Pay | Panel::Continue) {
        town.count("pages that asked for nothing");
        return None;
    }
    town.simulator.advance_ms(page_tokens::AGE_MIN_MS);
    let request = PayRequest {
        confirmation_token: token(town, &town.msps[bill.msp].account, bill.card),
        seen: view.owed(),
        due: None,
        others: Vec::new(),
        page_token: Some(view.page_token.clone()),
        proof: None,
    };
    match run(collect::pay(&town.app, &PAYER, &bill.link, &request)) {
        Ok(status) if status.state == PaymentState::At(IntentStatus::Succeeded) => {
            town.count("payments");
            None
        }
        Ok(_) => {
            town.count("declines");
            (town.dice.below(2) == 0).then(|| town.dice.below(30))
        }
        Err(Failure::Refused(refusal)) => panic!("{refusal}"),
        Err(failure) => panic!("{failure}"),
    }
}

/// A confirmation token, as Stripe.js makes one of what is typed.
fn token(town: &Town, account: &str, number: &str) -> String {
    let form = format!(
        "payment_method_data[type]=card&payment_method_data[card][number]={number}\
         &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034\
         &payment_method_data[card][cvc]=123"
    );
    let made = town.called(
        "pk_test_psapay_demo",
        account,
        "POST",
        "/v1/confirmation_tokens",
        &form,
    );
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}
