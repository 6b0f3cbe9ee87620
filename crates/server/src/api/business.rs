//! `/api/settings/business` and `/api/settings/logo`: what a tenant's documents and pay pages say of it.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use base64ct::{Base64, Encoding as _};
use documents::Logo;
use domain::business::{Business, PageSize};
use domain::{Refusal, Scope};
use flows::Failure;
use flows::business::{self, Picture};
use serde::{Deserialize, Serialize};
use store::business as rows;

use super::{Caller, Input, read_body};
use crate::problem::Problem;
use crate::router::Site;

/// The details as the API shows them.
#[derive(Debug, Serialize)]
pub struct BusinessJson {
    object: &'static str,
    livemode: bool,
    name: Option<String>,
    address: Vec<String>,
    tax_id: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    footer: Option<String>,
    bank_details: Option<String>,
    cheque_details: Option<String>,
    page_size: &'static str,
    logo: Option<LogoJson>,
}

#[derive(Debug, Serialize)]
struct LogoJson {
    width: i64,
    height: i64,
    sha256: String,
}

/// All of the details: what is not named is none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutBusinessJson {
    name: Option<String>,
    #[serde(default)]
    address: Vec<String>,
    tax_id: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    footer: Option<String>,
    bank_details: Option<String>,
    cheque_details: Option<String>,
    page_size: Option<String>,
}

/// `GET /api/settings/business`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
) -> Result<Json<BusinessJson>, Problem> {
    Ok(Json(read(&site, &scope).await?))
}

async fn read(site: &Site, scope: &Scope) -> Result<BusinessJson, Failure> {
    let (of, livemode) = (scope.clone(), scope.mode.is_live());
    let read = site.app.db.read(move |tx| {
        let facts = rows::logo_facts(tx, &of)?;
        Ok::<_, store::Error>((rows::get(tx, &of)?, facts))
    });
    let (business, facts) = read.await?;
    Ok(BusinessJson {
        object: "business",
        livemode,
        name: business.name,
        address: business.address,
        tax_id: business.tax_id,
        email: business.email,
        phone: business.phone,
        footer: business.footer,
        bank_details: business.bank_details,
        cheque_details: business.cheque_details,
        page_size: business.page_size.word(),
        logo: facts.map(|(sha256, width, height)| LogoJson {
            width,
            height,
            sha256,
        }),
    })
}

/// `PUT /api/settings/business`
pub async fn put(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(new): Input<PutBusinessJson>,
) -> Result<Json<BusinessJson>, Problem> {
    let page_size = match new.page_size.as_deref() {
        None => PageSize::default(),
        Some(word) => {
            PageSize::from_word(word).ok_or_else(|| Refusal::invalid("page_size", "must be a4 or letter"))?
        }
    };
    let typed = Business {
        name: new.name,
        address: new.address,
        tax_id: new.tax_id,
        email: new.email,
        phone: new.phone,
        footer: new.footer,
        bank_details: new.bank_details,
        cheque_details: new.cheque_details,
        page_size,
    };
    business::set(&site.app, &scope, &by, typed).await?;
    Ok(Json(read(&site, &scope).await?))
}

/// A picture within JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PictureJson {
    /// The bytes of a PNG or JPEG file, in base64.
    data: String,
}

/// `PUT /api/settings/logo`: the bytes of a PNG or JPEG file, or JSON with them in base64.
pub async fn put_logo(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    request: Request,
) -> Result<Json<BusinessJson>, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let mut bytes = read_body(request).await?.to_vec();
    if json {
        let unreadable = || Refusal::invalid("data", "must be the bytes of a PNG or JPEG file in base64");
        let picture: PictureJson = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        bytes = Base64::decode_vec(picture.data.trim()).map_err(|_| unreadable())?;
    }
    let field = if json { "data" } else { "logo" };
    let decoded = tokio::task::spawn_blocking(move || Logo::from_upload(&bytes));
    let logo = decoded.await.map_err(|error| Failure::Bug(error.to_string()))?;
    let logo = logo.map_err(|refused| Refusal::invalid(field, refused.problem()))?;
    let (width, height) = logo.extent();
    let png = logo.png().to_vec();
    let picture = Picture {
        base64: Base64::encode_string(&png),
        png,
        width,
        height,
    };
    business::set_logo(&site.app, &scope, &by, picture).await?;
    Ok(Json(read(&site, &scope).await?))
}

/// `DELETE /api/settings/logo`
pub async fn delete_logo(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
) -> Result<Json<BusinessJson>, Problem> {
    business::remove_logo(&site.app, &scope, &by).await?;
    Ok(Json(read(&site, &scope).await?))
}
