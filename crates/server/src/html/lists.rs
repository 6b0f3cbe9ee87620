//! What stands around a list and beside a thing: tabs with counts, a field to search in, sums, what
//! happened when.

use domain::Timestamp;
use maud::{Markup, html};

use super::icons;
use super::{Tone, moment};

/// So much of a word that means nothing is shown.
const STATE_SHOWN: usize = 40;

/// One of several lists.
#[derive(Clone, Debug)]
pub struct Tab {
    /// What it is called.
    pub label: &'static str,
    /// Where it is.
    pub href: String,
    /// How many things are in it, in words that fit beside its name: `12`, `100+`.
    pub count: Option<String>,
    /// Whether it is the one that is shown.
    pub here: bool,
}

/// The way to other lists of the same things.
pub fn tabs(label: &str, tabs: &[Tab]) -> Markup {
    html! {
        nav .tabs aria-label=(label) {
            ul {
                @for tab in tabs {
                    li {
                        a href=(tab.href) aria-current=[tab.here.then_some("page")] {
                            (tab.label)
                            @if let Some(count) = &tab.count { span .count { (count) } }
                        }
                    }
                }
            }
        }
    }
}

/// That the word by which an address asks for a state is none, so that the list is what the marked tab has.
/// Nothing for a word that is known.
pub fn unknown_state(word: &str, is_known: bool) -> Markup {
    html! {
        @if !is_known && !word.is_empty() {
            p .late {
                "There is no state \u{201c}" (word.chars().take(STATE_SHOWN).collect::<String>())
                "\u{201d}: what the marked tab has is shown."
            }
        }
    }
}

/// A field to search a list by, which works without a script: it leads to the list with what was typed.
pub fn search(action: &str, label: &str, typed: &str) -> Markup {
    search_within(action, label, typed, &[])
}

/// The same within a list that is narrowed already, by what is in these fields.
pub fn search_within(action: &str, label: &str, typed: &str, kept: &[(&str, &str)]) -> Markup {
    let kept = kept.iter().filter(|(_, value)| !value.is_empty());
    html! {
        form .search role="search" method="get" action=(action) {
            @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
            label .visually-hidden for="q" { (label) }
            input .input #q name="q" type="search" value=(typed) placeholder=(label) maxlength="200"
                autocomplete="off";
            button .btn type="submit" { "Search" }
            @if !typed.is_empty() { a .btn.plain href=(action) { "Clear" } }
        }
    }
}

/// As [`search`], over a list with the id `found`, which the script narrows while somebody types.
pub fn live_search(action: &str, label: &str, typed: &str) -> Markup {
    html! { div data-live { (search(action, label, typed)) } }
}

/// A sum with what it is.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is.
    pub label: &'static str,
    /// The sum, one line for each currency.
    pub sums: Vec<String>,
    /// What is to be said with it.
    pub about: String,
    /// Where its parts are.
    pub href: Option<String>,
    /// Whether somebody should look at it.
    pub tone: Tone,
}

/// Sums side by side.
pub fn figures(figures: &[Figure]) -> Markup {
    html! {
        ul .figures {
            @for figure in figures {
                li .card.alarming[figure.tone == Tone::Bad] {
                    h2 {
                        @if let Some(href) = &figure.href { a href=(href) { (figure.label) } }
                        @else { (figure.label) }
                    }
                    @for sum in &figure.sums { p .sum { (sum) } }
                    @if figure.sums.is_empty() { p .sum.none { "\u{2013}" } }
                    @if !figure.about.is_empty() { p .soft { (figure.about) } }
                }
            }
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Happening {
    /// When.
    pub at: Timestamp,
    /// How it is to be taken.
    pub tone: Tone,
    /// What.
    pub what: String,
    /// More of it; empty where there is no more.
    pub more: String,
}

/// What happened, newest first.
pub fn timeline(happened: &[Happening]) -> Markup {
    html! {
        ol .timeline {
            @for happening in happened {
                li {
                    span .(happening.tone.class()) { (icons::of_tone(happening.tone)) }
                    div {
                        p { (happening.what) }
                        @if !happening.more.is_empty() { p .soft { (happening.more) } }
                        p .soft.small { (moment(happening.at)) }
                    }
                }
            }
        }
    }
}
