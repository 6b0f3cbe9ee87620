//! Which page of a list of money is asked for, and what it is narrowed to, read from the address once. A
//! parameter that the list does not take is refused by name, and so is a value that means nothing.

use axum::http::StatusCode;
use domain::{ClientId, Currency, InvoiceId, PaymentId, Refusal, Timestamp};
use store::lists::Only;

use super::PageQuery;
use crate::problem::Problem;

/// What an address says, in its order.
pub type Given = Vec<(String, String)>;

/// What a list takes beside `limit` and `after`.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    /// The other parameters.
    pub parameters: &'static [&'static str],
    /// The words of `status`, where it is one of them.
    pub statuses: fn() -> Vec<String>,
}

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    /// Rows of the page.
    pub limit: i64,
    /// The last id of the page before.
    pub after: Option<String>,
    /// What the list is narrowed to.
    pub only: Only,
}

/// No words: for lists of what has no status.
pub const fn stateless() -> Vec<String> {
    Vec::new()
}

impl Takes {
    /// Reads what is asked for.
    ///
    /// # Errors
    /// `invalid_query` for a parameter that the list does not take, or that is there twice, `invalid_field`
    /// for a value that means nothing; both name it.
    pub fn read(&self, given: Given) -> Result<Asked, Problem> {
        let mut page = PageQuery::default();
        let mut only = Only::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in given {
            if seen.contains(&name) {
                return Err(unreadable(&name, format!("{name} can be given once only.")));
            }
            seen.push(name.clone());
            match name.as_str() {
                "limit" => page.limit = Some(whole("limit", &value)?),
                "after" => page.after = Some(value),
                named if self.parameters.contains(&named) => self.narrow(&mut only, named, &value)?,
                _ => return Err(self.unknown(&name)),
            }
        }
        Ok(Asked {
            limit: page.limit()?,
            after: page.after,
            only,
        })
    }

    fn narrow(&self, only: &mut Only, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "status" => {
                let words = (self.statuses)();
                if !words.iter().any(|word| word == value) {
                    let problem = format!("must be one of {}", words.join(", "));
                    return Err(Refusal::invalid("status", problem).into());
                }
                only.status = Some(value.to_owned());
            }
            "client_id" => only.client = Some(id("client_id", ClientId::parse(value))?),
            "invoice_id" => only.invoice = Some(id("invoice_id", InvoiceId::parse(value))?),
            "payment_id" => only.payment = Some(id("payment_id", PaymentId::parse(value))?),
            "currency" => only.currency = Some(Currency::parse(value)?),
            "since" => only.since = Some(moment("since", value)?),
            "until" => only.until = Some(moment("until", value)?),
            "issued_since" => only.issued_since = Some(moment("issued_since", value)?),
            "issued_until" => only.issued_until = Some(moment("issued_until", value)?),
            _ => return Err(self.unknown(name)),
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> Problem {
        let taken = self.parameters.join(", ");
        let detail = format!("This list takes limit, after, {taken}, and no other parameter.");
        unreadable(name, detail)
    }
}

fn unreadable(name: &str, detail: String) -> Problem {
    let name: String = name.chars().take(60).collect();
    Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail).at(name)
}

fn whole(name: &'static str, value: &str) -> Result<i64, Problem> {
    let problem = || unreadable(name, format!("{name} must be a whole number."));
    value.parse().map_err(|_| problem())
}

fn id<T>(name: &'static str, read: Result<T, Refusal>) -> Result<T, Problem> {
    let problem = match name {
        "client_id" => "must be the id of a client",
        "invoice_id" => "must be the id of an invoice",
        _ => "must be the id of a payment",
    };
    read.map_err(|_| Refusal::invalid(name, problem).into())
}

/// A moment in milliseconds since the epoch.
fn moment(name: &'static str, value: &str) -> Result<Timestamp, Problem> {
    let problem = || Refusal::invalid(name, "must be milliseconds since 1970");
    let ms: i64 = value.parse().map_err(|_| problem())?;
    if ms < 0 {
        return Err(problem().into());
    }
    Ok(Timestamp::from_ms(ms))
}
