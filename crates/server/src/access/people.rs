//! The gate of the pages that people log in to: whose session a cookie opens, whether a form comes from a
//! page of that session, whether the role may, and whether it is still the same person. A session that
//! ended while a form was filled in costs nothing that was typed: the form is kept, the person logs in on
//! the spot, and it goes on.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::person::Refused;
use domain::role::WITH_SECOND_FACTOR;
use domain::{Refusal, Scope, UserId};
use flows::people::login::{self, Browser, Proof};
use flows::people::{self, Seen};
use flows::{By, Failure};
use store::sessions::{Session, Stage};
use stripe::Secret;

use super::Gate;
use crate::api::{read_body, sender};
use crate::html::CSRF_FIELD;
use crate::idempotency::forms;
use crate::people::cookies::{self, Cookies};
use crate::people::{Filled, Person, Visit, kept, refused_before};
use crate::problem::Problem;
use crate::router::Site;
use crate::routes::Who;

/// What the fields are called that log somebody in within another form.
pub const AGAIN: [&str; 3] = ["again_email", "again_password", "again_code"];

/// The field that says whose form is kept.
pub const KEPT_FOR: &str = "again_for";

/// What is known of a request before its handler runs.
struct Arrival {
    by: By,
    browser: Browser,
    cookies: Cookies,
    filled: Filled,
    /// Where it goes, for the way back.
    path: String,
    is_read: bool,
    /// Whether the route is for visitors: their forms are bound to the browser, whoever is logged in there,
    /// as an operator's session does not come along when a link in a mail is opened.
    is_visit: bool,
    /// The session that the cookie opened before it ended.
    ended: Option<Session>,
}

impl Arrival {
    /// Somebody who is logged in.
    fn seen(&self) -> Option<&Seen> {
        let seen = self.browser.before.as_ref();
        seen.filter(|seen| seen.session.stage == Stage::Full)
    }

    /// What the token of this browser's forms is derived from: its session, else the cookie of visitors.
    fn origin(&self) -> &str {
        match self.seen().filter(|_| !self.is_visit) {
            Some(seen) => seen.session.id.as_str(),
            None => self.cookies.visitor.expose(),
        }
    }

    /// What says that a form is kept for somebody, in this browser and for this address.
    fn kept_for(&self, site: &Site, user: &UserId) -> Result<String, Failure> {
        let visitor = self.cookies.visitor.expose();
        people::form_token(&site.app, &format!("kept:{user}:{visitor}:{}", self.path))
    }

    /// Whose form this is: as it says itself if it was kept before, else the person of the session that
    /// ended, if it comes from there. Empty if nobody can say.
    fn whose(&self, site: &Site) -> Result<String, Failure> {
        let said = self.filled.get(KEPT_FOR);
        if !said.is_empty() {
            return Ok(said.to_owned());
        }
        let given = self.filled.get(CSRF_FIELD);
        let ended = self.ended.as_ref().filter(|session| {
            session.stage == Stage::Full
                && people::check_form_token(&site.app, session.id.as_str(), given).is_ok()
        });
        ended.map_or(Ok(String::new()), |session| self.kept_for(site, &session.user))
    }
}

/// Lets a request of a browser through to its handler, or answers with a page.
pub async fn check(site: &Site, gate: Gate, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = match parts.method.is_safe() {
        true => Ok(Bytes::new()),
        false => read_body(Request::from_parts(parts.clone(), body)).await,
    };
    let arrived = match bytes {
        Ok(bytes) => arrive(site, gate, &parts, bytes).await,
        Err(problem) => Err(problem),
    };
    let (mut arrival, bytes) = match arrived {
        Ok(arrived) => arrived,
        Err(problem) => return refused_before(problem),
    };
    let admitted = match admit(site, gate, &mut arrival).await {
        Ok(()) => {
            let mut request = Request::from_parts(parts, Body::empty());
            introduce(site, &arrival, &mut request)
                .map(|()| request)
                .map_err(Stopped::Failed)
        }
        Err(stopped) => Err(stopped),
    };
    let mut response = match admitted {
        Ok(request) => run(site, &arrival, request, bytes, next).await,
        Err(Stopped::Page(response)) => *response,
        Err(Stopped::Failed(failure)) => crate::people::trouble(failure),
    };
    // Whatever the answer is: whoever logged in on the way, or showed who they are, has another secret now.
    arrival.cookies.put(response.headers_mut());
    response
}

