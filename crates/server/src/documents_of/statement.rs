//! A client's statement, of the same lines as `/api/reports/statement`.

use documents::Paper;
use documents::papers::{Account, Entry, Frame, Statement, What};
use domain::language::Language;
use domain::ledger::Kind;
use domain::seal::Day;
use domain::{ClientId, CreditNoteId, Currency, Refusal, Scope, Timestamp};
use flows::Failure;
use store::invoices::BillTo;
use store::ledger_balances::{self as rows, Line, Place};
use store::{Tx, clients, credit_notes, invoices};

use super::{Document, file_name, party, print, readers, seller};
use crate::router::Site;

/// Most lines of one currency: some thirty pages.
const LINES_MAX: i64 = 1_000;
/// Open invoices whose age is looked at.
const OPEN_MAX: i64 = 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// From which day to which, both included, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
}

/// The statement of a client.
///
/// # Errors
/// [`Refusal::NotFound`] for a client that the scope does not have, [`Refusal::InvalidField`] for a time with
/// more lines than a document may have.
pub async fn statement(
    site: &Site,
    scope: &Scope,
    client: &ClientId,
    period: Period,
    language: Option<Language>,
) -> Result<Document, Failure> {
    let (scope, client, now) = (scope.clone(), client.clone(), site.app.clock.now());
    let name = file_name("statement", &format!("{}-{}", period.from, period.to));
    let read = site
        .app
        .db
        .read(move |tx| read(tx, &scope, &client, period, (language, now)));
    let paper: Statement = read.await?;
    print(site, name, Paper::Statement(Box::new(paper))).await
}

fn read(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    period: Period,
    (language, now): (Option<Language>, Timestamp),
) -> Result<Statement, Failure> {
    let row = clients::get(tx, scope, client)?.ok_or(Refusal::NotFound)?;
    let mut accounts = Vec::new();
    for currency in rows::currencies_of_client(tx, scope, client)? {
        let from = Place::before(period.from.begins());
        let opening_minor = rows::owed_at(tx, scope, client, currency, &from)?;
        let until = period.to.ends();
        let lines = rows::statement(tx, scope, client, currency, &from, until, LINES_MAX + 1)?;
        if i64::try_from(lines.len()).unwrap_or(i64::MAX) > LINES_MAX {
            let problem = format!("leaves more than {LINES_MAX} lines: ask for a shorter time");
            return Err(Refusal::invalid("from", problem).into());
        }
        if lines.is_empty() && opening_minor == 0 {
            continue;
        }
        let mut entries = Vec::new();
        for line in lines.into_iter().flat_map(by_part) {
            entries.push(entry(tx, scope, line)?);
        }
        // How old what is owed is, is known of today only.
        let by_age_minor = match until > now {
            true => by_age(tx, scope, client, currency, Day::of(now))?,
            false => [0; 5],
        };
        accounts.push(Account {
            currency,
            opening_minor,
            entries,
            by_age_minor,
        });
    }
    Ok(Statement {
        frame: Frame {
            language: readers(tx, scope, client, language)?,
            seller: seller::read(tx, scope)?,
            client: party(BillTo::of(&row)),
            test: !scope.mode.is_live(),
        },
        from: period.from,
        to: period.to,
        accounts,
    })
}

/// A line that is about several invoices is a line for each of them, and one for what is credit.
fn by_part(line: Line) -> Vec<Line> {
    if line.parts.is_empty() {
        return vec![line];
    }
    let of_parts: i64 = line.parts.iter().map(|part| part.amount).sum();
    let one = |number: Option<String>, amount: i64| Line {
        invoice_number: number,
        amount,
        parts: Vec::new(),
        ..line.clone()
    };
    let parts = line.parts.iter();
    let mut all: Vec<Line> = parts
        .map(|part| one(part.invoice_number.clone(), part.amount))
        .collect();
    all.push(one(None, line.amount.saturating_sub(of_parts)));
    all.retain(|part| part.amount != 0);
    all
}

fn entry(tx: &mut Tx, scope: &Scope, line: Line) -> Result<Entry, Failure> {
    let what = what(&line.kind);
    let reference = match what {
        What::CreditNote => {
            let note = credit_notes::get(tx, scope, &CreditNoteId::stored(line.source))?;
            note.map(|note| note.number)
        }
        What::Invoice
        | What::Void
        | What::Payment
        | What::PaymentTakenBack
        | What::Refund
        | What::RefundFailed
        | What::TakenBack
        | What::Regained
        | What::Other => line.invoice_number,
    };
    Ok(Entry {
        on: Day::of(line.at),
        what,
        reference: reference.unwrap_or_default(),
        amount_minor: line.amount,
    })
}

fn what(kind: &str) -> What {
    let known = [
        (Kind::Invoice, What::Invoice),
        (Kind::InvoiceVoid, What::Void),
        (Kind::CreditNote, What::CreditNote),
        (Kind::Payment, What::Payment),
        (Kind::OfflinePayment, What::Payment),
        (Kind::OfflinePaymentReversal, What::PaymentTakenBack),
        (Kind::Refund, What::Refund),
        (Kind::RefundReversal, What::RefundFailed),
        (Kind::DisputeLost, What::TakenBack),
        (Kind::DisputeRegained, What::Regained),
    ];
    let found = known.into_iter().find(|(known, _)| known.word() == kind);
    found.map_or(What::Other, |(_, what)| what)
}

fn by_age(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    currency: Currency,
    today: Day,
) -> Result<[i64; 5], Failure> {
    let mut ages = [0_i64; 5];
    for invoice in invoices::open_of_client(tx, scope, client, currency, OPEN_MAX)? {
        let due = invoice.due_date.as_deref().and_then(Day::parse);
        let late = due.map_or(0, |due| (today.begins().ms() - due.begins().ms()) / DAY_MS);
        let age = match late {
            ..=0 => 0,
            1..=30 => 1,
            31..=60 => 2,
            61..=90 => 3,
            91.. => 4,
        };
        ages[age] += invoice.owed().minor();
    }
    Ok(ages)
}
