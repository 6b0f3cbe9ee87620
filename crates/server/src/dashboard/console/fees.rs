//! `/operator/fees`: what the platform took month by month, by which rules, and the way to each tenant's
//! statement.

use axum::extract::State;
use axum::response::Response;
use domain::fee::rules::{Method, Rule};
use domain::ledger::Account;
use domain::{Currency, FeeRuleId, Mode, Month, Scope, TenantId, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;
use store::Tx;
use store::fee_rules::{self as rules, Kept};
use store::ledger_balances::{self as balances, Book};

use super::configuration::percent;
use super::filters::{self, Filter};
use super::tenant::months;
use super::{Names, mode_of, names, whose};
use crate::api::Query;
use crate::dashboard::desk::{self, ASKED, SHOWN};
use crate::dashboard::{page, trouble};
use crate::html::{self as parts, Column, Figure, Pages, Place, Tab, Tone};
use crate::pay::page::format;
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

/// Where the page is.
pub const PATH: &str = Place::Fees.path();
const TITLE: &str = "Fees";
/// Months of the chart.
const MONTHS: usize = 12;

/// Which mode and which page of rules.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    mode: String,
    after: String,
    done: String,
}

/// What the platform earned in a month, by currency.
type Earned = (Month, Vec<(Currency, i64)>);

struct View {
    earned: Vec<Earned>,
    rules: Vec<Kept>,
    names: Names,
}

/// `GET /operator/fees`
pub async fn show(
    State(site): State<Site>,
    person: Person,
    asked: Result<Query<Asked>, Problem>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let mode = mode_of(&asked.mode).unwrap_or(person.mode);
    let after = FeeRuleId::parse(&asked.after).ok();
    let now = site.app.clock.now();
    let read = site.app.db.read(move |tx| {
        Ok::<_, store::Error>(View {
            earned: earned(tx, mode, now)?,
            rules: rules::page_of_all(tx, mode, after.as_ref(), ASKED)?,
            names: names(tx)?,
        })
    });
    match read.await {
        Ok(view) => page(
            &person,
            Place::Fees,
            TITLE,
            &content(&site, mode, &asked, &view, now),
        ),
        Err(error) => trouble(&person, Place::Fees, error.into()),
    }
}

/// The platform's books say it: what was earned by the end of each month, less what was by its beginning.
fn earned(tx: &mut Tx, mode: Mode, now: Timestamp) -> Result<Vec<Earned>, store::Error> {
    let scope = Scope {
        tenant: TenantId::platform(),
        mode,
    };
    let income = Book::Account(Account::PlatformRevenue.word().to_owned());
    let books = balances::accounts(tx, &scope)?;
    let books: Vec<_> = books.into_iter().filter(|(book, _)| *book == income).collect();
    let mut all = Vec::new();
    for month in months(now, MONTHS) {
        let mut of_month = Vec::new();
        for (book, currency) in &books {
            let mut at = |at| balances::before(tx, &scope, book, *currency, at).map(|sum| sum.balance);
            // What is earned is a credit.
            let sum = at(month.begins())?.saturating_sub(at(month.ends())?);
            of_month.push((*currency, sum));
        }
        all.push((month, of_month));
    }
    all.reverse();
    Ok(all)
}

fn content(site: &Site, mode: Mode, asked: &Asked, view: &View, now: Timestamp) -> Markup {
    let tab = |label, of: Mode| Tab {
        label,
        href: desk::address(PATH, &[("mode", of.word())]),
        count: None,
        here: mode == of,
    };
    let done = Ok(Query(crate::dashboard::Done {
        done: asked.done.clone(),
    }));
    let new = desk::address(&format!("{PATH}/new"), &[("mode", mode.word())]);
    let about = format!(
        "What the platform takes of payments. Without a rule it is {}.",
        percent(site.config.fee.value())
    );
    html! {
        (parts::title(TITLE, &about, &html! { (parts::link_button("New rule", &new, "primary")) }))
        (crate::dashboard::said(&done))
        (parts::tabs("Modes", &[tab("Test", Mode::Test), tab("Live", Mode::Live)]))
        div .stack.loose {
            (over_time(&view.earned))
            (statement(mode, &view.names, now))
            (history(mode, asked, view))
        }
    }
}

fn over_time(earned: &[Earned]) -> Markup {
    let mut currencies: Vec<Currency> = earned
        .iter()
        .flat_map(|(_, all)| all.iter().map(|(currency, _)| *currency))
        .collect();
    currencies.sort_by_key(|currency| currency.code());
    currencies.dedup();
    let of = |month: &Earned, currency: Currency| {
        let found = month.1.iter().find(|(of, _)| *of == currency);
        found.map_or(0, |(_, sum)| *sum)
    };
    let lines = |from: usize, until: usize| -> Vec<String> {
        let sum = |currency: &Currency| {
            let months = earned.get(from..until).unwrap_or_default();
            let sum: i64 = months.iter().map(|month| of(month, *currency)).sum();
            desk::amount(sum, *currency)
        };
        currencies.iter().map(sum).collect()
    };
    let figure = |label, sums, about: &str| Figure {
        label,
        sums,
        about: about.to_owned(),
        href: None,
        tone: Tone::Calm,
    };
    let last = earned.len();
    html! {
        (parts::figures(&[
            figure("This month", lines(last.saturating_sub(1), last), "Fees less what was given back"),
            figure("Last month", lines(last.saturating_sub(2), last.saturating_sub(1)), "As it was booked"),
            figure("Twelve months", lines(0, last), "This one included"),
        ]))
        @for currency in &currencies {
            @let months: Vec<_> = earned.iter().map(|month| (month.0, of(month, *currency))).collect();
            (chart(*currency, &months))
        }
    }
}

