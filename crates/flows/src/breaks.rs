//! Breaks: differences between our rows and Stripe's. Some end by themselves, when other rows say so; of the
//! others a person says that they are dealt with, and why.

use domain::{BreakId, Mode, Refusal, Scope, TenantId};
use serde_json::json;
use store::Tx;
use store::reconciliation_breaks::{self as rows, Break, Kept, Kind};

use crate::audit::{self, Entry};
use crate::{App, By, Failure, Moment};

/// Characters of a reason.
const REASON_MAX: usize = 500;

/// Opens a reconciliation break, with a line in the log when it is new.
#[expect(clippy::too_many_arguments, reason = "each names a column of the row")]
pub fn open_break(
    tx: &mut Tx,
    moment: Moment,
    nth: u32,
    tenant: Option<&TenantId>,
    mode: Mode,
    kind: Kind,
    subject_id: &str,
    detail: &str,
) -> Result<(), Failure> {
    let found = Break {
        id: BreakId::new(moment.at, moment.random(nth)),
        tenant,
        mode,
        kind,
        subject_id,
        detail,
    };
    if rows::open(tx, &found, moment.at)? {
        log(&found);
    }
    Ok(())
}

/// As [`open_break`], unless it was ever opened: what a person has dealt with stays so, though it is seen
/// again and again. Answers whether it is new.
#[expect(clippy::too_many_arguments, reason = "each names a column of the row")]
pub fn open_break_once(
    tx: &mut Tx,
    moment: Moment,
    nth: u32,
    tenant: Option<&TenantId>,
    mode: Mode,
    kind: Kind,
    subject_id: &str,
    detail: &str,
) -> Result<bool, Failure> {
    let found = Break {
        id: BreakId::new(moment.at, moment.random(nth)),
        tenant,
        mode,
        kind,
        subject_id,
        detail,
    };
    let is_new = rows::open_once(tx, &found, moment.at)?;
    if is_new {
        log(&found);
    }
    Ok(is_new)
}

fn log(found: &Break) {
    tracing::error!(
        kind = found.kind.word(),
        subject = found.subject_id,
        mode = found.mode.label(),
        "reconciliation break: {}",
        found.detail
    );
}

/// Stripe refuses our API key (401): nothing was done, nothing counts as failed, and a person is told.
///
/// # Errors
/// When the database fails.
pub async fn key_refused(app: &App, mode: Mode) -> Result<(), Failure> {
    let moment = app.moment();
    let detail = format!(
        "Stripe refuses the API key of {} mode (401): what waits goes on once it is replaced",
        mode.label()
    );
    app.db
        .write(move |tx| open_break(tx, moment, 0, None, mode, Kind::KeyRefused, mode.word(), &detail))
        .await
}

/// A person says that a break is dealt with. With a scope it must be one of that tenant and mode, without one
/// it is the operator who says so. One that is closed already stays as it is; what still differs is opened
/// again when it is seen next.
///
/// # Errors
/// [`Refusal::NotFound`], and [`Refusal::InvalidField`] for a reason that is none.
pub async fn resolve(
    app: &App,
    scope: Option<&Scope>,
    by: &By,
    id: &BreakId,
    reason: &str,
) -> Result<Kept, Failure> {
    let found = find(app, scope, id).await?;
    let reason = domain::text::shown(reason, REASON_MAX, false).ok_or_else(|| {
        let problem = format!("must say in 1 to {REASON_MAX} characters how it was dealt with");
        Refusal::invalid("reason", problem)
    })?;
    let (moment, by) = (app.moment(), by.clone());
    let (scope, id) = (scope.cloned(), found.id);
    app.db
        .write(move |tx| {
            let before = read(tx, scope.as_ref(), &id)?;
            let who = match by.actor.id() {
                Some(id) => format!("{}:{id}", by.actor.word()),
                None => by.actor.word().to_owned(),
            };
            if rows::close(tx, &id, Some((&who, &reason)), moment.at)? {
                note(tx, &by, moment, &before, &reason)?;
            }
            read(tx, scope.as_ref(), &id)
        })
        .await
}

async fn find(app: &App, scope: Option<&Scope>, id: &BreakId) -> Result<Kept, Failure> {
    let (scope, id) = (scope.cloned(), id.clone());
    app.db.read(move |tx| read(tx, scope.as_ref(), &id)).await
}

fn read(tx: &mut Tx, scope: Option<&Scope>, id: &BreakId) -> Result<Kept, Failure> {
    let found = match scope {
        Some(scope) => rows::get(tx, scope, id)?,
        None => rows::get_anybodys(tx, id)?,
    };
    Ok(found.ok_or(Refusal::NotFound)?)
}

fn note(tx: &mut Tx, by: &By, moment: Moment, found: &Kept, reason: &str) -> Result<(), Failure> {
    let of_tenant = found.tenant.clone().map(|tenant| Scope {
        tenant,
        mode: found.mode,
    });
    let entry = Entry {
        action: "break.resolved",
        subject: found.id.as_str(),
        before: Some(json!({"kind": found.kind, "subject_id": found.subject_id}).to_string()),
        after: Some(json!({"reason": reason}).to_string()),
    };
    Ok(audit::note(tx, of_tenant.as_ref(), by, moment, &entry)?)
}

/// Closes a break that other rows say is none any more.
///
/// # Errors
/// When the database fails.
pub async fn settle(app: &App, settled: &Kept) -> Result<(), Failure> {
    let (at, id) = (app.clock.now(), settled.id.clone());
    let closed = app.db.write(move |tx| rows::close(tx, &id, None, at)).await?;
    if closed {
        let (kind, subject) = (&settled.kind, &settled.subject_id);
        tracing::info!(kind, subject, "reconciliation break resolved");
    }
    Ok(())
}
