//! Lists as files: `/invoices.csv` with the filter in force, `/payments.csv` and `/payouts.csv`. Each is
//! written while it is sent.

use axum::extract::State;
use axum::response::Response;
use domain::seal::Day;
use domain::{ClientId, Money, PaymentId, Refusal, Timestamp};
use flows::Failure;
use store::invoice_list::{After, Listed, Shelf};
use store::lists::Only;
use store::payments::{self, Payment};
use store::payouts::{self, Payout};
use store::{clients, invoices};

use super::desk;
use super::invoice_filter::Of;
use super::invoices::Which;
use super::payments::Costs;
use super::trouble;
use crate::api::Query;
use crate::csv::{self, row, text};
use crate::html::Place;
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

/// Rows that are read at once.
const STEP: i64 = 250;

/// `GET /invoices.csv`
pub async fn invoices(
    State(site): State<Site>,
    person: Person,
    which: Result<Query<Which>, Problem>,
) -> Response {
    let which = which.map(|Query(which)| which).unwrap_or_default();
    let (scope, filter) = (person.scope(), which.filter());
    if let Some(problem) = filter.problem() {
        let refused = Refusal::invalid("filter", problem).into();
        return trouble(&person, Place::Invoices, refused);
    }
    let client = match which.client.as_str() {
        "" => None,
        id => match ClientId::parse(id) {
            Ok(id) => Some(id),
            Err(refused) => return trouble(&person, Place::Invoices, refused.into()),
        },
    };
    let of = Of {
        shelf: Shelf::parse(&which.state).unwrap_or_default(),
        client,
        called: None,
        today: desk::today(&site),
    };
    let name = format!("invoices-{}-{}.csv", of.today, scope.mode.word());
    let head = "number,client,state,issued,due,currency,subtotal,discount,tax,total,paid,credited,owed";
    csv::answer(&name, head, None::<After>, move |from| {
        let (db, scope, of, filter) = (site.app.db.clone(), scope.clone(), of.clone(), filter.clone());
        async move {
            let read = db.read(move |tx| {
                let step = of.page(tx, &scope, from.as_ref(), STEP)?;
                let next = step.last().filter(|_| is_full(step.len()));
                let next = next.map(|last| After::of(&last.invoice));
                let rows = step.iter().filter(|listed| of.holds(listed));
                let rows = rows.filter(|listed| filter.matches(&listed.invoice));
                let rows: String = rows.map(|listed| invoice(listed, &of.today)).collect();
                Ok::<_, store::Error>((rows, next.map(Some)))
            });
            Ok(read.await?)
        }
    })
}

fn is_full(rows: usize) -> bool {
    i64::try_from(rows).unwrap_or(STEP) >= STEP
}

fn day(at: Option<Timestamp>) -> String {
    at.map(|at| Day::of(at).to_string()).unwrap_or_default()
}

fn invoice(listed: &Listed, today: &str) -> String {
    let invoice = &listed.invoice;
    let plain = |minor| Money::new(minor, invoice.currency).plain();
    let state = match desk::is_overdue(invoice, today) {
        true => "overdue",
        false => invoice.status.word(),
    };
    row([
        text(invoice.number.as_deref().unwrap_or_default()),
        text(&listed.client_name),
        state.to_owned(),
        day(invoice.finalized_at),
        invoice.due_date.clone().unwrap_or_default(),
        invoice.currency.code().to_owned(),
        plain(invoice.subtotal),
        plain(invoice.discounted),
        plain(invoice.tax),
        plain(invoice.total.minor()),
        plain(invoice.applied),
        plain(invoice.credited),
        plain(invoice.owed().minor()),
    ])
}

