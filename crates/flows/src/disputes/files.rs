//! Files that evidence names, uploaded to the account of the dispute. Each upload is a write to Stripe like
//! any other: noted with its key and its bytes before it is sent, and sent again until there is an answer.
//! The bytes are let go with the answer. A file that no evidence names does no harm, so that one of which
//! nothing was heard for a day is given up and may be uploaded anew.

use base64ct::{Base64, Encoding as _};
use domain::dispute::Refused;
use domain::dispute::document::{BYTES_MAX, Document, FILES_MAX, FileState, NAME_MAX};
use domain::{DisputeFileId, DisputeId, OperationId, Refusal, Scope};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::dispute_files::{self as rows, DisputeFile};
use store::stripe_operations::{self, Kind, Operation, Outcome, Status};
use store::{Tx, disputes};
use stripe::files::{self as at_stripe, Content};
use stripe::{AccountId, Rejection};

use super::answers;
use crate::audit::{self, Entry};
use crate::operations::{self, Heard, Intent};
use crate::{App, By, Failure, Moment, onboarding};

/// A file that can be uploaded.
#[derive(Clone, Debug)]
pub struct Upload {
    name: String,
    kind: Document,
    bytes: Vec<u8>,
}

impl Upload {
    /// Reads what was handed in. What it is its bytes say; without a name it gets one.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] for anything but a PDF, JPEG or PNG of a size that banks take.
    pub fn read(name: Option<&str>, bytes: Vec<u8>) -> Result<Upload, Refusal> {
        let kind = Document::of(&bytes)
            .ok_or_else(|| Refusal::invalid("file", "must be the bytes of a PDF, JPEG or PNG file"))?;
        if bytes.len() > BYTES_MAX {
            let problem = "must have 4.5 MB at most: banks take no more, all files together";
            return Err(Refusal::invalid("file", problem));
        }
        let name = match name.map(str::trim) {
            None | Some("") => format!("evidence.{}", kind.word()),
            Some(name) => domain::text::shown(name, NAME_MAX, false).ok_or_else(|| {
                Refusal::invalid(
                    "name",
                    format!("must be plain text with at most {NAME_MAX} characters"),
                )
            })?,
        };
        Ok(Upload { name, kind, bytes })
    }
}

/// Uploads a file for a dispute. One of which Stripe says nothing is sent again under the same key: the
/// answer then says `uploading`. The same moment asks for the same file.
///
/// # Errors
/// [`Refusal::NotFound`], and the [`Refused`] that says why no evidence can be added.
pub async fn upload(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    dispute: &DisputeId,
    upload: Upload,
) -> Result<DisputeFile, Failure> {
    let id = DisputeFileId::new(moment.at, moment.random(0));
    let (of, who, wanted, file) = (scope.clone(), by.clone(), dispute.clone(), id.clone());
    let open = app.db.write(move |tx| {
        if rows::get(tx, &of, &file)?.is_some() {
            return Ok(stripe_operations::open_of_subject(tx, &of, file.as_str())?.map(|open| (open, false)));
        }
        let noted = note(tx, moment, &of, &who, &wanted, &file, &upload)?;
        Ok::<_, Failure>(Some((noted, true)))
    });
    match open.await? {
        Some((operation, true)) => {
            if let Err(failure) = run(app, &operation).await {
                // It is noted, and sent again by the reconciler.
                tracing::error!(operation = %operation.id, %failure, "what an upload came to is not known");
            }
        }
        Some((operation, false)) => {
            operations::take_up(app, &operation).await?;
        }
        None => {}
    }
    let (scope, file) = (scope.clone(), id.clone());
    let now = app.db.read(move |tx| rows::get(tx, &scope, &file)).await?;
    match now {
        Some(file) if file.status == FileState::Refused => Err(Refusal::from(Refused::ByStripe).into()),
        Some(file) => Ok(file),
        None => Err(Failure::Bug(format!("file {id} is gone"))),
    }
}

