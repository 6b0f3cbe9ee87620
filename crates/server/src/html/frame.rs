//! The frame around a page: head, TEST banner, menu, content, foot; and the narrower one for visitors, who
//! are not logged in yet.

use domain::Mode;
use maud::{DOCTYPE, Markup, html};

use super::CSRF_FIELD;
use super::icons;
use super::places::{Place, Section};
use crate::assets;

/// Who looks at a page, and what of it is theirs.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The person's name.
    pub name: String,
    /// Their role, as people read it: `Owner`.
    pub role: &'static str,
    /// The company: the tenant's name, or the operator's.
    pub company: String,
    /// The mode in which they look; TEST is shown over everything.
    pub mode: Mode,
    /// What forms of this session carry.
    pub csrf: String,
    /// Where they may go.
    pub places: Vec<Place>,
}

/// What a page says of itself.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// Title of the browser's tab.
    pub title: &'a str,
    /// Which entry of the menu is marked.
    pub place: Place,
    /// A script of ours beyond the one of all pages.
    pub script: Option<&'a str>,
}

/// A page behind the login.
pub fn page(frame: &Frame<'_>, viewer: &Viewer, content: &Markup) -> Markup {
    let body = html! {
        div .framed {
            header .side {
                div .whose {
                    span .monogram aria-hidden="true" { (initial(&viewer.company)) }
                    span .whose-name title=(viewer.company) {
                        (viewer.company)
                        span .whose-kind { (mode_words(viewer.mode)) }
                    }
                }
                details .menu { summary { (icons::menu()) "Menu" } }
                nav .nav aria-label="Main" { (menu(frame.place, viewer)) }
                div .who {
                    div {
                        div .who-name title=(viewer.name) { (viewer.name) }
                        span { (viewer.role) }
                    }
                    form method="post" action="/logout" {
                        input type="hidden" name=(CSRF_FIELD) value=(viewer.csrf);
                        button .btn.plain type="submit" { "Log out" }
                    }
                }
            }
            div {
                main #content .content tabindex="-1" { (content) }
                footer .foot { "psa-pay " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    document(
        frame.title,
        &viewer.company,
        Some(viewer.mode),
        frame.script,
        &body,
    )
}

/// A page of one card for who is not logged in: login, setup, invitation. `mode` shows the TEST banner where
/// it matters to visitors.
pub fn visitors(title: &str, mode: Option<Mode>, content: &Markup) -> Markup {
    let body = html! {
        main #content .visitors tabindex="-1" {
            div .whose {
                span .monogram aria-hidden="true" { "P" }
                span .whose-name { "psa-pay" }
            }
            div .card { (content) }
        }
    };
    document(title, "psa-pay", mode, None, &body)
}

/// A page without a menu, as wide as one with it.
pub fn plain_page(title: &str, content: &Markup) -> Markup {
    let body = html! { main #content .content tabindex="-1" { (content) } };
    document(title, "psa-pay", None, None, &body)
}

/// The title of a page with what it is about, and beside it what can be done.
pub fn title(title: &str, about: &str, actions: &Markup) -> Markup {
    html! {
        div .page-head {
            div {
                h1 { (title) }
                @if !about.is_empty() { p { (about) } }
            }
            @if !actions.0.is_empty() { div .actions { (actions) } }
        }
    }
}

fn menu(here: Place, viewer: &Viewer) -> Markup {
    html! {
        @for section in Section::ALL {
            @let places = || Place::ALL.into_iter().filter(move |place| {
                place.section() == section && viewer.places.contains(place)
            });
            @if places().next().is_some() {
                @if !section.title().is_empty() { p .nav-title { (section.title()) } }
                ul .nav-list {
                    @for place in places() {
                        li {
                            a href=(place.path()) aria-current=[(place == here).then_some("page")] {
                                (place.name())
                            }
                        }
                    }
                }
            }
        }
    }
}

fn document(title: &str, whose: &str, mode: Option<Mode>, script: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                title { (title) " \u{b7} " (whose) }
                link rel="stylesheet" href=(assets::app_css_path());
                link rel="icon" type="image/svg+xml" href=(assets::icon_path());
                script src=(assets::app_js_path()) defer {}
                @if let Some(script) = script { script src=(script) defer {} }
            }
            body {
                a .skip href="#content" { "Skip to content" }
                @if mode == Some(Mode::Test) {
                    aside .test-banner aria-label="Mode" {
                        strong { "TEST MODE" } " \u{2014} no real money moves"
                    }
                }
                (body)
                p #announcement .visually-hidden role="status" {}
            }
        }
    }
}

const fn mode_words(mode: Mode) -> &'static str {
    match mode {
        Mode::Test => "Test mode",
        Mode::Live => "Live",
    }
}

fn initial(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric());
    first.into_iter().collect::<String>().to_uppercase()
}
