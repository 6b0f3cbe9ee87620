//! Every page that people see, looked at by axe-core in a real browser, in light and in dark: no violation
//! of any of its rules. With `PSA_PAY_SCREENSHOTS=folder` pictures of each page are written as well, wide
//! and narrow.

use std::path::{Path, PathBuf};

use domain::{Role, TenantId};
use flows::people::{authenticator, opened, resets};
use reqwest::Method;
use serde_json::{Value, json};
use server::router::Site;

use crate::browser::{Browser, Scheme};
use crate::cli_triggers::tools::Npm;
use crate::engines::World;
use crate::links;
use crate::person::{COOKIE, PASSWORD, Person, add};
use crate::town::Town;

mod console;
mod money_screens;
mod screens;

const PART: &str = "THE ACCESSIBILITY OF PAGES";
/// Where pictures go; none are made without it.
const SCREENSHOTS: &str = "PSA_PAY_SCREENSHOTS";
/// What stands in Stripe's own frames is Stripe's.
const RUN: &str = "return axe.run(document, {iframes: false, resultTypes: ['violations']}).then((result) =>
    result.violations.map((found) => found.id + ': ' + found.help + ' ' +
        found.nodes.slice(0, 3).map((node) => node.html + ' ' + node.failureSummary).join(' | ')))";

/// Tables that are wider than their frame, so that one would have to move them sideways.
const TOO_WIDE: &str = "return [...document.querySelectorAll('.table-wrap > .table')]
    .filter((table) => table.offsetWidth > table.parentElement.clientWidth + 1)
    .map((table) => table.caption.textContent)";

/// Looks at pages and keeps what is wrong with them.
struct Auditor<'a> {
    browser: &'a Browser,
    url: String,
    axe: String,
    pictures: Option<PathBuf>,
    seen: Vec<String>,
    found: Vec<String>,
}

impl Auditor<'_> {
    /// Opens a page and looks at it.
    async fn look(&mut self, name: &str, path: &str) {
        let url = match path.starts_with('/') {
            true => format!("{}{path}", self.url),
            false => path.to_owned(),
        };
        self.browser.goto(&url).await;
        self.inspect(name).await;
    }

    /// Looks at what is open.
    async fn inspect(&mut self, name: &str) {
        for scheme in [Scheme::Light, Scheme::Dark] {
            self.browser.colours(scheme).await;
            self.browser.run(&self.axe, vec![]).await;
            let violations = self.browser.run(RUN, vec![]).await;
            let list = violations
                .as_array()
                .unwrap_or_else(|| panic!("{name}: axe did not run"));
            self.found
                .extend(list.iter().map(|found| format!("{name} {scheme:?} {found}")));
        }
        let too_wide = self.browser.run(TOO_WIDE, vec![]).await;
        let tables = too_wide.as_array().cloned().unwrap_or_default();
        self.found
            .extend(tables.iter().map(|table| format!("{name}: {table} is too wide")));
        self.seen.push(name.to_owned());
        if let Some(folder) = self.pictures.clone() {
            self.pictures(name, &folder).await;
        }
        self.browser.colours(Scheme::Light).await;
    }

    /// The whole page, wide and narrow, light and dark.
    async fn pictures(&self, name: &str, folder: &Path) {
        for (width, least) in [(1280, 900), (390, 844)] {
            self.browser.screen(width, least).await;
            let height = "return Math.min(document.documentElement.scrollHeight, 6000)";
            let height = self
                .browser
                .run(height, vec![])
                .await
                .as_u64()
                .unwrap_or_default();
            let height = u32::try_from(height).unwrap_or_default().max(least);
            self.browser.screen(width, height).await;
            for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
                self.browser.colours(scheme).await;
                self.browser
                    .screenshot(&folder.join(format!("{name}-{width}-{word}.png")))
                    .await;
            }
        }
        self.browser.screen(1280, 900).await;
    }

    /// A page with all pictures, for whoever looks through them.
    fn index(&self) {
        let Some(folder) = &self.pictures else { return };
        let mut page = "<!doctype html><meta charset=\"utf-8\"><title>Pages</title>\n".to_owned();
        for name in &self.seen {
            page.push_str(&format!("<h2 id=\"{name}\">{name}</h2>\n"));
            for (width, shown) in [(1280, 640), (390, 195)] {
                for word in ["light", "dark"] {
                    let file = format!("{name}-{width}-{word}.png");
                    let picture = format!("src=\"{file}\" width=\"{shown}\" alt=\"{file}\"");
                    page.push_str(&format!(
                        "<a href=\"{file}\"><img {picture} loading=\"lazy\"></a>\n"
                    ));
                }
            }
        }
        std::fs::write(folder.join("index.html"), page).unwrap();
    }

    async fn fill(&self, fields: &[(&str, &str)]) {
        for (field, text) in fields {
            self.browser.fill(&format!("#{field}"), text).await;
        }
        self.browser.click("main button.primary").await;
    }

    /// From now on the browser is this person's.
    async fn become_somebody(&self, person: &Person) {
        self.browser.cookie(&self.url, COOKIE, &person.session()).await;
    }
}

