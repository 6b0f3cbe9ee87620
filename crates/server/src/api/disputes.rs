//! `/api/disputes`: what payers' banks dispute, what was told to them, and what becomes of what was lost.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use domain::dispute::evidence::{self, Evidence, Field};
use domain::dispute::{Outcome, Status};
use domain::{DisputeId, Refusal, Scope, Timestamp};
use flows::Failure;
use flows::disputes::files::{self, Upload};
use flows::disputes::{self, Shown};
use serde::{Deserialize, Serialize};
use store::dispute_files::DisputeFile;
use store::disputes::{self as rows, Dispute};

use super::lists::{Asked, Given, Takes};
use super::{Caller, InPath, Input, Object, Page, Query, read_body};
use crate::idempotency::Once;
use crate::problem::Problem;
use crate::router::Site;

/// A dispute as the API shows it; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct DisputeJson {
    id: String,
    object: &'static str,
    livemode: bool,
    payment_id: String,
    stripe_dispute_id: String,
    status: String,
    /// Whether it is a question of the bank's, which takes no money.
    is_inquiry: bool,
    reason: String,
    network_reason_code: Option<String>,
    currency: &'static str,
    amount: i64,
    withdrawn: i64,
    reinstated: i64,
    fee: i64,
    fee_currency: Option<&'static str>,
    /// Until when the bank takes evidence.
    due_at: Option<i64>,
    /// Whether evidence can be given to the bank now.
    can_submit: bool,
    /// Whether an answer is on its way to Stripe, and its outcome is not known yet.
    answer_in_progress: bool,
    evidence_version: i64,
    submitted_version: Option<i64>,
    submitted_at: Option<i64>,
    /// `undecided` asks for `POST …/settle`.
    settlement: &'static str,
    settled: i64,
    settled_at: Option<i64>,
    credit_note_id: Option<String>,
    opened_at: i64,
    closed_at: Option<i64>,
}

impl DisputeJson {
    fn of(dispute: Dispute, now: Timestamp) -> DisputeJson {
        DisputeJson {
            id: dispute.id.to_string(),
            object: "dispute",
            livemode: dispute.scope.mode.is_live(),
            payment_id: dispute.payment_id.to_string(),
            status: dispute.standing.word().to_owned(),
            is_inquiry: dispute
                .standing
                .known()
                .is_some_and(domain::dispute::Status::is_inquiry),
            currency: dispute.currency.code(),
            amount: dispute.amount,
            withdrawn: dispute.taken.withdrawn,
            reinstated: dispute.taken.reinstated,
            fee: dispute.taken.fee,
            fee_currency: dispute.fee_currency.map(domain::Currency::code),
            due_at: dispute.due_at.map(Timestamp::ms),
            can_submit: disputes::may_submit(&dispute, now).is_ok(),
            answer_in_progress: dispute.operation_id.is_some(),
            evidence_version: dispute.evidence_version,
            submitted_version: dispute.submitted_version,
            submitted_at: dispute.submitted_at.map(Timestamp::ms),
            settlement: dispute.settlement.word(),
            settled: dispute.decided.settled,
            settled_at: dispute.settled_at.map(Timestamp::ms),
            opened_at: dispute.opened_at.ms(),
            closed_at: dispute.closed_at.map(Timestamp::ms),
            stripe_dispute_id: dispute.stripe_dispute_id,
            reason: dispute.reason,
            network_reason_code: dispute.network_reason_code,
            credit_note_id: dispute.credit_note_id,
        }
    }
}

/// A dispute with its evidence.
#[derive(Debug, Serialize)]
pub struct WholeJson {
    #[serde(flatten)]
    dispute: DisputeJson,
    invoice_id: String,
    evidence: EvidenceJson,
    movements: Vec<MovementJson>,
}

#[derive(Debug, Serialize)]
struct EvidenceJson {
    /// 0 before anything was put.
    version: i64,
    /// What is to be told to the bank.
    draft: BTreeMap<&'static str, String>,
    /// What was uploaded for it, oldest first.
    files: Vec<FileJson>,
    /// What can be told from our own rows. Put what of it is right.
    prefilled: BTreeMap<&'static str, String>,
    /// What banks look for in such a dispute that is not said.
    missing: Vec<&'static str>,
}

/// A file that evidence may name.
#[derive(Debug, Serialize)]
pub struct FileJson {
    id: String,
    object: &'static str,
    /// What evidence names it by, once Stripe has it.
    stripe_file_id: Option<String>,
    /// `uploading`, `uploaded` or `refused`.
    status: &'static str,
    name: String,
    content_type: &'static str,
    /// In bytes.
    size: i64,
    sha256: String,
    created_at: i64,
}

impl From<DisputeFile> for FileJson {
    fn from(file: DisputeFile) -> FileJson {
        FileJson {
            id: file.id.to_string(),
            object: "dispute_file",
            stripe_file_id: file.stripe_file_id,
            status: file.status.word(),
            name: file.name,
            content_type: file.kind.content_type(),
            size: file.bytes,
            sha256: file.digest,
            created_at: file.created_at.ms(),
        }
    }
}

#[derive(Debug, Serialize)]
struct MovementJson {
    stripe_balance_transaction_id: String,
    amount: i64,
    fee: i64,
    currency: &'static str,
}

