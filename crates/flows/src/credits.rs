//! Credit that a tenant gives and uses by its own commands: a credit note takes a part of an invoice back,
//! and a client's credit pays an invoice.

use domain::invoice::{self, InvoiceState};
use domain::{
    ClientId, CreditApplicationId, Currency, InvoiceId, LedgerTransactionId, Money, Refusal, Scope, ledger,
};
use serde_json::json;
use store::client_credits::{self, ClientCredit};
use store::credit_applications::{self, CreditApplication};
use store::credit_notes::{self as notes, CreditNote};
use store::invoices::{self, Invoice};
use store::ledger::Posting;
use store::{Tx, clients, disputes, payments};

use crate::audit::{self, Entry};
use crate::collect::Looked;
use crate::credit_notes::{self, Wanted};
use crate::{App, By, Failure, Moment, collect, invoice_moves};

/// Characters of a credit note's reason.
const REASON_MAX: usize = 500;
/// Ids of a credit note begin here.
const FIRST_ID: u32 = 0;

/// What a credit note takes back.
#[derive(Clone, Debug)]
pub enum Part {
    /// Minor units, tax included.
    Amount(i64),
    /// These lines of the invoice, counted from 1, with their tax.
    Lines(Vec<usize>),
}

/// An invoice, and in which version somebody has seen it.
#[derive(Clone, Debug)]
pub struct AtVersion {
    /// The invoice.
    pub id: InvoiceId,
    /// The version; none for whoever does not say.
    pub version: Option<i64>,
}

/// Takes a part of a finalized invoice back by a credit note. A live payment of the old amount is cancelled
/// at Stripe first. Its id comes from `moment`, which a request that is tried again has from its first try:
/// then the note that was made is answered.
///
/// # Errors
/// [`Refusal::InvoiceDraft`], [`Refusal::InvoiceVoid`], [`Refusal::PaymentInProgress`],
/// [`Refusal::CreditTooLarge`], [`Refusal::InvalidField`], [`Refusal::NotFound`].
pub async fn note(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    id: &InvoiceId,
    part: &Part,
    reason: &str,
) -> Result<CreditNote, Failure> {
    let of = AtVersion {
        id: id.clone(),
        version: None,
    };
    note_seen(app, scope, by, moment, &of, part, reason).await
}

/// As [`note`], where the invoice is still as it was seen.
///
/// # Errors
/// [`Refusal::VersionConflict`] where it is not, and those of [`note`].
pub async fn note_seen(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    invoice: &AtVersion,
    part: &Part,
    reason: &str,
) -> Result<CreditNote, Failure> {
    let (id, seen) = (&invoice.id, invoice.version);
    let reason = domain::text::shown(reason, REASON_MAX, false).ok_or_else(|| {
        let problem = format!("must say in 1 to {REASON_MAX} characters why, for the client to read");
        Refusal::invalid("reason", problem)
    })?;
    let made = domain::CreditNoteId::new(moment.at, moment.random(FIRST_ID));
    let (note, invoice) = to_credit(app, scope, invoice, &made).await?;
    if let Some(note) = note {
        return Ok(note);
    }
    if invoice.status == InvoiceState::Open {
        collect::cancel_live(app, scope, by, id).await?;
    }
    let settled = (invoice.applied, invoice.credited);
    let (scope, by, id, part) = (scope.clone(), by.clone(), id.clone(), part.clone());
    app.db
        .write(move |tx| {
            if let Some(note) = notes::get(tx, &scope, &made)? {
                return Ok(note);
            }
            let mut invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            creditable(&invoice)?;
            collect::refuse_live(tx, &scope, &id)?;
            if seen.is_some() && settled != (invoice.applied, invoice.credited) {
                return Err(Refusal::VersionConflict.into());
            }
            let before = noted(&invoice);
            let (amount_minor, tax_minor) = share(tx, &scope, &invoice, &part)?;
            Money::new(amount_minor, invoice.currency).in_steps("amount")?;
            let wanted = Wanted {
                amount_minor,
                reason: &reason,
                refund_id: None,
                dispute: None,
                cause: "api",
                first_id: FIRST_ID,
            };
            let note = credit_notes::issue_taxed(tx, moment, &scope, &mut invoice, &wanted, tax_minor)?;
            let entry = Entry {
                action: "credit_note.created",
                subject: note.id.as_str(),
                before: Some(before),
                after: Some(noted_note(&note)),
            };
            audit::note(tx, Some(&scope), &by, moment, &entry)?;
            Ok(note)
        })
        .await
}

