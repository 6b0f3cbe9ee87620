//! How domain types are written into a row and read back. Text that our own code cannot have written is an
//! error, never a default.

use domain::{
    ApiKeyId, AuditId, BreakId, ClientCreditId, ClientId, CreditApplicationId, CreditNoteId, Currency,
    DisputeFileId, DisputeId, FeeRuleId, InboxId, InvoiceId, LedgerTransactionId, LinkId, MailAddress,
    MailId, Mode, Money, OfflinePaymentId, OperationId, PaymentId, PersonTokenId, PlatformKeyId, RefundId,
    Scope, SessionId, TenantId, Timestamp, UserId,
};

use domain::seal::Field;

use crate::db::{Error, Row, Value};

macro_rules! id_values {
    ($($id:ident),*) => {$(
        impl From<&$id> for Value {
            fn from(id: &$id) -> Value {
                Value::Text(id.as_str().to_owned())
            }
        }
    )*};
}

id_values!(
    ApiKeyId,
    AuditId,
    BreakId,
    ClientCreditId,
    ClientId,
    CreditApplicationId,
    OfflinePaymentId,
    CreditNoteId,
    DisputeFileId,
    DisputeId,
    FeeRuleId,
    InboxId,
    InvoiceId,
    LedgerTransactionId,
    LinkId,
    MailId,
    OperationId,
    PaymentId,
    PersonTokenId,
    PlatformKeyId,
    RefundId,
    SessionId,
    TenantId,
    UserId
);

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Value {
        Value::Int(at.ms())
    }
}

impl From<Mode> for Value {
    fn from(mode: Mode) -> Value {
        Value::Int(i64::from(mode.is_live()))
    }
}

/// The scope that a row belongs to.
pub fn scope(row: &Row) -> Result<Scope, Error> {
    Ok(Scope {
        tenant: TenantId::stored(row.text("tenant_id")?),
        mode: mode(row)?,
    })
}

/// The mode that a row belongs to.
pub fn mode(row: &Row) -> Result<Mode, Error> {
    Ok(Mode::from_livemode(flag(row, "livemode")?))
}

/// A column that holds 0 or 1.
pub fn flag(row: &Row, column: &str) -> Result<bool, Error> {
    Ok(row.int(column)? != 0)
}

/// A moment.
pub fn time(row: &Row, column: &str) -> Result<Timestamp, Error> {
    row.int(column).map(Timestamp::from_ms)
}

/// A moment that may not have come.
pub fn time_opt(row: &Row, column: &str) -> Result<Option<Timestamp>, Error> {
    Ok(row.int_opt(column)?.map(Timestamp::from_ms))
}

/// An amount in the row's `currency`.
pub fn money(row: &Row, column: &str) -> Result<Money, Error> {
    Ok(Money::new(row.int(column)?, currency(row)?))
}

/// The row's `currency`.
pub fn currency(row: &Row) -> Result<Currency, Error> {
    let code = row.text("currency")?;
    Currency::parse(&code).map_err(|_| unreadable("currency", &code))
}

/// Addresses of mails, separated by spaces, which none of them has.
pub fn addresses(row: &Row, column: &str) -> Result<Vec<MailAddress>, Error> {
    let text = row.text(column)?;
    let address = |one: &str| MailAddress::stored(one.to_owned());
    Ok(text.split_whitespace().map(address).collect())
}

/// Addresses as [`addresses`] reads them.
pub fn joined(addresses: &[MailAddress]) -> String {
    let addresses: Vec<&str> = addresses.iter().map(MailAddress::as_str).collect();
    addresses.join(" ")
}

/// A column as a seal covers it, whatever it holds.
pub fn field(row: &Row, column: &str) -> Result<Field, Error> {
    Ok(match row.int_opt(column) {
        Ok(Some(number)) => Field::Number(number),
        Ok(None) => Field::Nothing,
        Err(_) => Field::Text(row.text(column)?),
    })
}

/// A word that one of our enums writes.
pub fn word<T>(row: &Row, column: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
    let text = row.text(column)?;
    read(&text).ok_or_else(|| unreadable(column, &text))
}

fn unreadable(column: &str, text: &str) -> Error {
    Error::Schema(format!(
        "column {column} holds {text:?}, which this version cannot have written"
    ))
}