/// Has the handler answer; a form with a key of its own is carried out once, however often it is sent.
async fn run(site: &Site, arrival: &Arrival, request: Request, bytes: Bytes, next: Next) -> Response {
    let (parts, _) = request.into_parts();
    let scope = match arrival.seen() {
        Some(seen) if !arrival.is_read => Scope {
            tenant: seen.user.tenant.clone(),
            mode: site.config.mode,
        },
        _ => return next.run(Request::from_parts(parts, Body::from(bytes))).await,
    };
    match forms::around(site, scope, &arrival.filled, (parts, bytes), next).await {
        Ok(response) => response,
        Err(failure) => crate::people::trouble(failure),
    }
}

async fn arrive(site: &Site, gate: Gate, parts: &Parts, bytes: Bytes) -> Result<(Arrival, Bytes), Problem> {
    let by = sender(&parts.extensions);
    let is_read = parts.method.is_safe();
    let cookie = cookies::session_of(&parts.headers, site);
    let before = match cookie {
        Some(cookie) => people::authenticate(&site.app, cookie).await?,
        None => None,
    };
    let ended = match cookie {
        Some(cookie) if before.is_none() && !is_read => people::ended(&site.app, cookie).await?,
        Some(_) | None => None,
    };
    let arrival = Arrival {
        browser: Browser {
            by: by.clone(),
            agent: agent(&parts.headers),
            before,
        },
        by,
        cookies: Cookies::of(&parts.headers, site),
        filled: Filled::of(&parts.headers, &bytes),
        path: parts
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned(),
        is_read,
        is_visit: gate.who == Who::Visitor,
        ended,
    };
    Ok((arrival, bytes))
}

enum Stopped {
    Page(Box<Response>),
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Stopped {
        Stopped::Failed(failure)
    }
}

fn page(response: impl IntoResponse) -> Stopped {
    Stopped::Page(Box::new(response.into_response()))
}

async fn admit(site: &Site, gate: Gate, arrival: &mut Arrival) -> Result<(), Stopped> {
    let given = arrival.filled.get(CSRF_FIELD).to_owned();
    let checked = |arrival: &Arrival| people::check_form_token(&site.app, arrival.origin(), &given);
    if gate.who == Who::Visitor {
        if !arrival.is_read && checked(arrival).is_err() {
            return Err(page(stale(site, arrival, Refused::FormToken)?));
        }
        return Ok(());
    }
    if arrival.seen().is_none() {
        if arrival.is_read {
            return Err(page(crate::people::to_login(&arrival.path)));
        }
        if checked(arrival).is_err() {
            return Err(page(stale(site, arrival, Refused::SessionEnded)?));
        }
        again(site, arrival).await?;
    } else if !arrival.is_read && checked(arrival).is_err() {
        return Err(page(stale(site, arrival, Refused::FormToken)?));
    }
    let Some(seen) = arrival.seen().cloned() else {
        return Err(page(stale(site, arrival, Refused::SessionEnded)?));
    };
    let refused = refused(gate, &seen);
    if let Some(refused) = refused {
        site.door
            .person_refused(&site.app, &arrival.by, &seen, refused.code())
            .await;
        return Err(page(match (refused, arrival.is_read) {
            (Refused::SecondFactorNeeded, true) => {
                // Back to a page of the dashboard, but not to a question on the way to one.
                let next = if matches!(gate.who, Who::Person(_)) {
                    &arrival.path
                } else {
                    "/"
                };
                crate::people::see_other(&crate::people::with_next("/login/authenticator", next))
            }
            (refused, _) => crate::people::refused_page(refused),
        }));
    }
    if gate.stepped_up && !seen.is_stepped_up(site.app.clock.now()) {
        confirm(site, arrival, &seen).await?;
    }
    // A page that looks again by itself is nobody at the screen.
    if people::is_touch_due(&site.app, &seen.session) && !arrival.path.ends_with("/panel") {
        let (app, session) = (site.app.clone(), seen.session.clone());
        super::beside(async move { people::touch(&app, &session).await });
    }
    Ok(())
}

