//! Forms: a label above each field, its hint, its error beside it, and a summary of all errors that leads to
//! the fields and has the focus when the page is there.

use domain::Refusal;
use maud::{Markup, PreEscaped, html};

use super::{CSRF_FIELD, Tone};
use super::{icons, plain};

/// What is wrong with what was sent, field by field, in the order of the form.
#[derive(Clone, Debug, Default)]
pub struct Errors(Vec<(String, String)>);

impl Errors {
    /// None.
    pub fn none() -> Errors {
        Errors::default()
    }

    /// Adds one; the sentence names its field, so that it can stand alone.
    pub fn add(&mut self, field: &str, sentence: impl Into<String>) {
        self.0.push((field.to_owned(), sentence.into()));
    }

    /// What a flow refused. `labels` are the form's fields with what people call them; what is about none of
    /// them stands in the summary alone.
    pub fn of_refusal(refusal: &Refusal, labels: &[(&str, &str)]) -> Errors {
        let named = refusal.field().unwrap_or_default();
        let field = named.split(['[', '.']).next().unwrap_or_default();
        let label = labels.iter().find(|(name, _)| *name == field);
        let sentence = plain::words(refusal, label.map(|(_, label)| *label));
        let field = label.map_or("", |(name, _)| name);
        Errors(vec![(field.to_owned(), sentence)])
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map(|(_, sentence)| sentence.as_str())
    }
}

/// How a field is typed into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// One line.
    #[default]
    Text,
    /// An e-mail address.
    Email,
    /// Hidden while it is typed, and never filled in by us.
    Password,
    /// A code of a few digits.
    Digits,
    /// A number.
    Number,
    /// A day.
    Date,
    /// Several lines.
    Lines,
}

/// A field of a form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Field<'a> {
    /// Its name, and its id on the page.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// What stands in it: what the person sent comes back, but never a password.
    pub value: &'a str,
    /// How it is typed into.
    pub input: Input,
    /// What helps to fill it in.
    pub hint: &'a str,
    /// What browsers may fill in, as HTML names it: `username`, `current-password`, `one-time-code`.
    pub autocomplete: &'a str,
    /// May be left empty, which its label says.
    pub optional: bool,
    /// Longest text that is taken; zero is without a limit here.
    pub max: usize,
}

/// A field with its label, hint and error.
pub fn field(field: &Field<'_>, errors: &Errors) -> Markup {
    let error = errors.of(field.name);
    let described = described(field.name, !field.hint.is_empty(), error.is_some());
    let (kind, class, mode) = match field.input {
        Input::Text | Input::Lines => ("text", "input", None),
        Input::Email => ("email", "input", Some("email")),
        Input::Password => ("password", "input", None),
        Input::Digits => ("text", "input digits", Some("numeric")),
        Input::Number => ("text", "input short", Some("numeric")),
        Input::Date => ("date", "input short", None),
    };
    let value = if field.input == Input::Password {
        ""
    } else {
        field.value
    };
    let complete = (!field.autocomplete.is_empty()).then_some(field.autocomplete);
    let max = (field.max > 0).then_some(field.max);
    let plain = matches!(field.input, Input::Email | Input::Password | Input::Digits);
    html! {
        div .field {
            (label(field.name, field.label, field.optional))
            @if !field.hint.is_empty() { p .hint id=(hint_id(field.name)) { (field.hint) } }
            @if let Some(error) = error { (error_beside(field.name, error)) }
            @if field.input == Input::Lines {
                textarea id=(field.name) name=(field.name) rows="4" maxlength=[max]
                    required[!field.optional] aria-describedby=[described]
                    aria-invalid=[error.map(|_| "true")] { (value) }
            } @else {
                input .(class) id=(field.name) name=(field.name) type=(kind) value=(value) maxlength=[max]
                    inputmode=[mode] autocomplete=[complete] required[!field.optional]
                    autocapitalize=[plain.then_some("none")] spellcheck=[plain.then_some("false")]
                    aria-describedby=[described] aria-invalid=[error.map(|_| "true")];
            }
        }
    }
}

