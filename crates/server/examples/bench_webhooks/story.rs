//! Who owes what to whom, the same in every run: the n-th invoice, its payment and the event that says it is
//! paid. Everything follows from n, so that filling a database and delivering need not share a file.

use domain::{ClientId, InvoiceId, LinkId, PaymentId, TenantId, Timestamp};

/// Minor units of every invoice.
pub const AMOUNT: i64 = 12_345;
/// The application fee on it: 3 %, half up.
pub const FEE: i64 = 370;
/// MSPs that the invoices are spread over: a platform, not one busy shop.
pub const TENANTS: u64 = 50;
/// The moment in all ids; what they are told apart by is n.
const MADE_AT: Timestamp = Timestamp::from_ms(1_763_900_000_000);

/// A payment event as Stripe's Connect endpoint gets it, with names in capitals where n decides.
const EVENT: &str = include_str!("event.json");

/// The MSP of the n-th invoice.
pub fn tenant(n: u64) -> TenantId {
    TenantId::new(MADE_AT, u128::from(n % TENANTS))
}

/// Its connected account.
pub fn account(n: u64) -> String {
    format!("acct_1SWbench{:09}", n % TENANTS)
}

/// The client who owes the n-th invoice; each MSP has one.
pub fn client(n: u64) -> ClientId {
    ClientId::new(MADE_AT, u128::from(n % TENANTS))
}

/// The n-th invoice.
pub fn invoice(n: u64) -> InvoiceId {
    InvoiceId::new(MADE_AT, spread(n))
}

/// The link to it.
pub fn link(n: u64) -> LinkId {
    LinkId::new(MADE_AT, spread(n))
}

/// Its payment.
pub fn payment(n: u64) -> PaymentId {
    PaymentId::new(MADE_AT, spread(n))
}

/// The payment's intent at Stripe.
pub fn intent(n: u64) -> String {
    format!("pi_3SWbench{n:016}")
}

/// The body of the event that says that the n-th payment succeeded.
pub fn event(n: u64) -> String {
    EVENT
        .replace("EVENT", &format!("evt_1SWbench{n:016}"))
        .replace("ACCOUNT", &account(n))
        .replace("INTENT", &intent(n))
        .replace("CHARGE", &format!("ch_3SWbench{n:016}"))
        .replace("METHOD", &format!("pm_1SWbench{n:016}"))
        .replace("INVOICE", invoice(n).as_str())
        .replace("PAYMENT", payment(n).as_str())
        .replace("TENANT", tenant(n).as_str())
}

/// Ids of one millisecond are in random order in real life, and indexes feel that.
fn spread(n: u64) -> u128 {
    u128::from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 16
}
