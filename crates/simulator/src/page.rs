//! The page at `/` for a person: what there is, what happened, and a few buttons. It is rendered here
//! whole and runs no script.

use maud::{DOCTYPE, Markup, html};

use crate::event::Event;
use crate::form::Params;
use crate::state::{Row, Space, State};
use crate::{Fate, Request, Response};
use crate::{api, delivery};

mod detail;
mod lists;
mod overview;

const CSS: &str = include_str!("assets/page.css");
/// What the page may load: its own style sheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";
/// The steps that the clock's buttons take, in milliseconds.
const STEPS: [(&str, i64); 3] = [
    ("1 hour", 3_600_000),
    ("1 day", 86_400_000),
    ("1 week", 604_800_000),
];

/// Answers a request of the page; `None` when the path is not one of its own.
pub fn answer(state: &mut State, request: &Request, path: &str) -> Option<Response> {
    let rest = match path {
        "/" if request.method == "GET" => "",
        "/_simulator/page.css" => return Some(respond(200, "text/css; charset=utf-8", CSS.into())),
        _ => path.strip_prefix("/_simulator/ui/")?,
    };
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let view = View::read(state, query);
    let segments: Vec<&str> = rest.split('/').collect();
    let shown = match (request.method.as_str(), segments.as_slice()) {
        ("GET", [""]) => Some(overview::page(state, &view)),
        ("GET", ["objects", kind]) => Some(lists::objects(state, &view, kind)),
        ("GET", ["object", id]) => detail::page(state, &view, id),
        ("GET", ["object"]) => detail::page(state, &view, &view.id),
        ("GET", ["events"]) => Some(lists::events(state, &view)),
        ("GET", ["deliveries"]) => Some(lists::deliveries(state, &view)),
        ("GET", ["requests"]) => Some(lists::requests(state, &view)),
        ("POST", action) => return Some(act(state, request, &view, action)),
        _ => None,
    };
    Some(match shown {
        Some(page) => respond(200, "text/html; charset=utf-8", page.into_string()),
        None => missing(&view),
    })
}

/// What is looked at: an account in a mode.
struct View {
    space: Space,
    /// An id that was typed.
    id: String,
}

impl View {
    /// Reads `account` and `mode`; whatever is no account is the platform.
    fn read(state: &State, query: &str) -> View {
        let mut params = Params::parse(query.as_bytes()).unwrap_or_default();
        let mut text = |name: &str| params.text(name).ok().flatten();
        let livemode = text("mode").is_some_and(|mode| mode == "live");
        let account = text("account").filter(|id| {
            let found = crate::account::Account::table(state).anywhere(id);
            found.is_some_and(|account| account.space.livemode == livemode)
        });
        View {
            space: Space { livemode, account },
            id: text("id").unwrap_or_default().trim().to_owned(),
        }
    }

    /// A link to a part of the page that keeps looking at the same.
    fn link(&self, part: &str) -> String {
        let path = if part.is_empty() {
            "/".to_owned()
        } else {
            format!("/_simulator/ui/{part}")
        };
        link(&path, &self.space)
    }
}

fn link(path: &str, space: &Space) -> String {
    let mode = if space.livemode { "live" } else { "test" };
    match &space.account {
        Some(account) => format!("{path}?mode={mode}&account={account}"),
        None => format!("{path}?mode={mode}"),
    }
}

/// What a button does; then the page is shown anew.
fn act(state: &mut State, request: &Request, view: &View, action: &[&str]) -> Response {
    if !own(request) {
        let why = "This button was pressed on a page that is not the simulator's own.";
        return respond(403, "text/plain; charset=utf-8", why.into());
    }
    let mut params = Params::parse(&request.body).unwrap_or_default();
    let back = match action {
        ["clock"] => {
            let step = params.integer("advance_ms").ok().flatten();
            if let Some((_, ms)) = STEPS.iter().find(|(_, ms)| Some(*ms) == step) {
                state.advance(*ms);
            }
            ""
        }
        ["faults", "clear"] => {
            state.faults.clear();
            ""
        }
        ["deliveries", id, "resend"] => {
            let found = id.parse().ok().and_then(|id| state.deliveries.find(id)).cloned();
            if let Some(one) = found
                && let Some(event) = Event::table(state).anywhere(&one.event).cloned()
            {
                delivery::resend(state, &event, Some(&one.endpoint));
            }
            "deliveries"
        }
        _ => return missing(view),
    };
    let mut response = respond(303, "text/plain; charset=utf-8", String::new());
    response.headers.push(("Location".into(), view.link(back)));
    response
}

/// Whether a request comes from the simulator's own page, or from no page at all. Any page in a browser on
/// this machine can reach the loopback, but not say that it is another.
pub fn own(request: &Request) -> bool {
    match (request.header("Sec-Fetch-Site"), request.header("Origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == request.header("Host")
        }
        (None, None) => true,
    }
}

fn missing(view: &View) -> Response {
    let id: String = view.id.chars().take(100).collect();
    let page = frame(
        view,
        "Not here",
        html! {
            p.empty {
                @if id.is_empty() {
                    "There is nothing at this address. "
                } @else {
                    "There is nothing with the id " code { (id) } ". "
                }
                a href=(view.link("")) { "Back to the overview" }
            }
        },
    );
    respond(404, "text/html; charset=utf-8", page.into_string())
}

fn respond(status: u16, kind: &str, body: String) -> Response {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Response {
        status,
        headers: vec![
            header("Content-Type", kind),
            header("Cache-Control", "no-store"),
            header("Content-Security-Policy", POLICY),
            header("Referrer-Policy", "no-referrer"),
            header("X-Content-Type-Options", "nosniff"),
        ],
        body: body.into_bytes(),
        fate: Fate::Arrives,
    }
}

/// What stands around every page.
fn frame(view: &View, title: &str, content: Markup) -> Markup {
    let parts = [
        ("", "Overview"),
        ("events", "Events"),
        ("deliveries", "Deliveries"),
        ("requests", "Requests"),
    ];
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Simulated Stripe" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/_simulator/page.css";
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.top {
                    a.brand href=(view.link("")) { "Simulated Stripe" }
                    nav aria-label="Parts" {
                        @for (part, name) in parts {
                            @let here = (name == title).then_some("page");
                            a href=(view.link(part)) aria-current=[here] { (name) }
                        }
                    }
                    form.find action="/_simulator/ui/object" {
                        input name="id" type="search" placeholder="Find by id" aria-label="Find by id"
                            required spellcheck="false" autocapitalize="off" autocomplete="off";
                    }
                }
                main id="content" { (content) }
                footer {
                    "API version " code { (api::VERSION) }
                    ". Nothing here is real: no card is charged, no money moves."
                }
            }
        }
    }
}

/// The account and mode that is looked at, in words.
fn whose(state: &State, view: &View) -> Markup {
    let mode = if view.space.livemode { "live" } else { "test" };
    let name = match &view.space.account {
        Some(id) => crate::account::Account::table(state)
            .anywhere(id)
            .and_then(|account| account.profile.name.clone().or_else(|| account.email.clone()))
            .unwrap_or_else(|| id.clone()),
        None => state.settings.platform_name.clone(),
    };
    html! { span.whose { (name) " " span class={ "mode " (mode) } { (mode) " mode" } } }
}

/// A moment, such as `2026-11-26 10:17:55`, in UTC.
fn moment(ms: i64) -> String {
    let (year, month, day) = crate::clock::civil(ms);
    let second = ms.div_euclid(1000).rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}
