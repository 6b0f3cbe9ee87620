//! Invoices from draft to void: the tenant's own commands. What payments do to an invoice is in `observe.rs`.

use domain::invoice::{self, Discount, InvoiceState, Line, Totals};
use domain::{
    ClientId, Currency, InvoiceId, LedgerTransactionId, MailAddress, Refusal, Scope, Timestamp, ledger,
};
use store::clients;
use store::invoices::{self, BillTo, Invoice};
use store::ledger::Posting;
use store::state_history::{self, Change};
use store::{Tx, invoice_settings, ledger as books};

use crate::audit::{self, Entry};
use crate::{App, By, Failure, Moment, collect, instance, tenants};

/// Longest name, e-mail or memo, in characters.
pub const TEXT_MAX: usize = 500;

/// What an invoice says, checked line by line.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Who owes it.
    pub client_id: ClientId,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// A sentence for the payer.
    pub memo: Option<String>,
    /// `YYYY-MM-DD`, checked by the caller.
    pub due_date: Option<String>,
    /// The lines.
    pub lines: Vec<Line>,
    /// What comes off the whole of them.
    pub discount: Option<Discount>,
}

/// Drafts an invoice. Its id comes from `moment`, as in [`crate::clients::add`].
///
/// # Errors
/// [`Refusal::InvalidField`] (an unknown client included), [`Refusal::AmountTooLarge`],
/// [`Refusal::ModeNotActive`], [`Refusal::TenantSuspended`].
pub async fn create(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    mut draft: Draft,
) -> Result<Invoice, Failure> {
    refuse_new_work_in_the_other_mode(app, scope)?;
    let totals = check(&mut draft)?;
    let invoice = Invoice {
        id: InvoiceId::new(moment.at, moment.random(0)),
        client_id: draft.client_id.clone(),
        number: None,
        currency: draft.currency,
        memo: draft.memo.clone(),
        due_date: draft.due_date.clone(),
        status: InvoiceState::Draft,
        version: 1,
        subtotal: totals.subtotal_minor,
        discount: draft.discount,
        discounted: totals.discount_minor,
        tax: totals.tax_minor,
        total: totals.total,
        applied: 0,
        credited: 0,
        bill_to: None,
        created_at: moment.at,
        finalized_at: None,
        paid_at: None,
        voided_at: None,
    };
    let (scope, by) = (scope.clone(), by.clone());
    app.db
        .write(move |tx| {
            if let Some(known) = invoices::get(tx, &scope, &invoice.id)? {
                return Ok(known);
            }
            tenants::new_work(tx, &scope)?;
            known_client(tx, &scope, &draft.client_id)?;
            invoices::insert(tx, &scope, &invoice)?;
            invoices::insert_lines(tx, &scope, &invoice.id, &draft.lines, moment.at)?;
            note(tx, &scope, &invoice, None, "api", moment.at)?;
            log(tx, &scope, &by, moment, "invoice.drafted", None, &invoice)?;
            Ok(invoice.clone())
        })
        .await
}

/// Replaces the content of a draft, guarded by the version that the caller read.
///
/// # Errors
/// [`Refusal::InvoiceFinalized`] once it is no draft, [`Refusal::VersionConflict`], and those of [`create`].
pub async fn edit(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &InvoiceId,
    version: Option<i64>,
    mut draft: Draft,
) -> Result<Invoice, Failure> {
    let totals = check(&mut draft)?;
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    app.db
        .write(move |tx| {
            let mut invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            let before = noted(&invoice);
            invoice::edit(invoice.status)?;
            if version.is_some_and(|version| version != invoice.version) {
                return Err(Failure::from(Refusal::VersionConflict));
            }
            known_client(tx, &scope, &draft.client_id)?;
            invoice.client_id.clone_from(&draft.client_id);
            invoice.currency = draft.currency;
            invoice.memo.clone_from(&draft.memo);
            invoice.due_date.clone_from(&draft.due_date);
            invoice.subtotal = totals.subtotal_minor;
            invoice.discount = draft.discount;
            invoice.discounted = totals.discount_minor;
            invoice.tax = totals.tax_minor;
            invoice.total = totals.total;
            if !invoices::edit(tx, &scope, &invoice)? {
                return Err(Refusal::VersionConflict.into());
            }
            invoices::insert_lines(tx, &scope, &id, &draft.lines, moment.at)?;
            invoice.version += 1;
            log(tx, &scope, &by, moment, "invoice.edited", Some(before), &invoice)?;
            Ok(invoice)
        })
        .await
}

