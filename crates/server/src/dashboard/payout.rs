//! `/payouts/{id}`: one payout, what it consists of to the cent, and what to do where it failed. What others
//! did on the same account stands apart.

use axum::extract::State;
use axum::response::Response;
use domain::Refusal;
use domain::balance::Attribution;
use flows::Failure;
use flows::payouts::failure_in_words;
use maud::{Markup, html};
use serde::Deserialize;
use store::balance_transactions::{self, BalanceTransaction, Part};
use store::invoices::{self, Invoice};
use store::payments;
use store::payouts::{self as rows, Payout};

use super::desk::{self, ASKED, SHOWN};
use super::payouts::state;
use super::{page, trouble};
use crate::api::{InPath, Query};
use crate::html::{self as parts, Column, Pages, Place, Tone};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Payouts.path();

/// After which item the page goes on.
#[derive(Debug, Default, Deserialize)]
pub struct From {
    #[serde(default)]
    after: String,
}

/// All that the page shows.
struct Whole {
    payout: Payout,
    parts: Vec<Part>,
    /// What it consists of, one page and one more, each with the invoice that its payment is of.
    items: Vec<(BalanceTransaction, Option<Invoice>)>,
}

/// `GET /payouts/{id}`
pub async fn show(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    from: Result<Query<From>, Problem>,
) -> Response {
    let after = from.map(|Query(from)| from.after).unwrap_or_default();
    match read(&site, &person, &id, &after).await {
        Ok(whole) => {
            let title = format!(
                "Payout of {}",
                desk::sum(whole.payout.amount, &whole.payout.currency)
            );
            page(&person, Place::Payouts, &title, &content(&title, &whole, &after))
        }
        Err(failure) => trouble(&person, Place::Payouts, failure),
    }
}

async fn read(site: &Site, person: &Person, id: &str, after: &str) -> Result<Whole, Failure> {
    let (scope, id, after) = (person.scope(), desk::looked_for(id), desk::looked_for(after));
    let read = site.app.db.read(move |tx| {
        let payout = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let parts = balance_transactions::parts_of_payout(tx, &scope, &id)?;
        let mut items = Vec::new();
        for item in balance_transactions::of_payout(tx, &scope, &id, &after, ASKED)? {
            let payment = match &item.payment {
                Some(id) => payments::get(tx, &scope, id)?,
                None => None,
            };
            let invoice = match payment {
                Some(payment) => invoices::get(tx, &scope, &payment.invoice_id)?,
                None => None,
            };
            items.push((item, invoice));
        }
        Ok::<_, Failure>(Whole { payout, parts, items })
    });
    read.await
}

fn content(title: &str, whole: &Whole, after: &str) -> Markup {
    let payout = &whole.payout;
    html! {
        a .back href=(PATH) { "Payouts" }
        (parts::title(title, "", &html! {}))
        div .stack.loose {
            @if let Some(failed) = failed(payout) { (failed) }
            section .card {
                div .card-head { h2 { "Where it stands" } (state(payout)) }
                (parts::facts(&facts(payout)))
            }
            section .card {
                h2 { "What it consists of" }
                @match not_itemised(payout) {
                    Some(why) => p .soft { (why) },
                    None => (sums(whole)),
                }
            }
            @if !whole.items.is_empty() || !after.is_empty() { (items(whole, after)) }
        }
    }
}

/// What somebody does about a payout that failed.
fn failed(payout: &Payout) -> Option<Markup> {
    if payout.status != "failed" {
        return None;
    }
    let text = html! {
        p { (failure_in_words(payout.failure_code.as_deref())) }
        p {
            "The money is back on your Stripe balance and goes out again with a later payout. Nothing is \
             lost, and no client owes anything because of it."
        }
        div .actions {
            a .btn href=(bank_account(payout)) rel="noopener noreferrer" target="_blank" {
                "Check the bank account at Stripe"
            }
        }
    };
    Some(parts::notice(Tone::Bad, "The bank did not take it", &text))
}

