//! What narrows a list: a form that leads to the same list, so that it works without a script, can be kept
//! as an address, and is left again by one link.

use maud::{Markup, html};

use crate::html::{self as parts, Errors};

/// A field to narrow by.
pub struct Filter<'a> {
    /// Its name in the address, and its id on the page.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What stands in it.
    pub value: &'a str,
    /// What may be chosen, each with what people read; nothing where a text is typed.
    pub options: Vec<(String, String)>,
}

impl<'a> Filter<'a> {
    /// A text to type.
    pub fn text(name: &'static str, label: &'static str, value: &'a str) -> Filter<'a> {
        Filter {
            name,
            label,
            value,
            options: Vec::new(),
        }
    }

    /// A list to choose from; the first entry is that it does not matter.
    pub fn choice(
        name: &'static str,
        label: &'static str,
        value: &'a str,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Filter<'a> {
        let any = (String::new(), "Any".to_owned());
        Filter {
            name,
            label,
            value,
            options: std::iter::once(any).chain(options).collect(),
        }
    }

    /// The choice of a mode.
    pub fn mode(value: &'a str) -> Filter<'a> {
        let modes = [("test", "Test"), ("live", "Live")];
        let modes = modes.map(|(word, label)| (word.to_owned(), label.to_owned()));
        Filter::choice("mode", "Mode", value, modes)
    }

    /// The choice of a tenant.
    pub fn tenant(value: &'a str, names: &super::Names) -> Filter<'a> {
        let all = names.iter().map(|(id, name)| (id.to_string(), name.clone()));
        let mut all: Vec<(String, String)> = all.collect();
        all.sort_by_key(|(_, name)| name.to_lowercase());
        Filter::choice("tenant", "Tenant", value, all)
    }
}

/// The form. `kept` goes along unseen, such as the tab that is open; `clear` is the list without any of it.
pub fn show(path: &str, kept: &[(&str, &str)], filters: &[Filter<'_>], clear: Option<&str>) -> Markup {
    with_errors(path, kept, filters, clear, &Errors::none())
}

/// The form, with what cannot be read beside its field.
pub fn with_errors(
    path: &str,
    kept: &[(&str, &str)],
    filters: &[Filter<'_>],
    clear: Option<&str>,
    errors: &Errors,
) -> Markup {
    let acts = html! {
        button .btn type="submit" { "Apply" }
        @if let Some(clear) = clear { a .btn.plain href=(clear) { "Clear" } }
    };
    form(path, kept, filters, ("Narrow this list", &acts), errors)
}

/// The same kind of form, which leads to another page.
pub fn open(path: &str, kept: &[(&str, &str)], filters: &[Filter<'_>], button: &str) -> Markup {
    let act = html! { button .btn type="submit" { (button) } };
    form(path, kept, filters, (button, &act), &Errors::none())
}

fn form(
    path: &str,
    kept: &[(&str, &str)],
    filters: &[Filter<'_>],
    (label, acts): (&str, &Markup),
    errors: &Errors,
) -> Markup {
    html! {
        form .filters method="get" action=(path) role="search" aria-label=(label) {
            @for (name, value) in kept {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
            @for filter in filters {
                @let error = errors.of(filter.name);
                @let invalid = error.map(|_| "true");
                @let described = error.map(|_| parts::error_id(filter.name));
                div .field.filter {
                    label for=(filter.name) { (filter.label) }
                    @if let Some(error) = error { (parts::error_beside(filter.name, error)) }
                    @if filter.options.is_empty() {
                        input .input id=(filter.name) name=(filter.name) type="search" value=(filter.value)
                            maxlength="200" autocomplete="off" autocapitalize="none" spellcheck="false"
                            aria-invalid=[invalid] aria-describedby=[described];
                    } @else {
                        select id=(filter.name) name=(filter.name) aria-invalid=[invalid]
                            aria-describedby=[described]
                        {
                            @for (value, label) in &filter.options {
                                option value=(value) selected[value == filter.value] { (label) }
                            }
                        }
                    }
                }
            }
            div .actions { (acts) }
        }
    }
}
