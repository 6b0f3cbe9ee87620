//! What stands on a tenant's page beside its state: where its Stripe accounts stand, in plain words, and
//! what it took and paid in fees.

use domain::seal::Day;
use domain::tenant::TenantState;
use domain::{Mode, Month, Scope, Timestamp};
use flows::connect::Connection;
use flows::tenants::Overview;
use maud::{Markup, html};
use store::day_sums::{self, Collected};
use store::{Tx, stripe_config::StripeConfig};

use crate::connect::standing::{Standing, State, standing};
use crate::dashboard::desk;
use crate::html::{self as parts, Tone};
use crate::pay::page::format;

/// Months of a tenant's page, this one included.
const MONTHS: usize = 6;

/// What a tenant took in a month, by currency.
pub type OfMonth = (Month, Vec<Collected>);

/// The months up to this one, the newest first.
pub fn months(now: Timestamp, count: usize) -> Vec<Month> {
    let mut months = Vec::new();
    let mut at = now;
    for _ in 0..count {
        let day = Day::of(at).to_string();
        let Some(month) = Month::parse(day.get(..7).unwrap_or_default()) else {
            break;
        };
        months.push(month);
        at = month.begins().plus_ms(-1);
    }
    months
}

/// What payments brought this month, by currency.
///
/// # Errors
/// When the database fails.
pub fn this_month(tx: &mut Tx, scope: &Scope, now: Timestamp) -> Result<Vec<Collected>, store::Error> {
    match months(now, 1).first() {
        Some(month) => of_month(tx, scope, *month),
        None => Ok(Vec::new()),
    }
}

/// What payments brought in the last months, the newest first.
///
/// # Errors
/// When the database fails.
pub fn by_month(tx: &mut Tx, scope: &Scope, now: Timestamp) -> Result<Vec<OfMonth>, store::Error> {
    let of = |month: Month| Ok((month, of_month(tx, scope, month)?));
    months(now, MONTHS).into_iter().map(of).collect()
}

fn of_month(tx: &mut Tx, scope: &Scope, month: Month) -> Result<Vec<Collected>, store::Error> {
    day_sums::collected(tx, scope, Day::of(month.begins()), Day::of(month.ends()))
}

/// Sums of a kind in every currency, one a line.
pub fn sums(all: &[Collected], of: fn(&Collected) -> i64) -> Markup {
    html! {
        @if all.is_empty() { span .soft { "\u{2013}" } }
        @for one in all { span .line { (desk::amount(of(one), one.currency)) } }
    }
}

/// Where an account stands, in a badge.
pub fn badge(config: Option<&StripeConfig>, may_begin: bool) -> Markup {
    let standing = stands(config, may_begin);
    let (tone, words) = match standing.state {
        State::NotConnected => (Tone::Calm, "Not connected"),
        State::BeingCreated => (Tone::Busy, "Being created"),
        State::Ready if config.is_some_and(|config| !config.payouts_enabled) => (Tone::Alert, "No payouts"),
        State::Ready => (Tone::Good, "Ready"),
        State::InReview => (Tone::Busy, "In review"),
        State::NeedsInformation => (Tone::Alert, "Needs information"),
        State::Declined => (Tone::Bad, "Declined"),
        State::Paused | State::Stopped => (Tone::Alert, "Paused"),
        State::Disconnected => (Tone::Bad, "Disconnected"),
    };
    parts::badge(tone, words)
}

fn stands(config: Option<&StripeConfig>, may_begin: bool) -> Standing {
    standing(&Connection {
        config: config.cloned(),
        in_doubt_ms: None,
        may_begin,
        domain: None,
    })
}

/// The account of each mode, with what Stripe still wants of it.
pub fn accounts(overview: &Overview) -> Markup {
    let may_begin = overview.tenant.status == TenantState::Active;
    html! {
        @for (mode, config) in &overview.accounts {
            section .card {
                div .section-head {
                    h2 {
                        @match mode {
                            Mode::Test => "Test account",
                            Mode::Live => "Live account",
                        }
                    }
                    (badge(config.as_ref(), may_begin))
                }
                (account(config.as_ref(), may_begin))
            }
        }
    }
}

fn account(config: Option<&StripeConfig>, may_begin: bool) -> Markup {
    let standing = stands(config, may_begin);
    let Some(config) = config else {
        return html! { p .soft { "Its owner has not connected one yet." } };
    };
    let can = |is: bool| match is {
        true => parts::badge(Tone::Good, "Yes"),
        false => parts::badge(Tone::Alert, "No"),
    };
    let facts = [
        ("Account", html! { code { (config.stripe_account_id) } }),
        ("Takes payments", can(config.can_charge())),
        ("Is paid out", can(config.payouts_enabled)),
        ("Read at Stripe", parts::moment(config.updated_at)),
    ];
    html! {
        p { strong { (standing.headline) } }
        (parts::facts(&facts))
        @if !standing.asks.is_empty() {
            h3 { "What Stripe still needs" }
            ul .items {
                @for ask in &standing.asks { li { div { (ask.title) } } }
            }
        }
        @if let Some(deadline) = standing.deadline {
            p { "Until " (parts::moment(deadline)) }
        }
        @for problem in &standing.problems { p .late { (problem) } }
    }
}

/// What it took and paid in fees, month by month, with the way to each statement.
pub fn figures(overview: &Overview, months: &[OfMonth], mode: Mode) -> Markup {
    let title = match mode {
        Mode::Test => "Volume and fees, test",
        Mode::Live => "Volume and fees",
    };
    html! {
        section .card {
            h2 { (title) }
            table .sheet-lines {
                thead {
                    tr {
                        th scope="col" { "Month" }
                        th .figure scope="col" { "Payments" }
                        th .figure scope="col" { "Collected" }
                        th .figure scope="col" { "Fees" }
                    }
                }
                tbody {
                    @for (month, all) in months {
                        @let name = month.to_string();
                        tr {
                            td {
                                a href=(desk::address("/operator/fees/statement", &[
                                    ("tenant", overview.tenant.id.as_str()), ("month", &name),
                                    ("mode", mode.word()),
                                ])) { (format::month(*month)) }
                            }
                            td .figure { (all.iter().map(|one| one.payments).sum::<i64>()) }
                            td .figure { (sums(all, |one| one.received)) }
                            td .figure { (sums(all, |one| one.application_fees)) }
                        }
                    }
                }
            }
            p .soft.small { "Each month leads to its fee statement." }
        }
    }
}