fn bank_account(payout: &Payout) -> String {
    desk::in_stripe(&payout.account, payout.scope.mode, "settings/payouts")
}

fn facts(payout: &Payout) -> Vec<(&'static str, Markup)> {
    let mut facts = vec![(
        "Amount",
        html! { strong { (desk::sum(payout.amount, &payout.currency)) } },
    )];
    if payout.amount < 0 {
        facts.push((
            "What that means",
            html! { "Stripe took money back from the bank account to cover a balance below zero." },
        ));
    }
    facts.push(("At the bank", parts::day_or(payout.arrival_at, "Not said")));
    facts.push(("Made", parts::moment_or(payout.made_at, "Not said")));
    facts.push((
        "How",
        html! { @if payout.automatic { "By your account's schedule" } @else { "By hand, at Stripe" } },
    ));
    if let Some(text) = &payout.statement_descriptor {
        facts.push(("Your bank statement says", html! { (text) }));
    }
    if let Some(trace) = &payout.trace_id {
        facts.push((
            "Trace number",
            html! {
                code { (trace) }
                p .soft.small { "With it your bank finds the transfer." }
            },
        ));
    }
    let other = |id: &str| html! { a href={ (PATH) "/" (id) } { code { (id) } } };
    if let Some(id) = &payout.reversed_by {
        facts.push(("Taken back by", other(id)));
    }
    if let Some(id) = &payout.original_payout {
        facts.push(("Takes back", other(id)));
    }
    let href = desk::in_stripe(
        &payout.account,
        payout.scope.mode,
        &format!("payouts/{}", payout.id),
    );
    facts.push((
        "At Stripe",
        html! { a href=(href) rel="noopener noreferrer" target="_blank" { code { (payout.id) } } },
    ));
    facts
}

/// Why nobody can say what it consists of.
fn not_itemised(payout: &Payout) -> Option<&'static str> {
    match (payout.itemised_at, payout.automatic, payout.status.as_str()) {
        (Some(_), _, _) => None,
        (None, false, _) => Some(
            "It was made by hand. Stripe says only of payouts by schedule which payments they consist of.",
        ),
        (None, true, "paid") => Some("Stripe has not said yet. It is asked again by itself."),
        (None, true, "failed" | "canceled") => {
            Some("It did not reach the bank. The payments are part of the payout that goes out after it.")
        }
        (None, true, _) => Some("It is not at the bank yet. What it consists of is known once it is there."),
    }
}

/// A line of the sum: what, how many there are, and what it comes to.
struct Sum {
    what: &'static str,
    count: Option<i64>,
    minor: i64,
}

/// What all of ours comes to, and the fees on it.
fn of_ours(parts: &[Part]) -> Vec<Sum> {
    let of = |attribution| parts.iter().find(move |part| part.attribution == attribution);
    let kinds = [
        (Attribution::Payment, "Payments"),
        (Attribution::Refund, "Refunds"),
        (Attribution::Dispute, "Disputes"),
        (Attribution::ApplicationFeeRefund, "Platform fees that came back"),
        (Attribution::Fee, "Stripe's fees for the account"),
        (Attribution::Payout, "Payouts that came back before"),
        (Attribution::Waiting, "Not assigned yet"),
    ];
    let mut lines: Vec<Sum> = kinds
        .into_iter()
        .filter_map(|(attribution, what)| {
            let part = of(attribution)?;
            Some(Sum {
                what,
                count: Some(part.count),
                minor: part.amount,
            })
        })
        .collect();
    let ours = || {
        parts
            .iter()
            .filter(|part| part.attribution != Attribution::External)
    };
    let platform: i64 = ours().map(|part| part.application_fee).sum();
    let stripe: i64 = ours().map(|part| part.fee - part.application_fee).sum();
    for (what, minor) in [
        ("Stripe's fees on them", -stripe),
        ("Platform fees on them", -platform),
    ] {
        if minor != 0 {
            lines.push(Sum {
                what,
                count: None,
                minor,
            });
        }
    }
    lines
}

