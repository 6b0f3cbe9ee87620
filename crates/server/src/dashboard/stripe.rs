//! `/settings/stripe`: a tenant connects its Stripe account, a new one or one that it has, sees what Stripe
//! still asks for, and disconnects it. The flows are those of the API.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::{Permission, Refusal};
use flows::connect::account::NewAccount;
use flows::connect::{self, Connection};
use flows::disconnect::{self, Access};
use flows::{Failure, oauth};
use maud::{Markup, html};

use super::stripe_panel::{self, View, details, panel, question};
use super::{Asked, after, said, trouble};
use crate::assets;
use crate::connect::standing::standing;
use crate::html::{self as parts, Errors, Frame, Place};
use crate::people::{Filled, Person, html_page, see_other, status_of};
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Stripe.path();
const TITLE: &str = "Stripe";

/// `GET /settings/stripe`
pub async fn show(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    match connect::connection_watched(&site.app, &person.scope()).await {
        Ok(connection) => {
            let content = content(&site, &person, &connection, "", &Errors::none(), &said(&asked));
            html_page(axum::http::StatusCode::OK, in_frame(&person, &content))
        }
        Err(failure) => trouble(&person, Place::Stripe, failure),
    }
}

/// `GET /settings/stripe/panel`: for the page that looks again.
pub async fn show_panel(State(site): State<Site>, person: Person) -> Result<Response, Problem> {
    let connection = connect::connection_watched(&site.app, &person.scope()).await?;
    Ok(panel_of(&site, &person, &connection, "", &Errors::none()).into_response())
}

fn in_frame(person: &Person, content: &Markup) -> Markup {
    let frame = Frame {
        title: TITLE,
        place: Place::Stripe,
        script: Some(assets::connect_js_path()),
    };
    parts::page(&frame, &super::viewer(person), content)
}

fn panel_of(site: &Site, person: &Person, connection: &Connection, country: &str, errors: &Errors) -> Markup {
    let client = site.app.stripe(person.mode).ok();
    let standing = standing(connection);
    panel(&View {
        person,
        standing: &standing,
        account: connection.config.as_ref(),
        oauth: client.is_some_and(|client| client.client_id().is_some()),
        country,
        errors,
    })
}

fn content(
    site: &Site,
    person: &Person,
    connection: &Connection,
    country: &str,
    errors: &Errors,
    said: &Markup,
) -> Markup {
    let may_change = person.may(Permission::ConnectWrite);
    html! {
        (parts::title(TITLE, "The account on which your clients' payments arrive.", &html! {}))
        (said)
        div .stack.loose {
            (panel_of(site, person, connection, country, errors))
            @if let Some(config) = &connection.config { (details(config, may_change)) }
        }
        @if may_change && connection.config.is_some() { (question(&person.csrf).dialog()) }
    }
}

/// `POST /settings/stripe/account`: makes an account and leads to Stripe's form. Where one is there already,
/// or Stripe has not said yet, no second one is made.
pub async fn create(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let country = filled.get("country").trim().to_ascii_uppercase();
    let made = async {
        if !stripe_panel::is_offered(&country) {
            let problem = "must be chosen from the list";
            return Err(Failure::from(Refusal::invalid("country", problem)));
        }
        let new = NewAccount {
            country: Some(country.clone()),
            email: Some(person.seen.user.email.clone()),
            business_type: None,
            business_name: person.seen.tenant.as_ref().map(|tenant| tenant.name.clone()),
            business_url: None,
        };
        match connect::account::create(&site.app, &person.scope(), &person.by, &new).await? {
            connect::account::Creation::Made(_) | connect::account::Creation::There(_) => {
                onboarding(&site, &person).await
            }
            connect::account::Creation::InDoubt => Ok(see_other(PATH)),
        }
    };
    match made.await {
        Ok(response) => response,
        Err(Failure::Refused(refusal)) if is_about_the_form(&refusal) => {
            again(&site, &person, &country, &refusal).await
        }
        Err(failure) => trouble(&person, Place::Stripe, failure),
    }
}

/// Whether another country may help.
fn is_about_the_form(refusal: &Refusal) -> bool {
    refusal.field() == Some("country") || matches!(refusal, Refusal::AccountRefused { .. })
}

/// `POST /settings/stripe/again`: connects the account that was made here and disconnected.
pub async fn connect_again(State(site): State<Site>, person: Person) -> Response {
    let nothing_new = NewAccount::default();
    match connect::account::create(&site.app, &person.scope(), &person.by, &nothing_new).await {
        Ok(_) => after(PATH, "connected"),
        Err(failure) => trouble(&person, Place::Stripe, failure),
    }
}

async fn again(site: &Site, person: &Person, country: &str, refusal: &Refusal) -> Response {
    let errors = Errors::of_refusal(refusal, &[("country", "Country of your business")]);
    match connect::connection(&site.app, &person.scope()).await {
        Ok(connection) => {
            let content = content(site, person, &connection, country, &errors, &html! {});
            html_page(status_of(refusal), in_frame(person, &content))
        }
        Err(failure) => trouble(person, Place::Stripe, failure),
    }
}

/// `POST /settings/stripe/continue`: to Stripe's form.
pub async fn go_on(State(site): State<Site>, person: Person) -> Response {
    match onboarding(&site, &person).await {
        Ok(response) => response,
        Err(failure) => trouble(&person, Place::Stripe, failure),
    }
}

async fn onboarding(site: &Site, person: &Person) -> Result<Response, Failure> {
    let link = connect::link(&site.app, &person.scope(), &person.by, &site.public_origin).await?;
    to_stripe(site, link.url.expose())
}

/// `POST /settings/stripe/existing`: to Stripe's question whether we may act for an account that exists.
pub async fn existing(State(site): State<Site>, person: Person) -> Response {
    let asked = async {
        let scope = person.scope();
        let link = oauth::authorize(&site.app, &scope, &person.by, &site.public_origin).await?;
        to_stripe(&site, link.url.expose())
    };
    match asked.await {
        Ok(response) => response,
        Err(failure) => trouble(&person, Place::Stripe, failure),
    }
}

/// To a page of Stripe's and nowhere else, whatever an answer says.
fn to_stripe(site: &Site, url: &str) -> Result<Response, Failure> {
    match site.config.stripe_api_base.is_connect_page(url) {
        true => Ok(see_other(url)),
        false => Err(Failure::Stripe(
            "a link to Stripe's form leads to another host".to_owned(),
        )),
    }
}

/// `GET /settings/stripe/disconnect`
pub async fn ask_to_disconnect(person: Person) -> Response {
    super::question(&person, Place::Stripe, &question(&person.csrf))
}

/// `POST /settings/stripe/disconnect`
pub async fn disconnect(State(site): State<Site>, person: Person) -> Response {
    let scope = person.scope();
    let done = async {
        let connection = connect::connection(&site.app, &scope).await?;
        let account = connection.config.ok_or(Refusal::NotConnected)?.stripe_account_id;
        disconnect::disconnect(&site.app, &scope, &person.by, &account).await
    };
    match done.await {
        Ok(done) => after(
            PATH,
            match done.access {
                Access::Ended | Access::Kept => "disconnected",
                Access::InDoubt => "in-doubt",
                Access::Refused => "not-ended",
            },
        ),
        Err(failure) => trouble(&person, Place::Stripe, failure),
    }
}
