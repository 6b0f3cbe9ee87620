//! People at their pages: first start, login and all that leads back to it. What a handler is told of
//! whoever sends a request is here; `access/people.rs` finds it out before.

pub mod authenticator;
pub mod confirm;
pub mod cookies;
pub mod email;
pub mod invitation;
pub mod kept;
pub mod login;
pub mod multipart;
pub mod pool;
pub mod reset;
pub mod setup;

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::person::Refused;
use domain::{Limited, Mode, Permission, Refusal, Role, Scope};
use flows::people::login::Browser;
use flows::people::{Entered, Seen};
use flows::{By, Failure};
use maud::{Markup, html};

use crate::html as parts;
use crate::problem::Problem;
use crate::router::Site;

/// Somebody who is logged in, and whose role may use the route. The only way to a scope on our pages.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who it is, their tenant, their session.
    pub seen: Seen,
    /// Who sends the request, for the audit log.
    pub by: By,
    /// What the forms of a page carry.
    pub csrf: String,
    /// The mode that the views show.
    pub mode: Mode,
}

impl Person {
    /// Whose rows they see, in the mode that the views show. For an operator, the platform's own.
    pub fn scope(&self) -> Scope {
        Scope {
            tenant: self.seen.user.tenant.clone(),
            mode: self.mode,
        }
    }

    /// What they are.
    pub fn role(&self) -> Role {
        self.seen.user.role
    }

    /// Whether they may do this, to show what they can use and nothing else.
    pub fn may(&self, permission: Permission) -> bool {
        self.role().may(permission)
    }

    /// Their company: the tenant's name, or the platform's.
    pub fn company(&self) -> &str {
        self.seen
            .tenant
            .as_ref()
            .map_or("psa-pay", |tenant| tenant.name.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Person, Problem> {
        let missing = || {
            let what = "a page that needs a person asks for none in the table of routes";
            Failure::Bug(what.to_owned())
        };
        Ok(parts.extensions.get::<Person>().cloned().ok_or_else(missing)?)
    }
}

/// Somebody at a page that asks for no login.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Their browser, with the session that it has, if any.
    pub browser: Browser,
    /// What the forms of a page carry.
    pub csrf: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visit, Problem> {
        let missing =
            || Failure::Bug("a page that expects visitors is none in the table of routes".to_owned());
        Ok(parts.extensions.get::<Visit>().cloned().ok_or_else(missing)?)
    }
}

/// The fields of a form as they were sent. One that is missing is an empty text, so that a form is
/// refused by what its fields say and never by how it was sent.
#[derive(Clone, Default)]
pub struct Filled(Vec<(String, String)>);

/// Names only: passwords stand in the fields.
impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Fields of a form at most, many times as many as the longest invoice has. A body with more is no form of
/// ours: nothing of it counts, so that no part of a form is ever taken for the whole.
const FIELDS_MAX: usize = 20_000;

impl Filled {
    /// Reads a body as browsers send it.
    pub fn read(body: &[u8]) -> Filled {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let pair = |pair: &[u8]| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            (decoded(name), decoded(value.get(1..).unwrap_or_default()))
        };
        match pairs.clone().count() <= FIELDS_MAX {
            true => Filled(pairs.map(pair).collect()),
            false => Filled::default(),
        }
    }

    /// Reads a form as its headers say that it was sent. Of one with files the files are left out: its
    /// handler reads them from the body.
    pub fn of(headers: &HeaderMap, body: &[u8]) -> Filled {
        let Some(parts) = multipart::parts(headers, body) else {
            return Filled::read(body);
        };
        let fields = parts.iter().filter(|part| part.file_name.is_none());
        let pair = |part: &multipart::Part| {
            let value = String::from_utf8_lossy(part.bytes).into_owned();
            (part.name.to_owned(), value)
        };
        Filled(fields.map(pair).collect())
    }