/// Why somebody who is logged in may not use a route.
fn refused(gate: Gate, seen: &Seen) -> Option<Refused> {
    let allowed = match gate.who {
        Who::Person(permission) => seen.user.role.may(permission) && seen.tenant.is_some(),
        Who::Operator => seen.user.role == domain::Role::Operator,
        Who::AnyPerson => true,
        Who::Entering => return None,
        Who::Visitor
        | Who::Key(_)
        | Who::KeyItselfOr(_)
        | Who::Platform
        | Who::Payer
        | Who::Returning
        | Who::Stripe
        | Who::Metrics
        | Who::Anybody => false,
    };
    let sensitive = matches!(gate.who, Who::Person(permission) if WITH_SECOND_FACTOR.contains(&permission));
    match allowed {
        false => Some(Refused::RoleInsufficient),
        true if seen.lacks_second_factor() => Some(Refused::SecondFactorNeeded),
        true if sensitive && !seen.user.has_second_factor() => Some(Refused::SecondFactorNeeded),
        true => None,
    }
}

/// Logs somebody in within the form that they sent, so that it goes on.
async fn again(site: &Site, arrival: &mut Arrival) -> Result<(), Stopped> {
    let [email, password, code] = AGAIN.map(|name| arrival.filled.get(name).to_owned());
    let entered = match (&arrival.browser.before, password.is_empty(), code.is_empty()) {
        (Some(_), _, false) => login::second_factor(&site.app, &arrival.browser, &code).await,
        (_, false, _) => login::log_in(&site.app, &arrival.browser, &email, &Secret::new(password)).await,
        (_, true, _) => Err(Refused::SessionEnded.into()),
    };
    let entered = match entered {
        Ok(entered) => entered,
        Err(Failure::Refused(refusal)) => {
            return Err(page(kept::login(&keeping(site, arrival)?, Some(&refusal))));
        }
        Err(failure) => return Err(failure.into()),
    };
    let whose = arrival.whose(site)?;
    arrival.cookies.session(site, &entered.cookie, entered.user.role);
    arrival.browser.before = people::authenticate(&site.app, entered.cookie.expose()).await?;
    if entered.stage == Stage::Password {
        return Err(page(kept::login(&keeping(site, arrival)?, None)));
    }
    // Somebody else has logged in here, who reads it before it is done in their name.
    match people::is_form_token(&whose, &arrival.kept_for(site, &entered.user.id)?) {
        true => Ok(()),
        false => Err(page(kept::send_again(&keeping(site, arrival)?))),
    }
}

/// Confirms within the form that it is still the same person, or asks for it.
async fn confirm(site: &Site, arrival: &mut Arrival, seen: &Seen) -> Result<(), Stopped> {
    if arrival.is_read {
        return Err(page(crate::people::to_confirm(&arrival.path)));
    }
    let [_, password, code] = AGAIN.map(|name| arrival.filled.get(name).to_owned());
    let proof = match (password.is_empty(), code.is_empty()) {
        (_, false) => Proof::Code(code),
        (false, true) => Proof::Password(Secret::new(password)),
        (true, true) => {
            return Err(page(kept::confirm(
                &keeping(site, arrival)?,
                seen,
                &Refused::StepUpNeeded.into(),
            )));
        }
    };
    match login::step_up(&site.app, &arrival.by, seen, &proof).await {
        Ok(cookie) => {
            arrival.cookies.session(site, &cookie, seen.user.role);
            // Should reading it fail, the browser has its next secret all the same.
            arrival.browser.before = people::authenticate(&site.app, cookie.expose()).await?;
            Ok(())
        }
        Err(Failure::Refused(refusal)) => Err(page(kept::confirm(&keeping(site, arrival)?, seen, &refusal))),
        Err(failure) => Err(failure.into()),
    }
}