/// Finalizes a draft: it gets its number, is owed from here on, and is booked.
///
/// # Errors
/// [`Refusal::InvoiceEmpty`], [`Refusal::AmountTooSmall`], [`Refusal::InvoiceFinalized`],
/// [`Refusal::NotFound`], [`Refusal::TenantSuspended`], [`Refusal::LiveLocked`].
pub async fn finalize(app: &App, scope: &Scope, by: &By, id: &InvoiceId) -> Result<Invoice, Failure> {
    finalize_version(app, scope, by, id, None).await
}

/// Finalizes the version of a draft that somebody has looked at, or whichever it is now.
///
/// # Errors
/// [`Refusal::VersionConflict`], and those of [`finalize`].
pub async fn finalize_version(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &InvoiceId,
    version: Option<i64>,
) -> Result<Invoice, Failure> {
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    app.db
        .write(move |tx| {
            let mut invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            let before = noted(&invoice);
            if invoice.status == InvoiceState::Draft && version.is_some_and(|seen| seen != invoice.version) {
                return Err(Failure::from(Refusal::VersionConflict));
            }
            tenants::new_work(tx, &scope)?;
            // Its number may have been given by what this is a copy of.
            instance::refuse_locked(tx, &scope)?;
            let lines = invoices::lines(tx, &scope, &id)?.len();
            let from = invoice.status;
            let to = invoice::finalize(from, lines, invoice.total)?;
            let prefix = invoice_settings::get(tx, &scope)?.prefix;
            let nth = invoice_settings::next_number(tx, &scope, &prefix, moment.at)?;
            let number = domain::invoice_settings::number(&prefix, nth);
            let client = clients::get(tx, &scope, &invoice.client_id)?.ok_or(Refusal::NotFound)?;
            let bill_to = BillTo::of(&client);
            if !invoices::finalize(tx, &scope, &invoice, &number, &bill_to, moment.at)? {
                return Err(Failure::from(Refusal::VersionConflict));
            }
            invoice.status = to;
            invoice.number = Some(number);
            invoice.bill_to = Some(bill_to);
            invoice.finalized_at = Some(moment.at);
            invoice.version += 1;
            note(tx, &scope, &invoice, Some(from), "api", moment.at)?;
            let transaction = ledger::invoice(invoice.total, invoice.net(), invoice.tax)?;
            post(tx, moment, &scope, &invoice, &transaction, None)?;
            log(
                tx,
                &scope,
                &by,
                moment,
                "invoice.finalized",
                Some(before),
                &invoice,
            )?;
            Ok(invoice)
        })
        .await
}

/// Voids an invoice. A live payment intent is cancelled at Stripe first; if that shows that money has arrived
/// or is on its way, the invoice is not voided.
///
/// # Errors
/// [`Refusal::InvoicePaid`], [`Refusal::InvoicePartlyPaid`], [`Refusal::PaymentInProgress`],
/// [`Refusal::InvoiceVoid`], [`Refusal::NotFound`].
pub async fn void(app: &App, scope: &Scope, by: &By, id: &InvoiceId) -> Result<Invoice, Failure> {
    void_seen(app, scope, by, id, None).await
}

