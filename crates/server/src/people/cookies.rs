//! Cookies: one that opens a session, and one that binds the forms of visitors to their browser. Over
//! https both carry the prefix `__Host-`, which no other host of the domain can set; on plain http, as on
//! one's own machine, they have a plain name, since some browsers drop the other there.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use domain::Role;
use flows::people;
use stripe::Secret;

use crate::router::Site;

const SESSION: [&str; 2] = ["psa-pay-session", "__Host-psa-pay-session"];
const VISITOR: [&str; 2] = ["psa-pay-visitor", "__Host-psa-pay-visitor"];

/// What a browser came with and what it is given.
#[derive(Debug)]
pub struct Cookies {
    /// What the tokens of a visitor's forms are derived from.
    pub visitor: Secret,
    given: Vec<String>,
}

impl Cookies {
    /// The cookies of a request; a browser without one for visitors gets one.
    pub fn of(headers: &HeaderMap, site: &Site) -> Cookies {
        let known = find(headers, name(VISITOR, site)).filter(|value| people::is_secret(value));
        match known {
            Some(value) => Cookies {
                visitor: Secret::new(value),
                given: Vec::new(),
            },
            None => {
                let visitor = people::secret(&site.app);
                let cookie = cookie(site, name(VISITOR, site), visitor.expose(), "Lax");
                Cookies {
                    visitor,
                    given: vec![cookie],
                }
            }
        }
    }

    /// Gives the browser a session.
    pub fn session(&mut self, site: &Site, secret: &Secret, role: Role) {
        self.given.push(session_cookie(site, secret, role));
    }

    /// Puts what is given into an answer, before what its handler gives: that one counts.
    pub fn put(self, headers: &mut HeaderMap) {
        let later: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
        headers.remove(header::SET_COOKIE);
        let given = self
            .given
            .iter()
            .filter_map(|cookie| HeaderValue::from_str(cookie).ok());
        for cookie in given.chain(later) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

/// What the cookie of a session holds.
pub fn session_of<'a>(headers: &'a HeaderMap, site: &Site) -> Option<&'a str> {
    find(headers, name(SESSION, site))
}

/// Gives a browser a session, or the next secret of the one it has: what a flow answered as a cookie.
pub fn give(site: &Site, response: &mut Response, secret: &Secret, role: Role) {
    if let Ok(cookie) = HeaderValue::from_str(&session_cookie(site, secret, role)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Takes the session's cookie away.
pub fn take_away(site: &Site, response: &mut Response) {
    let gone = format!("{}; Max-Age=0", cookie(site, name(SESSION, site), "", "Lax"));
    if let Ok(cookie) = HeaderValue::from_str(&gone) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// An operator's is sent with nothing that comes from elsewhere, not even a link.
fn session_cookie(site: &Site, secret: &Secret, role: Role) -> String {
    let same_site = match role {
        Role::Operator => "Strict",
        Role::Owner | Role::Billing | Role::ReadOnly => "Lax",
    };
    cookie(site, name(SESSION, site), secret.expose(), same_site)
}

fn cookie(site: &Site, name: &str, value: &str, same_site: &str) -> String {
    let secure = if site.config.public_url.is_https() {
        "; Secure"
    } else {
        ""
    };
    format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}")
}

fn name([plain, host]: [&'static str; 2], site: &Site) -> &'static str {
    if site.config.public_url.is_https() {
        host
    } else {
        plain
    }
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}