/// A page that keeps what was typed, for a form that is of no session or of another one.
fn stale(site: &Site, arrival: &Arrival, refused: Refused) -> Result<Response, Failure> {
    let keeping = keeping(site, arrival)?;
    Ok(match (arrival.seen(), refused) {
        (None, Refused::SessionEnded) => kept::login(&keeping, Some(&Refusal::Person(refused))),
        _ => kept::send_again(&keeping),
    })
}

/// What a page needs to keep a form.
fn keeping<'a>(site: &Site, arrival: &'a Arrival) -> Result<kept::Keeping<'a>, Failure> {
    Ok(kept::Keeping {
        path: &arrival.path,
        filled: &arrival.filled,
        csrf: people::form_token(&site.app, arrival.origin())?,
        asks_for_code: arrival
            .browser
            .before
            .as_ref()
            .is_some_and(|seen| seen.session.stage == Stage::Password),
        kept_for: arrival.whose(site)?,
    })
}

/// Tells the handler who it is.
fn introduce(site: &Site, arrival: &Arrival, request: &mut Request) -> Result<(), Failure> {
    let csrf = people::form_token(&site.app, arrival.cookies.visitor.expose())?;
    let extensions = request.extensions_mut();
    if let Some(seen) = arrival.seen() {
        extensions.insert(Person {
            by: seen.by(&arrival.by),
            seen: seen.clone(),
            csrf: people::form_token(&site.app, seen.session.id.as_str())?,
            mode: site.config.mode,
        });
    }
    extensions.insert(Visit {
        browser: arrival.browser.clone(),
        csrf,
    });
    extensions.insert(arrival.filled.clone());
    Ok(())
}

fn agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(agent.to_owned())
}

#[cfg(test)]
mod tests {
    use domain::{Permission, Role, SessionId, TenantId, Timestamp, UserId};
    use store::tenants::Tenant;
    use store::users::User;

    use super::*;

    fn seen(role: Role, factor: bool) -> Seen {
        let at = Timestamp::from_ms(1);
        let tenant = TenantId::new(at, 1);
        let id = UserId::new(at, 2);
        let mut user = User::new(id.clone(), tenant.clone(), String::new(), String::new(), role, at);
        user.totp_seed = factor.then(|| "sealed".to_owned());
        Seen {
            user,
            tenant: Some(Tenant::new(tenant.clone(), String::new(), None, at)),
            session: Session {
                id: SessionId::new(at, 3),
                secret_hash: String::new(),
                tenant,
                user: id,
                stage: Stage::Full,
                address: None,
                agent: None,
                last_seen_at: at,
                stepped_up_at: None,
                expires_at: at,
                revoked_at: None,
                created_at: at,
            },
        }
    }

    #[test]
    fn money_goes_back_by_nobody_without_a_second_factor() {
        for permission in Permission::ALL.iter().copied() {
            let gate = Gate {
                path: "/x",
                who: Who::Person(permission),
                moves_money: false,
                stepped_up: true,
            };
            let may = Role::Billing.may(permission);
            let sensitive = WITH_SECOND_FACTOR.contains(&permission);
            let expected = match (may, sensitive) {
                (false, _) => Some(Refused::RoleInsufficient),
                (true, true) => Some(Refused::SecondFactorNeeded),
                (true, false) => None,
            };
            assert_eq!(
                refused(gate, &seen(Role::Billing, false)),
                expected,
                "{permission:?}"
            );
            let with = refused(gate, &seen(Role::Billing, true));
            assert_eq!(with.is_none(), may, "{permission:?}");
        }
        let refunds = Permission::RefundsWrite;
        assert!(Role::Billing.may(refunds) && WITH_SECOND_FACTOR.contains(&refunds));
    }

    /// Also of routes that come later.
    #[test]
    fn what_needs_a_second_factor_needs_it_fresh() {
        for route in crate::routes::all() {
            let Who::Person(permission) = route.who else {
                continue;
            };
            // On to Stripe's own form, which asks by itself.
            let goes_on = route.path == "/settings/stripe/continue";
            if WITH_SECOND_FACTOR.contains(&permission) && !route.method.is_safe() && !goes_on {
                assert!(route.stepped_up, "{} {}", route.method, route.path);
            }
        }
    }
}
