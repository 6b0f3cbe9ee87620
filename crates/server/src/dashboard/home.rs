//! `/`: where somebody of a tenant begins: what is owed and what came in, and, until all is set up, what to
//! do next. Operators begin at their tenants.

use axum::extract::State;
use axum::response::Response;
use domain::{Permission, Role};
use flows::connect;
use maud::{Markup, html};
use store::api_keys;

use super::overview::Overview;
use super::stripe_panel::words;
use super::{Asked, page, said, trouble};
use crate::connect::standing::{Standing, State as Stands, standing};
use crate::html::{self as parts, Place, Tone};
use crate::people::{Person, see_other};
use crate::router::Site;

/// What the page is about.
struct Begun {
    standing: Standing,
    has_keys: bool,
    overview: Overview,
}

/// `GET /`
pub async fn show(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    if person.role() == Role::Operator {
        return see_other(Place::Operator.path());
    }
    let scope = person.scope();
    let begun = async {
        let connection = connect::connection(&site.app, &scope).await?;
        let of = scope.clone();
        let keys = site
            .app
            .db
            .read(move |tx| api_keys::page(tx, &of, None, 100))
            .await?;
        let (of, now) = (scope.clone(), site.app.clock.now());
        let overview = site.app.db.read(move |tx| Overview::read(tx, &of, now)).await?;
        Ok::<_, flows::Failure>(Begun {
            standing: standing(&connection),
            has_keys: keys.iter().any(|key| key.revoked_at.is_none()),
            overview,
        })
    };
    match begun.await {
        Ok(begun) => page(
            &person,
            Place::Home,
            "Home",
            &content(&person, &begun, &said(&asked)),
        ),
        Err(failure) => trouble(&person, Place::Home, failure),
    }
}

fn content(person: &Person, begun: &Begun, said: &Markup) -> Markup {
    let greeting = format!("Welcome, {}", person.seen.user.name);
    let ready = begun.standing.state == Stands::Ready;
    let set_up = ready && begun.has_keys && person.seen.user.has_second_factor();
    let about = match (set_up, ready) {
        (true, _) => "What your clients owe, and what came in.",
        (false, true) => "Payments can be taken. A few things are left.",
        (false, false) => "A few steps, and your clients can pay your invoices by card.",
    };
    let write = html! {
        @if ready && person.may(Permission::InvoicesWrite) {
            (parts::link_button("New invoice", "/invoices/new", "primary"))
        }
    };
    html! {
        (parts::title(&greeting, about, &write))
        (said)
        div .stack.loose {
            @if !set_up {
                section .card {
                    h2 { "What to do" }
                    ol .steps {
                        (secure(person))
                        (stripe(person, &begun.standing))
                        (integrate(person, begun.has_keys))
                    }
                }
            }
            @if set_up || !begun.overview.is_empty() { (begun.overview.show()) }
        }
    }
}

fn secure(person: &Person) -> Markup {
    match person.seen.user.has_second_factor() {
        true => parts::step(
            Tone::Good,
            "Secure your account",
            "A second factor is set up.",
            &html! {},
        ),
        false => parts::step(
            Tone::Calm,
            "Secure your account",
            "With a second factor, a stolen password alone opens nothing.",
            &parts::link_button("Set it up", Place::Account.path(), ""),
        ),
    }
}

fn stripe(person: &Person, standing: &Standing) -> Markup {
    let tone = match standing.state {
        Stands::Ready => Tone::Good,
        Stands::InReview | Stands::BeingCreated => Tone::Busy,
        Stands::NotConnected | Stands::NeedsInformation | Stands::Paused | Stands::Stopped => Tone::Alert,
        Stands::Declined | Stands::Disconnected => Tone::Bad,
    };
    let (label, class) = match (standing.state, person.may(Permission::ConnectWrite)) {
        (Stands::Ready, _) | (_, false) => ("Look at it", ""),
        (Stands::NotConnected, true) => ("Connect", "primary"),
        (_, true) => ("Continue", "primary"),
    };
    let text = format!(
        "{}. {}",
        standing.headline,
        words(standing.state, &standing.next_step)
    );
    let action = parts::link_button(label, Place::Stripe.path(), class);
    parts::step(tone, "Connect Stripe", &text, &action)
}

fn integrate(person: &Person, has_keys: bool) -> Markup {
    let may = person.may(Permission::KeysWrite);
    match (has_keys, may) {
        (true, _) => parts::step(
            Tone::Good,
            "Connect your systems",
            "An API key is in force, with which your PSA sends invoices here.",
            &html! {},
        ),
        (false, true) => parts::step(
            Tone::Calm,
            "Connect your systems",
            "Your PSA needs an API key to send invoices here.",
            &parts::link_button("Make a key", "/settings/api-keys/new", ""),
        ),
        (false, false) => parts::step(
            Tone::Calm,
            "Connect your systems",
            "Your PSA needs an API key to send invoices here. An owner makes one.",
            &html! {},
        ),
    }
}