    /// What stands in a field; the first, if there are several of that name.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// All that stands in the fields of a name, such as boxes that were ticked.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every field with its value, in the order of the form.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Filled {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Filled, Infallible> {
        Ok(parts.extensions.get::<Filled>().cloned().unwrap_or_default())
    }
}

/// `application/x-www-form-urlencoded`; what is no UTF-8 is replaced by the sign for that.
fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: &u8| {
                    char::from(*byte)
                        .to_digit(16)
                        .and_then(|digit| u8::try_from(digit).ok())
                };
                bytes.push(digit(high).unwrap_or(0) * 16 + digit(low).unwrap_or(0));
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where somebody may be sent after a login: a path of ours and nothing else.
pub fn own_path(path: &str) -> &str {
    let rest = path.strip_prefix('/').unwrap_or("/");
    let unusual = path.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'\\');
    let elsewhere = rest.starts_with('/') || unusual;
    let leads_back =
        path.starts_with("/login") || path.starts_with("/logout") || path.starts_with("/confirm");
    match path.starts_with('/') && !elsewhere && !leads_back && path.len() <= PATH_MAX {
        true => path,
        false => "/",
    }
}

/// Longest path that somebody is sent back to.
const PATH_MAX: usize = 500;

/// To the login, and back to a page afterwards.
pub fn to_login(path: &str) -> Response {
    see_other(&with_next("/login", path))
}

/// To the question whether it is still the same person, and back.
pub fn to_confirm(path: &str) -> Response {
    see_other(&with_next("/confirm", path))
}

/// A page's address, with where it leads to afterwards.
pub fn with_next(page: &str, path: &str) -> String {
    match own_path(path) {
        "/" => page.to_owned(),
        path => format!("{page}?next={}", escaped(path)),
    }
}

