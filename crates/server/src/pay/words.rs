//! What the pay page says besides what the invoice says on paper (`documents::words`), in every language that
//! payers are written to in: a table of sentences with places for values. Those that the page's script shows
//! go along with the page as data.

mod de;
mod en;
mod es;
mod fr;
#[cfg(test)]
mod tests;

use domain::language::Language;
use maud::{Markup, html};
use serde::Serialize;

use super::decline::Reason;

/// All that is said in one language. `{…}` stands for what is put in.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each says what it is")]
pub struct Words {
    pub language: &'static str,
    pub title: &'static str,
    pub mode: &'static str,
    pub test_mode: &'static str,
    pub no_real_money: &'static str,
    pub processed_by_stripe: &'static str,
    pub notices: Notices,
    pub links: Links,
    pub panel: Panel,
    pub choice: Choice,
    pub paper: Paper,
    pub script: Script,
    pub refusals: Refusals,
    pub declines: Declines,
}

/// Pages that show no invoice.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each says what it is")]
pub struct Notices {
    pub gone: &'static str,
    pub gone_why: &'static str,
    pub gone_ask: &'static str,
    pub gone_write: &'static str,
    pub nothing: &'static str,
    pub nothing_why: &'static str,
    pub busy: &'static str,
    pub busy_why: &'static str,
    pub trouble: &'static str,
    pub trouble_why: &'static str,
}

/// Forwarding an invoice, and links that have run out or were taken back.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each says what it is")]
pub struct Links {
    pub forward: &'static str,
    pub forward_why: &'static str,
    pub name: &'static str,
    pub email: &'static str,
    pub forward_do: &'static str,
    pub forwarded: &'static str,
    pub over: &'static str,
    pub forwarded_by: &'static str,
    pub name_wrong: &'static str,
    pub email_wrong: &'static str,
    pub too_many: &'static str,
    pub wait: &'static str,
    pub try_again: &'static str,
    pub fresh_why: &'static str,
    pub fresh_send: &'static str,
    pub fresh_sent: &'static str,
    pub fresh_sent_why: &'static str,
    pub revoked: &'static str,
    pub revoked_why: &'static str,
    pub revoked_ask: &'static str,
    pub revoked_write: &'static str,
}

/// The panel, in all its states.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each says what it is")]
pub struct Panel {
    pub invoice: &'static str,
    pub due: &'static str,
    pub see_billed: &'static str,
    pub by_card: &'static str,
    pub by_card_or_bank: &'static str,
    pub loading: &'static str,
    pub pay: &'static str,
    pub encrypted: &'static str,
    pub script_needed: &'static str,
    pub continue_title: &'static str,
    pub continue_why: &'static str,
    pub continue_pay: &'static str,
    pub other_card: &'static str,
    pub in_progress: &'static str,
    pub in_progress_why: &'static str,
    pub paid: &'static str,
    pub paid_thanks: &'static str,
    pub refunded: &'static str,
    pub given_back_why: &'static str,
    pub settled: &'static str,
    pub by_bank: &'static str,
    pub by_bank_why: &'static str,
    pub given_back_and_by_bank_why: &'static str,
    pub by_credit: &'static str,
    pub by_credit_why: &'static str,
    pub given_back: &'static str,
    pub credited: &'static str,
    pub date: &'static str,
    pub method: &'static str,
    pub print: &'static str,
    pub void: &'static str,
    pub void_why: &'static str,
    pub unavailable: &'static str,
    pub unavailable_why: &'static str,
    pub silent: &'static str,
    pub silent_why: &'static str,
    pub too_small: &'static str,
    pub too_small_why: &'static str,
    pub questions_write: &'static str,
    pub questions_ask: &'static str,
}

/// What there is to choose.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each says what it is")]
pub struct Choice {
    pub title: &'static str,
    pub one_other: &'static str,
    pub others: &'static str,
    pub all: &'static str,
    pub part: &'static str,
    pub amount_in: &'static str,
    pub at_least: &'static str,
}

/// The invoice, where the page says it in other words than the paper.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each says what it is")]
pub struct Paper {
    pub lines: &'static str,
    pub plus_tax: &'static str,
    pub paid_so_far: &'static str,
    pub stamp_paid: &'static str,
    pub stamp_settled: &'static str,
    pub stamp_void: &'static str,
    pub invoice_file: &'static str,
    pub receipt_file: &'static str,
    pub receipt_file_undated: &'static str,
}