#[test]
fn no_page_breaks_a_rule_of_axe_in_light_or_dark() {
    let world = World::sqlite();
    Town::run(&world, async |town| {
        let Some(npm) = Npm::find(PART) else { return };
        let folder = npm.install("axe", &[]);
        let Some(browser) = Browser::open().await else {
            return;
        };
        browser.screen(1280, 900).await;
        let axe = folder.join("node_modules/axe-core/axe.min.js");
        let mut auditor = Auditor {
            browser: &browser,
            url: town.url.clone(),
            axe: std::fs::read_to_string(axe).unwrap(),
            pictures: std::env::var_os(SCREENSHOTS).map(PathBuf::from),
            seen: Vec::new(),
            found: Vec::new(),
        };
        visitors(&mut auditor, &town).await;
        payers(&mut auditor, &town).await;
        people_of_a_tenant(&mut auditor, &town).await;
        screens::screens(&mut auditor, &town).await;
        newcomers_and_operators(&mut auditor, &town).await;
        console::console(&mut auditor, &town).await;
        parts(&mut auditor, &town).await;
        auditor.index();
        assert!(auditor.seen.len() >= 25, "{:?}", auditor.seen);
        assert_eq!(auditor.found, Vec::<String>::new());
        assert_eq!(browser.violations().await, Vec::<String>::new());
    });
}

async fn visitors(auditor: &mut Auditor<'_>, town: &Town) {
    auditor.look("setup", "/setup").await;
    auditor.fill(&[("name", ""), ("password", "short")]).await;
    auditor.browser.wait_for(".summary").await;
    auditor.inspect("setup-refused").await;
    let platform = TenantId::platform();
    add(town, &platform, Role::Operator, "olga@platform.example").await;
    auditor.look("login", "/login").await;
    auditor
        .fill(&[("email", "olga@platform.example"), ("password", "wrong")])
        .await;
    auditor.browser.wait_for(".summary").await;
    auditor.inspect("login-refused").await;
    auditor.look("forgot", "/forgot").await;
    auditor.look("reset-gone", "/reset/0").await;
    auditor.look("nothing-here", "/no/such/page").await;
    auditor.look("no-page", "/logout").await;

    // An operator without a second factor sets one up on the way in.
    auditor.look("login-again", "/login").await;
    auditor
        .fill(&[("email", "olga@platform.example"), ("password", PASSWORD)])
        .await;
    auditor.browser.wait_for("#seed").await;
    auditor.inspect("authenticator").await;
    let seed = auditor.browser.text("#seed").await;
    let code = authenticator::code_of(seed.trim(), town.app.clock.now()).unwrap();
    auditor.fill(&[("code", &code)]).await;
    auditor.browser.wait_for("#codes").await;
    auditor.inspect("recovery-codes").await;
    auditor.look("operator", "/operator").await;
    auditor.look("operator-new", "/operator/tenants/new").await;
    auditor.browser.click(".who button").await;
    auditor.browser.wait_for("#password").await;
    auditor
        .fill(&[("email", "olga@platform.example"), ("password", PASSWORD)])
        .await;
    auditor.browser.wait_for("#code").await;
    auditor.inspect("second-factor").await;
}