impl WholeJson {
    fn of(shown: Shown, now: Timestamp) -> WholeJson {
        let named = |said: Evidence| {
            said.into_iter()
                .map(|(field, value)| (field.word(), value))
                .collect()
        };
        WholeJson {
            invoice_id: shown.payment.invoice_id.to_string(),
            evidence: EvidenceJson {
                version: shown.dispute.evidence_version,
                draft: named(shown.draft),
                files: shown.files.into_iter().map(FileJson::from).collect(),
                prefilled: named(shown.prefilled),
                missing: shown.missing.into_iter().map(Field::word).collect(),
            },
            movements: shown
                .movements
                .into_iter()
                .map(|moved| MovementJson {
                    stripe_balance_transaction_id: moved.transaction,
                    amount: moved.amount,
                    fee: moved.fee,
                    currency: moved.currency.code(),
                })
                .collect(),
            dispute: DisputeJson::of(shown.dispute, now),
        }
    }
}

/// What narrows the list.
const LIST: Takes = Takes {
    parameters: &[
        "status",
        "client_id",
        "invoice_id",
        "payment_id",
        "currency",
        "since",
        "until",
    ],
    statuses,
};

fn statuses() -> Vec<String> {
    Status::ALL
        .iter()
        .map(|status| status.word().to_owned())
        .collect()
}

/// `GET /api/disputes`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(given): Query<Given>,
) -> Result<Json<Page<DisputeJson>>, Problem> {
    let Asked { limit, after, only } = LIST.read(given)?;
    let after = after.as_deref().map(DisputeId::parse).transpose()?;
    let rows = site
        .app
        .db
        .read(move |tx| rows::page(tx, &scope, &only, after.as_ref(), limit + 1))
        .await;
    let (rows, now) = (rows.map_err(Failure::from)?, site.app.clock.now());
    let shown = rows.into_iter().map(|row| DisputeJson::of(row, now));
    Ok(Json(Page::of(shown.collect(), limit)))
}

/// `GET /api/disputes/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<WholeJson>, Problem> {
    let shown = disputes::show(&site.app, &scope, &DisputeId::parse(&id)?).await?;
    Ok(Json(WholeJson::of(shown, site.app.clock.now())))
}

/// Whether there is such a dispute comes before what is wrong with the request.
async fn known(site: &Site, scope: &Scope, id: &DisputeId) -> Result<(), Problem> {
    let (scope, id) = (scope.clone(), id.clone());
    let found = site.app.db.read(move |tx| rows::get(tx, &scope, &id)).await;
    found.map_err(Failure::from)?.ok_or(Refusal::NotFound)?;
    Ok(())
}

/// Evidence to be kept: all of it, by Stripe's names of the fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutEvidence {
    evidence: Option<Object<BTreeMap<String, String>>>,
    /// The version over which it is put.
    version: Option<i64>,
}

/// `PUT /api/disputes/{id}/evidence`
pub async fn put_evidence(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(put): Input<PutEvidence>,
) -> Result<Json<WholeJson>, Problem> {
    let id = DisputeId::parse(&id)?;
    known(&site, &scope, &id).await?;
    let none = || {
        Refusal::invalid(
            "evidence",
            "must be an object of texts by Stripe's names of the fields",
        )
    };
    let Object(given) = put.evidence.ok_or_else(none)?;
    let said = evidence::read(given.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    disputes::put_evidence(&site.app, &scope, &by, &id, put.version, said).await?;
    let shown = disputes::show(&site.app, &scope, &id).await?;
    Ok(Json(WholeJson::of(shown, site.app.clock.now())))
}

/// What an uploaded file is called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    name: Option<String>,
}

/// `POST /api/disputes/{id}/files`: the bytes of a PDF, JPEG or PNG file.
pub async fn upload(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Query(Named { name }): Query<Named>,
    Once(moment): Once,
    request: Request,
) -> Result<(StatusCode, Json<FileJson>), Problem> {
    let id = DisputeId::parse(&id)?;
    known(&site, &scope, &id).await?;
    let bytes = read_body(request).await?.to_vec();
    let upload = Upload::read(name.as_deref(), bytes)?;
    let file = files::upload(&site.app, &scope, &by, moment, &id, upload).await?;
    Ok((StatusCode::CREATED, Json(FileJson::from(file))))
}

/// Which version of the evidence was reviewed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    version: Option<i64>,
}

/// `POST /api/disputes/{id}/evidence/submit`
pub async fn submit(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(submit): Input<Submit>,
) -> Result<Json<DisputeJson>, Problem> {
    let id = DisputeId::parse(&id)?;
    known(&site, &scope, &id).await?;
    let unnamed = || Refusal::invalid("version", "must be the evidence's version that you have reviewed");
    let version = submit.version.ok_or_else(unnamed)?;
    let dispute = disputes::submit(&site.app, &scope, &by, &id, version).await?;
    Ok(Json(DisputeJson::of(dispute, site.app.clock.now())))
}

/// Nothing is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `POST /api/disputes/{id}/accept`
pub async fn accept(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(Nothing {}): Input<Nothing>,
) -> Result<Json<DisputeJson>, Problem> {
    let dispute = disputes::accept(&site.app, &scope, &by, &DisputeId::parse(&id)?).await?;
    Ok(Json(DisputeJson::of(dispute, site.app.clock.now())))
}

/// What becomes of the invoice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    #[serde(default)]
    outcome: String,
}

/// `POST /api/disputes/{id}/settle`
pub async fn settle(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(settle): Input<Settle>,
) -> Result<Json<DisputeJson>, Problem> {
    let id = DisputeId::parse(&id)?;
    known(&site, &scope, &id).await?;
    let unknown = || Refusal::invalid("outcome", "must be \"still_owed\" or \"forgiven\"");
    let outcome = Outcome::from_word(&settle.outcome).ok_or_else(unknown)?;
    let dispute = disputes::settle(&site.app, &scope, &by, &id, outcome).await?;
    Ok(Json(DisputeJson::of(dispute, site.app.clock.now())))
}