/// As [`void`], where the invoice still is what was seen: in which version, and with what settled of it.
///
/// # Errors
/// [`Refusal::VersionConflict`] where it is not, and those of [`void`].
pub async fn void_seen(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &InvoiceId,
    seen: Option<i64>,
) -> Result<Invoice, Failure> {
    let (of, wanted) = (scope.clone(), id.clone());
    let before = app.db.read(move |tx| invoices::get(tx, &of, &wanted)).await?;
    let before = before.ok_or(Refusal::NotFound)?;
    if seen.is_some_and(|seen| seen != before.version) {
        return Err(Refusal::VersionConflict.into());
    }
    let status = before.status;
    collect::cancel_live(app, scope, by, id).await?;
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    app.db
        .write(move |tx| {
            let mut invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            // Cancelling a payment may have opened it again. A draft has none, and is as it was seen.
            let was_draft = status == InvoiceState::Draft;
            if was_draft && seen.is_some_and(|seen| seen != invoice.version) {
                return Err(Refusal::VersionConflict.into());
            }
            let before = noted(&invoice);
            collect::refuse_live(tx, &scope, &id)?;
            let from = invoice.status;
            invoice.status = invoice::void(from, invoice.settled())?;
            invoice.voided_at = Some(moment.at);
            if !invoices::store(tx, &scope, &invoice)? {
                return Err(Refusal::VersionConflict.into());
            }
            invoice.version += 1;
            note(tx, &scope, &invoice, Some(from), "api", moment.at)?;
            if from == InvoiceState::Open {
                let undone = books::find(tx, &scope, ledger::Kind::Invoice, id.as_str())?;
                let transaction = ledger::invoice_void(invoice.total, invoice.net(), invoice.tax)?;
                post(tx, moment, &scope, &invoice, &transaction, undone)?;
            }
            log(tx, &scope, &by, moment, "invoice.voided", Some(before), &invoice)?;
            Ok(invoice)
        })
        .await
}

/// Whether new work is made in this mode.
pub(crate) fn refuse_new_work_in_the_other_mode(app: &App, scope: &Scope) -> Result<(), Refusal> {
    if scope.mode == app.active_mode {
        Ok(())
    } else {
        Err(Refusal::ModeNotActive)
    }
}

/// Adds the draft up, and takes its memo as it will be shown.
fn check(draft: &mut Draft) -> Result<Totals, Refusal> {
    draft.memo = draft
        .memo
        .as_deref()
        .map(|memo| text("memo", memo, true))
        .transpose()?;
    invoice::totals(&draft.lines, draft.discount, draft.currency)
}

fn known_client(tx: &mut Tx, scope: &Scope, id: &ClientId) -> Result<(), Failure> {
    match clients::get(tx, scope, id)? {
        Some(_) => Ok(()),
        None => {
            Err(Refusal::invalid("client_id", "must be the id of one of your clients in this mode").into())
        }
    }
}

/// A text as it will be shown.
pub(crate) fn text(field: &'static str, given: &str, lines: bool) -> Result<String, Refusal> {
    domain::text::shown(given, TEXT_MAX, lines).ok_or_else(|| {
        let problem = format!("must be plain text with 1 to {TEXT_MAX} characters");
        Refusal::invalid(field, problem)
    })
}

/// An address as mails take it: what is stored of clients is what mail is sent to later.
pub(crate) fn email_address(field: &'static str, address: &str) -> Result<String, Refusal> {
    Ok(MailAddress::parse(field, address)?.as_str().to_owned())
}

fn note(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &Invoice,
    from: Option<InvoiceState>,
    cause: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let change = Change {
        scope,
        subject_id: invoice.id.as_str(),
        version: invoice.version,
        from: from.map(InvoiceState::word),
        to: invoice.status.word(),
        cause,
    };
    Ok(state_history::insert(tx, &change, at)?)
}

/// What the audit log keeps of an invoice.
fn noted(invoice: &Invoice) -> String {
    let json = serde_json::json!({
        "status": invoice.status.word(),
        "version": invoice.version,
        "number": invoice.number,
        "client_id": invoice.client_id.as_str(),
        "currency": invoice.currency.code(),
        "total": invoice.total.minor(),
    });
    json.to_string()
}

fn log(
    tx: &mut Tx,
    scope: &Scope,
    by: &By,
    moment: Moment,
    action: &'static str,
    before: Option<String>,
    invoice: &Invoice,
) -> Result<(), Failure> {
    let entry = Entry {
        action,
        subject: invoice.id.as_str(),
        before,
        after: Some(noted(invoice)),
    };
    Ok(audit::note(tx, Some(scope), by, moment, &entry)?)
}

fn post(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    invoice: &Invoice,
    transaction: &ledger::Transaction,
    reverses: Option<LedgerTransactionId>,
) -> Result<(), Failure> {
    let posting = Posting {
        scope,
        id: LedgerTransactionId::new(moment.at, moment.random(0)),
        source_id: invoice.id.as_str(),
        invoice_id: Some(&invoice.id),
        payment_id: None,
        reverses,
        at: moment.at,
    };
    books::post(tx, &posting, transaction)?;
    Ok(())
}
