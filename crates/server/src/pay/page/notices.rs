//! Pages for payers that show no invoice: a link that has run out, an address that never was one, too many
//! tries, and trouble of ours.

use domain::Mode;
use domain::language::Language;
use maud::{Markup, html};

use super::frame::{Head, document};
use super::panel::mail_link;
use super::{Seller, icons};
use crate::pay::words::{self, said};

/// For a link that was true once and was replaced or has run out. It shows nothing of the invoice.
pub fn expired(language: Language, mode: Mode, seller: &Seller) -> Markup {
    let words = &words::of(language).notices;
    let name = ("seller", html! { strong dir="auto" { (seller.name) } });
    let body = html! {
        section .notice-page {
            (icons::clock())
            h1 { (words.gone) }
            p { (words.gone_why) }
            p {
                @match &seller.support_email {
                    Some(email) => (said(words.gone_write, &[name, ("email", mail_link(email))])),
                    None => (said(words.gone_ask, &[name])),
                }
            }
        }
    };
    document(
        &Head {
            language,
            title: words.gone,
            mode,
            seller: Some(seller),
            scripts: None,
        },
        &body,
    )
}

/// For an address that never was a link. It says no more than that, whatever the address was.
pub fn not_found(language: Language) -> Markup {
    let words = &words::of(language).notices;
    of_nobody(language, icons::cross(), words.nothing, words.nothing_why)
}

/// For whoever asked for too many links that were none. It says nothing of the link that was asked for.
pub fn busy(language: Language) -> Markup {
    let words = &words::of(language).notices;
    of_nobody(language, icons::clock(), words.busy, words.busy_why)
}

/// For a failure on our side, when nothing of the invoice can be read. Nothing can have been charged by
/// opening it.
pub fn trouble(language: Language) -> Markup {
    let words = &words::of(language).notices;
    of_nobody(language, icons::attention(), words.trouble, words.trouble_why)
}

fn of_nobody(language: Language, icon: Markup, title: &str, why: &str) -> Markup {
    let body = html! {
        section .notice-page {
            (icon)
            h1 { (title) }
            p { (why) }
        }
    };
    // Live, so that nothing hints at which modes exist here.
    document(
        &Head {
            language,
            title,
            mode: Mode::Live,
            seller: None,
            scripts: None,
        },
        &body,
    )
}
