//! The page on which an owner lets the platform in: with an account that exists, with a new one, or
//! not at all.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::json;

use crate::account::Account;
use crate::connect::hosted::{frame, nothing, redirect};
use crate::connect::oauth::{self, Newcomer};
use crate::connect::redirect_uris;
use crate::form::Params;
use crate::state::{Row, State};
use crate::{Request, Response, page, shim};

/// More accounts than this are not offered.
const OFFERED_MAX: usize = 20;

/// What the platform asked for.
struct Asked {
    scope: String,
    redirect_uri: String,
    state: Option<String>,
    business_name: String,
    email: String,
    country: String,
}

/// Answers a visit, or what was chosen there.
pub fn answer(state: &mut State, request: &Request, express: bool) -> Response {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let asked = match read(state, query, express) {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    match request.method.as_str() {
        "GET" => ask(state, &asked, express),
        // Another page in the same browser must not press the button in the owner's place.
        "POST" if !page::own(request) => nothing(403, "Come back from the platform's own page."),
        "POST" => chosen(state, request, &asked, express),
        _ => nothing(404, "Come back from the platform's own page."),
    }
}

fn read(state: &State, query: &str, express: bool) -> Result<Asked, Response> {
    let mut params = Params::parse(query.as_bytes()).unwrap_or_default();
    let mut user = params.map("stripe_user").ok().flatten().unwrap_or_default();
    let mut text = |name: &str| params.text(name).ok().flatten();
    let complaint = |message: &str| {
        let body = json!({ "error": { "type": "invalid_request_error", "message": message } });
        shim::page(400, "application/json", body.to_string().into_bytes())
    };
    if text("client_id").as_ref() != Some(&state.settings.application) {
        return Err(complaint("No application matches the supplied client identifier"));
    }
    let uri = redirect_uris::choose(state, text("redirect_uri")).map_err(|text| complaint(&text))?;
    let carried = text("state");
    let refused = |error: &str, text: &str| {
        Err(back(
            &uri,
            carried.as_ref(),
            &[("error", error), ("error_description", text)],
        ))
    };
    match text("response_type").as_deref() {
        Some("code") => {}
        None => return refused("invalid_request", "No response type specified"),
        Some(_) => {
            return refused(
                "unsupported_response_type",
                "Only the response type `code` is supported",
            );
        }
    }
    let usual = if express { "express" } else { "read_only" };
    let scope = text("scope").unwrap_or_else(|| usual.into());
    let fits = if express {
        ["express", "read_write"]
    } else {
        ["read_only", "read_write"]
    };
    if !fits.contains(&scope.as_str()) {
        return refused("invalid_scope", "Invalid scope parameter provided");
    }
    let mut of_user = |name: &str| user.text(name).ok().flatten().unwrap_or_default();
    Ok(Asked {
        scope,
        business_name: of_user("business_name"),
        email: of_user("email"),
        country: Some(of_user("country"))
            .filter(|country| country.len() == 2)
            .unwrap_or_else(|| "US".into()),
        redirect_uri: uri.clone(),
        state: carried.clone(),
    })
}

/// Back to the platform.
fn back(uri: &str, state: Option<&String>, with: &[(&str, &str)]) -> Response {
    let Ok(mut url) = reqwest::Url::parse(uri) else {
        return nothing(400, "The platform's own address is not valid.");
    };
    url.query_pairs_mut().extend_pairs(with);
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    redirect(url.as_str())
}

/// Accounts that their owners may let the platform into: those that no platform made.
fn offered(state: &State, express: bool) -> Vec<Arc<Account>> {
    let fits = |account: &&Arc<Account>| {
        let outside = account
            .controller
            .as_ref()
            .is_some_and(|controller| !controller.ours);
        !account.deleted && !express && outside && account.dashboard() == "full"
    };
    Account::table(state)
        .all()
        .rev()
        .filter(fits)
        .take(OFFERED_MAX)
        .cloned()
        .collect()
}

fn ask(state: &State, asked: &Asked, express: bool) -> Response {
    let offered = offered(state, express);
    let label = |account: &Account| -> String {
        let name = account.profile.name.as_deref().or(account.email.as_deref());
        name.unwrap_or("An account without a name").to_owned()
    };
    let inside = html! {
        h1 { "Connect your account to " (state.settings.platform_name) }
        p.lead {
            @match asked.scope.as_str() {
                "read_only" => "It will be able to see what happens on your account.",
                _ => "It will be able to see what happens on your account, and to take payments for you.",
            }
        }
        form method="post" {
            fieldset {
                legend { "Which account" }
                ul.choices {
                    @for (number, account) in offered.iter().enumerate() {
                        li { label {
                            input type="radio" name="account" value=(account.id) checked[number == 0];
                            span {
                                (label(account))
                                small { (account.id) @if account.connected { " · connected already" } }
                            }
                            (mode(account.space.livemode))
                        } }
                    }
                    @for (value, livemode) in [("new_test", false), ("new_live", true)] {
                        li { label {
                            input type="radio" name="account" value=(value)
                                checked[offered.is_empty() && !livemode];
                            span { "A new account" }
                            (mode(livemode))
                        } }
                    }
                }
            }
            fieldset.new {
                legend { "The new account" }
                (field("business_name", "Business name", &asked.business_name, "organization", "200"))
                (field("email", "Email", &asked.email, "email", "200"))
                (field("country", "Country, in two letters", &asked.country, "country", "2"))
            }
            div.actions {
                button.primary name="do" value="connect" { "Connect" }
                button name="do" value="deny" { "Do not connect" }
            }
        }
    };
    frame(200, "Connect", &inside)
}

fn mode(livemode: bool) -> Markup {
    let name = if livemode { "live" } else { "test" };
    html! { span class={ "mode " (name) } { (name) } }
}

fn field(name: &str, label: &str, value: &str, complete: &str, most: &str) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            input id=(name) name=(name) value=(value) autocomplete=(complete) maxlength=(most);
        }
    }
}

fn chosen(state: &mut State, request: &Request, asked: &Asked, express: bool) -> Response {
    let mut params = Params::parse(&request.body).unwrap_or_default();
    let mut text = |name: &str| {
        params
            .text(name)
            .ok()
            .flatten()
            .filter(|text| !text.trim().is_empty())
    };
    let carried = asked.state.as_ref();
    if text("do").as_deref() != Some("connect") {
        let denied = [
            ("error", "access_denied"),
            ("error_description", "The user denied your request"),
        ];
        return back(&asked.redirect_uri, carried, &denied);
    }
    let choice = text("account").unwrap_or_else(|| "new_test".into());
    let account = if choice.starts_with("new_") {
        let country = text("country").filter(|country| country.len() == 2 && country.is_ascii());
        let wanted = Newcomer {
            business_name: text("business_name"),
            email: text("email"),
            country,
            livemode: choice == "new_live",
            express,
        };
        oauth::newcomer(state, &wanted)
    } else {
        match offered(state, express)
            .into_iter()
            .find(|account| account.id == choice)
        {
            Some(account) => account,
            None => return nothing(400, "This account cannot be connected."),
        }
    };
    let code = oauth::code(state, &account, &asked.scope);
    back(
        &asked.redirect_uri,
        carried,
        &[("scope", asked.scope.as_str()), ("code", code.as_str())],
    )
}
