//! What stands around the body of every page for payers: its head, the badge of test mode, who asks for the
//! money, and the other languages.

use domain::Mode;
use domain::language::Language;
use maud::{DOCTYPE, Markup, html};

use super::{PanelState, Seller, icons};
use crate::assets;
use crate::pay::language::PARAMETER;
use crate::pay::words::{self, Words};

/// What the frame around a page's body needs.
pub struct Head<'a> {
    /// The language of all its words.
    pub language: Language,
    /// What the browser's tab says.
    pub title: &'a str,
    /// The mode of what is shown.
    pub mode: Mode,
    /// Who asks for the money, where that may be told.
    pub seller: Option<&'a Seller>,
    /// The state of a page that runs the script.
    pub scripts: Option<&'a PanelState>,
}

/// The whole document.
pub fn document(head: &Head<'_>, body: &Markup) -> Markup {
    let words = words::of(head.language);
    html! {
        (DOCTYPE)
        html lang=(head.language.word()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                meta name="referrer" content="no-referrer";
                title { (head.title) }
                link rel="stylesheet" href=(assets::css_path());
                link rel="icon" type="image/svg+xml" href=(assets::icon_path());
                @if let Some(state) = head.scripts {
                    @if let PanelState::Pay(checkout) = state {
                        link rel="preload" as="script" href=(checkout.script_url);
                    }
                    script src=(assets::js_path()) defer {}
                }
            }
            body {
                @if head.mode == Mode::Test { (test_badge(words)) }
                header .masthead {
                    @if let Some(seller) = head.seller { (who(seller)) }
                    (languages(head.language, words))
                }
                main data-words=[head.scripts.map(|_| words.for_script())] { (body) }
                footer { p { (words.processed_by_stripe) } }
            }
        }
    }
}

fn test_badge(words: &Words) -> Markup {
    html! {
        aside .test-badge aria-label=(words.mode) {
            strong { (words.test_mode) } " \u{2014} " (words.no_real_money)
        }
    }
}

fn who(seller: &Seller) -> Markup {
    let initial: String = seller
        .name
        .chars()
        .find(|c| c.is_alphanumeric())
        .into_iter()
        .collect();
    html! {
        @if let Some(logo) = &seller.logo_url { img .logo src=(logo) alt=(seller.name); }
        @else {
            span .monogram aria-hidden="true" { (initial.to_uppercase()) }
            span .seller-name dir="auto" { (seller.name) }
        }
    }
}

/// The other languages, as links to the same page. They need no script.
fn languages(now: Language, words: &Words) -> Markup {
    html! {
        details .languages {
            summary {
                (icons::globe())
                span .visually-hidden { (words.language) ": " }
                (now.name())
            }
            ul {
                @for language in Language::ALL {
                    li {
                        a href={ "?" (PARAMETER) "=" (language.word()) } lang=(language.word())
                            hreflang=(language.word()) aria-current=[(language == now).then_some("true")]
                        {
                            (language.name())
                        }
                    }
                }
            }
        }
    }
}
