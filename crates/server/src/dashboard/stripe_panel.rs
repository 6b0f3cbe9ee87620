//! The panel that says where a tenant's Stripe account stands and what its owner can do now. The script asks
//! for it again, so that what Stripe says appears without a reload.

use domain::{Mode, Permission};
use maud::{Markup, html};
use store::stripe_config::{Origin, StripeConfig};

use crate::connect::standing::{Standing, State};
use crate::html::{self as parts, Choice, Errors, Offer, Place, Tone};
use crate::people::Person;

/// Where Stripe has accounts of businesses, by their code; the first is nothing.
const COUNTRIES: [(&str, &str); 44] = [
    ("", "Choose a country"),
    ("AU", "Australia"),
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("BR", "Brazil"),
    ("BG", "Bulgaria"),
    ("CA", "Canada"),
    ("HR", "Croatia"),
    ("CY", "Cyprus"),
    ("CZ", "Czechia"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("GI", "Gibraltar"),
    ("GR", "Greece"),
    ("HK", "Hong Kong"),
    ("HU", "Hungary"),
    ("IE", "Ireland"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("LV", "Latvia"),
    ("LI", "Liechtenstein"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("MY", "Malaysia"),
    ("MT", "Malta"),
    ("MX", "Mexico"),
    ("NL", "Netherlands"),
    ("NZ", "New Zealand"),
    ("NO", "Norway"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("RO", "Romania"),
    ("SG", "Singapore"),
    ("SK", "Slovakia"),
    ("SI", "Slovenia"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
    ("AE", "United Arab Emirates"),
    ("GB", "United Kingdom"),
    ("US", "United States"),
];
/// Where the panel alone is answered.
const PANEL_PATH: &str = "/settings/stripe/panel";
/// Where Stripe's form begins.
const CONTINUE: &str = "/settings/stripe/continue";
/// Where an account is made.
pub const ACCOUNT: &str = "/settings/stripe/account";
/// Where an account that was made here is connected again.
const AGAIN: &str = "/settings/stripe/again";
/// Where an account that exists is connected.
const EXISTING: &str = "/settings/stripe/existing";
/// Where the account is disconnected.
pub const DISCONNECT: &str = "/settings/stripe/disconnect";

/// What the panel shows.
pub struct View<'a> {
    /// Who looks.
    pub person: &'a Person,
    /// Where the account stands.
    pub standing: &'a Standing,
    /// The account, if there is one.
    pub account: Option<&'a StripeConfig>,
    /// Whether an account that exists can be connected here.
    pub oauth: bool,
    /// The country that was chosen, and what is wrong with it.
    pub country: &'a str,
    /// What was wrong with the form.
    pub errors: &'a Errors,
}

/// The panel. Its `data-state` differs whenever it has to be shown anew.
pub fn panel(view: &View<'_>) -> Markup {
    let Standing {
        state,
        headline,
        next_step,
        asks,
        problems,
        deadline,
        warnings,
    } = view.standing;
    let may_change = view.person.may(Permission::ConnectWrite);
    // A form that somebody is filling in is never taken away under their hands.
    let rests = state.is_final() || *state == State::NotConnected;
    html! {
        section #panel .card.stack aria-labelledby="panel-title" data-url=(PANEL_PATH)
            data-state=(crate::connect::page::fingerprint(view.standing)) data-final[rests]
        {
            div .card-head {
                h2 #panel-title tabindex="-1" { (headline) }
                (badge(*state))
            }
            p { (words(*state, next_step)) }
            @for warning in warnings { (parts::notice(Tone::Alert, "", &html! { p { (warning) } })) }
            @if !problems.is_empty() {
                (parts::notice(Tone::Bad, "What was given did not do", &html! {
                    @for problem in problems { p { (problem) } }
                }))
            }
            @if !asks.is_empty() {
                ol .steps {
                    @for ask in asks {
                        @let more = if ask.needs_more_than_filling_in() { ask.what_to_do } else { "" };
                        (parts::step(Tone::Alert, &ask.title, more, &html! {}))
                    }
                }
            }
            @if let Some(at) = deadline { p { "Stripe wants it by " strong { (parts::day(*at)) } "." } }
            @if *state == State::InReview || *state == State::BeingCreated {
                p .soft.small { "This page looks again by itself." }
                div .progress aria-hidden="true" {}
            }
            @if may_change { (actions(view)) }
            @else if !state.is_final() { p .soft { "Only an owner can do this. Ask one of yours." } }
        }
    }
}

/// What is to be done next, where these pages have a shorter way than the API.
pub fn words(state: State, next_step: &str) -> &str {
    match state {
        State::NotConnected => "Your clients can pay your invoices by card once it is connected.",
        State::Disconnected => "It takes no new payments until it is connected again.",
        State::BeingCreated
        | State::Ready
        | State::InReview
        | State::NeedsInformation
        | State::Declined
        | State::Paused
        | State::Stopped => next_step,
    }
}

fn badge(state: State) -> Markup {
    match state {
        State::NotConnected => parts::badge(Tone::Calm, "Not connected"),
        State::BeingCreated => parts::badge(Tone::Busy, "Being created"),
        State::Ready => parts::badge(Tone::Good, "Ready"),
        State::InReview => parts::badge(Tone::Busy, "In review"),
        State::NeedsInformation => parts::badge(Tone::Alert, "Needs information"),
        State::Declined => parts::badge(Tone::Bad, "Declined"),
        State::Paused | State::Stopped => parts::badge(Tone::Alert, "Paused"),
        State::Disconnected => parts::badge(Tone::Calm, "Disconnected"),
    }
}

fn actions(view: &View<'_>) -> Markup {
    let csrf = &view.person.csrf;
    let something_due = !view.standing.asks.is_empty();
    match view.standing.state {
        State::NeedsInformation => go_on(csrf, "primary"),
        State::Ready if something_due => go_on(csrf, "primary"),
        State::NotConnected => html! { (connect_new(view)) (connect_existing(view, true)) },
        // It is connected again the way it came.
        State::Disconnected => match view.account.map(|account| account.origin) {
            Some(Origin::Created) => parts::form(
                AGAIN,
                csrf,
                &html! {
                    div .actions { (parts::primary_button("Connect it again")) }
                },
            ),
            Some(Origin::OAuth) | None => connect_existing(view, false),
        },
        State::Ready
        | State::BeingCreated
        | State::InReview
        | State::Declined
        | State::Paused
        | State::Stopped => html! {},
    }
}

fn go_on(csrf: &str, class: &str) -> Markup {
    parts::form(
        CONTINUE,
        csrf,
        &html! {
            div .actions { button .btn.(class) type="submit" { "Continue with Stripe" } }
        },
    )
}

/// Whether a country can be chosen.
pub fn is_offered(country: &str) -> bool {
    // The first of the list asks to choose.
    !country.is_empty() && COUNTRIES.iter().any(|(code, _)| *code == country)
}

fn connect_new(view: &View<'_>) -> Markup {
    let countries: Vec<Offer<'_>> = COUNTRIES
        .into_iter()
        .map(|(value, label)| Offer {
            value,
            label,
            hint: "",
        })
        .collect();
    let country = Choice {
        name: "country",
        label: "Country of your business",
        hint: "It cannot be changed afterwards.",
        options: &countries,
        chosen: view.country,
    };
    html! {
        (parts::form(ACCOUNT, &view.person.csrf, &html! {
            (parts::summary(view.errors))
            (parts::select(&country, view.errors))
            div .actions { (parts::primary_button("Connect with Stripe")) }
        }))
        p .soft.small {
            "Stripe opens its own form, asks for your business and your bank account, and sends you back \
             here. Those details go to Stripe, never to this server."
        }
    }
}

fn connect_existing(view: &View<'_>, beside: bool) -> Markup {
    html! {
        @if view.oauth {
            (parts::form(EXISTING, &view.person.csrf, &html! {
                @if beside { p .soft { "You have a Stripe account already?" } }
                div .actions { (parts::button("Connect an account that you have")) }
            }))
        }
    }
}

/// What is known of the account, and the way out.
pub fn details(config: &StripeConfig, may_change: bool) -> Markup {
    let yes = |on: bool| match on {
        true => parts::badge(Tone::Good, "On"),
        false => parts::badge(Tone::Alert, "Off"),
    };
    let mode = match config.scope.mode {
        Mode::Test => "Test",
        Mode::Live => "Live",
    };
    html! {
        section .card {
            h2 { "The account" }
            (parts::facts(&[
                ("Account", html! { code { (config.stripe_account_id) } }),
                ("Mode", html! { (mode) }),
                ("Card payments", yes(config.can_charge())),
                ("Payouts to your bank", yes(config.payouts_enabled)),
                ("Last read at Stripe", parts::moment(config.updated_at)),
            ]))
            @if may_change && !config.disconnected {
                div .actions { (parts::dialog_link("Disconnect", "", DISCONNECT, "disconnect")) }
            }
        }
    }
}

/// The question before an account is let go.
pub fn question(csrf: &str) -> parts::Ask<'_> {
    parts::Ask {
        id: "disconnect",
        title: "Disconnect this Stripe account?",
        text: "Your clients cannot pay by card any more. Payments that are under way are finished, and \
               refunds of earlier ones stay possible. You can connect again later.",
        yes: "Disconnect",
        no: "Stay connected",
        action: DISCONNECT,
        back: Place::Stripe.path(),
        csrf,
    }
}