/// `GET /payments.csv`
pub async fn payments(State(site): State<Site>, person: Person) -> Response {
    let scope = person.scope();
    let name = format!("payments-{}-{}.csv", desk::today(&site), scope.mode.word());
    let head = "begun,paid,invoice,client,state,method,currency,amount,received,refunded,disputed,\
                platform_fee,platform_fee_returned,settlement_currency,stripe_fee,net,dispute_fee,left,\
                stripe_payment_intent";
    csv::answer(&name, head, None::<PaymentId>, move |from| {
        let (db, scope) = (site.app.db.clone(), scope.clone());
        async move {
            let read = db.read(move |tx| {
                let step = payments::page(tx, &scope, &Only::default(), from.as_ref(), STEP)?;
                let mut rows = String::new();
                for one in &step {
                    let invoice = invoices::get(tx, &scope, &one.invoice_id)?;
                    let client = match &invoice {
                        Some(invoice) => clients::get(tx, &scope, &invoice.client_id)?,
                        None => None,
                    };
                    let number = invoice.and_then(|invoice| invoice.number).unwrap_or_default();
                    let client = client.map(|client| client.name).unwrap_or_default();
                    rows.push_str(&payment(one, Costs::of(tx, one)?, &number, &client));
                }
                let next = step.last().filter(|_| is_full(step.len()));
                Ok::<_, Failure>((rows, next.map(|last| Some(last.id.clone()))))
            });
            read.await
        }
    })
}

fn payment(payment: &Payment, costs: Costs, number: &str, client: &str) -> String {
    let plain = |minor| Money::new(minor, payment.currency).plain();
    let settled = payment.settlement_currency.unwrap_or(payment.currency);
    let of_balance = |minor: Option<i64>| {
        minor
            .map(|minor| Money::new(minor, settled).plain())
            .unwrap_or_default()
    };
    let fee = payment.application_fee.filter(|_| payment.succeeded_at.is_some());
    row([
        day(Some(payment.created_at)),
        day(payment.succeeded_at),
        text(number),
        text(client),
        text(payment.status.word()),
        text(&desk::method(payment).unwrap_or_default()),
        payment.currency.code().to_owned(),
        plain(payment.amount),
        plain(payment.received),
        plain(payment.refunded),
        plain(payment.disputed),
        fee.map(plain).unwrap_or_default(),
        plain(costs.fee_back),
        settled.code().to_owned(),
        of_balance(payment.stripe_fee),
        of_balance(payment.net),
        of_balance(Some(costs.disputes)),
        of_balance(costs.left(payment)),
        text(payment.intent_id.as_deref().unwrap_or_default()),
    ])
}

/// `GET /payouts.csv`
pub async fn payouts(State(site): State<Site>, person: Person) -> Response {
    let scope = person.scope();
    let name = format!("payouts-{}-{}.csv", desk::today(&site), scope.mode.word());
    let head = "made,at_the_bank,state,automatic,currency,amount,statement,trace,stripe_payout";
    csv::answer(&name, head, None::<String>, move |from| {
        let (db, scope) = (site.app.db.clone(), scope.clone());
        async move {
            let read = db.read(move |tx| {
                let step = payouts::page(tx, &scope, &Only::default(), from.as_deref(), STEP)?;
                let step = step.unwrap_or_default();
                let next = step.last().filter(|_| is_full(step.len()));
                let next = next.map(|last| Some(last.id.clone()));
                Ok::<_, store::Error>((step.iter().map(payout).collect::<String>(), next))
            });
            Ok(read.await?)
        }
    })
}

fn payout(payout: &Payout) -> String {
    let amount = domain::Currency::parse(&payout.currency).map_or_else(
        |_| payout.amount.to_string(),
        |currency| Money::new(payout.amount, currency).plain(),
    );
    row([
        day(payout.made_at),
        day(payout.arrival_at),
        text(&payout.status),
        if payout.automatic { "yes" } else { "no" }.to_owned(),
        text(&payout.currency),
        amount,
        text(payout.statement_descriptor.as_deref().unwrap_or_default()),
        text(payout.trace_id.as_deref().unwrap_or_default()),
        text(&payout.id),
    ])
}
