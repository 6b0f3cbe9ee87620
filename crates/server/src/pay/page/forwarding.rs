//! Below the panel: forwarding the invoice to somebody who has to approve it, to whom it was forwarded, and
//! who forwarded it. It works without a script.

use domain::language::Language;
use domain::seal::Day;
use maud::{Markup, html};

use super::View;
use crate::pay::words::{self, said};

/// What there is to say and to do about forwarding.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    /// Who forwarded the invoice to whoever reads.
    pub by: Option<String>,
    /// To whom whoever reads has forwarded it.
    pub sent: Vec<Sent>,
    /// The form; none where nothing can be forwarded.
    pub form: Option<Form>,
}

/// Somebody to whom the invoice was forwarded.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Their name.
    pub name: String,
    /// Their address.
    pub address: String,
    /// When.
    pub on: Day,
    /// Whether their link does not open the invoice any more.
    pub over: bool,
}

/// The form, with what was typed and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Where it is posted.
    pub url: String,
    /// The token of the page.
    pub page_token: String,
    /// The name that was typed.
    pub name: String,
    /// The address that was typed.
    pub email: String,
    /// What is wrong, if it was sent.
    pub wrong: Option<Wrong>,
}

/// What is wrong with a form that was sent.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The field; none where it is about all of it.
    pub field: Option<&'static str>,
    /// What to do about it.
    pub sentence: String,
}

/// The longest name that fits, in characters, as the browser checks it.
const NAME_MAX: usize = 60;
/// The longest address.
const EMAIL_MAX: usize = 254;

/// The section; nothing where there is nothing to say.
pub fn section(view: &View) -> Markup {
    let Forwarding { by, sent, form } = &view.forwarding;
    let words = &words::of(view.language).links;
    if by.is_none() && sent.is_empty() && form.is_none() {
        return html! {};
    }
    html! {
        section #forward .forward {
            @if let Some(by) = by {
                p { (said(words.forwarded_by, &[("by", html! { strong dir="auto" { (by) } })])) }
            }
            @if !sent.is_empty() {
                h2 .forward-title { (words.forwarded) }
                ul .forwarded {
                    @for sent in sent { li { (to(view.language, sent)) } }
                }
            }
            @if let Some(form) = form { (fields(view.language, form)) }
        }
    }
}

fn to(language: Language, sent: &Sent) -> Markup {
    let words = &words::of(language).links;
    html! {
        strong dir="auto" { (sent.name) } " "
        span .forwarded-address { (sent.address) } " "
        span .forwarded-day { (language.day(sent.on)) @if sent.over { " \u{b7} " (words.over) } }
    }
}

fn fields(language: Language, form: &Form) -> Markup {
    let words = &words::of(language).links;
    let wrong = |field: Option<&str>| {
        let wrong = form.wrong.as_ref().filter(|wrong| wrong.field == field);
        wrong.map(|wrong| wrong.sentence.as_str())
    };
    html! {
        details open[form.wrong.is_some()] {
            summary { (words.forward) }
            p .forward-why { (words.forward_why) }
            form method="post" action=(form.url) {
                input type="hidden" name="page_token" value=(form.page_token);
                @if let Some(sentence) = wrong(None) {
                    p .message .bad role="alert" { (sentence) }
                }
                (field("name", words.name, &form.name, wrong(Some("name"))))
                (field("email", words.email, &form.email, wrong(Some("email"))))
                button .secondary type="submit" { (words.forward_do) }
            }
        }
    }
}

fn field(name: &str, label: &str, value: &str, wrong: Option<&str>) -> Markup {
    let (id, error) = (format!("forward-{name}"), format!("forward-{name}-error"));
    let (kind, max) = match name {
        "email" => ("email", EMAIL_MAX),
        _ => ("text", NAME_MAX),
    };
    html! {
        div .forward-field {
            label for=(id) { (label) }
            input #(id) name=(name) type=(kind) value=(value) maxlength=(max) required autocomplete="off"
                dir="auto" aria-invalid=[wrong.map(|_| "true")] autofocus[wrong.is_some()]
                aria-describedby=[wrong.map(|_| error.as_str())];
            @if let Some(wrong) = wrong { p .forward-error id=(error) { (wrong) } }
        }
    }
}