/// A text within an address.
pub fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Sends a browser on to another page of ours, by GET.
pub fn see_other(location: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// On to where somebody wanted to go, with the session that they were given.
pub fn let_in(site: &Site, entered: &Entered, location: &str) -> Response {
    let mut response = see_other(location);
    cookies::give(site, &mut response, &entered.cookie, entered.user.role);
    response
}

/// What a person who may not do something reads.
pub fn refused_page(refused: Refused) -> Response {
    let refusal = Refusal::Person(refused);
    let (title, way) = match refused {
        Refused::SecondFactorNeeded => (
            "Set up a second factor first",
            Some(("/login/authenticator", "Set it up")),
        ),
        Refused::LinkUsed => (
            "This link does not work any more",
            Some(("/login", "To the login")),
        ),
        _ => ("You may not do this", Some(("/", "To the start page"))),
    };
    let content = html! {
        h1 { (title) }
        p { (refusal.to_string()) }
        @if let Some((href, label)) = way { p { (parts::link_button(label, href, "primary")) } }
    };
    html_page(status_of(&refusal), parts::visitors(title, None, &content))
}

/// For a network that tried too many links.
pub fn held_up(limited: Limited) -> Response {
    let content = html! {
        h1 { "Too many links were tried" }
        p { (limited.to_string()) }
    };
    html_page(
        StatusCode::TOO_MANY_REQUESTS,
        parts::visitors("Too many links were tried", None, &content),
    )
}

/// What goes wrong on our side, as a page.
pub fn trouble(failure: Failure) -> Response {
    refused_before(Problem::from(failure))
}

/// What stops a request before its handler, as a page.
pub fn refused_before(problem: Problem) -> Response {
    let (code, problem) = (problem.code(), problem.into_response());
    let ours = problem.status().is_server_error();
    let title = match ours {
        true => "This page could not be loaded",
        false => "This could not be read",
    };
    let content = html! {
        h1 { (title) }
        @if ours {
            p { "Something failed on our side. Nothing was changed: try again in a moment." }
        } @else {
            @match problem.status() {
                StatusCode::PAYLOAD_TOO_LARGE => p {
                    "It is too large: a logo may have 1 MiB, a file for a bank 4.5 MB. Nothing was changed. \
                     Go back and choose a smaller one."
                }
                _ => p { "Nothing was changed. Go back and try again." }
            }
        }
        p .soft.small { "Code: " code { (code) } }
    };
    let mut response = html_page(problem.status(), parts::visitors(title, None, &content));
    wait_as(&problem, &mut response);
    response
}

/// What went wrong before any page of ours was reached, for whoever looks at it.
pub fn problem_page(status: StatusCode, code: &str, detail: &str, id: &str) -> Response {
    let (title, text) = match status {
        StatusCode::NOT_FOUND => (
            "There is nothing here",
            "The address is wrong, or what was here is gone.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "This address is no page",
            "It takes what a form of ours sends. Nothing was changed: go back, and try again from there.",
        ),
        status if status.is_server_error() => (
            "Something failed on our side",
            "Try again in a moment. If it happens again, tell us the number below.",
        ),
        _ => ("This could not be done", detail),
    };
    let content = html! {
        h1 { (title) }
        p { (text) }
        p { (parts::link_button("To the start page", "/", "primary")) }
        p .soft.small { "Code: " code { (code) } " \u{b7} Request: " code { (id) } }
    };
    html_page(status, parts::visitors(title, None, &content))
}

/// When to try again, as another answer says it.
fn wait_as(said: &Response, response: &mut Response) {
    if let Some(wait) = said.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
}

/// The status that goes with a refusal.
pub fn status_of(refusal: &Refusal) -> StatusCode {
    Problem::from(refusal.clone()).into_response().status()
}

/// A page with its status.
pub fn html_page(status: StatusCode, markup: Markup) -> Response {
    (status, markup).into_response()
}

/// The same form again with what is wrong, or a page about a failure of ours.
pub fn again(failure: Failure, form: impl FnOnce(&Refusal) -> Markup) -> Response {
    match failure {
        Failure::Refused(refusal) => {
            let said = Problem::from(refusal.clone()).into_response();
            let mut response = html_page(said.status(), form(&refusal));
            wait_as(&said, &mut response);
            response
        }
        failure => trouble(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_whatever_stands_in_them() {
        let filled =
            Filled::read(b"name=J%C3%B6rg+M&email=a%40b.example&empty=&flag&box=1&box=2&&x=%zz%4&bad=%ff");
        let fields: Vec<(&str, &str)> = filled.fields().collect();
        let expected = [
            ("name", "J\u{f6}rg M"),
            ("email", "a@b.example"),
            ("empty", ""),
            ("flag", ""),
            ("box", "1"),
            ("box", "2"),
            ("x", "%zz%4"),
            ("bad", "\u{fffd}"),
        ];
        assert_eq!(fields, expected);
        assert_eq!(filled.get("missing"), "");
        assert_eq!(filled.all("box").collect::<Vec<_>>(), ["1", "2"]);
        let many = |count| Filled::read(&b"a&".repeat(count)).fields().count();
        assert_eq!((many(FIELDS_MAX), many(FIELDS_MAX + 1)), (FIELDS_MAX, 0));
    }

    #[test]
    fn nobody_is_sent_anywhere_but_to_a_page_of_ours() {
        for own in ["/", "/settings/users", "/invoices?status=open&page=2"] {
            assert_eq!(own_path(own), own);
        }
        let long = format!("/{}", "x".repeat(PATH_MAX));
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/a\r\nset-cookie: x=1",
            "/caf\u{e9}",
            "/a b",
            "/login?next=/login",
            "/logout",
            "/confirm",
            &long,
        ] {
            assert_eq!(own_path(other), "/", "{other}");
        }
        assert_eq!(
            with_next("/login", "/invoices?a=1&b=2"),
            "/login?next=/invoices%3Fa%3D1%26b%3D2"
        );
    }
}