/// The invoice as it was seen; or with the note that an earlier try of the same made.
async fn to_credit(
    app: &App,
    scope: &Scope,
    seen: &AtVersion,
    made: &domain::CreditNoteId,
) -> Result<(Option<CreditNote>, Invoice), Failure> {
    let (of, seen, made) = (scope.clone(), seen.clone(), made.clone());
    let found = app.db.read(move |tx| {
        let note = notes::get(tx, &of, &made)?;
        let invoice = invoices::get(tx, &of, &seen.id)?.ok_or(Refusal::NotFound)?;
        if note.is_none() {
            creditable(&invoice)?;
            if seen.version.is_some_and(|seen| seen != invoice.version) {
                return Err(Refusal::VersionConflict.into());
            }
        }
        Ok::<_, Failure>((note, invoice))
    });
    found.await
}

/// The amount, tax included, and the tax in it where lines are named.
fn share(tx: &mut Tx, scope: &Scope, invoice: &Invoice, part: &Part) -> Result<(i64, Option<i64>), Failure> {
    let named = match part {
        Part::Amount(amount) => return Ok((*amount, None)),
        Part::Lines(named) => named,
    };
    let lines = invoices::lines(tx, scope, &invoice.id)?;
    let mut chosen = Vec::new();
    for (index, line) in (1_usize..).zip(invoice::discount::after(&lines, invoice.discounted)) {
        if named.contains(&index) {
            chosen.push(line);
        }
    }
    let unique = named.iter().collect::<std::collections::BTreeSet<_>>().len();
    if chosen.is_empty() || chosen.len() != named.len() || unique != named.len() {
        let problem = "must name lines of the invoice, counted from 1, each once";
        return Err(Refusal::invalid("lines", problem).into());
    }
    let totals = invoice::totals(&chosen, None, invoice.currency)?;
    // The invoice rounds the tax of a rate once, and notes over its lines one by one round it each time.
    let noted = notes::of_invoice(tx, scope, &invoice.id)?;
    let noted: i64 = noted.iter().map(|note| note.total).sum();
    let left = invoice.total.minor().saturating_sub(noted);
    let amount = totals.total.minor();
    let rounded = i64::try_from(unique).unwrap_or(0);
    let fits = amount > left && amount.saturating_sub(left) <= rounded;
    Ok((if fits { left } else { amount }, Some(totals.tax_minor)))
}

fn creditable(invoice: &Invoice) -> Result<(), Refusal> {
    match invoice.status {
        InvoiceState::Draft => Err(Refusal::InvoiceDraft),
        InvoiceState::Void => Err(Refusal::InvoiceVoid),
        InvoiceState::Processing => Err(Refusal::PaymentInProgress),
        InvoiceState::Open | InvoiceState::Paid => Ok(()),
    }
}

/// What the audit log keeps of an invoice before its note.
fn noted(invoice: &Invoice) -> String {
    let json = json!({
        "invoice_id": invoice.id.as_str(),
        "status": invoice.status.word(),
        "amount_due": invoice.owed().minor(),
    });
    json.to_string()
}

fn noted_note(note: &CreditNote) -> String {
    let json = json!({
        "number": note.number,
        "invoice_id": note.invoice_id.as_str(),
        "total": note.total,
        "to_invoice": note.to_invoice,
        "to_credit": note.to_credit,
        "currency": note.currency.code(),
    });
    json.to_string()
}

/// A client's credit.
#[derive(Clone, Debug)]
pub struct Credit {
    /// What is left of it, oldest first.
    pub pieces: Vec<Piece>,
}

/// One piece of credit.
#[derive(Clone, Debug)]
pub struct Piece {
    /// What is left, and where it came from.
    pub credit: ClientCredit,
    /// Whether its payment is disputed, so that it pays nothing until that is decided.
    pub held: bool,
}

/// What is left of a client's credit.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn of_client(app: &App, scope: &Scope, client: &ClientId) -> Result<Credit, Failure> {
    let (scope, client) = (scope.clone(), client.clone());
    app.db.read(move |tx| read(tx, &scope, &client)).await
}

fn read(tx: &mut Tx, scope: &Scope, client: &ClientId) -> Result<Credit, Failure> {
    clients::get(tx, scope, client)?.ok_or(Refusal::NotFound)?;
    let mut pieces = Vec::new();
    for credit in client_credits::of_client(tx, scope, client)? {
        let held = is_held(tx, scope, &credit)?;
        pieces.push(Piece { credit, held });
    }
    Ok(Credit { pieces })
}

