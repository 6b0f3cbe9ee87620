//! `/connect`: the pages between Stripe's form and the tenant's own system. Who comes back is known by a
//! state that is good once; from then on a cookie lets that browser, and no other, look on for an hour.

pub mod oauth;
pub mod page;
pub mod standing;
pub mod words;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Refusal, Scope};
use flows::Failure;
use flows::connect::{self, Arrived, OnboardingLink, WATCH_MS};
use flows::people::{self, Seen};
use maud::Markup;
use serde::Deserialize;
use store::sessions::Stage;

use crate::api::{Query, Visitor};
use crate::html::Place;
use crate::people::cookies;
use crate::problem::Problem;
use crate::router::Site;
use page::View;
use standing::standing;

const COOKIE: &str = "psa_pay_connect";
const STATUS_PATH: &str = "/connect/status";

/// The query of a page's address: where it cannot be read, a page says so.
type Asked<T> = Result<Query<T>, Problem>;

/// The query of an address that Stripe sends a browser back to.
#[derive(Debug, Deserialize)]
pub struct Back {
    state: Option<String>,
}

/// `GET /connect/return`: takes the state, reads the account at Stripe, and sends the browser on to an
/// address without a state.
pub async fn came_back(
    State(site): State<Site>,
    Visitor(by): Visitor,
    headers: HeaderMap,
    back: Asked<Back>,
) -> Response {
    let Ok(Query(back)) = back else {
        return unreadable();
    };
    let state = back.state.unwrap_or_default();
    match connect::arrive(&site.app, &by, &state).await {
        Ok(arrived) => looking_on(&site, &headers, &arrived).await,
        Err(failure) => trouble(failure),
    }
}

/// On to the page that says where the account stands: the settings of whoever is logged in here, else a page
/// with a cookie of its own that opens it.
async fn looking_on(site: &Site, headers: &HeaderMap, arrived: &Arrived) -> Response {
    if has_settings(site, headers, &arrived.scope).await {
        return see_other(Place::Stripe.path());
    }
    let mut response = see_other(STATUS_PATH);
    let secure = if site.config.public_url.is_https() {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{COOKIE}={}; Path=/connect; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        arrived.watch.expose(),
        WATCH_MS / 1000
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether somebody of the tenant is logged in, whose pages show the same mode.
async fn has_settings(site: &Site, headers: &HeaderMap, scope: &Scope) -> bool {
    let Some(cookie) = cookies::session_of(headers, site) else {
        return false;
    };
    // A failure here costs nothing but the shorter way.
    let seen = people::authenticate(&site.app, cookie).await.ok().flatten();
    let theirs = |seen: &Seen| seen.session.stage == Stage::Full && seen.user.tenant == scope.tenant;
    scope.mode == site.config.mode && seen.as_ref().is_some_and(theirs)
}

/// `GET /connect/refresh`: the link to Stripe's form was used or has run out, and here is the next.
pub async fn again(State(site): State<Site>, Visitor(by): Visitor, back: Asked<Back>) -> Response {
    let Ok(Query(back)) = back else {
        return unreadable();
    };
    let state = back.state.unwrap_or_default();
    let link = connect::link_again(&site.app, &by, &state, &site.public_origin).await;
    to_stripe(&site, link)
}

/// `POST /connect/continue`: from our page back to Stripe's form.
pub async fn go_on(State(site): State<Site>, Visitor(by): Visitor, headers: HeaderMap) -> Response {
    let scope = match watched(&site, &headers).await {
        Ok(scope) => scope,
        Err(failure) => return trouble(failure),
    };
    let link = connect::link(&site.app, &scope, &by, &site.public_origin).await;
    to_stripe(&site, link)
}

/// `GET /connect/status`
pub async fn status(State(site): State<Site>, headers: HeaderMap) -> Response {
    match view(&site, &headers).await {
        Ok(view) => html(StatusCode::OK, page::page(&view)),
        Err(failure) => trouble(failure),
    }
}

/// `GET /connect/status/panel`: for the page that looks again.
pub async fn panel(State(site): State<Site>, headers: HeaderMap) -> Result<Response, Problem> {
    let view = view(&site, &headers).await?;
    Ok(html(StatusCode::OK, page::panel(&view)))
}

async fn view(site: &Site, headers: &HeaderMap) -> Result<View, Failure> {
    let scope = watched(site, headers).await?;
    let connection = connect::connection_watched(&site.app, &scope).await?;
    let id = scope.tenant.clone();
    let tenant = site.app.db.read(move |tx| store::tenants::get(tx, &id)).await?;
    Ok(View {
        mode: scope.mode,
        tenant: tenant.name,
        standing: standing(&connection),
    })
}

async fn watched(site: &Site, headers: &HeaderMap) -> Result<Scope, Failure> {
    let watch = cookie(headers).ok_or(Refusal::ConnectLinkUsed)?;
    connect::watched(&site.app, watch).await
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// To Stripe's form, and nowhere else, whatever an answer says.
fn to_stripe(site: &Site, link: Result<OnboardingLink, Failure>) -> Response {
    match link {
        Ok(link) if site.config.stripe_api_base.is_connect_page(link.url.expose()) => {
            see_other(link.url.expose())
        }
        Ok(_) => {
            let what = "an account link leads to another host";
            trouble(Failure::Stripe(what.to_owned()))
        }
        Err(failure) => trouble(failure),
    }
}

/// For an address that somebody changed: a state that stands there twice, say.
fn unreadable() -> Response {
    let markup = page::notice(
        "This address cannot be read",
        "Something in it was changed on the way. Nothing was done: open your Stripe settings where you came \
         from, and start from there.",
    );
    html(StatusCode::BAD_REQUEST, markup)
}

fn see_other(location: &str) -> Response {
    let mut response = html(StatusCode::SEE_OTHER, Markup::default());
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn trouble(failure: Failure) -> Response {
    let markup = match &failure {
        Failure::Refused(Refusal::ConnectLinkUsed) => page::used_page(),
        Failure::Refused(_) => page::refused_page(),
        _ => page::trouble_page(),
    };
    let status = Problem::from(failure).into_response().status();
    html(status, markup)
}

fn html(status: StatusCode, markup: Markup) -> Response {
    (status, markup).into_response()
}
