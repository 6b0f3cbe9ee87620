//! The matrix of who may what: every route times every role, nobody, a tenant's key and the operator's
//! key, made from the tables and asked over HTTP. The manual's table is the same.

use std::collections::BTreeMap;
use std::fmt;

use domain::role::MATRIX;
use domain::{Permission, Role, SessionId};
use flows::people::{STEPPED_UP_MS, form_token};
use flows::{Actor, By, platform_keys};
use reqwest::StatusCode;
use server::routes::{self, Route, Who};
use store::sessions::{Session, Stage};
use store::users::User;

use super::{Browser, add_here, add_operator, run};
use crate::engines::World;
use crate::town::Town;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asker {
    Nobody,
    /// Logged in, with a second factor, a long time ago.
    Person(Role),
    TenantKey,
    PlatformKey,
}

const ASKERS: [Asker; 7] = [
    Asker::Nobody,
    Asker::Person(Role::Operator),
    Asker::Person(Role::Owner),
    Asker::Person(Role::Billing),
    Asker::Person(Role::ReadOnly),
    Asker::TenantKey,
    Asker::PlatformKey,
];

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The handler answers, whatever it says.
    Open,
    /// To the login.
    Login,
    /// The role may not.
    Forbidden,
    /// To be confirmed first.
    Confirm,
    /// No key, or one of another kind.
    Key,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What the tables say.
fn expected(route: &Route, asker: Asker) -> Outcome {
    let person = |allowed: &dyn Fn(Role) -> bool| match asker {
        Asker::Nobody | Asker::TenantKey | Asker::PlatformKey => Outcome::Login,
        Asker::Person(role) if !allowed(role) => Outcome::Forbidden,
        Asker::Person(_) if route.stepped_up => Outcome::Confirm,
        Asker::Person(_) => Outcome::Open,
    };
    match route.who {
        Who::Person(permission) => person(&|role| role.may(permission)),
        Who::Operator => person(&|role| role == Role::Operator),
        Who::AnyPerson | Who::Entering => person(&|_| true),
        Who::Visitor | Who::Payer | Who::Returning | Who::Anybody => Outcome::Open,
        Who::Key(_) | Who::KeyItselfOr(_) if asker == Asker::TenantKey => Outcome::Open,
        Who::Platform if asker == Asker::PlatformKey => Outcome::Open,
        // Stripe's key is its signature.
        Who::Key(_) | Who::KeyItselfOr(_) | Who::Platform | Who::Metrics | Who::Stripe => Outcome::Key,
    }
}

/// A session that began some time ago; answers what the cookie holds and the token of its forms.
async fn session(town: &Town, user: &User, n: u128) -> (String, String) {
    use sha2::Digest;
    let cookie = format!("{n:064x}");
    let now = town.app.clock.now();
    let row = Session {
        id: SessionId::new(now, n),
        secret_hash: hex::encode(sha2::Sha256::digest(cookie.as_bytes())),
        tenant: user.tenant.clone(),
        user: user.id.clone(),
        stage: Stage::Full,
        address: None,
        agent: None,
        last_seen_at: now,
        stepped_up_at: Some(now.plus_ms(-STEPPED_UP_MS)),
        expires_at: now.plus_ms(user.role.lifetime().absolute_ms),
        revoked_at: None,
        created_at: now,
    };
    let csrf = form_token(&town.app, row.id.as_str()).unwrap();
    let added = town.app.db.write(move |tx| store::sessions::insert(tx, &row));
    added.await.unwrap_or_else(|e: store::Error| panic!("{e}"));
    (cookie, csrf)
}

struct Cast {
    people: Vec<User>,
    platform_key: String,
}

impl Cast {
    async fn gather(town: &Town) -> Cast {
        let mut people = vec![add_operator(town).await];
        for (role, email) in [
            (Role::Owner, "owner@northwind.example"),
            (Role::Billing, "billing@northwind.example"),
            (Role::ReadOnly, "reader@northwind.example"),
        ] {
            people.push(add_here(town, role, email).await);
        }
        const SECOND_FACTOR: store::Sql = store::Sql::new("update users set totp_seed = 'sealed'");
        town.change(&SECOND_FACTOR).await;
        let by = By::new(Actor::CommandLine);
        let key = platform_keys::create(&town.app, &by, "Matrix").await.unwrap().1;
        Cast {
            people,
            platform_key: key.expose().to_owned(),
        }
    }

