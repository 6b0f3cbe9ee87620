//! Which rows of a list are asked for: what the lists of money have in common. Each list narrows by the same
//! conditions, written beside its other statements: an empty text narrows nothing.

use domain::{ClientId, Currency, InvoiceId, PaymentId, Scope, Timestamp};

use crate::db::Value;

/// What a list is narrowed to; what is none narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Only what stands so.
    pub status: Option<String>,
    /// Only what is of this client's invoices.
    pub client: Option<ClientId>,
    /// Only what is of this invoice.
    pub invoice: Option<InvoiceId>,
    /// Only what is of this payment.
    pub payment: Option<PaymentId>,
    /// Only what is in this currency.
    pub currency: Option<Currency>,
    /// Only what was made at this moment or later.
    pub since: Option<Timestamp>,
    /// Only what was made before this moment.
    pub until: Option<Timestamp>,
    /// Only what was finalized at this moment or later.
    pub issued_since: Option<Timestamp>,
    /// Only what was finalized before this moment.
    pub issued_until: Option<Timestamp>,
}

impl Only {
    pub(crate) fn status(&self) -> &str {
        self.status.as_deref().unwrap_or_default()
    }

    pub(crate) fn client(&self) -> &str {
        self.client.as_ref().map_or("", ClientId::as_str)
    }

    pub(crate) fn invoice(&self) -> &str {
        self.invoice.as_ref().map_or("", InvoiceId::as_str)
    }

    pub(crate) fn payment(&self) -> &str {
        self.payment.as_ref().map_or("", PaymentId::as_str)
    }

    pub(crate) fn currency(&self) -> &'static str {
        self.currency.map_or("", Currency::code)
    }

    /// The first ten parameters of what is of payments: of whose, after which id, how it stands, in which
    /// currency, since when and until when, of which invoice and client, and how many.
    pub(crate) fn of_payments(&self, scope: &Scope, after: &str, limit: i64) -> Vec<Value> {
        let (since, until) = self.made();
        vec![
            Value::from(&scope.tenant),
            Value::from(scope.mode),
            Value::from(after),
            Value::from(self.status()),
            Value::from(self.currency()),
            Value::from(since),
            Value::from(until),
            Value::from(self.invoice()),
            Value::from(self.client()),
            Value::from(limit),
        ]
    }

    /// From which moment, included, and until which, not included.
    pub(crate) fn made(&self) -> (i64, i64) {
        between(self.since, self.until)
    }

    /// As [`Self::made`] of when something was finalized, and the moment at which what never was counts:
    /// outside of every time that is asked for.
    pub(crate) fn issued(&self) -> (i64, i64, i64) {
        let (since, until) = between(self.issued_since, self.issued_until);
        match (self.issued_since, self.issued_until) {
            (None, None) => (since, until, 0),
            (Some(_), _) | (None, Some(_)) => (since.max(0), until, -1),
        }
    }
}

fn between(since: Option<Timestamp>, until: Option<Timestamp>) -> (i64, i64) {
    let since = since.map_or(i64::MIN, Timestamp::ms);
    (since, until.map_or(i64::MAX, Timestamp::ms))
}
