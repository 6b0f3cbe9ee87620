//! Days and moments on pages: in words that cannot be misread, and for machines. All are UTC, and say so.

use domain::Timestamp;
use maud::{Markup, html};

use crate::pay::page::format;

const NO_BREAK: &str = "\u{a0}";

/// `25 November 2026, 09:14 UTC`.
pub fn moment(at: Timestamp) -> Markup {
    show(at, format::moment(at))
}

/// `25 November 2026`.
pub fn day(at: Timestamp) -> Markup {
    show(at, format::day_of(at).map(format::day))
}

/// A moment that there may not be, and what stands there then.
pub fn moment_or(at: Option<Timestamp>, none: &str) -> Markup {
    match at {
        Some(at) => moment(at),
        None => html! { span .soft { (none) } },
    }
}

/// A day that there may not be, and what stands there then.
pub fn day_or(at: Option<Timestamp>, none: &str) -> Markup {
    match at {
        Some(at) => day(at),
        None => html! { span .soft { (none) } },
    }
}

/// A day and an hour are never broken over two lines, only what is between them.
fn show(at: Timestamp, words: Option<String>) -> Markup {
    let machine = jiff::Timestamp::from_millisecond(at.ms())
        .ok()
        .map(|at| at.to_string());
    let words = words.unwrap_or_default().replace(' ', NO_BREAK);
    html! { time datetime=[machine] { (words.replace(&format!(",{NO_BREAK}"), ", ")) } }
}
