//! The public page on which a payer reads an invoice and pays it: what it shows, as plain data, and its HTML.
//! The left column is the invoice as paper, the right one exactly one panel that says what can be done now.
//! Nothing here decides anything about money; the script only fetches what the server has verified.

use domain::language::Language;
use domain::seal::Day;
use domain::{Mode, Money, Timestamp};
use flows::proofs::Work;
use maud::{Markup, html};

use super::words;
use choice::Choice;
use forwarding::Forwarding;
use frame::{Head, document};

pub mod choice;
pub mod format;
pub mod forwarding;
mod frame;
pub mod icons;
pub mod notices;
mod panel;
mod paper;

/// All that the page shows of one invoice.
#[derive(Clone, Debug)]
pub struct View {
    /// The language in which it is read.
    pub language: Language,
    /// The invoice's mode; TEST is shown as a badge.
    pub mode: Mode,
    /// Who asks for the money.
    pub seller: Seller,
    /// Who is billed.
    pub client_name: String,
    /// The lines below the name: the address, and the number with the tax office.
    pub client_details: Vec<String>,
    /// The invoice's number.
    pub number: String,
    /// A remark of the seller; plain text, line breaks are kept.
    pub memo: Option<String>,
    /// When the invoice was finalized.
    pub issued_on: Option<Day>,
    /// Until when it is to be paid.
    pub due_on: Option<Day>,
    /// What is billed.
    pub lines: Vec<Line>,
    /// Sum of the lines, each less its own discount, before tax.
    pub subtotal: Money,
    /// What comes off the whole.
    pub discount: Option<Off>,
    /// One entry per tax rate above zero.
    pub taxes: Vec<Tax>,
    /// Subtotal less discount, and taxes.
    pub total: Money,
    /// What was paid of it so far; zero is not shown.
    pub paid: Money,
    /// What credit notes took off it; zero is not shown.
    pub credited: Money,
    /// What is still to be paid: the amount that the payer confirms, unless they choose otherwise.
    pub due: Money,
    /// What there is to choose.
    pub choice: Choice,
    /// What the payment that is under way asks for, if there is one.
    pub under_way: Option<Money>,
    /// Path of the invoice as PDF.
    pub pdf_url: String,
    /// The receipts of what was paid so far, newest first.
    pub receipts: Vec<ReceiptFile>,
    /// Path of the panel alone (the answer is [`panel`]), asked for again while the state can change.
    pub panel_url: String,
    /// What is forwarded, and can be.
    pub forwarding: Forwarding,
    /// What the right column is about.
    pub state: PanelState,
}

/// The tenant, as payers know it.
#[derive(Clone, Debug, Default)]
pub struct Seller {
    /// Name of the company.
    pub name: String,
    /// Where payers may ask.
    pub support_email: Option<String>,
    /// Path of its logo, if it has one.
    pub logo_url: Option<String>,
    /// The lines of its address, its tax number and its telephone.
    pub details: Vec<String>,
    /// Where money can be transferred to.
    pub bank_details: Option<String>,
    /// How a cheque is to be written.
    pub cheque_details: Option<String>,
}

/// A receipt that the payer can take along.
#[derive(Clone, Debug)]
pub struct ReceiptFile {
    /// Path of the PDF.
    pub url: String,
    /// When it was paid.
    pub paid_on: Option<Day>,
    /// What was paid, of this invoice or of several.
    pub amount: Money,
}

/// One line of the invoice.
#[derive(Clone, Debug)]
pub struct Line {
    /// What was done or delivered.
    pub description: String,
    /// How many, such as `2.5`, as the language writes it.
    pub quantity: String,
    /// Price of one, before tax.
    pub unit_price: Money,
    /// Such as `19%`, as the language writes it; `None` is no tax.
    pub tax_rate: Option<String>,
    /// What comes off it.
    pub discount: Option<Off>,
    /// Quantity × unit price, less its discount, before tax.
    pub amount: Money,
}

