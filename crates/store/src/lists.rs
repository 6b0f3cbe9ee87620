//! Which rows of a list are asked for: what the lists of money have in common. Each list narrows by the same
//! conditions, written beside its other statements: an empty text narrows nothing.

use domain::{ClientId, Currency, InvoiceId, PaymentId, Scope, Timestamp};

use crate::db::{Error, Tx, Value};
use crate::invoices;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The first moment for which an id has no room.
const LAST_MS: i64 = 1 << 48;

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

    /// The parameters of what is of payments: of whose, after which id, how it stands, in which currency,
    /// since when and until when, of which invoice and client, how many, and from which id on.
    pub(crate) fn of_payments(&self, scope: &Scope, (first, after): (&str, &str), limit: i64) -> Vec<Value> {
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
            Value::from(first),
        ]
    }

    /// Between which ids everything lies that was made in the time that is asked for, the first included and
    /// the last not, which is not after `after` either: ids begin with the moment at which they were made.
    /// What a restore lost has Stripe's moment in its row and that or its first in its id, which may be
    /// another by seconds: a day is allowed for that.
    pub(crate) fn ids(&self, after: &str, id: fn(Timestamp) -> String) -> (String, String) {
        let first = self.since.map(|since| since.plus_ms(-DAY_MS));
        let first = first
            .filter(|first| first.ms() > 0)
            .map(|first| match first.ms() {
                // Ids have no room for later ones.
                ms if ms >= LAST_MS => after.to_owned(),
                _ => id(first),
            });
        // Nothing is finalized before it is made.
        let until = [self.until, self.issued_until].into_iter().flatten().min();
        let until = until.map(|until| until.plus_ms(DAY_MS));
        let last = until.filter(|until| until.ms() < LAST_MS).map(id);
        let last = last.filter(|last| last.as_str() < after);
        (
            first.unwrap_or_default(),
            last.unwrap_or_else(|| after.to_owned()),
        )
    }

    /// Whether nothing can be found because no invoice is in the currency that is asked for.
    pub(crate) fn is_in_vain(&self, tx: &mut Tx, scope: &Scope) -> Result<bool, Error> {
        match self.currency {
            Some(currency) => invoices::none_in(tx, scope, currency),
            None => Ok(false),
        }
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
