//! What a tenant's documents say of it, and its logo.

use domain::business::{Business, PageSize};
use domain::{Scope, Timestamp};

use crate::db::{Error, Sql, Tx};
use crate::{binds, values};

const GET: Sql = Sql::new(
    "select name, address, tax_id, email, phone, footer, bank_details, cheque_details, page_size
     from business_details
     where tenant_id = $1 and livemode = $2",
);

/// The tenant's details; empty where it has given none.
pub fn get(tx: &mut Tx, scope: &Scope) -> Result<Business, Error> {
    let Some(row) = tx.optional(&GET, binds![&scope.tenant, scope.mode])? else {
        return Ok(Business::default());
    };
    Ok(Business {
        name: row.text_opt("name")?,
        address: row.text("address")?.lines().map(str::to_owned).collect(),
        tax_id: row.text_opt("tax_id")?,
        email: row.text_opt("email")?,
        phone: row.text_opt("phone")?,
        footer: row.text_opt("footer")?,
        bank_details: row.text_opt("bank_details")?,
        cheque_details: row.text_opt("cheque_details")?,
        page_size: values::word(&row, "page_size", PageSize::from_word)?,
    })
}

const PUT: Sql = Sql::new(
    "insert into business_details (tenant_id, livemode, name, address, tax_id, email, phone, footer,
       bank_details, cheque_details, page_size, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
     on conflict (tenant_id, livemode) do update set
       name = excluded.name,
       address = excluded.address,
       tax_id = excluded.tax_id,
       email = excluded.email,
       phone = excluded.phone,
       footer = excluded.footer,
       bank_details = excluded.bank_details,
       cheque_details = excluded.cheque_details,
       page_size = excluded.page_size,
       updated_at = excluded.updated_at",
);

/// Puts other details in the place of the tenant's.
pub fn put(tx: &mut Tx, scope: &Scope, business: &Business, at: Timestamp) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        business.name.clone(),
        business.address.join("\n"),
        business.tax_id.clone(),
        business.email.clone(),
        business.phone.clone(),
        business.footer.clone(),
        business.bank_details.clone(),
        business.cheque_details.clone(),
        business.page_size.word(),
        at
    ];
    tx.execute(&PUT, binds)?;
    Ok(())
}

/// A logo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// A PNG of our own writing, in base64.
    pub png: String,
    /// Its width in pixels.
    pub width: i64,
    /// Its height in pixels.
    pub height: i64,
    /// SHA-256 of the PNG, in hex.
    pub digest: String,
}

const LOGO: Sql = Sql::new(
    "select png, width, height, digest
     from logos
     where tenant_id = $1 and livemode = $2",
);

/// The tenant's logo, if it has one.
pub fn logo(tx: &mut Tx, scope: &Scope) -> Result<Option<Logo>, Error> {
    let Some(row) = tx.optional(&LOGO, binds![&scope.tenant, scope.mode])? else {
        return Ok(None);
    };
    Ok(Some(Logo {
        png: row.text("png")?,
        width: row.int("width")?,
        height: row.int("height")?,
        digest: row.text("digest")?,
    }))
}

const DIGEST: Sql = Sql::new(
    "select digest, width, height
     from logos
     where tenant_id = $1 and livemode = $2",
);

/// What there is to know of the tenant's logo without reading its bytes.
pub fn logo_facts(tx: &mut Tx, scope: &Scope) -> Result<Option<(String, i64, i64)>, Error> {
    let row = tx.optional(&DIGEST, binds![&scope.tenant, scope.mode])?;
    row.map(|row| Ok((row.text("digest")?, row.int("width")?, row.int("height")?)))
        .transpose()
}

const PUT_LOGO: Sql = Sql::new(
    "insert into logos (tenant_id, livemode, png, width, height, digest, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $7)
     on conflict (tenant_id, livemode) do update set
       png = excluded.png,
       width = excluded.width,
       height = excluded.height,
       digest = excluded.digest,
       updated_at = excluded.updated_at",
);

/// Puts a logo in the place of the tenant's.
pub fn put_logo(tx: &mut Tx, scope: &Scope, logo: &Logo, at: Timestamp) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &logo.png,
        logo.width,
        logo.height,
        &logo.digest,
        at
    ];
    tx.execute(&PUT_LOGO, binds)?;
    Ok(())
}

const DELETE_LOGO: Sql = Sql::new("delete from logos where tenant_id = $1 and livemode = $2");

/// Takes the tenant's logo away.
pub fn delete_logo(tx: &mut Tx, scope: &Scope) -> Result<(), Error> {
    tx.execute(&DELETE_LOGO, binds![&scope.tenant, scope.mode])?;
    Ok(())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&GET, &PUT, &LOGO, &DIGEST, &PUT_LOGO, &DELETE_LOGO];