async fn payers(auditor: &mut Auditor<'_>, town: &Town) {
    let invoice = town.invoice(148_290, "usd").await;
    let link = town.link(&invoice).await;
    auditor.browser.goto(&format!("{}/pay/{link}", town.url)).await;
    auditor.browser.wait_for("#submit:not([disabled])").await;
    auditor.inspect("pay").await;
    for language in ["de", "fr", "es"] {
        let url = format!("{}/pay/{link}?language={language}", town.url);
        auditor.browser.goto(&url).await;
        auditor.browser.wait_for("#submit:not([disabled])").await;
        auditor.browser.click(".languages summary").await;
        auditor.inspect(&format!("pay-{language}")).await;
    }
    auditor.look("pay-nothing", "/pay/nothing-of-ours").await;
    links(auditor, town).await;
}

/// What there is of a recipient's own link: forwarding, by whom, run out, and taken back.
async fn links(auditor: &mut Auditor<'_>, town: &Town) {
    let invoice = town.invoice(148_290, "usd").await;
    let made = links::make(town, &invoice, json!({"email": "ap@harbordental.example"})).await;
    let link = links::token_in(&made);
    auditor.browser.goto(&format!("{}/pay/{link}", town.url)).await;
    town.advance_ms(2_000);
    auditor.browser.click("#forward summary").await;
    let typed = [
        ("forward-name", "Ann 2"),
        ("forward-email", "ann@harbordental.example"),
    ];
    for (field, text) in typed {
        auditor.browser.fill(&format!("#{field}"), text).await;
    }
    auditor.browser.click("#forward button").await;
    auditor.browser.wait_for(".forward-error").await;
    auditor.inspect("forward-refused").await;
    town.advance_ms(2_000);
    auditor.browser.fill("#forward-name", "Ann Boss").await;
    auditor.browser.click("#forward button").await;
    auditor.browser.wait_for(".forwarded").await;
    auditor.inspect("forwarded").await;
    let theirs = links::link_of(town, &invoice, "ann@harbordental.example").await;
    let id = domain::LinkId::parse(theirs["id"].as_str().unwrap()).unwrap();
    let token = flows::pay_links::token_of(&town.app.link_key, &id, 1).unwrap();
    auditor.look("forwarded-to", &format!("/pay/{token}")).await;
    let of_link = links::link_of(town, &invoice, "ap@harbordental.example").await;
    links::revoke(town, &invoice, &of_link).await;
    auditor.look("link-revoked", &format!("/pay/{link}")).await;
    let another = town.link(&invoice).await;
    town.link(&invoice).await;
    auditor.look("link-expired", &format!("/pay/{another}")).await;
    auditor.browser.click("main button.primary").await;
    auditor.browser.wait_for("main .icon").await;
    auditor.inspect("link-fresh").await;
}

