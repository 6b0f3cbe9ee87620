//! The pages on which an account's owner lands after Stripe's form: where the account stands, what is still
//! to be done, and the way back to the form. The script only asks for the panel again.

use domain::{Mode, Timestamp};
use maud::{DOCTYPE, Markup, html};

use super::standing::{Standing, State};
use crate::assets;
use crate::pay::page::{format, icons};

/// Where the panel alone is answered.
pub const PANEL_PATH: &str = "/connect/status/panel";
/// Where the way back to Stripe's form begins.
pub const CONTINUE_PATH: &str = "/connect/continue";

/// All that the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// TEST is shown as a badge.
    pub mode: Mode,
    /// Whose account it is.
    pub tenant: String,
    /// Where it stands.
    pub standing: Standing,
}

/// The whole page.
pub fn page(view: &View) -> Markup {
    let body = html! {
        div .connect-page { (panel(view)) }
        p #announcement .visually-hidden role="status" {}
    };
    document(
        "Your Stripe account",
        Some((view.mode, &view.tenant)),
        true,
        &body,
    )
}

/// The panel alone. Its `data-state` differs whenever it has to be shown anew.
pub fn panel(view: &View) -> Markup {
    let Standing {
        state,
        headline,
        next_step,
        asks,
        problems,
        deadline,
        warnings,
    } = &view.standing;
    html! {
        section #panel .panel aria-labelledby="panel-title" data-url=(PANEL_PATH)
            data-state=(fingerprint(&view.standing)) data-final[state.is_final()]
        {
            (icon(*state))
            h1 #panel-title tabindex="-1" { (headline) }
            p .lead { (next_step) }
            @for warning in warnings { p .message .calm { (warning) } }
            @if !problems.is_empty() {
                div .message .bad {
                    @for problem in problems { p { (problem) } }
                }
            }
            @if let Some(day) = deadline.and_then(day) {
                p .about { "Stripe wants it by " strong { (day) } "." }
            }
            @if may_continue(*state, !asks.is_empty()) {
                form method="post" action=(CONTINUE_PATH) {
                    button .primary type="submit" { "Continue with Stripe" }
                }
            }
            @if !asks.is_empty() {
                ul .asks {
                    @for ask in asks {
                        li {
                            strong { (ask.title) }
                            @if ask.needs_more_than_filling_in() { span { (ask.what_to_do) } }
                        }
                    }
                }
            }
            @if *state == State::InReview || *state == State::BeingCreated {
                p .about { "This page looks again by itself." }
                div .waiting aria-hidden="true" {}
            }
            @if state.is_final() {
                p .about { "You can close this page." }
            }
        }
    }
}

/// For a state that opens nothing. It says no more than that, whoever brings it.
pub fn used_page() -> Markup {
    notice(
        "This link was used before or has run out",
        "Open your Stripe settings where you came from, and start from there. Nothing was changed.",
    )
}

/// For when Stripe gives no link to its form.
pub fn refused_page() -> Markup {
    notice(
        "Stripe does not open its form for this account now",
        "Your Stripe settings say where the account stands. Nothing was changed.",
    )
}

/// For a failure on our side, or Stripe's silence.
pub fn trouble_page() -> Markup {
    notice(
        "This page could not be loaded",
        "Stripe or our server did not answer. Nothing was lost: go back to your Stripe settings and try \
         again in a moment.",
    )
}

/// A page of two sentences, of which nothing comes from the address that led to it.
pub fn notice(title: &str, text: &str) -> Markup {
    let body = html! {
        section .notice-page {
            (icons::attention())
            h1 { (title) }
            p { (text) }
        }
    };
    document(title, None, false, &body)
}

fn may_continue(state: State, something_due: bool) -> bool {
    match state {
        State::NeedsInformation => true,
        State::Ready => something_due,
        State::NotConnected
        | State::BeingCreated
        | State::InReview
        | State::Declined
        | State::Paused
        | State::Stopped
        | State::Disconnected => false,
    }
}

fn icon(state: State) -> Markup {
    match state {
        State::Ready => icons::check(),
        State::InReview | State::BeingCreated => icons::clock(),
        State::NeedsInformation | State::Paused | State::Stopped => icons::attention(),
        State::NotConnected | State::Declined | State::Disconnected => icons::cross(),
    }
}

fn day(deadline: Timestamp) -> Option<String> {
    format::day_of(deadline).map(format::day)
}

/// What tells a panel from the next: another thing to do is another panel.
pub fn fingerprint(standing: &Standing) -> String {
    let mut text = format!("{}:{}", standing.state.word(), standing.warnings.len());
    for ask in &standing.asks {
        text.push(':');
        text.push_str(&ask.requirements.join(","));
    }
    for problem in &standing.problems {
        text.push(':');
        text.push_str(problem);
    }
    text
}

fn document(title: &str, whose: Option<(Mode, &str)>, script: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                meta name="referrer" content="no-referrer";
                title { (title) }
                link rel="stylesheet" href=(assets::connect_css_path());
                link rel="icon" type="image/svg+xml" href=(assets::icon_path());
                @if script {
                    script src=(assets::connect_js_path()) defer {}
                    noscript { meta http-equiv="refresh" content="10"; }
                }
            }
            body {
                @if let Some((mode, tenant)) = whose {
                    @if mode == Mode::Test {
                        aside .test-badge aria-label="Mode" {
                            strong { "TEST MODE" } " \u{2014} no real money"
                        }
                    }
                    header .masthead {
                        span .monogram aria-hidden="true" { (initial(tenant)) }
                        span .seller-name { (tenant) }
                    }
                }
                main { (body) }
                footer {
                    p { "Your details and your bank account go to Stripe, never to this server." }
                }
            }
        }
    }
}

fn initial(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric());
    first.into_iter().collect::<String>().to_uppercase()
}
