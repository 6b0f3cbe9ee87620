//! Noting a write before it is sent: a committed row with its key and frozen parameters.

use domain::{OperationId, PaymentId, Refusal, Scope, Timestamp};
use store::Tx;
use store::stripe_operations::{self as rows, Kind, Operation, Status};
use stripe::Write;

use super::lease_ms;
use crate::Failure;

/// A write that is to be noted and sent.
pub struct Intent {
    /// What it does.
    pub kind: Kind,
    /// The request, with its key.
    pub write: Write,
}

/// Notes a write before it is sent; the operation's id also goes into the intent's metadata.
pub fn note(
    tx: &mut Tx,
    scope: &Scope,
    payment: Option<&PaymentId>,
    id: OperationId,
    intent: Intent,
    at: Timestamp,
) -> Result<Operation, Failure> {
    let about = About {
        payment,
        subject: None,
    };
    let until = at.plus_ms(lease_ms(intent.kind));
    insert(tx, scope, &about, id, intent, at, until)
}

/// Notes a write about something other than an intent, which waits for no write of any intent. Whoever comes
/// first from `lease_until` on sends it.
pub fn note_about(
    tx: &mut Tx,
    scope: &Scope,
    subject: &str,
    id: OperationId,
    intent: Intent,
    at: Timestamp,
    lease_until: Timestamp,
) -> Result<Operation, Failure> {
    let about = About {
        payment: None,
        subject: Some(subject),
    };
    insert(tx, scope, &about, id, intent, at, lease_until)
}

/// What a write is about.
struct About<'a> {
    payment: Option<&'a PaymentId>,
    subject: Option<&'a str>,
}

fn insert(
    tx: &mut Tx,
    scope: &Scope,
    about: &About<'_>,
    id: OperationId,
    intent: Intent,
    at: Timestamp,
    lease_until: Timestamp,
) -> Result<Operation, Failure> {
    let Intent { kind, write } = intent;
    if moves_money(kind) && store::instance::is_locked(tx, scope.mode)? {
        return Err(Refusal::LiveLocked.into());
    }
    let params = serde_json::to_string(&write.params).map_err(|error| Failure::Bug(error.to_string()))?;
    let operation = Operation {
        scope: scope.clone(),
        id,
        payment_id: about.payment.cloned(),
        subject_id: about.subject.map(str::to_owned),
        kind,
        idempotency_key: write.idempotency_key,
        stripe_account_id: write
            .account
            .map(|account| account.to_string())
            .unwrap_or_default(),
        path: write.path,
        params,
        status: Status::Sent,
        attempts: 1,
        lease_until,
        first_sent_at: at,
        last_error: None,
        result_id: None,
    };
    rows::insert(tx, &operation)?;
    Ok(operation)
}

/// What takes or gives money, or cannot be undone, because somebody asks for it. What only follows
/// something that has happened at Stripe, such as giving a fee back with a refund, goes on in a copy too: its
/// key is the same there.
const fn moves_money(kind: Kind) -> bool {
    match kind {
        Kind::CreateIntent
        | Kind::ConfirmIntent
        // A payer of the original may be paying by it.
        | Kind::CancelIntent
        | Kind::CreateRefund
        | Kind::CloseDispute
        | Kind::SubmitEvidence
        | Kind::Deauthorize => true,
        Kind::CreateAccount
        | Kind::RegisterDomain
        | Kind::UploadFile
        | Kind::CreateFeeRefund
        | Kind::ExchangeCode => false,
    }
}
