//! What the MSP answers: evidence, drafted as often as needed and given to the bank once, or that it gives
//! up. Both are writes to Stripe and noted before they are sent.

use std::collections::BTreeSet;

use domain::dispute::evidence::Kind::File;
use domain::dispute::evidence::{Evidence as Said, Field};
use domain::dispute::{self, Answerable, Evidence, Refused, Status as Standings, document};
use domain::{DisputeId, OperationId, Refusal, Scope, Timestamp};
use serde_json::json;
use store::disputes::{self as rows, Dispute};
use store::stripe_operations::{self, Kind, Operation, Outcome, Status};
use store::{Tx, dispute_files};
use stripe::{AccountId, CallError, Rejection, disputes as at_stripe};

use super::facts::DisputeFacts;
use super::{observe, payment_of, save};
use crate::audit::{self, Entry};
use crate::observe::Seen;
use crate::operations::{self, Heard, Intent};
use crate::{App, By, Failure, Moment, onboarding};

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Stripe carried it out.
    Done,
    /// Stripe refused it, or it is known never to have happened.
    Refused,
    /// Nobody knows yet.
    Unknown,
}

/// Keeps what is to be told to the bank, in the place of what was kept before. With a version, only over that
/// one.
///
/// # Errors
/// [`Refusal::NotFound`], and the [`Refused`] that says why nothing can be changed any more.
pub async fn put_evidence(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &DisputeId,
    version: Option<i64>,
    said: Said,
) -> Result<Dispute, Failure> {
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    app.db
        .write(move |tx| {
            let before = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            may_change(&before)?;
            if version.is_some_and(|version| version != before.evidence_version) {
                return Err(Refusal::from(Refused::EvidenceChanged).into());
            }
            files_fit(tx, &scope, &said)?;
            let mut dispute = before.clone();
            dispute.evidence = written(&said)?;
            dispute.evidence_version = dispute.evidence_version.saturating_add(1);
            let entry = Entry {
                action: "dispute.evidence_drafted",
                subject: id.as_str(),
                before: Some(noted(&before)?),
                after: Some(noted(&dispute)?),
            };
            audit::note(tx, Some(&scope), &by, moment, &entry)?;
            save(tx, &mut dispute, &before, "api", moment.at)?;
            Ok(dispute)
        })
        .await
}

/// Whether the files that evidence names, as far as they were uploaded through us, are small enough together.
fn files_fit(tx: &mut Tx, scope: &Scope, said: &Said) -> Result<(), Failure> {
    let named = said.iter().filter(|(field, _)| field.kind() == File);
    let named: BTreeSet<&str> = named.map(|(_, id)| id.as_str()).collect();
    let mut bytes: i64 = 0;
    for id in named {
        bytes = bytes.saturating_add(dispute_files::size(tx, scope, id)?.unwrap_or(0));
    }
    match usize::try_from(bytes) {
        Ok(bytes) if bytes <= document::BYTES_MAX => Ok(()),
        _ => Err(Refusal::from(Refused::FilesTooLarge).into()),
    }
}

/// Whether anything can still be told to the bank.
///
/// # Errors
/// The [`Refused`] that says why not.
pub fn may_change(dispute: &Dispute) -> Result<(), Refusal> {
    dispute::accept(&answerable(dispute))?;
    if dispute.is_answered() {
        return Err(Refused::Submitted.into());
    }
    Ok(())
}

fn answerable(dispute: &Dispute) -> Answerable<'_> {
    Answerable {
        standing: &dispute.standing,
        due_at: dispute.due_at,
        submitted: dispute.is_answered(),
        unresolved: dispute.operation_id.is_some(),
    }
}

/// Whether evidence may be given to the bank now.
///
/// # Errors
/// The [`Refused`] that says why not.
pub fn may_submit(dispute: &Dispute, now: Timestamp) -> Result<(), Refused> {
    dispute::submit(&answerable(dispute), now)
}

/// Gives the evidence to the bank, in the version that the caller has reviewed. What Stripe does not answer
/// to is sent again under the same key, and the dispute says that it is under way.
///
/// # Errors
/// [`Refusal::NotFound`], and the [`Refused`] that says why not.
pub async fn submit(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &DisputeId,
    version: i64,
) -> Result<Dispute, Failure> {
    let (moment, of, who, wanted) = (app.moment(), scope.clone(), by.clone(), id.clone());
    let noted = app.db.write(move |tx| {
        let before = rows::get(tx, &of, &wanted)?.ok_or(Refusal::NotFound)?;
        may_submit(&before, moment.at).map_err(Refusal::from)?;
        let said = read(&before)?;
        if said.is_empty() {
            return Err(Refusal::from(Refused::NoEvidence).into());
        }
        if version != before.evidence_version {
            return Err(Refusal::from(Refused::EvidenceChanged).into());
        }
        let fields: Vec<(&str, &str)> = said
            .iter()
            .map(|(field, value)| (field.word(), value.as_str()))
            .collect();
        let account = AccountId::parse(&before.stripe_account_id)?;
        let key = key(&before, "evidence");
        let write = at_stripe::submit(&account, &before.stripe_dispute_id, &fields, key);
        let kind = Kind::SubmitEvidence;
        note(
            tx,
            moment,
            &who,
            before,
            "dispute.evidence_submit_requested",
            Intent { kind, write },
        )
    });
    finish(app, scope, id, &noted.await?).await
}

