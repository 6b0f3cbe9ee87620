//! Lists of things: tables that become cards on a narrow screen, facts with their names, and the way to the
//! next page.

use maud::{Markup, html};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading; empty for the one with what can be done.
    pub label: &'static str,
    /// Whether figures stand in it, which end at the same edge.
    pub figures: bool,
}

impl Column {
    /// A column of words.
    pub const fn words(label: &'static str) -> Column {
        Column {
            label,
            figures: false,
        }
    }

    /// A column of figures.
    pub const fn figures(label: &'static str) -> Column {
        Column { label, figures: true }
    }
}

/// The cells of a row, as many as there are columns. The first says what the row is about.
pub type Row = Vec<Markup>;

/// A table. The roles are written out because a table that is laid out as cards loses them in some browsers.
pub fn table(caption: &str, columns: &[Column], rows: &[Row]) -> Markup {
    html! {
        div .table-wrap {
            table .table role="table" {
                caption .visually-hidden { (caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for column in columns {
                            th .figure[column.figures] scope="col" role="columnheader" {
                                @if column.label.is_empty() { span .visually-hidden { "Actions" } }
                                @else { (column.label) }
                            }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for row in rows {
                        tr role="row" {
                            @for (column, cell) in columns.iter().zip(row) {
                                td .figure[column.figures] role="cell" data-label=(column.label) {
                                    div { (cell) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Names and what they stand for.
pub fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl .facts {
            @for (name, value) in facts {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// Where the pages before and after are.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// What is shown: "20 of 134 invoices", or nothing.
    pub shown: String,
    /// The way to newer ones.
    pub previous: Option<String>,
    /// The way to older ones.
    pub next: Option<String>,
}

/// The way to other pages of a list; nothing where there is one page.
pub fn pages(pages: &Pages) -> Markup {
    let one = pages.previous.is_none() && pages.next.is_none();
    html! {
        @if !one {
            nav .pages aria-label="Pages" {
                span .soft { (pages.shown) }
                div .actions {
                    @if let Some(previous) = &pages.previous {
                        a .btn href=(previous) rel="prev" { "Previous" }
                    }
                    @if let Some(next) = &pages.next { a .btn href=(next) rel="next" { "Next" } }
                }
            }
        }
    }
}