/// One thing to choose.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// What is sent.
    pub value: &'a str,
    /// What people read.
    pub label: &'a str,
    /// What it means; empty where the label says it.
    pub hint: &'a str,
}

/// What is chosen from a list, and where.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The name of the field.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// What helps to choose.
    pub hint: &'a str,
    /// What there is.
    pub options: &'a [Offer<'a>],
    /// What is chosen now.
    pub chosen: &'a str,
}

/// A list that opens: for many options.
pub fn select(choice: &Choice<'_>, errors: &Errors) -> Markup {
    let error = errors.of(choice.name);
    html! {
        div .field {
            (label(choice.name, choice.label, false))
            @if !choice.hint.is_empty() { p .hint id=(hint_id(choice.name)) { (choice.hint) } }
            @if let Some(error) = error { (error_beside(choice.name, error)) }
            select id=(choice.name) name=(choice.name) aria-invalid=[error.map(|_| "true")]
                aria-describedby=[described(choice.name, !choice.hint.is_empty(), error.is_some())]
            {
                @for option in choice.options {
                    option value=(option.value) selected[option.value == choice.chosen] { (option.label) }
                }
            }
        }
    }
}

/// All options in sight, one of them chosen: for few.
pub fn choices(choice: &Choice<'_>, errors: &Errors) -> Markup {
    let error = errors.of(choice.name);
    html! {
        fieldset .field
            aria-describedby=[described(choice.name, !choice.hint.is_empty(), error.is_some())]
        {
            legend .label { (choice.label) }
            @if !choice.hint.is_empty() { p .hint id=(hint_id(choice.name)) { (choice.hint) } }
            @if let Some(error) = error { (error_beside(choice.name, error)) }
            div .checks.one {
                @for (at, option) in choice.options.iter().enumerate() {
                    (tick("radio", choice.name, at, option, option.value == choice.chosen))
                }
            }
        }
    }
}

/// A box to tick.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The name of the field.
    pub name: &'a str,
    /// What is sent, what people read, what it means.
    pub option: Offer<'a>,
    /// Whether it is ticked.
    pub ticked: bool,
}

/// One box alone.
pub fn check(check: &Check<'_>) -> Markup {
    tick("checkbox", check.name, 0, &check.option, check.ticked)
}

/// Boxes under each other, with room for what each means. All have the name of the first, which an error
/// leads to.
pub fn checks(title: &str, boxes: &[Check<'_>], errors: &Errors) -> Markup {
    let name = boxes.first().map_or("", |one| one.name);
    let error = errors.of(name);
    html! {
        fieldset .field aria-describedby=[described(name, false, error.is_some())] {
            legend .label { (title) }
            @if let Some(error) = error { (error_beside(name, error)) }
            div .checks.one {
                @for (at, one) in boxes.iter().enumerate() {
                    (tick("checkbox", one.name, at, &one.option, one.ticked))
                }
            }
        }
    }
}

/// Boxes under a heading.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The heading.
    pub title: &'a str,
    /// The boxes; all have the same name, and `first` says how many of that name stood before.
    pub boxes: Vec<Check<'a>>,
    /// The number of boxes of this name before, so that the first of all is where an error leads.
    pub first: usize,
}

impl Group<'_> {
    /// The boxes, side by side where there is room.
    pub fn show(&self) -> Markup {
        html! {
            fieldset .check-group {
                legend { (self.title) }
                div .checks {
                    @for (at, one) in self.boxes.iter().enumerate() {
                        (tick("checkbox", one.name, self.first + at, &one.option, one.ticked))
                    }
                }
            }
        }
    }
}

