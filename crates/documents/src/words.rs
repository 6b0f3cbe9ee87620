//! The words of documents, in every language that recipients are written to in.

mod de;
mod en;
mod es;
mod fr;

use domain::invoice::Discount;
use domain::language::Language;

/// All words of one language. `{…}` stands for what is put in. The pay page says the same with them.
#[derive(Debug)]
#[expect(missing_docs, reason = "each says what it is")]
pub struct Words {
    pub language: Language,
    pub invoice: &'static str,
    pub credit_note: &'static str,
    pub receipt: &'static str,
    pub statement: &'static str,
    pub from: &'static str,
    pub billed_to: &'static str,
    pub tax_id: &'static str,
    pub invoice_number: &'static str,
    pub credit_note_number: &'static str,
    pub receipt_number: &'static str,
    pub for_invoice: &'static str,
    pub issued: &'static str,
    pub due: &'static str,
    pub paid_on: &'static str,
    pub paid_by: &'static str,
    pub period: &'static str,
    /// `{from}`, `{to}`.
    pub from_to: &'static str,
    pub amount_due: &'static str,
    pub amount_paid: &'static str,
    /// `{day}`.
    pub payable_by: &'static str,
    pub paid_in_full: &'static str,
    pub nothing_owed: &'static str,
    pub not_an_invoice_yet: &'static str,
    pub description: &'static str,
    pub quantity: &'static str,
    pub unit_price: &'static str,
    pub tax: &'static str,
    pub amount: &'static str,
    pub subtotal: &'static str,
    pub discount: &'static str,
    /// `{rate}`.
    pub tax_at: &'static str,
    pub total: &'static str,
    pub credit_notes: &'static str,
    pub paid: &'static str,
    pub how_to_pay: &'static str,
    pub pay_online: &'static str,
    pub scan_or_open: &'static str,
    pub code_tells: &'static str,
    pub link_tells: &'static str,
    pub bank_transfer: &'static str,
    pub cheque: &'static str,
    pub reason: &'static str,
    pub total_credited: &'static str,
    pub off_what_is_owed: &'static str,
    pub to_your_credit: &'static str,
    pub refunds: &'static str,
    pub refunded: &'static str,
    pub net_paid: &'static str,
    pub payment: &'static str,
    pub refund: &'static str,
    pub refund_failed: &'static str,
    pub payment_reversed: &'static str,
    pub taken_back: &'static str,
    pub regained: &'static str,
    pub adjustment: &'static str,
    pub date: &'static str,
    pub document: &'static str,
    pub charges: &'static str,
    pub payments_and_credits: &'static str,
    pub balance: &'static str,
    pub opening_balance: &'static str,
    pub closing_balance: &'static str,
    pub in_your_favour: &'static str,
    pub nothing_happened: &'static str,
    pub by_age: &'static str,
    pub not_yet_due: &'static str,
    /// `{from}`, `{to}`.
    pub days_overdue: &'static str,
    /// `{days}`.
    pub more_days_overdue: &'static str,
    pub card: &'static str,
    pub bank_account: &'static str,
    /// `{name}`, `{last4}`.
    pub ending_in: &'static str,
    /// `{page}`, `{pages}`.
    pub page: &'static str,
    pub test: &'static str,
    pub void: &'static str,
    pub draft: &'static str,
    pub no_real_money: &'static str,
    /// `{scripts}`.
    pub missing: &'static str,
    pub symbols: &'static str,
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
    /// `Discount 10%`, or `Discount` where it is an amount.
    pub fn discount_of(&self, discount: Option<Discount>) -> String {
        match discount.and_then(Discount::percentage) {
            Some(percent) => format!("{} {}", self.discount, self.language.percentage(&percent)),
            None => self.discount.to_owned(),
        }
    }

    /// `Visa ending in 4242`, as far as it is known.
    pub fn method(&self, brand: &str, last4: Option<&str>) -> String {
        let name = match brand {
            "visa" => "Visa",
            "mastercard" => "Mastercard",
            "amex" => "American Express",
            "discover" => "Discover",
            "diners" => "Diners Club",
            "jcb" => "JCB",
            "unionpay" => "UnionPay",
            "eftpos_au" => "eftpos",
            "cartes_bancaires" => "Cartes Bancaires",
            "us_bank_account" | "ach" => self.bank_account,
            _ => self.card,
        };
        match last4 {
            Some(last4) => self.ending_in.replace("{name}", name).replace("{last4}", last4),
            None => name.to_owned(),
        }
    }
}