/// Gives the dispute up: the money is gone for good.
///
/// # Errors
/// [`Refusal::NotFound`], and the [`Refused`] that says why not.
pub async fn accept(app: &App, scope: &Scope, by: &By, id: &DisputeId) -> Result<Dispute, Failure> {
    let (moment, of, who, wanted) = (app.moment(), scope.clone(), by.clone(), id.clone());
    let noted = app.db.write(move |tx| {
        let before = rows::get(tx, &of, &wanted)?.ok_or(Refusal::NotFound)?;
        dispute::accept(&answerable(&before)).map_err(Refusal::from)?;
        let account = AccountId::parse(&before.stripe_account_id)?;
        let key = key(&before, "accept");
        let write = at_stripe::close(&account, &before.stripe_dispute_id, key);
        let kind = Kind::CloseDispute;
        note(
            tx,
            moment,
            &who,
            before,
            "dispute.accept_requested",
            Intent { kind, write },
        )
    });
    finish(app, scope, id, &noted.await?).await
}

/// The key says what is done to which dispute. Each note of a write raises the version, so that another try,
/// after one that did not happen, is another write.
fn key(dispute: &Dispute, what: &str) -> String {
    let Dispute {
        scope, id, version, ..
    } = dispute;
    format!("dispute:{}:{id}:{what}:{version}", scope.tenant)
}

fn note(
    tx: &mut Tx,
    moment: Moment,
    by: &By,
    before: Dispute,
    action: &'static str,
    intent: Intent,
) -> Result<Operation, Failure> {
    let id = OperationId::new(moment.at, moment.random(1));
    let operation = operations::note(tx, &before.scope, None, id, intent, moment.at)?;
    let mut dispute = before.clone();
    dispute.operation_id = Some(operation.id.clone());
    let entry = Entry {
        action,
        subject: before.id.as_str(),
        before: Some(noted(&before)?),
        after: Some(json!({"write": operation.kind.word()}).to_string()),
    };
    audit::note(tx, Some(&before.scope), by, moment, &entry)?;
    save(tx, &mut dispute, &before, "api", moment.at)?;
    Ok(operation)
}

async fn finish(app: &App, scope: &Scope, id: &DisputeId, operation: &Operation) -> Result<Dispute, Failure> {
    match run(app, operation).await {
        Ok(Sent::Done | Sent::Unknown) => {}
        Ok(Sent::Refused) => return Err(Refusal::from(Refused::ByStripe).into()),
        // It is noted, and sent again by the reconciler.
        Err(failure @ (Failure::Store(_) | Failure::Unknown(_))) => {
            tracing::error!(operation = %operation.id, %failure, "what an answer came to is not known yet");
        }
        Err(failure) => return Err(failure),
    }
    let (scope, id) = (scope.clone(), id.clone());
    let dispute = app.db.read(move |tx| rows::get(tx, &scope, &id)).await?;
    Ok(dispute.ok_or(Refusal::NotFound)?)
}

/// Takes up an answer without a definite outcome: sends it again, or finds out by reading. Whether it is
/// known now.
///
/// # Errors
/// As [`run`] and [`by_reading`].
pub async fn take_up(app: &App, operation: &Operation, replay: bool) -> Result<bool, Failure> {
    let sent = match replay {
        true => run(app, operation).await?,
        false => by_reading(app, operation).await?,
    };
    Ok(sent != Sent::Unknown)
}

/// Sends a noted answer and commits what it came to.
///
/// # Errors
/// When there are no keys for its mode, or the database fails.
async fn run(app: &App, operation: &Operation) -> Result<Sent, Failure> {
    match operations::send(app, operation, stripe::Dispute::parse).await? {
        Heard::Done(answer, now) => {
            let outcome = operations::succeeded(&answer, &now.id);
            conclude(app, operation, outcome, Some(now)).await?;
            Ok(Sent::Done)
        }
        Heard::Rejected(rejection) => refused(app, operation, &rejection).await,
        Heard::Declined(_) | Heard::Kept | Heard::Reused => by_reading(app, operation).await,
        Heard::Nothing(why) => {
            operations::unknown(app, operation, &why).await?;
            Ok(Sent::Unknown)
        }
    }
}

