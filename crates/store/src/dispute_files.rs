//! Files that evidence of disputes names: what was uploaded, and until Stripe has answered also its bytes.

use domain::dispute::document::{Document, FileState};
use domain::{DisputeFileId, DisputeId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A file, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeFile {
    /// Its id.
    pub id: DisputeFileId,
    /// The dispute for which it was uploaded.
    pub dispute_id: DisputeId,
    /// The account on which it is.
    pub stripe_account_id: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: Document,
    /// How large, in bytes.
    pub bytes: i64,
    /// SHA-256 of the bytes, in hex.
    pub digest: String,
    /// How far it has come.
    pub status: FileState,
    /// `file_…`, once Stripe has it.
    pub stripe_file_id: Option<String>,
    /// When it was handed in.
    pub created_at: Timestamp,
}

macro_rules! select_files {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select id, dispute_id, stripe_account_id, name, kind, bytes, digest, status, stripe_file_id,
               created_at
             from dispute_files
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into dispute_files (tenant_id, livemode, id, dispute_id, stripe_account_id, name, kind, bytes,
       digest, content, status, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'uploading', $11)",
);

/// Adds a file that is about to be uploaded, with its bytes in base64.
pub fn insert(tx: &mut Tx, scope: &Scope, file: &DisputeFile, content: &str) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &file.id,
        &file.dispute_id,
        &file.stripe_account_id,
        &file.name,
        file.kind.word(),
        file.bytes,
        &file.digest,
        content,
        file.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const GET: Sql = select_files!("where tenant_id = $1 and livemode = $2 and id = $3");

/// A file.
pub fn get(tx: &mut Tx, scope: &Scope, id: &DisputeFileId) -> Result<Option<DisputeFile>, Error> {
    let row = tx.optional(&GET, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const OF_DISPUTE: Sql = select_files!(
    "where tenant_id = $1 and livemode = $2 and dispute_id = $3
     order by id
     limit 100"
);

/// The files of a dispute, oldest first.
pub fn of_dispute(tx: &mut Tx, scope: &Scope, dispute: &DisputeId) -> Result<Vec<DisputeFile>, Error> {
    tx.query(&OF_DISPUTE, binds![&scope.tenant, scope.mode, dispute])?
        .iter()
        .map(read)
        .collect()
}

const SIZE: Sql = Sql::new(
    "select bytes
     from dispute_files
     where tenant_id = $1 and livemode = $2 and stripe_file_id = $3",
);

/// How large a file is by Stripe's id, in bytes; none for one that was not uploaded through us.
pub fn size(tx: &mut Tx, scope: &Scope, stripe_id: &str) -> Result<Option<i64>, Error> {
    let row = tx.optional(&SIZE, binds![&scope.tenant, scope.mode, stripe_id])?;
    row.map(|row| row.int("bytes")).transpose()
}

const CONTENT: Sql = Sql::new(
    "select content
     from dispute_files
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// The bytes of a file in base64, while they are kept.
pub fn content(tx: &mut Tx, scope: &Scope, id: &DisputeFileId) -> Result<Option<String>, Error> {
    let row = tx.optional(&CONTENT, binds![&scope.tenant, scope.mode, id])?;
    Ok(row.map(|row| row.text_opt("content")).transpose()?.flatten())
}

const SETTLE: Sql = Sql::new(
    "update dispute_files set status = $4, stripe_file_id = $5, content = null, settled_at = $6
     where tenant_id = $1 and livemode = $2 and id = $3 and status = 'uploading'",
);

/// What became of an upload; the bytes are let go. `false` when that was known.
pub fn settle(
    tx: &mut Tx,
    scope: &Scope,
    id: &DisputeFileId,
    status: FileState,
    stripe_id: Option<&str>,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        id,
        status.word(),
        stripe_id.map(str::to_owned),
        at
    ];
    Ok(tx.execute(&SETTLE, binds)? == 1)
}

fn read(row: &Row) -> Result<DisputeFile, Error> {
    Ok(DisputeFile {
        id: DisputeFileId::stored(row.text("id")?),
        dispute_id: DisputeId::stored(row.text("dispute_id")?),
        stripe_account_id: row.text("stripe_account_id")?,
        name: row.text("name")?,
        kind: values::word(row, "kind", Document::from_word)?,
        bytes: row.int("bytes")?,
        digest: row.text("digest")?,
        status: values::word(row, "status", FileState::from_word)?,
        stripe_file_id: row.text_opt("stripe_file_id")?,
        created_at: values::time(row, "created_at")?,
    })
}

pub(crate) const ALL: &[&Sql] = &[&INSERT, &GET, &OF_DISPUTE, &SIZE, &CONTENT, &SETTLE];
