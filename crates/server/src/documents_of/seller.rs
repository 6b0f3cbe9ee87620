//! The tenant as its documents and pay pages show it.

use base64ct::{Base64, Encoding as _};
use documents::Logo;
use documents::papers::Seller;
use domain::Scope;
use domain::business::Business;
use store::{Tx, business, tenants};

/// What a page shows of a tenant besides its name.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Its details; the name is the tenant's where it gave no other.
    pub business: Business,
    /// Whether it has a logo.
    pub has_logo: bool,
}

/// The tenant for a document.
pub fn read(tx: &mut Tx, scope: &Scope) -> Result<Seller, store::Error> {
    let logo = business::logo(tx, scope)?;
    let shown = shown(tx, scope)?.business;
    Ok(Seller {
        name: shown.name.unwrap_or_default(),
        address: shown.address,
        tax_id: shown.tax_id,
        email: shown.email,
        phone: shown.phone,
        footer: shown.footer,
        bank_details: shown.bank_details,
        cheque_details: shown.cheque_details,
        logo: logo.and_then(|logo| Logo::stored(decoded(&logo)?)),
        page: shown.page_size,
    })
}

/// The tenant for a page.
pub fn shown(tx: &mut Tx, scope: &Scope) -> Result<Shown, store::Error> {
    let tenant = tenants::get(tx, &scope.tenant)?;
    let mut business = business::get(tx, scope)?;
    let known = flows::business::Seller::of(&business, tenant);
    business.name = Some(known.name);
    business.email = known.support_email;
    let has_logo = business::logo_facts(tx, scope)?.is_some();
    Ok(Shown { business, has_logo })
}

/// The bytes of the tenant's logo, a PNG.
pub fn logo(tx: &mut Tx, scope: &Scope) -> Result<Option<Vec<u8>>, store::Error> {
    Ok(business::logo(tx, scope)?.as_ref().and_then(decoded))
}

fn decoded(logo: &business::Logo) -> Option<Vec<u8>> {
    Base64::decode_vec(&logo.png).ok()
}
