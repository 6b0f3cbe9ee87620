//! Somebody who is logged in, as a browser that keeps cookies and fills in the forms of pages; for tests of
//! what stands behind the login.

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::{Role, TenantId};
use flows::people::login::{self, Browser};
use flows::people::setup::{self, NewPerson};
use flows::people::{authenticator, second_factor};
use flows::{Actor, By, people};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use stripe::Secret;

use crate::town::Town;

/// What everybody in these tests chose.
pub const PASSWORD: &str = "four gentle walruses hum";
/// What their browsers call themselves, unless a test says otherwise.
pub const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
/// The cookie of a session on plain http.
pub const COOKIE: &str = "psa-pay-session";

/// A page, or what came instead.
#[derive(Debug)]
pub struct Shown {
    pub status: StatusCode,
    pub text: String,
    pub headers: HeaderMap,
}

impl Shown {
    /// Where the browser is sent on to.
    pub fn location(&self) -> &str {
        let location = self.headers.get("location").map(|value| value.to_str().unwrap());
        location.unwrap_or_default()
    }

    /// The words of the page without its elements.
    pub fn words(&self) -> String {
        let mut words = String::new();
        let mut inside = false;
        for c in self.text.chars() {
            match c {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    words.push(' ');
                }
                c if !inside => words.push(c),
                _ => {}
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Each must stand on the page.
    #[track_caller]
    pub fn assert_says(&self, status: u16, parts: &[&str]) {
        let words = self.words();
        assert_eq!(self.status.as_u16(), status, "{words}");
        for part in parts {
            assert!(
                words.contains(part) || self.text.contains(part),
                "no {part:?} in {words}"
            );
        }
    }

    /// The browser must be sent to this path.
    #[track_caller]
    pub fn assert_sent_to(&self, path: &str) {
        assert_eq!(
            (self.status, self.location()),
            (StatusCode::SEE_OTHER, path),
            "{}",
            self.words()
        );
    }

    /// What stands between two marks, the first time.
    #[track_caller]
    pub fn between(&self, before: &str, after: &str) -> String {
        let found = self
            .text
            .split_once(before)
            .and_then(|(_, rest)| rest.split_once(after));
        let (found, _) = found.unwrap_or_else(|| panic!("no {before}…{after} in {}", self.text));
        found.to_owned()
    }
}

/// A browser.
pub struct Person {
    http: reqwest::Client,
    url: String,
    pub agent: String,
    cookies: Mutex<BTreeMap<String, String>>,
    csrf: Mutex<String>,
}

impl Person {
    /// Somebody who has not logged in.
    pub fn visitor(town: &Town) -> Person {
        Person {
            http: town.browsers.clone(),
            url: town.url.clone(),
            agent: AGENT.to_owned(),
            cookies: Mutex::default(),
            csrf: Mutex::default(),
        }
    }

    /// Somebody new in a role, logged in, with an authenticator where the role needs one.
    pub async fn new(town: &Town, tenant: &TenantId, role: Role, email: &str) -> Person {
        add(town, tenant, role, email).await;
        Person::log_in(town, email).await
    }

    /// Logs in somebody who has no authenticator yet.
    pub async fn log_in(town: &Town, email: &str) -> Person {
        let person = Person::visitor(town);
        let by = By::new(Actor::Unknown);
        let browser = Browser {
            by: by.clone(),
            agent: Some(AGENT.to_owned()),
            before: None,
        };
        let app = &town.app;
        let entered = login::log_in(app, &browser, email, &Secret::new(PASSWORD))
            .await
            .unwrap();
        let mut cookie = entered.cookie;
        if entered.user.role.needs_second_factor() {
            let seen = people::authenticate(app, cookie.expose()).await.unwrap().unwrap();
            let enrolment = second_factor::begin(app, &by, &seen).await.unwrap();
            let code = authenticator::code_of(enrolment.seed.expose(), town.app.clock.now()).unwrap();
            cookie = second_factor::confirm(app, &by, &seen, &code).await.unwrap().1;
        }
        let value = cookie.expose().to_owned();
        person.cookies.lock().unwrap().insert(COOKIE.to_owned(), value);
        person
    }

    /// What the cookie of the session holds.
    pub fn session(&self) -> String {
        self.cookies.lock().unwrap()[COOKIE].clone()
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Shown {
        self.send(Method::GET, path, None).await
    }

    /// Sends a form of the page that was shown last.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let csrf = self.csrf.lock().unwrap().clone();
        let mut all = vec![("csrf_token", csrf.as_str())];
        all.extend_from_slice(fields);
        let form = "application/x-www-form-urlencoded".to_owned();
        self.send(Method::POST, path, Some((form, encoded(&all).into_bytes())))
            .await
    }

    /// Sends a form with a file, as a browser writes one.
    pub async fn upload(&self, path: &str, field: &str, file: &[u8]) -> Shown {
        self.upload_with(path, &[], field, ("picture", file)).await
    }

    /// The same with other fields before it; the file has a name.
    pub async fn upload_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        field: &str,
        (name, file): (&str, &[u8]),
    ) -> Shown {
        let csrf = self.csrf.lock().unwrap().clone();
        let mut body = String::new();
        for (field, text) in [("csrf_token", csrf.as_str())].iter().chain(fields) {
            body.push_str(&format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{text}\r\n"
            ));
        }
        body.push_str(&format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        ));
        let mut body = body.into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let form = "multipart/form-data; boundary=edge".to_owned();
        self.send(Method::POST, path, Some((form, body))).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<(String, Vec<u8>)>) -> Shown {
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("user-agent", &self.agent)
            .header("cookie", cookies.join("; "));
        if let Some((kind, body)) = body {
            request = request
                .header("content-type", kind)
                .header("sec-fetch-site", "same-origin")
                .body(body);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies
                .lock()
                .unwrap()
                .insert(name.to_owned(), value.to_owned());
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let shown = Shown {
            status,
            headers,
            text: response.text().await.unwrap(),
        };
        let token = shown.text.split_once("name=\"csrf_token\" value=\"");
        if let Some((token, _)) = token.and_then(|(_, rest)| rest.split_once('"')) {
            *self.csrf.lock().unwrap() = token.to_owned();
        }
        shown
    }
}

/// Adds somebody with [`PASSWORD`].
pub async fn add(town: &Town, tenant: &TenantId, role: Role, email: &str) {
    let name = email.split('@').next().unwrap();
    let new = NewPerson {
        name: format!("{}{}", name[..1].to_uppercase(), &name[1..]),
        email: email.to_owned(),
        password: Secret::new(PASSWORD),
    };
    let by = By::new(Actor::CommandLine);
    setup::add(&town.app, &by, tenant, role, &new).await.unwrap();
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    pairs.join("&")
}
