//! A letter as HTML: one column, one button, a style sheet that mail programs without one can do without.
//! Every value is escaped. Dark mode is the reader's: colours are named for both.

use flows::mails::Letter;
use flows::mails::words;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What stands around a letter.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// In whose name it is written.
    pub sender: &'a str,
    /// Where its button leads; without an address there is no button.
    pub url: Option<String>,
    /// What is said of a test.
    pub test: Option<&'static str>,
    /// What stands at the foot.
    pub foot: Option<String>,
}

/// Mail programs take a style sheet in the head, and most of them ask for nothing from elsewhere.
const STYLE: &str = "
:root { color-scheme: light dark; }
body { margin: 0; padding: 24px 12px; background: #f4f5f7; color: #1c2127;
  font: 16px/1.5 -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
.card { max-width: 560px; margin: 0 auto; padding: 28px; background: #ffffff; border-radius: 10px;
  border: 1px solid #dfe3e8; }
.sender { margin: 0 0 20px; font-weight: 600; font-size: 17px; }
.test { margin: 0 0 20px; padding: 10px 14px; border-radius: 6px; background: #fff4d6; color: #5c4400; }
p { margin: 0 0 16px; }
table { border-collapse: collapse; margin: 4px 0 20px; width: 100%; }
th, td { padding: 8px 0; border-bottom: 1px solid #dfe3e8; text-align: left; vertical-align: top; }
th { width: 40%; padding-right: 16px; font-weight: 400; color: #59636e; }
td { font-variant-numeric: tabular-nums; }
.button { display: inline-block; padding: 12px 22px; border-radius: 8px; background: #1652f0; color: #ffffff;
  font-weight: 600; text-decoration: none; }
.small { font-size: 14px; color: #59636e; }
.small a { color: inherit; word-break: break-all; }
.foot { max-width: 560px; margin: 16px auto 0; padding: 0 28px; font-size: 13px; color: #59636e; }
@media (prefers-color-scheme: dark) {
  body { background: #14171a; color: #e6e9ec; }
  .card { background: #1e2226; border-color: #343b42; }
  .test { background: #43380f; color: #ffe39a; }
  th, td { border-color: #343b42; }
  th, .small, .foot { color: #a5afb9; }
  .button { background: #7da2ff; color: #0b1020; }
}
";

/// The page of a letter.
pub fn page(letter: &Letter, page: &Page) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(letter.language.word()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                title { (letter.subject) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                div .card role="article" aria-label=(letter.subject) {
                    p .sender { (page.sender) }
                    @if let Some(test) = page.test { p .test { (test) } }
                    p { (letter.greeting) }
                    @for paragraph in &letter.paragraphs { p { (lines(paragraph)) } }
                    @if !letter.facts.is_empty() {
                        table {
                            @for (what, value) in &letter.facts {
                                tr { th scope="row" { (what) } td { (value) } }
                            }
                        }
                    }
                    @if let (Some(button), Some(url)) = (&letter.button, &page.url) {
                        p { a .button href=(url) { (button.label) } }
                        p .small { (words::address_note(letter.language)) br; a href=(url) { (url) } }
                    }
                    @for note in &letter.notes { p .small { (note) } }
                }
                @if let Some(foot) = &page.foot { p .foot { (foot) } }
            }
        }
    }
}

/// A paragraph whose lines stay apart.
fn lines(paragraph: &str) -> Markup {
    html! {
        @for (nth, line) in paragraph.lines().enumerate() {
            @if nth > 0 { br; }
            (line)
        }
    }
}