/// A form of ours that changes something: sent by POST, with what shows that it is of this session.
pub fn form(action: &str, csrf: &str, inside: &Markup) -> Markup {
    html! {
        form .stack method="post" action=(action) novalidate {
            input type="hidden" name=(CSRF_FIELD) value=(csrf);
            (inside)
        }
    }
}

/// A form of ours that carries a file.
pub fn file_form(action: &str, csrf: &str, inside: &Markup) -> Markup {
    html! {
        form .stack method="post" action=(action) enctype="multipart/form-data" novalidate {
            input type="hidden" name=(CSRF_FIELD) value=(csrf);
            (inside)
        }
    }
}

/// A file to be chosen.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The name of the field.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// What helps to choose.
    pub hint: &'a str,
    /// Its kinds, as HTML names them: `image/png,image/jpeg`.
    pub kinds: &'a str,
    /// May be left out, which its label says.
    pub optional: bool,
}

/// A file to be chosen, with its label, hint and error.
pub fn file(file: &File<'_>, errors: &Errors) -> Markup {
    let (name, hint) = (file.name, file.hint);
    let error = errors.of(name);
    html! {
        div .field {
            (label(name, file.label, file.optional))
            @if !hint.is_empty() { p .hint id=(hint_id(name)) { (hint) } }
            @if let Some(error) = error { (error_beside(name, error)) }
            input .input id=(name) name=(name) type="file" accept=(file.kinds) required[!file.optional]
                aria-describedby=[described(name, !hint.is_empty(), error.is_some())]
                aria-invalid=[error.map(|_| "true")];
        }
    }
}

/// What somebody may see and not change stays in its form, and nothing of it can be typed over.
pub fn fields_of(may: bool, inside: &Markup) -> Markup {
    html! {
        @if may { (inside) } @else {
            p .soft { "Only owners may change this." }
            fieldset .stack.seen disabled { (inside) }
        }
    }
}

/// All that is wrong, at the top of the form. It has the focus when the page is there, without a script.
pub fn summary(errors: &Errors) -> Markup {
    if errors.is_empty() {
        return PreEscaped(String::new());
    }
    let title = match errors.0.len() {
        1 => "There is a problem",
        _ => "There are problems",
    };
    html! {
        div .summary role="alert" tabindex="-1" autofocus aria-labelledby="summary-title" {
            h2 #summary-title { (title) }
            ul {
                @for (field, sentence) in &errors.0 {
                    li {
                        @if field.is_empty() { (sentence) }
                        @else { a href={ "#" (field) } { (sentence) } }
                    }
                }
            }
        }
    }
}

fn label(name: &str, words: &str, optional: bool) -> Markup {
    html! {
        label for=(name) {
            (words)
            @if optional { " " span .optional { "(optional)" } }
        }
    }
}

fn tick(kind: &str, name: &str, at: usize, option: &Offer<'_>, ticked: bool) -> Markup {
    let id = match at {
        0 => name.to_owned(),
        at => format!("{name}-{at}"),
    };
    let hint = format!("{id}-hint");
    html! {
        label .check for=(id) {
            input id=(id) type=(kind) name=(name) value=(option.value) checked[ticked]
                aria-describedby=[(!option.hint.is_empty()).then_some(&hint)];
            span { (option.label) }
            @if !option.hint.is_empty() { span .hint id=(hint) { (option.hint) } }
        }
    }
}

/// An error beside what it is about, for parts of a form that are not one field.
pub fn error_beside(name: &str, error: &str) -> Markup {
    html! {
        p .field-error id=(error_id(name)) { (icons::of_tone(Tone::Bad)) span { (error) } }
    }
}

fn described(name: &str, hint: bool, error: bool) -> Option<String> {
    let hint = hint.then(|| hint_id(name));
    let error = error.then(|| error_id(name));
    let ids: Vec<String> = hint.into_iter().chain(error).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

fn hint_id(name: &str) -> String {
    format!("{name}-hint")
}

/// The id of what is wrong with a field.
pub fn error_id(name: &str) -> String {
    format!("{name}-error")
}
