//! People as they meet psa-pay: the first start, the login and its factors, links by mail, sessions, and
//! what each role may on every route. A browser here keeps its cookies and sends forms as pages give
//! them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::{Role, TenantId};
use flows::people::authenticator::code_of;
use flows::people::invitations::{self, Invitation};
use flows::people::setup::{self, NewPerson};
use flows::people::{opened, resets};
use flows::{Actor, By};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use store::Sql;
use store::users::User;
use stripe::Secret;

use crate::engines::World;
use crate::town::{Town, Wishes};

mod across;
mod attacks;
mod factors;
mod forms;
mod links;
mod matrix;
mod sessions;

/// A password that is taken.
pub const PASSWORD: &str = "correct horse battery staple";
/// Two people of the town's tenant.
pub const ANN: &str = "ann@northwind.example";
pub const BOB: &str = "bob@northwind.example";
/// How long a code of an authenticator lasts.
const STEP_MS: i64 = 30_000;

/// Runs a test in a town whose time stands still but for the test, so that waits and codes are exact.
pub fn run(world: &World, test: impl AsyncFnOnce(Town)) {
    let wishes = Wishes {
        deliveries: false,
        worker: false,
        still: true,
        ..Wishes::default()
    };
    Town::run_as(world, wishes, test);
}

/// An answer to a browser.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub text: String,
    pub headers: HeaderMap,
}

impl Page {
    /// Where it sends the browser; empty if it does not.
    pub fn location(&self) -> &str {
        let location = self.headers.get("location");
        location.map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn assert(&self, status: u16, says: &str) -> &Page {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert!(self.text.contains(says), "no {says:?} in {}", self.text);
        self
    }

    #[track_caller]
    pub fn assert_goes_to(&self, location: &str) -> &Page {
        assert_eq!(
            (self.status.as_u16(), self.location()),
            (303, location),
            "{}",
            self.text
        );
        self
    }

    /// The hidden fields of its first form, and where that is sent.
    fn form(&self) -> (String, Vec<(String, String)>) {
        let form = self
            .text
            .split("<form")
            .nth(1)
            .unwrap_or_else(|| panic!("no form in {}", self.text));
        let form = form.split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
            Some(
                value
                    .replace("&quot;", "\"")
                    .replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&amp;", "&"),
            )
        };
        let inputs = form
            .split("<input")
            .skip(1)
            .map(|tag| tag.split('>').next().unwrap());
        let hidden = inputs.filter(|tag| tag.contains("type=\"hidden\""));
        let pair = |tag| Some((attribute(tag, "name")?, attribute(tag, "value")?));
        (
            attribute(form, "action").unwrap(),
            hidden.filter_map(pair).collect(),
        )
    }

    /// The token of its forms.
    pub fn csrf(&self) -> String {
        let hidden = self.form().1;
        hidden
            .into_iter()
            .find(|(name, _)| name == "csrf_token")
            .expect("a token")
            .1
    }

    /// What stands in the element of an id, which holds nothing but text.
    pub fn text_of(&self, id: &str) -> String {
        let element = self.text.split(&format!("id=\"{id}\">")).nth(1);
        element
            .unwrap_or_else(|| panic!("no {id} in {}", self.text))
            .split('<')
            .next()
            .unwrap()
            .to_owned()
    }
}

/// A browser.
pub struct Browser<'a> {
    pub town: &'a Town,
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
    address: String,
}

impl<'a> Browser<'a> {
    /// Somewhere in the network.
    pub fn new(town: &'a Town) -> Browser<'a> {
        Browser::at(town, "203.0.113.10")
    }

    /// At an address.
    pub fn at(town: &'a Town, address: &str) -> Browser<'a> {
        Browser {
            town,
            http: town.browsers.clone(),
            cookies: Mutex::default(),
            address: address.to_owned(),
        }
    }

    /// The session's cookie.
    pub fn session(&self) -> String {
        self.cookies
            .lock()
            .unwrap()
            .get("psa-pay-session")
            .cloned()
            .unwrap_or_default()
    }

    /// Gives the browser the cookie of a session, as an attacker would.
    pub fn set_session(&self, value: &str) {
        self.cookies
            .lock()
            .unwrap()
            .insert("psa-pay-session".to_owned(), value.to_owned());
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Page {
        // So that what requests leave behind can be put in order.
        self.town.advance_ms(1);
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = self.http.request(method, format!("{}{path}", self.town.url));
        let request = request
            .header("x-forwarded-for", &self.address)
            .header("cookie", cookies.join("; "));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        let request = match body {
            Some(body) => request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body),
            None => request,
        };
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, value) = cookie
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .split_once('=')
                .unwrap();
            self.cookies
                .lock()
                .unwrap()
                .insert(name.to_owned(), value.to_owned());
        }
        Page {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Page {
        self.ask(Method::GET, path, &[], None).await
    }

    /// Sends fields, and nothing else.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.ask(Method::POST, path, &[], Some(encoded(fields))).await
    }

    /// Fills in the first form of a page and sends it.
    pub async fn fill(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let (action, hidden) = page.form();
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        self.post(&action, &all).await
    }

    /// Loads a page, fills in its first form and sends it.
    pub async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(path).await;
        self.fill(&page, fields).await
    }

