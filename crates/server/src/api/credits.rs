//! Credit notes, and the credit of clients: what was given up, and what a client has paid that no invoice
//! took up.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{ClientId, CreditNoteId, Currency, InvoiceId, LedgerTransactionId, Refusal};
use flows::Failure;
use flows::credits::{self, AtVersion, Credit, Part, Piece, Use};
use serde::{Deserialize, Serialize};
use store::credit_applications::CreditApplication;
use store::credit_movements::{self, Movement};
use store::credit_notes::{self as notes, CreditNote};
use store::{clients, invoices};

use super::lists::{Asked, Given, Takes, stateless};
use super::{Caller, InPath, Input, Page, Query};
use crate::idempotency::Once;
use crate::problem::Problem;
use crate::router::Site;

/// A credit note to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// Minor units, tax included.
    amount: Option<i64>,
    /// Lines of the invoice, counted from 1, each with its tax.
    lines: Option<Vec<usize>>,
    #[serde(default)]
    reason: String,
    /// The version of the invoice that this is based on.
    version: Option<i64>,
}

impl NewNote {
    fn part(&self) -> Result<Part, Refusal> {
        match (self.amount, &self.lines) {
            (Some(amount), None) => Ok(Part::Amount(amount)),
            (None, Some(lines)) => Ok(Part::Lines(lines.clone())),
            (None, None) | (Some(_), Some(_)) => Err(Refusal::invalid(
                "amount",
                "must be given, or else `lines`, and not both",
            )),
        }
    }
}

/// A credit note as the API shows it; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct NoteJson {
    id: String,
    object: &'static str,
    number: String,
    invoice_id: String,
    client_id: String,
    currency: &'static str,
    reason: String,
    subtotal: i64,
    tax: i64,
    total: i64,
    /// What is owed no more.
    to_invoice: i64,
    /// What was paid already and became the client's credit.
    to_credit: i64,
    refund_id: Option<String>,
    dispute_id: Option<String>,
    created_at: i64,
}

impl From<CreditNote> for NoteJson {
    fn from(note: CreditNote) -> NoteJson {
        NoteJson {
            id: note.id.to_string(),
            object: "credit_note",
            number: note.number,
            invoice_id: note.invoice_id.to_string(),
            client_id: note.client_id.to_string(),
            currency: note.currency.code(),
            reason: note.reason,
            subtotal: note.subtotal,
            tax: note.tax,
            total: note.total,
            to_invoice: note.to_invoice,
            to_credit: note.to_credit,
            refund_id: note.refund_id,
            dispute_id: note.dispute_id,
            created_at: note.created_at.ms(),
        }
    }
}

/// `POST /api/invoices/{id}/credit-notes`
pub async fn create_note(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Once(moment): Once,
    InPath(id): InPath,
    Input(new): Input<NewNote>,
) -> Result<(StatusCode, Json<NoteJson>), Problem> {
    let id = InvoiceId::parse(&id)?;
    // Whether there is such an invoice comes before what is wrong with the request.
    let (of, wanted) = (scope.clone(), id.clone());
    let found = site.app.db.read(move |tx| invoices::get(tx, &of, &wanted)).await;
    found.map_err(Failure::from)?.ok_or(Refusal::NotFound)?;
    let (part, version) = (new.part()?, new.version);
    let seen = AtVersion { id, version };
    let note = credits::note_seen(&site.app, &scope, &by, moment, &seen, &part, &new.reason).await?;
    Ok((StatusCode::CREATED, Json(note.into())))
}

/// `GET /api/credit-notes/{id}`
pub async fn get_note(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<NoteJson>, Problem> {
    let id = CreditNoteId::parse(&id)?;
    let note = site.app.db.read(move |tx| notes::get(tx, &scope, &id)).await;
    Ok(Json(
        note.map_err(Failure::from)?.ok_or(Refusal::NotFound)?.into(),
    ))
}

/// What narrows the list of credit notes.
const LIST: Takes = Takes {
    parameters: &["client_id", "invoice_id", "currency", "since", "until"],
    statuses: stateless,
};

/// Nothing narrows the list of a client's movements.
const MOVEMENTS: Takes = Takes {
    parameters: &[],
    statuses: stateless,
};

/// `GET /api/credit-notes`
pub async fn list_notes(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(given): Query<Given>,
) -> Result<Json<Page<NoteJson>>, Problem> {
    let Asked { limit, after, only } = LIST.read(given)?;
    let after = after.as_deref().map(CreditNoteId::parse).transpose()?;
    let rows = site
        .app
        .db
        .read(move |tx| notes::page(tx, &scope, &only, after.as_ref(), limit + 1))
        .await;
    let rows = rows.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(NoteJson::from).collect(),
        limit,
    )))
}

/// A client's credit; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct CreditJson {
    object: &'static str,
    client_id: String,
    /// What may be used, by currency.
    balances: Vec<BalanceJson>,
    pieces: Vec<PieceJson>,
}

#[derive(Debug, Serialize)]
struct BalanceJson {
    currency: &'static str,
    amount: i64,
}