/// What comes off a line or the whole.
#[derive(Clone, Debug)]
pub struct Off {
    /// Such as `Discount 10%`, in the language.
    pub label: String,
    /// How much; below zero.
    pub amount: Money,
}

/// The tax of all lines that share a rate.
#[derive(Clone, Debug)]
pub struct Tax {
    /// Such as `Tax 19%`, in the language.
    pub label: String,
    /// The tax.
    pub amount: Money,
}

/// What can be done now. Exactly one panel is shown; a link that is no longer valid shows a page of
/// [`notices`] instead.
#[derive(Clone, Debug)]
pub enum PanelState {
    /// A card can be entered.
    Pay(Checkout),
    /// A payment waits for the payer's confirmation at their bank (3D Secure was left); nothing was charged.
    Continue(Checkout),
    /// A payment is under way or being checked; nobody should pay again.
    InProgress,
    /// Nothing is owed any more.
    Paid(Receipt),
    /// The seller withdrew the invoice.
    Void,
    /// The seller's account takes no payments now.
    Unavailable,
    /// Stripe does not answer at the moment, and nothing is begun.
    Silent,
    /// Less is due than a card can be charged: this is the least.
    TooSmall(Money),
}

/// What the script needs to take a card and to send what Stripe made of it. The amount and currency are those
/// of [`View::due`].
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The platform's publishable key.
    pub publishable_key: String,
    /// The tenant's account, on which the payment is made.
    pub stripe_account: String,
    /// Address of Stripe.js: [`ApiBase::script_url`].
    pub script_url: String,
    /// Where the confirmation token is posted.
    pub pay_url: String,
    /// Where the script asks, after 3D Secure, what the server finds.
    pub check_url: String,
    /// Stripe's words for what it may be paid by: `card`, and `us_bank_account` where that is taken.
    pub methods: &'static str,
    /// Filled in as the billing address's e-mail, if known.
    pub billing_email: Option<String>,
    /// What a payment begun from this page has to carry.
    pub page_token: String,
    /// The work that the page has to show besides.
    pub work: Option<Work>,
}

/// How a paid invoice was paid, as far as it is known.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// When the last payment succeeded.
    pub paid_at: Option<Timestamp>,
    /// Stripe's word for the card's brand, such as `visa`.
    pub brand: Option<String>,
    /// The card's last four digits.
    pub last4: Option<String>,
    /// What was paid, also what went back since.
    pub amount: Money,
    /// What of it went back to the payer.
    pub given_back: Money,
    /// What the payer's bank took back of it for good.
    pub taken_back: Money,
    /// What the client's credit and credit notes took off the invoice.
    pub by_credit: Money,
}

impl Receipt {
    /// Whether anything of what was paid has stayed with the seller.
    fn is_kept(&self) -> bool {
        let gone = self.given_back.minor().saturating_add(self.taken_back.minor());
        self.amount.minor() > gone
    }
}

impl View {
    fn words(&self) -> &'static words::Words {
        words::of(self.language)
    }

    /// What the paper says, too.
    fn paper_words(&self) -> &'static documents::words::Words {
        documents::words::of(self.language)
    }
}

/// The whole page.
pub fn page(view: &View) -> Markup {
    let title = words::fill(
        view.words().title,
        &[("number", &view.number), ("seller", &view.seller.name)],
    );
    let body = html! {
        h1 .visually-hidden { (title) }
        div .columns {
            div .column-pay {
                (panel(view))
                (forwarding::section(view))
            }
            div .column-paper { (paper::paper(view)) }
        }
        p #announcement .visually-hidden role="status" {}
    };
    document(
        &Head {
            language: view.language,
            title: &title,
            mode: view.mode,
            seller: Some(&view.seller),
            scripts: Some(&view.state),
        },
        &body,
    )
}

/// The right column alone, for the page that updates itself. Its `data-state` differs whenever the panel has
/// to be shown anew.
pub fn panel(view: &View) -> Markup {
    panel::panel(view)
}

#[cfg(test)]
mod tests;