/// The sum: what is ours, and what is of others. Together it is the payout.
fn sums(whole: &Whole) -> Markup {
    let lines = of_ours(&whole.parts);
    let external = whole
        .parts
        .iter()
        .find(|part| part.attribution == Attribution::External);
    let total: i64 = whole.parts.iter().map(|part| part.net).sum();
    let amount = |minor| desk::sum(minor, &whole.payout.currency);
    html! {
        ul .items.sums {
            @for line in &lines {
                li {
                    span { (line.what) @if let Some(count) = line.count { " " span .soft {
                        "(" (count) ")" } } }
                    span .figure { (amount(line.minor)) }
                }
            }
            @if let Some(part) = external {
                li {
                    div {
                        "Other business on your account " span .soft { "(" (part.count) ")" }
                        p .soft.small { "Not made here, such as your own shop. After Stripe's fees." }
                    }
                    span .figure { (amount(part.net)) }
                }
            }
            li {
                strong { @if whole.payout.status == "paid" { "Reached your bank" } @else {
                    "Sent to your bank" } }
                strong .figure { (amount(total)) }
            }
        }
        @if total != whole.payout.amount {
            p .late {
                "Stripe sent " (amount(whole.payout.amount)) ". The difference is looked into by itself."
            }
        }
    }
}

fn items(whole: &Whole, after: &str) -> Markup {
    let columns = [
        Column::words("Date"),
        Column::words("What"),
        Column::words("Invoice"),
        Column::figures("Amount"),
        Column::figures("Stripe's fee"),
        Column::figures("Platform fee"),
        Column::figures("Left"),
    ];
    let path = format!("{PATH}/{}", whole.payout.id);
    let here = &whole.items[..whole.items.len().min(SHOWN)];
    let table: Vec<parts::Row> = here.iter().map(row).collect();
    let next = here.last().filter(|_| whole.items.len() > SHOWN);
    let pages = Pages {
        next: next.map(|(last, _)| desk::address(&path, &[("after", last.id.as_str())])),
        previous: (!after.is_empty()).then(|| path.clone()),
        ..Pages::default()
    };
    html! {
        section {
            div .section-head { h2 { "One by one" } }
            @if table.is_empty() {
                (parts::empty(
                    "That was the last page",
                    "The payout consists of nothing more.",
                    &parts::link_button("Show the first", &path, ""),
                ))
            } @else {
                (parts::table("One by one", &columns, &table))
                (parts::pages(&pages))
            }
        }
    }
}

fn row((item, invoice): &(BalanceTransaction, Option<Invoice>)) -> parts::Row {
    let amount = |minor: i64| {
        html! {
            @if minor == 0 { span .soft { "\u{2013}" } }
            @else { (desk::sum(minor, &item.currency)) }
        }
    };
    vec![
        parts::day(item.made_at),
        html! {
            @match &item.payment {
                Some(id) => a href={ "/payments/" (id) } { (what(item.attribution)) },
                None => (what(item.attribution)),
            }
            @if item.attribution == Attribution::External { span .under.soft { (item.type_) } }
        },
        html! {
            @match invoice {
                Some(invoice) => a href={ "/invoices/" (invoice.id) } { (desk::name(invoice)) },
                None => span .soft { "\u{2013}" },
            }
        },
        html! { (desk::sum(item.amount, &item.currency)) },
        amount(-(item.fee - item.application_fee)),
        amount(-item.application_fee),
        html! { (desk::sum(item.net, &item.currency)) },
    ]
}

const fn what(attribution: Attribution) -> &'static str {
    match attribution {
        Attribution::Waiting => "Not assigned yet",
        Attribution::Payment => "Payment",
        Attribution::Refund => "Refund",
        Attribution::Dispute => "Dispute",
        Attribution::ApplicationFee => "Platform fee",
        Attribution::ApplicationFeeRefund => "Platform fee back",
        Attribution::Fee => "Stripe's fee",
        Attribution::Payout => "Payout that came back",
        Attribution::External => "Other business",
    }
}
