//! The few pictures of the page, drawn with attributes only: its policy allows no inline style. All are
//! decoration; the words beside them say the same.

use maud::{Markup, html};

/// A check mark in a circle: paid.
pub fn check() -> Markup {
    icon("good", "M7.5 12.5l3 3 6-6.5")
}

/// The hands of a clock: wait.
pub fn clock() -> Markup {
    icon("calm", "M12 7v5.2l3.4 2")
}

/// A cross: nothing here.
pub fn cross() -> Markup {
    icon("calm", "M8.8 8.8l6.4 6.4m0-6.4l-6.4 6.4")
}

/// An exclamation mark: something is to be done.
pub fn attention() -> Markup {
    icon("alert", "M12 7.2v5.6m0 3.4v.2")
}

/// A globe, small: other languages.
pub fn globe() -> Markup {
    html! {
        svg .globe viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false" {
            g fill="none" stroke="currentColor" stroke-width="1.3" {
                circle cx="8" cy="8" r="6.3" {}
                ellipse cx="8" cy="8" rx="2.8" ry="6.3" {}
                path d="M1.7 8h12.6" {}
            }
        }
    }
}

/// A closed padlock, small.
pub fn lock() -> Markup {
    html! {
        svg .lock viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false" {
            path d="M4.5 7V5a3.5 3.5 0 0 1 7 0v2" fill="none" stroke="currentColor" stroke-width="1.6" {}
            rect x="3" y="7" width="10" height="7" rx="1.6" fill="currentColor" {}
        }
    }
}

fn icon(tone: &str, strokes: &str) -> Markup {
    html! {
        svg .icon .(tone) viewBox="0 0 24 24" width="48" height="48" aria-hidden="true" focusable="false" {
            circle cx="12" cy="12" r="11.2" fill="currentColor" opacity="0.14" {}
            path d=(strokes) fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"
                stroke-linejoin="round" {}
        }
    }
}