    /// The password's step of a login.
    pub async fn try_password(&self, email: &str, password: &str) -> Page {
        self.send("/login", &[("email", email), ("password", password)])
            .await
    }

    /// Logs in somebody who has no second factor and needs none.
    pub async fn log_in(&self, email: &str) {
        self.try_password(email, PASSWORD).await.assert_goes_to("/");
    }

    /// Logs in somebody for the first time who needs a second factor; answers its seed and the recovery
    /// codes.
    pub async fn enrol(&self, email: &str) -> (String, Vec<String>) {
        self.try_password(email, PASSWORD)
            .await
            .assert_goes_to("/login/authenticator");
        let page = self.get("/login/authenticator").await;
        let seed = page.text_of("seed");
        let done = self.fill(&page, &[("code", &code(self.town, &seed))]).await;
        done.assert(200, "recovery codes");
        let codes = done
            .text
            .split("<li><code>")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().to_owned());
        (seed, codes.collect())
    }
}

/// A body as browsers send it.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let text = |text: &str| text.bytes().map(byte).collect::<String>();
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", text(name), text(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// What an authenticator shows now.
pub fn code(town: &Town, seed: &str) -> String {
    code_of(seed, town.app.clock.now()).unwrap()
}

/// The next code of an authenticator, half a minute later.
pub fn next_code(town: &Town, seed: &str) -> String {
    town.advance_ms(STEP_MS);
    code(town, seed)
}

/// Somebody with a password.
pub async fn add(town: &Town, tenant: &TenantId, role: Role, email: &str) -> User {
    let new = NewPerson {
        name: "Jordan Fielding".to_owned(),
        email: email.to_owned(),
        password: Secret::new(PASSWORD),
    };
    setup::add(&town.app, &By::new(Actor::CommandLine), tenant, role, &new)
        .await
        .unwrap()
}

/// Somebody who is invited from the command line; answers the path of the link.
pub async fn invite(town: &Town, tenant: &TenantId, role: Role, email: &str) -> String {
    let invitation = Invitation {
        tenant: tenant.clone(),
        name: "Robin Marsh".to_owned(),
        email: email.to_owned(),
        role,
    };
    let by = By::new(Actor::CommandLine);
    let invited = invitations::invite_first(&town.app, &by, &invitation).await;
    format!("/invitation/{}", invited.unwrap().1.expose())
}

/// Somebody of the town's tenant.
pub async fn add_here(town: &Town, role: Role, email: &str) -> User {
    add(town, &town.msp.scope.tenant.clone(), role, email).await
}

/// An operator, so that the installation is set up.
pub async fn add_operator(town: &Town) -> User {
    add(
        town,
        &TenantId::platform(),
        Role::Operator,
        "operator@platform.example",
    )
    .await
}

/// The mails about logins that were queued, oldest first: to whom, and what they say. Those who forgot their
/// passwords are answered before.
pub async fn mails(town: &Town) -> Vec<(String, String, Value)> {
    resets::answer(&town.app).await.unwrap();
    const MAILS: Sql = Sql::new(
        "select recipient, subject, letter from mails where invoice_id is null order by created_at, id",
    );
    let rows = town.rows(&MAILS).await;
    let text = |row: &store::db::Row, column| row.text(column).unwrap();
    rows.iter()
        .map(|row| {
            let letter = serde_json::from_str(&text(row, "letter")).unwrap();
            (text(row, "recipient"), text(row, "subject"), letter)
        })
        .collect()
}

/// The path of the newest link that was mailed.
pub async fn mailed_path(town: &Town) -> String {
    let mails = mails(town).await;
    let newest = mails
        .iter()
        .rev()
        .find_map(|(_, _, letter)| letter["button"]["path"].as_str());
    opened(&town.app.link_key, newest.expect("a mail with a link")).unwrap()
}

/// What the audit log says of people, oldest first: actions.
pub async fn noted(town: &Town) -> Vec<String> {
    const NOTED: Sql =
        Sql::new("select action from audit_log where action like 'person.%' order by created_at, id");
    town.rows(&NOTED)
        .await
        .iter()
        .map(|row| row.text("action").unwrap())
        .collect()
}