/// Whether a bank may take the money that a piece of credit is: that of its payment, or, where a credit note
/// made it of what was paid, that of the payments of its invoice.
fn is_held(tx: &mut Tx, scope: &Scope, credit: &ClientCredit) -> Result<bool, Failure> {
    let payments = match (&credit.payment_id, &credit.invoice_id) {
        (Some(payment), _) => vec![payment.clone()],
        (None, Some(invoice)) => {
            let paid = payments::of_invoice(tx, scope, invoice, i64::MAX)?;
            paid.into_iter().map(|payment| payment.id).collect()
        }
        (None, None) => Vec::new(),
    };
    for payment in payments {
        if disputes::held(tx, scope, &payment)?.holds_credit {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Credit {
    /// What may be used in a currency, in minor units.
    pub fn usable(&self, currency: Currency) -> i64 {
        self.usable_pieces(currency).map(|credit| credit.remaining).sum()
    }

    fn usable_pieces(&self, currency: Currency) -> impl Iterator<Item = &ClientCredit> {
        let usable = move |piece: &&Piece| !piece.held && piece.credit.currency == currency;
        self.pieces.iter().filter(usable).map(|piece| &piece.credit)
    }
}

/// What a client's credit is used for.
#[derive(Clone, Debug)]
pub struct Use {
    /// Whose credit.
    pub client_id: ClientId,
    /// The invoice that it pays.
    pub invoice_id: InvoiceId,
    /// In which version somebody has seen that; none for whoever does not say.
    pub version: Option<i64>,
    /// Minor units of the invoice's currency.
    pub amount_minor: i64,
}

/// Pays an invoice with its client's credit, the oldest first. A live payment of the old amount is cancelled
/// at Stripe first. Its id comes from `moment`, as in [`note`].
///
/// # Errors
/// [`Refusal::InvalidField`] for an invoice that is not the client's, or an amount that is none, more than is
/// owed or more than the credit; [`Refusal::VersionConflict`] where the invoice is not as it was seen; those
/// of [`invoice::payable`]; [`Refusal::NotFound`].
pub async fn apply(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    wanted: Use,
) -> Result<CreditApplication, Failure> {
    let id = CreditApplicationId::new(moment.at, moment.random(0));
    let (of, known, of_use) = (scope.clone(), id.clone(), wanted.clone());
    let look = move |tx: &mut Tx| match credit_applications::get(tx, &of, &known)? {
        Some(made) => Ok(Looked::Made(made)),
        None => {
            as_seen(tx, &of, &of_use)?;
            let (invoice, _) = check(tx, &of, &of_use)?;
            Ok(Looked::Seen((invoice.applied, invoice.credited)))
        }
    };
    let settled = match collect::make_room(app, scope, by, &wanted.invoice_id, look).await? {
        Looked::Made(made) => return Ok(made),
        Looked::Seen(settled) => settled,
    };
    let (scope, by) = (scope.clone(), by.clone());
    app.db
        .write(move |tx| {
            if let Some(made) = credit_applications::get(tx, &scope, &id)? {
                return Ok(made);
            }
            let (mut invoice, credit) = check(tx, &scope, &wanted)?;
            if wanted.version.is_some() && settled != (invoice.applied, invoice.credited) {
                return Err(Failure::from(Refusal::VersionConflict));
            }
            collect::refuse_live(tx, &scope, &invoice.id)?;
            let application = CreditApplication {
                id: id.clone(),
                client_id: wanted.client_id.clone(),
                invoice_id: invoice.id.clone(),
                currency: invoice.currency,
                uses: use_up(tx, &scope, &credit, invoice.currency, wanted.amount_minor)?,
                created_at: moment.at,
            };
            credit_applications::insert(tx, &scope, &application)?;
            post(tx, moment, &scope, &application)?;
            invoice.applied = invoice.applied.saturating_add(wanted.amount_minor);
            invoice_moves::settle(tx, moment, &scope, &mut invoice, "api")?;
            let entry = Entry {
                action: "client_credit.applied",
                subject: invoice.id.as_str(),
                before: None,
                after: Some(noted_use(&application)),
            };
            audit::note(tx, Some(&scope), &by, moment, &entry)?;
            Ok(application)
        })
        .await
}

/// Refuses an invoice that is not as somebody has seen it. One that is not there has its own refusal.
fn as_seen(tx: &mut Tx, scope: &Scope, wanted: &Use) -> Result<(), Failure> {
    let invoice = invoices::get(tx, scope, &wanted.invoice_id)?;
    match (wanted.version, invoice) {
        (Some(seen), Some(invoice)) if seen != invoice.version => Err(Refusal::VersionConflict.into()),
        (_, _) => Ok(()),
    }
}

fn check(tx: &mut Tx, scope: &Scope, wanted: &Use) -> Result<(Invoice, Credit), Failure> {
    let credit = read(tx, scope, &wanted.client_id)?;
    let invoice = invoices::get(tx, scope, &wanted.invoice_id)?;
    let invoice = invoice
        .filter(|invoice| invoice.client_id == wanted.client_id)
        .ok_or_else(|| Refusal::invalid("invoice_id", "must be the id of an invoice of this client"))?;
    invoice::payable(invoice.status)?;
    let most = invoice.owed().minor().min(credit.usable(invoice.currency));
    if !(1..=most).contains(&wanted.amount_minor) {
        let most = Money::new(most.max(0), invoice.currency);
        let problem =
            format!("must be more than nothing and at most {most}: what is owed, and what is credit");
        return Err(Refusal::invalid("amount", problem).into());
    }
    Money::new(wanted.amount_minor, invoice.currency).in_steps("amount")?;
    Ok((invoice, credit))
}

/// Pays an invoice that is owed again with the unused credit that came of it, such as a credit note's while
/// it was settled: what was forgiven is not asked for a second time. The caller settles the invoice.
pub(crate) fn set_off_own(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    by: &By,
    invoice: &mut Invoice,
) -> Result<(), Failure> {
    let mut pieces = Vec::new();
    for credit in client_credits::of_invoice(tx, scope, &invoice.id)? {
        let held = is_held(tx, scope, &credit)?;
        pieces.push(Piece { credit, held });
    }
    let credit = Credit { pieces };
    let amount = credit.usable(invoice.currency).min(invoice.owed().minor());
    if amount <= 0 {
        return Ok(());
    }
    let application = CreditApplication {
        id: CreditApplicationId::new(moment.at, moment.random(2)),
        client_id: invoice.client_id.clone(),
        invoice_id: invoice.id.clone(),
        currency: invoice.currency,
        uses: use_up(tx, scope, &credit, invoice.currency, amount)?,
        created_at: moment.at,
    };
    credit_applications::insert(tx, scope, &application)?;
    post(tx, moment, scope, &application)?;
    invoice.applied = invoice.applied.saturating_add(amount);
    let entry = Entry {
        action: "client_credit.applied",
        subject: invoice.id.as_str(),
        before: None,
        after: Some(noted_use(&application)),
    };
    Ok(audit::note(tx, Some(scope), by, moment, &entry)?)
}

/// Takes an amount from the pieces of credit, the oldest first.
fn use_up(
    tx: &mut Tx,
    scope: &Scope,
    credit: &Credit,
    currency: Currency,
    amount_minor: i64,
) -> Result<Vec<(domain::ClientCreditId, i64)>, Failure> {
    let (mut left, mut uses) = (amount_minor, Vec::new());
    for piece in credit.usable_pieces(currency) {
        let amount = piece.remaining.min(left);
        if amount == 0 {
            break;
        }
        if !client_credits::take(tx, scope, &piece.id, amount)? {
            return Err(store::Error::Conflict.into());
        }
        left = left.saturating_sub(amount);
        uses.push((piece.id.clone(), amount));
    }
    if left > 0 {
        return Err(Failure::Bug(format!("{left} of the credit is not there")));
    }
    Ok(uses)
}

fn post(tx: &mut Tx, moment: Moment, scope: &Scope, application: &CreditApplication) -> Result<(), Failure> {
    let transaction = ledger::credit_applied(Money::new(application.amount(), application.currency))?;
    let posting = Posting {
        scope,
        id: LedgerTransactionId::new(moment.at, moment.random(1)),
        source_id: application.id.as_str(),
        invoice_id: Some(&application.invoice_id),
        payment_id: None,
        reverses: None,
        at: moment.at,
    };
    store::ledger::post(tx, &posting, &transaction)?;
    Ok(())
}

fn noted_use(application: &CreditApplication) -> String {
    let json = json!({
        "application_id": application.id.as_str(),
        "client_id": application.client_id.as_str(),
        "amount": application.amount(),
        "currency": application.currency.code(),
    });
    json.to_string()
}
