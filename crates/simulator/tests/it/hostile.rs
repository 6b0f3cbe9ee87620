//! Text that wants to be markup: whatever a caller names things, the pages for a person show it as text, load
//! nothing but their own style sheet, and link nowhere but to themselves.

use crate::world::{World, endpoint, header, id};
use serde_json::json;
use simulator::{Kind, Outcome, Response};

const TEXTS: [&str; 4] = [
    "\"><script>alert(1)</script>",
    "' onmouseover='alert(1)' x='",
    "</title></style><img src=x onerror=alert(1)>",
    "javascript:alert(1)//<svg/onload=alert(1)>",
];
/// All elements that the pages are made of.
const ELEMENTS: &str = " a body br button code dd details div dl dt fieldset footer form h1 h2 h3 head \
    header html input label legend li link main meta nav option p pre section select small span strong \
    summary table tbody td th thead time title tr ul ";
/// All attributes that they have, none of which runs anything.
const ATTRIBUTES: &str = " action aria-current aria-label aria-labelledby autocapitalize autocomplete \
    charset checked class content datetime for formnovalidate href id lang maxlength method name open \
    placeholder rel required role selected spellcheck type value ";

/// The tags of a page, each with its attributes, read as a browser's tokenizer reads them.
fn tags(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        if rest.starts_with("!DOCTYPE html>") || rest.starts_with('/') {
            continue;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap();
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut attributes = Vec::new();
        while !rest.starts_with('>') {
            let end = rest
                .find(|c: char| c.is_whitespace() || c == '=' || c == '>')
                .unwrap();
            let attribute = rest[..end].to_ascii_lowercase();
            rest = rest[end..].trim_start();
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                let after = after.strip_prefix('"').expect("every value stands in quotes");
                (value, rest) = after.split_once('"').unwrap();
                rest = rest.trim_start();
            }
            attributes.push((attribute, value.to_owned()));
        }
        tags.push((name, attributes));
    }
    tags
}

/// Holds of every page, whatever it shows.
fn check(path: &str, response: &Response) -> String {
    let page = String::from_utf8(response.body.clone()).unwrap();
    assert_eq!(
        header(response, "Content-Type"),
        Some("text/html; charset=utf-8"),
        "{path}"
    );
    let policy = header(response, "Content-Security-Policy").unwrap_or_default();
    for part in [
        "default-src 'none'",
        "style-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(
        !policy.contains("script-src") && !policy.contains("unsafe"),
        "{path}: {policy}"
    );
    assert_eq!(
        header(response, "X-Content-Type-Options"),
        Some("nosniff"),
        "{path}"
    );
    for (name, attributes) in tags(&page) {
        assert!(
            ELEMENTS.contains(&format!(" {name} ")),
            "{path}: <{name}> in {page}"
        );
        for (attribute, value) in attributes {
            assert!(
                ATTRIBUTES.contains(&format!(" {attribute} ")),
                "{path}: {attribute} in {page}"
            );
            let leads = ["href", "action"].contains(&attribute.as_str());
            let own = value.starts_with('/') && !value.starts_with("//") || value.starts_with('#');
            assert!(
                !leads || own || value == "data:,",
                "{path}: {attribute}={value} in {page}"
            );
        }
    }
    page
}

fn open(world: &World, path: &str) -> String {
    check(path, &world.send("GET", path, &[]))
}

#[test]
fn a_tokenizer_that_finds_nothing_would_prove_nothing() {
    let found = tags("<!DOCTYPE html><p class=\"a\">x</p><input checked name=\"<b>\"><script>");
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["p", "input", "script"]);
    assert_eq!(found[1].1[1], ("name".to_owned(), "<b>".to_owned()));
}

/// A simulator in which everything that has a name has this one, and its connected account.
fn named(text: &str) -> (World, World) {
    let url = format!("https://a.example/{text}");
    let platform = World::new(simulator::Config {
        endpoints: vec![
            endpoint(&url, false, true, Kind::Snapshot),
            endpoint(&url, false, false, Kind::Thin),
        ],
        platform_name: text.into(),
        ..crate::world::config()
    });
    let made = platform.control(
        "POST",
        "/_simulator/accounts",
        &json!({ "business_name": text, "email": text, "connected": true }),
    );
    for world in [&platform, &platform.on(id(&made))] {
        let form = [
            ("name", text),
            ("description", text),
            ("metadata[a]", text),
            ("phone", text),
        ];
        world.post("/v1/customers", &form);
        world.post("/v1/products", &[("name", text), ("description", text)]);
        let (status, _) = world.ask(
            "GET",
            "/v1/customers",
            &[("email", text), ("starting_after", text)],
        );
        assert!(status < 500);
        let form = [
            ("amount", "1000"),
            ("currency", "usd"),
            ("description", text),
            ("metadata[b]", text),
        ];
        world.post("/v1/payment_intents", &form);
    }
    platform.on(id(&made)).pay("4000000000000002");
    let due = platform.simulator.due_deliveries();
    platform
        .simulator
        .report_delivery(due[0].id, Outcome::Failed(text.into()));
    let fault = json!({ "effect": "hang", "path": text, "method": text });
    platform.control("POST", "/_simulator/faults", &fault);
    let fault = json!({ "delivery": "drop", "event": text, "url": text });
    platform.control("POST", "/_simulator/faults", &fault);
    (platform.clone(), platform.on(id(&made)))
}

