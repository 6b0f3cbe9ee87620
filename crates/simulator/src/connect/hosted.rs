//! The pages that Stripe hosts for an account's owner: the onboarding behind an account link. They are
//! rendered here whole and run no script.

use std::sync::Arc;

use maud::{DOCTYPE, Markup, html};

use crate::account::Account;
use crate::connect::account_link::AccountLink;
use crate::connect::oauth_page;
use crate::connect::onboarding::{self, Answers, Outcome};
use crate::form::Params;
use crate::state::{Row, State};
use crate::{Request, Response, shim};

const CSS: &str = include_str!("../assets/hosted.css");
const PAGE: &str = "text/html; charset=utf-8";
/// The pages run no script, stand in no frame, and send where the platform wants its owners back.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action *; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Answers a request of the owner's browser; `None` when the path is not one of its own.
pub fn answer(state: &mut State, request: &Request, path: &str) -> Option<Response> {
    if path == "/connect/hosted.css" && request.method == "GET" {
        return Some(shim::page(200, "text/css; charset=utf-8", CSS.into()));
    }
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["setup", "s" | "e" | "c", account, link]) => Some(visit(state, account, link)),
        ("POST", ["setup", "s" | "e" | "c", account, link]) => Some(sent(state, request, account, link)),
        ("GET", ["express", account, _]) if account.starts_with("acct_") => Some(dashboard(state, account)),
        (_, ["oauth", "authorize"]) => Some(oauth_page::answer(state, request, false)),
        (_, ["express", "oauth", "authorize"]) => Some(oauth_page::answer(state, request, true)),
        _ => None,
    }
}

/// A page around something.
pub fn frame(status: u16, title: &str, inside: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " — simulated Stripe" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/connect/hosted.css";
            }
            body {
                main {
                    p.badge { "Simulated Stripe · nothing here is real" }
                    (inside)
                }
            }
        }
    };
    shim::guarded(status, PAGE, POLICY, page.into_string().into_bytes())
}

/// Sends the browser on.
pub fn redirect(url: &str) -> Response {
    let mut response = shim::page(303, "text/plain; charset=utf-8", Vec::new());
    response.headers.push(("Location".into(), url.to_owned()));
    response
}

/// A page that says that there is nothing here.
pub fn nothing(status: u16, text: &str) -> Response {
    frame(
        status,
        "Nothing here",
        &html! { h1 { "This link is not valid" } p { (text) } },
    )
}

fn find(state: &State, account: &str, link: &str) -> Option<(Arc<AccountLink>, Arc<Account>)> {
    let link = AccountLink::table(state)
        .anywhere(link)
        .filter(|link| link.account == account)?;
    let account = Account::table(state)
        .anywhere(account)
        .filter(|account| !account.deleted)?;
    Some((Arc::clone(link), Arc::clone(account)))
}

/// The one visit that a link is good for; any other goes where a new one is made.
fn visit(state: &mut State, account: &str, id: &str) -> Response {
    let Some((link, account)) = find(state, account, id) else {
        return nothing(404, "Ask the platform that sent you here for a new one.");
    };
    if link.form.is_some() || link.expires_at <= state.now_s() {
        return redirect(&link.refresh_url);
    }
    let secret = state.id("", 24);
    state.put(AccountLink {
        form: Some(secret.clone()),
        ..AccountLink::clone(&link)
    });
    form(state, &account, &secret, &Answers::default(), None)
}