async fn people_of_a_tenant(auditor: &mut Auditor<'_>, town: &Town) {
    let tenant = town.msp.scope.tenant.clone();
    let dana = Person::new(town, &tenant, Role::Owner, "dana@northwind.example").await;
    dana.get("/settings/users/new").await;
    let fields = [
        ("name", "Lee Moss"),
        ("email", "lee@northwind.example"),
        ("role", "billing"),
    ];
    let invited = dana.post("/settings/users", &fields).await;
    let token = invited.between("/invitation/", "<");
    auditor.look("invitation", &format!("/invitation/{token}")).await;
    auditor
        .look("reset", &reset_link(town, "dana@northwind.example").await)
        .await;
    auditor.fill(&[("password", "short")]).await;
    auditor.browser.wait_for(".summary").await;
    auditor.inspect("reset-refused").await;
    Person::new(town, &tenant, Role::ReadOnly, "kim@northwind.example").await;

    auditor.become_somebody(&dana).await;
    auditor.look("home", "/").await;
    auditor.look("account", "/account").await;
    auditor
        .look("recovery-codes-question", "/account/recovery-codes")
        .await;
    auditor.look("sessions", "/account/sessions").await;
    auditor.look("users", "/settings/users").await;
    let list = dana.get("/settings/users").await;
    let lee = list.between("href=\"/settings/users/usr_", "\"");
    auditor.look("user", &format!("/settings/users/usr_{lee}")).await;
    auditor.browser.click("[data-dialog=disable]").await;
    auditor.browser.wait_for("dialog[open]").await;
    auditor.inspect("user-question").await;
    auditor.look("invite", "/settings/users/new").await;
    auditor.fill(&[("name", ""), ("email", "lee")]).await;
    auditor.browser.wait_for(".summary").await;
    let focused = "return document.activeElement.classList.contains('summary')";
    assert_eq!(
        auditor.browser.run(focused, vec![]).await,
        json!(true),
        "the summary has the focus"
    );
    auditor.inspect("invite-refused").await;
    auditor.look("keys", "/settings/api-keys").await;
    auditor.look("new-key", "/settings/api-keys/new").await;
    auditor
        .browser
        .click("button[data-ticks^='clients:read clients:write']")
        .await;
    let ticked = "return document.querySelectorAll('input[name=permissions]:checked').length";
    assert_eq!(
        auditor.browser.run(ticked, vec![]).await,
        json!(7),
        "one button ticks what a PSA needs"
    );
    auditor.fill(&[("name", "HaloPSA")]).await;
    auditor.browser.wait_for("#secret").await;
    auditor.inspect("key-shown").await;
    auditor.look("keys-made", "/settings/api-keys").await;
    auditor.look("stripe-ready", "/settings/stripe").await;
}

/// The link that somebody is sent who forgot their password.
async fn reset_link(town: &Town, email: &str) -> String {
    const LETTER: store::Sql =
        store::Sql::new("select letter from mails where kind = 'reset' order by created_at desc, id desc");
    let by = flows::By::new(flows::Actor::Unknown);
    resets::ask(&town.app, &by, email).await.unwrap();
    // The worker may have been quicker.
    resets::answer(&town.app).await.unwrap();
    let letter: Value = serde_json::from_str(&town.rows(&LETTER).await[0].text("letter").unwrap()).unwrap();
    opened(&town.app.link_key, letter["button"]["path"].as_str().unwrap()).unwrap()
}

async fn newcomers_and_operators(auditor: &mut Auditor<'_>, town: &Town) {
    let by = flows::By::new(flows::Actor::CommandLine);
    let name = "Bluebird Networks";
    let added = flows::tenants::add(&town.app, &by, town.app.moment(), name, None, &[]).await;
    let tenant = added.unwrap().0.id;
    let robin = Person::new(town, &tenant, Role::Owner, "robin@bluebird.example").await;
    auditor.become_somebody(&robin).await;
    auditor.look("home-new", "/").await;
    auditor.look("keys-none", "/settings/api-keys").await;
    auditor.look("stripe", "/settings/stripe").await;
    let choose = "document.getElementById('country').value = 'US'";
    auditor.browser.run(choose, vec![]).await;
    auditor.browser.click("#panel button.primary").await;
    auditor.browser.wait_for("#business_name").await;
    auditor.look("stripe-needs", "/settings/stripe").await;
    let account = auditor.browser.text("dd code").await;
    let path = format!("/_simulator/accounts/{account}/onboard");
    town.control("POST", &path, json!({"outcome": "complete", "at_once": true}));
    auditor
        .browser
        .wait_for_text("#panel", "Ready to take payments")
        .await;

    let platform = TenantId::platform();
    let omar = Person::new(town, &platform, Role::Operator, "omar@platform.example").await;
    auditor.become_somebody(&omar).await;
    auditor.look("operator-tenants", "/operator").await;
    auditor.look("operator-account", "/account").await;
    auditor
        .look("operator-tenant", &format!("/operator/tenants/{tenant}"))
        .await;
}

/// The page of all parts, which only the demo has.
async fn parts(auditor: &mut Auditor<'_>, town: &Town) {
    assert_eq!(
        town.public(Method::GET, "/styleguide", Value::Null).await.status,
        404
    );
    let site = Site {
        shows_styleguide: true,
        ..town.site.clone()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::connections::serve(site, listener, std::future::pending()));
    auditor
        .look("styleguide", &format!("http://{address}/styleguide"))
        .await;
}