#[derive(Debug, Serialize)]
struct PieceJson {
    id: String,
    currency: &'static str,
    amount: i64,
    remaining: i64,
    /// Whether its payment is disputed, so that it pays nothing for now.
    held: bool,
    invoice_id: Option<String>,
    payment_id: Option<String>,
    credit_note_id: Option<String>,
    created_at: i64,
}

impl From<&Piece> for PieceJson {
    fn from(Piece { credit, held }: &Piece) -> PieceJson {
        PieceJson {
            id: credit.id.to_string(),
            currency: credit.currency.code(),
            amount: credit.amount,
            remaining: credit.remaining,
            held: *held,
            invoice_id: credit.invoice_id.as_ref().map(ToString::to_string),
            payment_id: credit.payment_id.as_ref().map(ToString::to_string),
            credit_note_id: credit.credit_note_id.as_ref().map(ToString::to_string),
            created_at: credit.created_at.ms(),
        }
    }
}

fn balances(credit: &Credit) -> Vec<BalanceJson> {
    let mut currencies: Vec<Currency> = Vec::new();
    for piece in &credit.pieces {
        if !currencies.contains(&piece.credit.currency) {
            currencies.push(piece.credit.currency);
        }
    }
    let balance = |currency: Currency| BalanceJson {
        currency: currency.code(),
        amount: credit.usable(currency),
    };
    currencies.into_iter().map(balance).collect()
}

/// `GET /api/clients/{id}/credit`
pub async fn of_client(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<CreditJson>, Problem> {
    let id = ClientId::parse(&id)?;
    let credit = credits::of_client(&site.app, &scope, &id).await?;
    Ok(Json(CreditJson {
        object: "client_credit",
        client_id: id.to_string(),
        balances: balances(&credit),
        pieces: credit.pieces.iter().map(PieceJson::from).collect(),
    }))
}

/// How a client's credit moved; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct MovementJson {
    id: String,
    object: &'static str,
    r#type: String,
    currency: &'static str,
    /// Below zero for what was used or went back.
    amount: i64,
    /// What there was of this currency afterwards.
    balance: i64,
    invoice_id: String,
    payment_id: Option<String>,
    credit_note_id: Option<String>,
    created_at: i64,
}

impl From<Movement> for MovementJson {
    fn from(movement: Movement) -> MovementJson {
        MovementJson {
            id: movement.id.to_string(),
            object: "credit_movement",
            r#type: movement.kind,
            currency: movement.currency.code(),
            amount: movement.amount,
            balance: movement.balance,
            invoice_id: movement.invoice_id.to_string(),
            payment_id: movement.payment_id.map(|id| id.to_string()),
            credit_note_id: movement.credit_note.map(|(id, _)| id.to_string()),
            created_at: movement.at.ms(),
        }
    }
}

/// `GET /api/clients/{id}/credit/movements`
pub async fn movements(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
    Query(given): Query<Given>,
) -> Result<Json<Page<MovementJson>>, Problem> {
    let id = ClientId::parse(&id)?;
    let Asked { limit, after, .. } = MOVEMENTS.read(given)?;
    let after = after.as_deref().map(LedgerTransactionId::parse).transpose()?;
    let read = site.app.db.read(move |tx| {
        clients::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let rows = credit_movements::page(tx, &scope, &id, after.as_ref(), limit + 1)?;
        Ok::<_, Failure>(rows)
    });
    let rows = read.await?.into_iter().map(MovementJson::from);
    Ok(Json(Page::of(rows.collect(), limit)))
}

/// What credit is used for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    #[serde(default)]
    invoice_id: String,
    /// Minor units.
    #[serde(default)]
    amount: i64,
    /// The version of the invoice that this is based on.
    version: Option<i64>,
}

/// Credit that paid an invoice.
#[derive(Debug, Serialize)]
pub struct AppliedJson {
    id: String,
    object: &'static str,
    client_id: String,
    invoice_id: String,
    currency: &'static str,
    amount: i64,
    created_at: i64,
}

impl From<CreditApplication> for AppliedJson {
    fn from(application: CreditApplication) -> AppliedJson {
        AppliedJson {
            id: application.id.to_string(),
            object: "credit_application",
            client_id: application.client_id.to_string(),
            invoice_id: application.invoice_id.to_string(),
            currency: application.currency.code(),
            amount: application.amount(),
            created_at: application.created_at.ms(),
        }
    }
}

/// `POST /api/clients/{id}/credit/apply`
pub async fn apply(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Once(moment): Once,
    InPath(id): InPath,
    Input(apply): Input<Apply>,
) -> Result<(StatusCode, Json<AppliedJson>), Problem> {
    let client_id = ClientId::parse(&id)?;
    // Whether there is such a client comes before what is wrong with the request.
    credits::of_client(&site.app, &scope, &client_id).await?;
    let unknown = |_| Refusal::invalid("invoice_id", "must be the id of an invoice of this client");
    let wanted = Use {
        client_id,
        invoice_id: InvoiceId::parse(&apply.invoice_id).map_err(unknown)?,
        version: apply.version,
        amount_minor: apply.amount,
    };
    let applied = credits::apply(&site.app, &scope, &by, moment, wanted).await?;
    Ok((StatusCode::CREATED, Json(applied.into())))
}