/// What the script shows.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each says what it is")]
pub struct Script {
    pub pay: &'static str,
    pub pay_amount: &'static str,
    pub not_an_amount: &'static str,
    pub too_much: &'static str,
    pub processing: &'static str,
    pub waiting_for_bank: &'static str,
    pub checking: &'static str,
    pub checking_why: &'static str,
    pub not_found: &'static str,
    pub not_sent: &'static str,
    pub not_confirmed: &'static str,
    pub part_received: &'static str,
    pub due_changed: &'static str,
    pub not_completed: &'static str,
    pub no_form: &'static str,
    pub link_gone: &'static str,
    pub try_again: &'static str,
    pub load_again: &'static str,
}

/// What payers read where the server refuses a payment: by the refusal's code.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names are codes of the API")]
pub struct Refusals {
    pub amount_too_small: &'static str,
    pub amount_too_large: &'static str,
    pub invoice_draft: &'static str,
    pub invoice_paid: &'static str,
    pub invoice_void: &'static str,
    pub payment_in_progress: &'static str,
    pub amount_changed: &'static str,
    pub part_too_small: &'static str,
    pub rest_too_small: &'static str,
    pub invoices_changed: &'static str,
    pub link_expired: &'static str,
    pub link_revoked: &'static str,
    pub payments_unavailable: &'static str,
    pub confirmation_token_refused: &'static str,
    pub payment_refused: &'static str,
    pub page_token_required: &'static str,
    pub page_expired: &'static str,
    pub too_soon: &'static str,
    pub challenge_required: &'static str,
    pub too_many_attempts: &'static str,
    pub rate_limited: &'static str,
    pub temporarily_unavailable: &'static str,
}

/// What payers read where a bank declines: by the word of a [`Reason`].
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names are words of the API")]
pub struct Declines {
    pub declined: &'static str,
    pub declined_by_bank: &'static str,
    pub insufficient_funds: &'static str,
    pub card_limit: &'static str,
    pub expired_card: &'static str,
    pub card_number: &'static str,
    pub expiry_date: &'static str,
    pub security_code: &'static str,
    pub address: &'static str,
    pub not_confirmed: &'static str,
    pub bank_silent: &'static str,
    pub card_kind: &'static str,
    pub repeated: &'static str,
    pub test_card: &'static str,
    pub test_cards_only: &'static str,
}

/// The words of a language.
pub const fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &en::WORDS,
        Language::De => &de::WORDS,
        Language::Fr => &fr::WORDS,
        Language::Es => &es::WORDS,
    }
}

impl Words {
    /// What the script needs of them, as JSON.
    pub fn for_script(&self) -> String {
        #[derive(Serialize)]
        struct ForScript<'a> {
            #[serde(flatten)]
            script: &'a Script,
            refusals: &'a Refusals,
            declines: &'a Declines,
        }
        let words = ForScript {
            script: &self.script,
            refusals: &self.refusals,
            declines: &self.declines,
        };
        serde_json::to_string(&words).unwrap_or_default()
    }
}

impl Declines {
    /// The sentence of a reason.
    pub const fn of(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::Declined => self.declined,
            Reason::ByBank => self.declined_by_bank,
            Reason::Funds => self.insufficient_funds,
            Reason::CardLimit => self.card_limit,
            Reason::Expired => self.expired_card,
            Reason::Number => self.card_number,
            Reason::Expiry => self.expiry_date,
            Reason::SecurityCode => self.security_code,
            Reason::Address => self.address,
            Reason::NotConfirmed => self.not_confirmed,
            Reason::BankSilent => self.bank_silent,
            Reason::CardKind => self.card_kind,
            Reason::Repeated => self.repeated,
            Reason::TestCard => self.test_card,
            Reason::TestCardsOnly => self.test_cards_only,
        }
    }
}

/// Puts a value in its place, in plain text.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Place(place) => values
                .iter()
                .find(|(name, _)| *name == place)
                .map_or("", |(_, value)| value),
        })
        .collect()
}

/// Puts values in their places that are more than text, such as a link.
pub fn said(text: &str, values: &[(&str, Markup)]) -> Markup {
    html! {
        @for piece in pieces(text) {
            @match piece {
                Piece::Text(text) => (text),
                Piece::Place(place) => {
                    @for (_, value) in values.iter().filter(|(name, _)| *name == place) { (value) }
                }
            }
        }
    }
}

enum Piece<'a> {
    Text(&'a str),
    Place(&'a str),
}

/// What a sentence consists of, in one pass: a value that looks like a place stays as it is.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.split('{')
        .enumerate()
        .flat_map(|(at, part)| match part.split_once('}') {
            Some((place, after)) if at > 0 => [Piece::Place(place), Piece::Text(after)],
            Some(_) | None => [Piece::Text(part), Piece::Text("")],
        })
}
