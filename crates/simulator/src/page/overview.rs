//! The first page: the clock, the accounts, what there is of each kind, and what happened last.

use maud::{Markup, html};

use super::{STEPS, View, frame, lists, moment, whose};
use crate::account::Account;
use crate::state::{Row, Space, State};

/// How many of the latest are shown.
const LATEST: usize = 8;
/// More accounts than this are not listed one by one.
const ACCOUNTS_MAX: usize = 50;

/// The overview.
pub fn page(state: &State, view: &View) -> Markup {
    frame(
        view,
        "Overview",
        html! {
            div.columns {
                (clock(state, view))
                (facts(state, view))
            }
            (accounts(state, view))
            (shelves(state, view))
            div.columns {
                section aria-labelledby="latest-events" {
                    h2 id="latest-events" { "Latest events" }
                    (lists::event_rows(state, view, LATEST))
                }
                section aria-labelledby="latest-requests" {
                    h2 id="latest-requests" { "Latest requests" }
                    (lists::request_rows(state, LATEST))
                }
            }
        },
    )
}

fn clock(state: &State, view: &View) -> Markup {
    let moved = state.clock.moved.ms / 1000;
    let (days, hours, minutes) = (moved / 86_400, moved / 3_600 % 24, moved / 60 % 60);
    html! {
        section.card aria-labelledby="clock" {
            h2 id="clock" { "Clock" }
            p.time { (moment(state.clock.now_ms())) " " small { "UTC" } }
            p.quiet {
                @if state.clock.runs() { "Runs with this machine" } @else { "Stands still until it is moved" }
                @if moved > 0 { ", moved ahead by " (days) " d " (hours) " h " (minutes) " min" }
                "."
            }
            form.buttons method="post" action=(view.link("clock")) {
                @for (name, ms) in STEPS {
                    button name="advance_ms" value=(ms) { "+" (name) }
                }
            }
        }
    }
}

fn facts(state: &State, view: &View) -> Markup {
    let faults = state.faults.in_words();
    let settings = &state.settings;
    html! {
        section.card aria-labelledby="facts" {
            h2 id="facts" { "State" }
            dl.facts {
                div { dt { "Seed" } dd { code { (settings.seed) } } }
                div { dt { "Platform" } dd { code { (settings.platform) } } }
                div { dt { "Application" } dd { code { (settings.application) } } }
                div { dt { "Deliveries on their way" } dd { (state.deliveries.waiting().count()) } }
                div { dt { "Steps to come" } dd { (state.schedule.steps().count()) } }
                div { dt { "Idempotency keys kept" } dd { (state.idempotency.count()) } }
                div {
                    dt { "Faults armed" }
                    dd {
                        @if faults.is_empty() { "none" } @else {
                            ul.plain { @for fault in &faults { li { (fault) } } }
                            form method="post" action=(view.link("faults/clear")) {
                                button { "Clear faults" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn accounts(state: &State, view: &View) -> Markup {
    let livemode = view.space.livemode;
    let table = Account::table(state);
    let rows = table
        .all()
        .rev()
        .filter(|account| account.space.livemode == livemode);
    let connected: Vec<_> = rows.take(ACCOUNTS_MAX).collect();
    let place = |account: Option<&str>| Space {
        livemode,
        account: account.map(str::to_owned),
    };
    let mode = |livemode: bool| {
        super::link(
            "/",
            &Space {
                livemode,
                account: None,
            },
        )
    };
    html! {
        section aria-labelledby="accounts" {
            div.heading {
                h2 id="accounts" { "Accounts" }
                nav.switch aria-label="Mode" {
                    a href=(mode(false)) aria-current=[(!livemode).then_some("true")] { "Test" }
                    a href=(mode(true)) aria-current=[livemode.then_some("true")] { "Live" }
                }
            }
            ul.rows {
                li {
                    a.main href=(super::link("/", &place(None)))
                        aria-current=[view.space.account.is_none().then_some("true")] {
                        (state.settings.platform_name)
                    }
                    span.side { "the platform" }
                    code.end { (state.settings.platform) }
                }
                @for account in &connected {
                    @let here = view.space.account.as_ref() == Some(&account.id);
                    li {
                        a.main href=(super::link("/", &place(Some(&account.id))))
                            aria-current=[here.then_some("true")] {
                            (account.profile.name.as_ref().or(account.email.as_ref()).unwrap_or(&account.id))
                        }
                        span.side {
                            (account.country) ", "
                            @if account.charges_enabled { "can be paid" } @else { "cannot be paid yet" }
                        }
                        code.end { (account.id) }
                    }
                }
            }
            @if connected.is_empty() { p.empty { "No connected accounts in this mode." } }
        }
    }
}

fn shelves(state: &State, view: &View) -> Markup {
    let mut shelves = state.tables.shelves(&view.space);
    shelves.retain(|(object, count)| *count > 0 && *object != "event");
    shelves.sort_unstable();
    html! {
        section aria-labelledby="objects" {
            div.heading { h2 id="objects" { "Objects" } (whose(state, view)) }
            @if shelves.is_empty() {
                p.empty { "Nothing was made here yet. The first request to the API changes that." }
            }
            ul.shelves {
                @for (object, count) in &shelves {
                    li {
                        a href=(view.link(&format!("objects/{object}"))) {
                            span { (object.replace(['_', '.'], " ")) }
                            strong { (count) }
                        }
                    }
                }
            }
        }
    }
}