fn sent(state: &mut State, request: &Request, account: &str, id: &str) -> Response {
    let Some((link, account)) = find(state, account, id) else {
        return nothing(404, "Ask the platform that sent you here for a new one.");
    };
    let mut params = Params::parse(&request.body).unwrap_or_default();
    let mut text = |name: &str| {
        params
            .text(name)
            .ok()
            .flatten()
            .map(|text| text.trim().to_owned())
    };
    let secret = text("form");
    if link.done || link.form.is_none() || secret != link.form {
        return redirect(&link.refresh_url);
    }
    let answers = answers(&mut text);
    let outcome = match text("do").as_deref() {
        Some("later") => Outcome::Partial,
        Some("errors") => Outcome::Errors,
        Some("rejected") => Outcome::Rejected,
        _ => Outcome::Complete,
    };
    let missing = [
        &answers.business_name,
        &answers.first_name,
        &answers.last_name,
        &answers.account_number,
    ];
    let digits = |number: &Option<String>| {
        number
            .as_ref()
            .is_none_or(|number| number.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    if outcome != Outcome::Partial && missing.iter().any(|answer| answer.is_none()) {
        let complaint = "Say the business name, your first and last name, and your account number.";
        return form(
            state,
            &account,
            &secret.unwrap_or_default(),
            &answers,
            Some(complaint),
        );
    }
    if !digits(&answers.account_number) || !digits(&answers.routing_number) {
        let complaint = "Bank numbers are made of digits and letters only.";
        return form(
            state,
            &account,
            &secret.unwrap_or_default(),
            &answers,
            Some(complaint),
        );
    }
    onboarding::finish(state, &account, &answers, outcome);
    state.put(AccountLink {
        done: true,
        ..AccountLink::clone(&link)
    });
    if link.v2 {
        crate::connect::tell::returned(state, &account);
    }
    redirect(&link.return_url)
}

/// What was said in the fields.
fn answers(text: &mut impl FnMut(&str) -> Option<String>) -> Answers {
    let kinds = ["company", "government_entity", "individual", "non_profit"];
    let about = text("about");
    let is_url = about
        .as_ref()
        .is_some_and(|about| about.contains("://") || !about.contains(' ') && about.contains('.'));
    Answers {
        business_name: text("business_name"),
        business_type: text("business_type").filter(|kind| kinds.contains(&kind.as_str())),
        url: about.clone().filter(|_| is_url),
        product_description: about.filter(|_| !is_url),
        first_name: text("first_name"),
        last_name: text("last_name"),
        account_number: text("account_number"),
        routing_number: text("routing_number"),
    }
}

/// What was said before stands in the fields.
fn form(state: &State, account: &Account, secret: &str, said: &Answers, complaint: Option<&str>) -> Response {
    let profile = &account.profile;
    let owner = account.persons.iter().find(|person| person.is("representative"));
    let known = |name: &str| owner.and_then(|owner| owner.texts.get(name)).map(String::as_str);
    let or = |said: &Option<String>, known: Option<&str>| {
        said.clone()
            .or_else(|| known.map(str::to_owned))
            .unwrap_or_default()
    };
    let about = said.url.clone().or_else(|| said.product_description.clone());
    let about_known = profile.url.as_deref().or(profile.product_description.as_deref());
    let kind = or(&said.business_type, account.business_type.as_deref());
    let name = or(&said.business_name, profile.name.as_deref());
    let routing = or(&said.routing_number, Some("110000000"));
    let number = or(&said.account_number, Some("000123456789"));
    let first = or(&said.first_name, known("first_name"));
    let last = or(&said.last_name, known("last_name"));
    let inside = html! {
        h1 { (state.settings.platform_name) " partners with Stripe" }
        p.lead {
            "Tell us about your business, so that it can be paid. "
            "This is a simulated onboarding: any answers do."
        }
        @if let Some(complaint) = complaint {
            p.complaint role="alert" { (complaint) }
        }
        form method="post" {
            input type="hidden" name="form" value=(secret);
            fieldset {
                legend { "Your business" }
                (field("business_name", "Business name", &name, "organization", true))
                div.field {
                    label for="business_type" { "Kind of business" }
                    select id="business_type" name="business_type" {
                        @for (value, label) in [("individual", "Individual"), ("company", "Company"),
                            ("non_profit", "Non-profit"), ("government_entity", "Government")] {
                            option value=(value) selected[kind == value] { (label) }
                        }
                    }
                }
                (field("about", "Web site, or what you sell", &or(&about, about_known), "off", false))
            }
            fieldset {
                legend { "You" }
                (field("first_name", "First name", &first, "given-name", true))
                (field("last_name", "Last name", &last, "family-name", true))
            }
            fieldset {
                legend { "Where you are paid out to" }
                (field("routing_number", "Routing number", &routing, "off", false))
                (field("account_number", "Account number", &number, "off", true))
            }
            div.actions {
                button.primary name="do" value="submit" { "Agree and submit" }
                button name="do" value="later" formnovalidate { "Save and finish later" }
            }
            details {
                summary { "Test what happens when Stripe is not content" }
                div.actions {
                    button name="do" value="errors" { "Submit, and fail the verification" }
                    button.bad name="do" value="rejected" { "Submit, and be rejected" }
                }
            }
        }
    };
    frame(200, "Onboarding", &inside)
}

fn field(name: &str, label: &str, value: &str, complete: &str, required: bool) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            input id=(name) name=(name) value=(value) autocomplete=(complete) maxlength="200"
                required[required];
        }
    }
}

/// What stands in the place of an Express dashboard.
fn dashboard(state: &State, account: &str) -> Response {
    let Some(account) = Account::table(state)
        .anywhere(account)
        .filter(|account| !account.deleted)
    else {
        return nothing(404, "There is no such account.");
    };
    let name = account.profile.name.as_deref().unwrap_or(&account.id);
    let inside = html! {
        h1 { (name) }
        p.lead { "The Express dashboard of a simulated account." }
        dl {
            dt { "Account" } dd { (account.id) }
            dt { "Can be paid" } dd { (if account.charges_enabled { "yes" } else { "no" }) }
            dt { "Is paid out" } dd { (if account.payouts_enabled { "yes" } else { "no" }) }
        }
    };
    frame(200, "Express dashboard", &inside)
}
