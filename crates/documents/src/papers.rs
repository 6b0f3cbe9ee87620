//! The documents: what each is made of, as plain data, and how it is laid out.

pub(crate) mod credit_note;
pub(crate) mod fee_statement;
pub(crate) mod invoice;
pub(crate) mod receipt;
pub(crate) mod statement;

use domain::business::PageSize;
use domain::language::Language;
use domain::seal::Day;

use crate::Logo;

pub use credit_note::CreditNote;
pub use fee_statement::{FeeAccount, FeeLine, FeeStatement};
pub use invoice::{Invoice, State};
pub use receipt::{Method, PaidInvoice, Receipt, Refund};
pub use statement::{Account, Entry, Statement, What};

/// What every document has: who writes to whom, and how.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language it is written in.
    pub language: Language,
    /// The tenant.
    pub seller: Seller,
    /// The client.
    pub client: Party,
    /// Whether it is about TEST mode: no real money, and marked so.
    pub test: bool,
}

/// The tenant, as its documents show it.
#[derive(Clone, Debug, Default)]
pub struct Seller {
    /// Its name.
    pub name: String,
    /// The lines of its address.
    pub address: Vec<String>,
    /// Its number with the tax office.
    pub tax_id: Option<String>,
    /// Where clients may write.
    pub email: Option<String>,
    /// Where clients may call.
    pub phone: Option<String>,
    /// What stands at the foot of every page.
    pub footer: Option<String>,
    /// Where money can be transferred to.
    pub bank_details: Option<String>,
    /// How a cheque is to be written, and where it is sent.
    pub cheque_details: Option<String>,
    /// Its logo.
    pub logo: Option<Logo>,
    /// The paper that it uses.
    pub page: PageSize,
}

/// Who is written to.
#[derive(Clone, Debug, Default)]
pub struct Party {
    /// The name.
    pub name: String,
    /// The lines of the address.
    pub address: Vec<String>,
    /// The number with the tax office.
    pub tax_id: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}

fn day(language: Language, day: Option<Day>) -> String {
    day.map(|day| language.day(day)).unwrap_or_default()
}
