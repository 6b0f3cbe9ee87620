//! What pages say and what can be pressed: buttons, badges, notices, empty states, texts to copy, and the
//! question before something final.

use maud::{Markup, html};

use super::CSRF_FIELD;
use super::{icons, title};

/// How something is said. Each has a shape and a colour, and always stands beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Somebody should look at it.
    Alert,
    /// Failed, refused, over.
    Bad,
    /// Under way.
    Busy,
    /// Neither good nor bad.
    Calm,
}

impl Tone {
    /// Its class in the styles.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Alert => "alert",
            Tone::Bad => "bad",
            Tone::Busy => "busy",
            Tone::Calm => "calm",
        }
    }
}

/// The button that sends a form. One to a form is primary.
pub fn primary_button(label: &str) -> Markup {
    html! { button .btn.primary type="submit" { (label) } }
}

/// A quiet button that sends a form.
pub fn button(label: &str) -> Markup {
    html! { button .btn type="submit" { (label) } }
}

/// A button that takes something away.
pub fn danger_button(label: &str) -> Markup {
    html! { button .btn.danger type="submit" { (label) } }
}

/// The button by which something final is done.
pub fn sure_button(label: &str) -> Markup {
    html! { button .btn.danger.sure type="submit" { (label) } }
}

/// A link that looks like a button: it leads somewhere and changes nothing. `classes` such as `primary` or
/// `plain` say how loud it is.
pub fn link_button(label: &str, href: &str, classes: &str) -> Markup {
    html! { a class={ "btn " (classes) } href=(href) { (label) } }
}

/// A link to the page of a question, which opens over this page where the script runs. `about` says to who
/// listens what of a list it is about.
pub fn dialog_link(label: &str, about: &str, href: &str, dialog: &str) -> Markup {
    html! {
        a .btn.plain.danger href=(href) data-dialog=(dialog) {
            (label)
            @if !about.is_empty() { span .visually-hidden { " " (about) } }
        }
    }
}

/// A state in a word or three.
pub fn badge(tone: Tone, words: &str) -> Markup {
    html! { span .badge .(tone.class()) { (icons::of_tone(tone)) (words) } }
}

/// Something that the page says by itself.
pub fn notice(tone: Tone, title: &str, text: &Markup) -> Markup {
    html! {
        div .notice .(tone.class()) {
            (icons::of_tone(tone))
            div {
                @if !title.is_empty() { h2 { (title) } }
                (text)
            }
        }
    }
}

/// What stands where nothing is yet: what will be there, and how to begin.
pub fn empty(title: &str, text: &str, action: &Markup) -> Markup {
    html! {
        div .empty {
            h2 { (title) }
            p { (text) }
            @if !action.0.is_empty() { div .actions { (action) } }
        }
    }
}

/// A text to be copied; the button is there where the script can do it. The id is the page's own.
pub fn copy_field(id: &str, text: &str) -> Markup {
    html! {
        div .copy {
            code id=(id) { (text) }
            button .btn type="button" data-copy=(id) hidden { "Copy" }
        }
    }
}

/// An address to be copied, in a field that a press selects, so that it can be copied without the script too.
/// The label is for who listens. The id is the page's own.
pub fn copy_input(id: &str, label: &str, text: &str) -> Markup {
    html! {
        div .copy {
            input .input id=(id) type="text" readonly value=(text) aria-label=(label);
            button .btn type="button" data-copy=(id) aria-label={ "Copy " (label) } hidden { "Copy" }
        }
    }
}

/// Codes that are shown once, with a button that copies all of them, a line each.
pub fn recovery_codes(id: &str, codes: &[String]) -> Markup {
    html! {
        ul .codes id=(id) data-text=(codes.join("\n")) {
            @for code in codes { li { code { (code) } } }
        }
        button .btn type="button" data-copy=(id) hidden { "Copy all" }
    }
}

/// One thing to be done of several: done, due now, or later. Within `ol .steps`.
pub fn step(tone: Tone, title: &str, text: &str, action: &Markup) -> Markup {
    let (class, words) = match tone {
        Tone::Good => ("done", "Done: "),
        Tone::Alert | Tone::Bad => ("due", "To do: "),
        Tone::Busy | Tone::Calm => ("todo", "Later: "),
    };
    html! {
        li {
            span .(class) { (icons::of_tone(tone)) }
            div {
                strong { span .visually-hidden { (words) } (title) }
                @if !text.is_empty() { p { (text) } }
            }
            div { (action) }
        }
    }
}

/// A question before something final.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The id of the window on a page that asks there; links name it.
    pub id: &'a str,
    /// The question: "Revoke this key?"
    pub title: &'a str,
    /// What follows from a yes.
    pub text: &'a str,
    /// What the button says: the verb.
    pub yes: &'a str,
    /// What the way back says.
    pub no: &'a str,
    /// Where a yes is sent.
    pub action: &'a str,
    /// Where a no leads, without the window.
    pub back: &'a str,
    /// What forms of this session carry.
    pub csrf: &'a str,
}

impl Ask<'_> {
    /// The question as a window, closed until its link is pressed.
    pub fn dialog(&self) -> Markup {
        let title = format!("{}-title", self.id);
        html! {
            dialog id=(self.id) aria-labelledby=(title) {
                h2 id=(title) { (self.title) }
                (self.body(&html! {
                    a .btn href=(self.back) data-close { (self.no) }
                    (sure_button(self.yes))
                }))
            }
        }
    }

    fn body(&self, acts: &Markup) -> Markup {
        html! {
            p { (self.text) }
            form method="post" action=(self.action) {
                input type="hidden" name=(CSRF_FIELD) value=(self.csrf);
                div .actions { (acts) }
            }
        }
    }
}

/// The question as the content of a page, for who has no script: as other forms, with what is done first.
pub fn confirm(ask: &Ask<'_>) -> Markup {
    html! {
        (title(ask.title, "", &html! {}))
        div .card.narrow {
            (ask.body(&html! {
                (sure_button(ask.yes))
                (link_button(ask.no, ask.back, "plain"))
            }))
        }
    }
}