/// Month by month: a picture, and the same as a table beside it.
fn chart(currency: Currency, months: &[(Month, i64)]) -> Markup {
    let most = months
        .iter()
        .map(|(_, sum)| sum.abs())
        .max()
        .unwrap_or_default()
        .max(1);
    let total: i64 = months.iter().map(|(_, sum)| sum).sum();
    let label = format!(
        "Fees in the last {MONTHS} months: {}",
        desk::amount(total, currency)
    );
    html! {
        section .card {
            h2 { "Fees by month, " (currency) }
            div .beside {
                svg .chart viewBox="0 0 720 180" role="img" aria-label=(label) preserveAspectRatio="none" {
                    line x1="0" y1="170" x2="720" y2="170" {}
                    @for (at, (_, sum)) in (0_i64..).zip(months) {
                        @let height = sum.max(&0).saturating_mul(150) / most;
                        rect x=(at * 60 + 8) y=(170 - height) width="44" height=(height) rx="3" {}
                    }
                }
                table .sheet-lines {
                    thead { tr { th scope="col" { "Month" } th .figure scope="col" { "Fees" } } }
                    tbody {
                        @for (month, sum) in months.iter().rev() {
                            tr {
                                td { (format::month(*month)) }
                                td .figure { (desk::amount(*sum, currency)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn statement(mode: Mode, names: &Names, now: Timestamp) -> Markup {
    let months = months(now, MONTHS);
    let chosen = months.first().map(ToString::to_string).unwrap_or_default();
    let mut month = Filter::choice(
        "month",
        "Month",
        &chosen,
        months
            .iter()
            .map(|month| (month.to_string(), format::month(*month))),
    );
    let mut tenant = Filter::tenant("", names);
    for filter in [&mut month, &mut tenant] {
        filter.options.remove(0);
    }
    html! {
        section .card {
            h2 { "Fee statement" }
            p .soft { "What was taken of a tenant in a month, as Stripe reported it: as a page, PDF or CSV." }
            @if names.is_empty() { p { "There are no tenants yet." } }
            @else {
                (filters::open(&format!("{PATH}/statement"), &[("mode", mode.word())], &[tenant, month],
                    "Open statement"))
            }
        }
    }
}

fn history(mode: Mode, asked: &Asked, view: &View) -> Markup {
    let here = &view.rules[..view.rules.len().min(SHOWN)];
    let last = here.last().filter(|_| view.rules.len() > SHOWN);
    let address = |after: &str| desk::address(PATH, &[("mode", mode.word()), ("after", after)]);
    let pages = Pages {
        next: last.map(|last| address(last.rule.id.as_str())),
        previous: (!asked.after.is_empty()).then(|| address("")),
        ..Pages::default()
    };
    let columns = [
        Column::words("Rule"),
        Column::words("For"),
        Column::words("Of"),
        Column::words("From"),
        Column::words("Added"),
    ];
    let new = desk::address(&format!("{PATH}/new"), &[("mode", mode.word())]);
    let rows: Vec<parts::Row> = here.iter().map(|kept| row(kept, &view.names)).collect();
    let usual = "The usual fee is in force for everybody.";
    html! {
        section {
            h2 .above { "Rules, the last one added first" }
            @if rows.is_empty() {
                (parts::empty("No rules yet", usual, &parts::link_button("New rule", &new, "")))
            } @else {
                (parts::table("Fee rules", &columns, &rows))
                (parts::pages(&pages))
                p .soft.below { "Rules are never changed. A later one of the same kind takes the place of an \
                                 earlier; what exists keeps the fee that it was made with." }
            }
        }
    }
}

fn row(kept: &Kept, names: &Names) -> parts::Row {
    let rule = &kept.rule;
    vec![
        html! { strong { (terms(rule)) } },
        html! { (method(rule.method)) @if let Some(currency) = rule.currency { ", " (currency) } },
        html! {
            @if rule.of_tenant { (whose(Some(&kept.scope.tenant), names)) }
            @else { "Everybody" }
        },
        parts::moment(rule.effective_from),
        parts::moment(kept.created_at),
    ]
}

/// What a method is called; none is any.
pub fn method(method: Option<Method>) -> &'static str {
    match method {
        None => "Any payment",
        Some(Method::Card) => "Cards",
        Some(Method::BankDebit) => "Bank debits",
    }
}

/// What a rule says: `2.9 % + $0.30, at least $0.50`.
pub fn terms(rule: &Rule) -> String {
    let Some(terms) = rule.terms else {
        return "Ends the rules of its kind".to_owned();
    };
    let amount = |minor| match rule.currency {
        Some(currency) => desk::amount(minor, currency),
        None => minor.to_string(),
    };
    let mut words = percent(terms.rate().value());
    if terms.fixed() > 0 {
        words.push_str(&format!(" + {}", amount(terms.fixed())));
    }
    if let Some(least) = terms.minimum() {
        words.push_str(&format!(", at least {}", amount(least)));
    }
    if let Some(most) = terms.maximum() {
        words.push_str(&format!(", at most {}", amount(most)));
    }
    words
}

/// An amount in words, or that there is none.
pub fn fee(minor: Option<i64>, currency: Currency) -> String {
    match minor {
        None | Some(0) => "None".to_owned(),
        Some(minor) => desk::amount(minor, currency),
    }
}