    /// Asks one route, and says what became of it.
    async fn ask(&self, town: &Town, route: &Route, asker: Asker, n: u128) -> Outcome {
        let browser = Browser::at(town, "127.0.0.1");
        let mut headers = Vec::new();
        let mut csrf = String::new();
        match asker {
            Asker::Nobody => {}
            Asker::Person(role) => {
                let user = self.people.iter().find(|user| user.role == role).unwrap();
                let (cookie, token) = session(town, user, n).await;
                browser.set_session(&cookie);
                csrf = token;
            }
            Asker::TenantKey => headers.push(("authorization", format!("Bearer {}", town.msp.key))),
            Asker::PlatformKey => headers.push(("authorization", format!("Bearer {}", self.platform_key))),
        }
        if !route.who.is_of_people() && !route.method.is_safe() {
            headers.push(("idempotency-key", format!("matrix-{n}")));
        }
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let parts = route
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let body =
            (!route.method.is_safe() && route.who.is_of_people()).then(|| format!("csrf_token={csrf}"));
        let page = browser.ask(route.method.clone(), &path, &headers, body).await;
        assert!(
            page.status.as_u16() != 500,
            "{} {path} {asker:?}: {}",
            route.method,
            page.text
        );
        let location = page.location();
        let to_login = page.status == StatusCode::SEE_OTHER
            && (location == "/login" || location.starts_with("/login?"))
            && route.path != "/logout";
        let key = page
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == "application/problem+json")
            && [401, 403].contains(&page.status.as_u16());
        match page.status.as_u16() {
            _ if route.who == Who::Visitor => Outcome::Open,
            _ if to_login => Outcome::Login,
            401 if page.text.contains("Your session ended before this was sent") => Outcome::Login,
            303 if location.starts_with("/confirm") => Outcome::Confirm,
            403 if page.text.contains("Your role may not do this") => Outcome::Forbidden,
            403 if page.text.contains("Confirm that it is you") && route.path != "/confirm" => {
                Outcome::Confirm
            }
            401 | 403 if key && !route.who.is_of_people() => Outcome::Key,
            404 if route.who == Who::Metrics => Outcome::Key,
            _ => Outcome::Open,
        }
    }
}

both! {
    fn every_route_is_open_to_whom_the_tables_say_and_to_nobody_else(world: &World) {
        run(world, async |town| {
            let cast = Cast::gather(&town).await;
            let mut surprises = Vec::new();
            let mut cells = BTreeMap::new();
            let mut n = 0_u128;
            for route in routes::all() {
                for asker in ASKERS {
                    n += 1;
                    let expected = expected(&route, asker);
                    let found = cast.ask(&town, &route, asker, n).await;
                    *cells.entry((asker, expected)).or_insert(0) += 1;
                    if expected != found {
                        let what = format!("{} {} {asker:?}", route.method, route.path);
                        surprises.push(format!("{what}: {found}, not {expected}"));
                    }
                }
            }
            assert!(surprises.is_empty(), "{} surprises in {n}:\n{}", surprises.len(), surprises.join("\n"));
            println!("{n} cells of {} routes and {} callers, no surprise: {cells:?}", n / 7, ASKERS.len());
            assert!(n >= 7 * 110, "only {n} cells");
        });
    }

    fn a_session_opens_nothing_of_the_api(world: &World) {
        run(world, async |town| {
            let cast = Cast::gather(&town).await;
            for (n, route) in routes::all().iter().enumerate() {
                if !matches!(route.who, Who::Key(_) | Who::KeyItselfOr(_) | Who::Platform) {
                    continue;
                }
                let found = cast.ask(&town, route, Asker::Person(Role::Owner), 10_000 + n as u128).await;
                assert_eq!(found, Outcome::Key, "{}", route.path);
            }
        });
    }
}

/// The table in the manual, made of the matrix.
#[test]
fn the_manual_shows_the_matrix_as_it_is() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operators.md")).unwrap();
    let mut rows = vec![
        "| permission | owner | billing | read only |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    let mark = |may: bool| if may { "yes" } else { "" };
    rows.extend(MATRIX.iter().map(|(permission, roles)| {
        let [owner, billing, reader] = roles.map(mark);
        format!("| `{}` | {owner} | {billing} | {reader} |", permission.word())
    }));
    let table = rows.join("\n");
    assert!(
        page.contains(&table),
        "docs/operators.md has another table than:\n{table}"
    );
    assert_eq!(MATRIX.len(), Permission::ALL.len());
}