#[test]
fn what_things_are_called_is_never_markup_on_the_page() {
    for text in TEXTS {
        let (platform, tenant) = named(text);
        let account = tenant.account.clone().unwrap();
        let mut paths = vec!["/".to_owned(), format!("/?mode=test&account={account}")];
        for part in ["events", "deliveries", "requests"] {
            paths.push(format!("/_simulator/ui/{part}"));
            paths.push(format!("/_simulator/ui/{part}?mode=test&account={account}"));
        }
        for kind in [
            "account",
            "customer",
            "product",
            "payment_intent",
            "charge",
            "webhook_endpoint",
        ] {
            paths.push(format!("/_simulator/ui/objects/{kind}"));
            paths.push(format!(
                "/_simulator/ui/objects/{kind}?mode=test&account={account}"
            ));
        }
        for world in [&platform, &tenant] {
            for list in ["customers", "products", "payment_intents", "charges", "events"] {
                let listed = world.get(&format!("/v1/{list}?limit=100"));
                let objects = listed["data"].as_array().unwrap();
                paths.extend(
                    objects
                        .iter()
                        .map(|one| format!("/_simulator/ui/object/{}", id(one))),
                );
            }
        }
        paths.push(format!("/_simulator/ui/object/{account}"));
        let shown: Vec<String> = paths.iter().map(|path| open(&platform, path)).collect();
        let escaped = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let escaped = escaped.replace('"', "&quot;");
        assert!(shown[0].contains(&escaped), "it is shown, as text: {}", shown[0]);
        let find = platform
            .request("GET", "/_simulator/ui/object", &[("id", text)])
            .path;
        open(&platform, &find);
        let odd = platform
            .request("GET", "/", &[("account", text), ("mode", text)])
            .path;
        open(&platform, &odd);
    }
}

#[test]
fn what_things_are_called_is_never_markup_on_the_pages_for_owners() {
    for text in TEXTS {
        let (platform, tenant) = named(text);
        let form = [
            ("type", "express"),
            ("business_profile[name]", text),
            ("business_profile[product_description]", text),
        ];
        let made = platform.post("/v1/accounts", &form);
        let form = [
            ("account", id(&made)),
            ("type", "account_onboarding"),
            ("refresh_url", "http://127.0.0.1:8400/again"),
            ("return_url", "http://127.0.0.1:8400/back"),
        ];
        let link = platform.post("/v1/account_links", &form);
        let path = link["url"].as_str().unwrap().replace("http://127.0.0.1:8420", "");
        let page = open(&platform, &path);
        let (_, secret) = page.split_once("name=\"form\" value=\"").unwrap();
        let secret = secret.split('"').next().unwrap();
        // The form comes back with all that was said in it.
        let form = [
            ("form", secret),
            ("business_name", text),
            ("about", text),
            ("first_name", text),
            ("last_name", text),
            ("account_number", text),
            ("routing_number", text),
            ("business_type", text),
            ("do", "submit"),
        ];
        check(&path, &platform.send("POST", &path, &form));
        open(&platform, "/setup/s/acct_none/none");
        open(
            &platform,
            &format!("/express/{}/x", tenant.account.clone().unwrap()),
        );
    }
}

#[test]
fn what_things_are_called_is_never_markup_where_an_owner_lets_the_platform_in() {
    for text in TEXTS {
        let (platform, _) = named(text);
        let application = platform.control("GET", "/_simulator/state", &json!({}))["application"].clone();
        let query = [
            ("response_type", "code"),
            ("client_id", application.as_str().unwrap()),
            ("redirect_uri", "http://127.0.0.1:8400/back"),
            ("scope", "read_write"),
            ("state", text),
            ("stripe_user[business_name]", text),
            ("stripe_user[email]", text),
            ("stripe_user[country]", "<>"),
        ];
        let path = platform.request("GET", "/oauth/authorize", &query).path;
        open(&platform, &path);
        let other = [("do", "connect"), ("account", text)];
        check(&path, &platform.send("POST", &path, &other));
        for (name, value) in [("client_id", text), ("redirect_uri", text)] {
            let mut query = query;
            query
                .iter_mut()
                .filter(|(key, _)| *key == name)
                .for_each(|pair| pair.1 = value);
            let path = platform.request("GET", "/oauth/authorize", &query).path;
            let refused = platform.send("GET", &path, &[]);
            let kind = header(&refused, "Content-Type");
            assert_eq!(
                (refused.status, kind),
                (400, Some("application/json")),
                "no browser reads it as a page"
            );
            assert_eq!(header(&refused, "X-Content-Type-Options"), Some("nosniff"));
            assert_eq!(header(&refused, "Location"), None);
        }
    }
}