fn note(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    by: &By,
    dispute: &DisputeId,
    id: &DisputeFileId,
    upload: &Upload,
) -> Result<Operation, Failure> {
    let dispute = disputes::get(tx, scope, dispute)?.ok_or(Refusal::NotFound)?;
    answers::may_change(&dispute)?;
    let there = rows::of_dispute(tx, scope, &dispute.id)?;
    let taken = there.iter().filter(|file| file.status != FileState::Refused);
    // What Stripe refused uses nothing up, but is no way to send without end.
    if taken.count() >= FILES_MAX || there.len() >= 10 * FILES_MAX {
        return Err(Refusal::from(Refused::TooManyFiles).into());
    }
    let file = DisputeFile {
        id: id.clone(),
        dispute_id: dispute.id.clone(),
        stripe_account_id: dispute.stripe_account_id.clone(),
        name: upload.name.clone(),
        kind: upload.kind,
        bytes: i64::try_from(upload.bytes.len()).unwrap_or(i64::MAX),
        digest: hex::encode(Sha256::digest(&upload.bytes)),
        status: FileState::Uploading,
        stripe_file_id: None,
        created_at: moment.at,
    };
    rows::insert(tx, scope, &file, &Base64::encode_string(&upload.bytes))?;
    let account = AccountId::parse(&dispute.stripe_account_id)?;
    let key = format!("dispute_file:{}:{id}", scope.tenant);
    let write = at_stripe::upload_evidence(&account, key);
    let intent = Intent {
        kind: Kind::UploadFile,
        write,
    };
    let operation = OperationId::new(moment.at, moment.random(1));
    let until = moment.at.plus_ms(operations::LEASE_MS);
    let operation = operations::note_about(tx, scope, id.as_str(), operation, intent, moment.at, until)?;
    let noted = json!({"file": id.as_str(), "kind": file.kind.word(), "sha256": file.digest});
    let entry = Entry {
        action: "dispute.file_upload_requested",
        subject: dispute.id.as_str(),
        before: None,
        after: Some(noted.to_string()),
    };
    audit::note(tx, Some(scope), by, moment, &entry)?;
    Ok(operation)
}

/// Takes up an upload without a definite outcome. Whether it is known now.
///
/// # Errors
/// When there are no keys for its mode, or the database fails.
pub async fn take_up(app: &App, operation: &Operation, replay: bool) -> Result<bool, Failure> {
    match replay {
        true => run(app, operation).await,
        false => give_up(app, operation).await,
    }
}

/// Sends a noted upload and commits what it came to. Whether that is known now.
async fn run(app: &App, operation: &Operation) -> Result<bool, Failure> {
    let Some(content) = content(app, operation).await? else {
        return give_up(app, operation).await;
    };
    match operations::send_file(app, operation, &content).await? {
        Heard::Done(answer, file) => {
            let outcome = operations::succeeded(&answer, &file.id);
            conclude(app, operation, outcome, FileState::Uploaded).await?;
        }
        Heard::Rejected(rejection) => refused(app, operation, &rejection).await?,
        Heard::Declined(_) | Heard::Kept | Heard::Reused => return give_up(app, operation).await,
        Heard::Nothing(why) => {
            operations::unknown(app, operation, &why).await?;
            return Ok(false);
        }
    }
    Ok(true)
}

async fn content(app: &App, operation: &Operation) -> Result<Option<Content>, Failure> {
    let (scope, id) = (operation.scope.clone(), file_of(operation));
    let read = app.db.read(move |tx| {
        let Some(file) = rows::get(tx, &scope, &id)? else {
            return Ok(None);
        };
        let content = rows::content(tx, &scope, &id)?;
        Ok::<_, Failure>(content.map(|content| (file, content)))
    });
    let Some((file, content)) = read.await? else {
        return Ok(None);
    };
    let bytes = Base64::decode_vec(&content).map_err(|error| Failure::Bug(error.to_string()))?;
    Ok(Some(Content {
        name: file.name,
        content_type: file.kind.content_type().to_owned(),
        bytes,
    }))
}

fn file_of(operation: &Operation) -> DisputeFileId {
    DisputeFileId::stored(operation.subject_id.clone().unwrap_or_default())
}

async fn refused(app: &App, operation: &Operation, rejection: &Rejection) -> Result<(), Failure> {
    let code = rejection.code.clone().unwrap_or_else(|| rejection.type_.clone());
    tracing::warn!(operation = %operation.id, code, status = rejection.status, "Stripe refused a file");
    let outcome = Outcome {
        status: Status::Failed,
        http_status: Some(i64::from(rejection.status)),
        request_id: rejection.request_id.clone(),
        result_id: None,
        error: Some(code),
    };
    conclude(app, operation, outcome, FileState::Refused).await?;
    if rejection.is_account_gone() {
        onboarding::refresh(app, &operation.stripe_account_id, operation.scope.mode).await?;
    }
    Ok(())
}

/// Ends an upload of which sending it again would tell nothing. If Stripe has the file after all, nobody
/// names it.
async fn give_up(app: &App, operation: &Operation) -> Result<bool, Failure> {
    let outcome = operations::read_outcome(Status::Absent, None);
    conclude(app, operation, outcome, FileState::Refused).await?;
    Ok(true)
}

/// One transaction: the outcome, and what became of the file.
async fn conclude(
    app: &App,
    operation: &Operation,
    outcome: Outcome,
    state: FileState,
) -> Result<(), Failure> {
    let (at, operation) = (app.clock.now(), operation.clone());
    operations::keep(app, move |tx| {
        let Operation { scope, id, .. } = &operation;
        stripe_operations::settle(tx, scope, id, &outcome, at)?;
        let stripe_id = outcome.result_id.as_deref();
        rows::settle(tx, scope, &file_of(&operation), state, stripe_id, at)?;
        Ok::<_, Failure>(())
    })
    .await
}
