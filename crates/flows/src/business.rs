//! What a tenant's documents and pay pages say of it: its details and its logo. A change counts from the next
//! document and the next look at a page.

use domain::business::{self, Business};
use domain::{Refusal, Scope};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::Tx;
use store::business::{self as rows, Logo};
use store::tenants::{self, Tenant};

use crate::audit::{self, Entry};
use crate::{App, By, Failure};

/// How a tenant's clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seller {
    /// The name of its business; the tenant's own where it has given none.
    pub name: String,
    /// Where its clients ask.
    pub support_email: Option<String>,
}

impl Seller {
    /// By what it says of its business, else by what it is called here.
    pub fn of(business: &Business, tenant: Tenant) -> Seller {
        Seller {
            name: business.name.clone().unwrap_or(tenant.name),
            support_email: business.email.clone().or(tenant.support_email),
        }
    }
}

/// How a tenant's clients know it.
///
/// # Errors
/// When the database fails.
pub fn seller(tx: &mut Tx, scope: &Scope) -> Result<Seller, store::Error> {
    let business = rows::get(tx, scope)?;
    Ok(Seller::of(&business, tenants::get(tx, &scope.tenant)?))
}

/// Puts other details in the place of the tenant's.
///
/// # Errors
/// [`domain::Refusal::InvalidField`] for what does not fit.
pub async fn set(app: &App, scope: &Scope, by: &By, typed: Business) -> Result<Business, Failure> {
    let business = business::check(typed)?;
    let (moment, scope, by) = (app.moment(), scope.clone(), by.clone());
    let set = app.db.write(move |tx| {
        let before = rows::get(tx, &scope)?;
        if before == business {
            return Ok(before);
        }
        rows::put(tx, &scope, &business, moment.at)?;
        let entry = Entry {
            action: "business.changed",
            subject: scope.tenant.as_str(),
            before: Some(told(&before)),
            after: Some(told(&business)),
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok::<Business, Failure>(business.clone())
    });
    set.await
}

/// A picture that was decoded, found small enough and written anew.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The bytes of its PNG file.
    pub png: Vec<u8>,
    /// The same in base64.
    pub base64: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// Puts a logo in the place of the tenant's.
///
/// # Errors
/// When the database fails.
pub async fn set_logo(app: &App, scope: &Scope, by: &By, picture: Picture) -> Result<Logo, Failure> {
    let logo = Logo {
        digest: hex::encode(Sha256::digest(&picture.png)),
        png: picture.base64,
        width: picture.width.into(),
        height: picture.height.into(),
    };
    let (moment, scope, by) = (app.moment(), scope.clone(), by.clone());
    let set = app.db.write(move |tx| {
        let before = rows::logo_facts(tx, &scope)?;
        if before
            .as_ref()
            .is_some_and(|(digest, _, _)| *digest == logo.digest)
        {
            return Ok(logo.clone());
        }
        rows::put_logo(tx, &scope, &logo, moment.at)?;
        let entry = Entry {
            action: "logo.changed",
            subject: scope.tenant.as_str(),
            before: before.map(|(digest, width, height)| named(&digest, width, height)),
            after: Some(named(&logo.digest, logo.width, logo.height)),
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok::<Logo, Failure>(logo.clone())
    });
    set.await
}

/// Takes the tenant's logo away.
///
/// # Errors
/// [`Refusal::NotFound`] where there is none.
pub async fn remove_logo(app: &App, scope: &Scope, by: &By) -> Result<(), Failure> {
    let (moment, scope, by) = (app.moment(), scope.clone(), by.clone());
    let removed = app.db.write(move |tx| {
        let (digest, width, height) = rows::logo_facts(tx, &scope)?.ok_or(Refusal::NotFound)?;
        rows::delete_logo(tx, &scope)?;
        let entry = Entry {
            action: "logo.removed",
            subject: scope.tenant.as_str(),
            before: Some(named(&digest, width, height)),
            after: None,
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok::<(), Failure>(())
    });
    removed.await
}

fn named(digest: &str, width: i64, height: i64) -> String {
    json!({"sha256": digest, "width": width, "height": height}).to_string()
}

fn told(business: &Business) -> String {
    let told = json!({
        "name": business.name,
        "address": business.address,
        "tax_id": business.tax_id,
        "email": business.email,
        "phone": business.phone,
        "footer": business.footer,
        "bank_details": business.bank_details,
        "cheque_details": business.cheque_details,
        "page_size": business.page_size.word(),
    });
    told.to_string()
}