async fn refused(app: &App, operation: &Operation, rejection: &Rejection) -> Result<Sent, Failure> {
    let code = rejection.code.clone().unwrap_or_else(|| rejection.type_.clone());
    tracing::warn!(operation = %operation.id, code, status = rejection.status, "Stripe refused a request");
    let outcome = Outcome {
        status: Status::Failed,
        http_status: Some(i64::from(rejection.status)),
        request_id: rejection.request_id.clone(),
        result_id: None,
        error: Some(code),
    };
    conclude(app, operation, outcome, None).await?;
    if rejection.is_account_gone() {
        onboarding::refresh(app, &operation.stripe_account_id, operation.scope.mode).await?;
    }
    Ok(Sent::Refused)
}

/// Finds out by reading whether an answer reached the bank, where sending it again would tell nothing.
///
/// # Errors
/// When Stripe or the database does not answer; the row stays open.
async fn by_reading(app: &App, operation: &Operation) -> Result<Sent, Failure> {
    let (scope, id) = (operation.scope.clone(), operation.id.clone());
    let row = app.db.read(move |tx| rows::by_operation(tx, &scope, &id)).await?;
    let Some(row) = row else {
        let outcome = operations::read_outcome(Status::Absent, None);
        conclude(app, operation, outcome, None).await?;
        return Ok(Sent::Refused);
    };
    let account = AccountId::parse(&row.stripe_account_id)?;
    let client = app.stripe(operation.scope.mode)?;
    let now = match at_stripe::retrieve(client, &account, &row.stripe_dispute_id).await {
        Err(CallError::Rejected(rejection)) if rejection.is_account_gone() => {
            return refused(app, operation, &rejection).await;
        }
        now => now?,
    };
    let happened = match operation.kind {
        Kind::SubmitEvidence => now.submission_count > 0,
        _ => [Standings::Lost, Standings::WarningClosed]
            .iter()
            .any(|status| status.word() == now.status),
    };
    let (status, sent) = if happened {
        (Status::Succeeded, Sent::Done)
    } else {
        (Status::Absent, Sent::Refused)
    };
    let outcome = operations::read_outcome(status, Some(&now.id));
    conclude(app, operation, outcome, Some(now)).await?;
    Ok(sent)
}

/// One transaction: the outcome, and what Stripe says of the dispute after it.
async fn conclude(
    app: &App,
    operation: &Operation,
    outcome: Outcome,
    now: Option<stripe::Dispute>,
) -> Result<(), Failure> {
    let facts = now.as_ref().map(DisputeFacts::of).transpose()?;
    let (moment, operation) = (app.moment(), operation.clone());
    operations::keep(app, move |tx| {
        let Operation { scope, id, kind, .. } = &operation;
        stripe_operations::settle(tx, scope, id, &outcome, moment.at)?;
        let Some(before) = rows::by_operation(tx, scope, id)? else {
            return Ok(());
        };
        let cause = format!("operation:{id}");
        let mut dispute = before.clone();
        dispute.operation_id = None;
        let happened = outcome.status == Status::Succeeded;
        if happened && *kind == Kind::SubmitEvidence {
            dispute.submitted_version = Some(dispute.evidence_version);
            dispute.submitted_at = Some(moment.at);
        }
        if !happened && !dispute.standing.is_over() {
            dispute.next_check_at = Some(moment.at);
        }
        save(tx, &mut dispute, &before, &cause, moment.at)?;
        let Some(facts) = &facts else { return Ok(()) };
        let payment = payment_of(tx, &dispute)?;
        // An answer may be older than an event that was faster.
        let seen = observe(tx, moment, &payment, facts, Evidence::Snapshot, &cause)?;
        if seen == Seen::Retrieve {
            rows::check_now(tx, scope, &dispute.id, moment.at)?;
        }
        Ok::<_, Failure>(())
    })
    .await
}

/// What is to be told to the bank, as it is kept.
///
/// # Errors
/// [`Failure::Bug`] where it cannot be read.
pub fn read(dispute: &Dispute) -> Result<Said, Failure> {
    let named: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&dispute.evidence).map_err(|error| Failure::Bug(error.to_string()))?;
    let known = |(name, value): (String, String)| Some((Field::from_word(&name)?, value));
    Ok(named.into_iter().filter_map(known).collect())
}

fn written(said: &Said) -> Result<String, Failure> {
    let named: std::collections::BTreeMap<&str, &str> = said
        .iter()
        .map(|(field, value)| (field.word(), value.as_str()))
        .collect();
    serde_json::to_string(&named).map_err(|error| Failure::Bug(error.to_string()))
}

/// What the audit log keeps of a dispute: which fields there are, and nothing of what is in them.
fn noted(dispute: &Dispute) -> Result<String, Failure> {
    let said = read(dispute)?;
    let fields: Vec<&str> = said.keys().map(|field| field.word()).collect();
    let json = json!({
        "status": dispute.standing.word(),
        "evidence_version": dispute.evidence_version,
        "evidence_fields": fields,
    });
    Ok(json.to_string())
}
