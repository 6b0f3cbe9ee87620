//! Pages for payers that show no invoice: a link that has run out, an address that never was one, too many
//! tries, and trouble of ours.

use domain::Mode;
use domain::language::Language;
use maud::{Markup, html};

use super::frame::{Head, document};
use super::panel::mail_link;
use super::{Seller, icons};
use crate::pay::words::{self, said};

/// A fresh link for whoever has an old one: where it is asked for, and where it goes, so that only its owner
/// knows the address.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// Where the form is posted.
    pub url: String,
    /// Such as `j***@client.example`.
    pub masked: String,
}

/// For a link that was true once and was replaced or has run out. It shows nothing of the invoice.
pub fn expired(language: Language, mode: Mode, seller: &Seller, fresh: Option<&Fresh>) -> Markup {
    let (words, links) = (&words::of(language).notices, &words::of(language).links);
    let name = ("seller", html! { strong dir="auto" { (seller.name) } });
    let body = html! {
        section .notice-page {
            (icons::clock())
            h1 { (words.gone) }
            p { (words.gone_why) }
            @if let Some(fresh) = fresh {
                p { (said(links.fresh_why, std::slice::from_ref(&name))) }
                form method="post" action=(fresh.url) {
                    button .primary type="submit" {
                        (said(links.fresh_send, &[("address", html! { (fresh.masked) })]))
                    }
                }
            }
            p {
                @match &seller.support_email {
                    Some(email) => (said(words.gone_write, &[name, ("email", mail_link(email))])),
                    None => (said(words.gone_ask, &[name])),
                }
            }
        }
    };
    of_seller(language, words.gone, mode, seller, &body)
}

/// A fresh link is on its way; said also where one was sent a moment ago.
pub fn fresh_sent(language: Language, mode: Mode, seller: &Seller, masked: Option<&str>) -> Markup {
    let words = &words::of(language).links;
    let address = html! { strong { (masked.unwrap_or_default()) } };
    let body = html! {
        section .notice-page {
            (icons::check())
            h1 { (words.fresh_sent) }
            p { (said(words.fresh_sent_why, &[("address", address)])) }
        }
    };
    of_seller(language, words.fresh_sent, mode, seller, &body)
}

/// For a link that its tenant took back. It says whose it was, and nothing of the invoice.
pub fn revoked(language: Language, mode: Mode, seller: &Seller) -> Markup {
    let words = &words::of(language).links;
    let name = ("seller", html! { strong dir="auto" { (seller.name) } });
    let body = html! {
        section .notice-page {
            (icons::cross())
            h1 { (words.revoked) }
            p { (said(words.revoked_why, std::slice::from_ref(&name))) }
            p {
                @match &seller.support_email {
                    Some(email) => (said(words.revoked_write, &[name, ("email", mail_link(email))])),
                    None => (said(words.revoked_ask, &[name])),
                }
            }
        }
    };
    of_seller(language, words.revoked, mode, seller, &body)
}

fn of_seller(language: Language, title: &str, mode: Mode, seller: &Seller, body: &Markup) -> Markup {
    document(
        &Head {
            language,
            title,
            mode,
            seller: Some(seller),
            scripts: None,
        },
        body,
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
