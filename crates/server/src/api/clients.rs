//! `/api/clients`: whom invoices are made to.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{ClientId, Refusal};
use flows::clients::{self, Details};
use serde::{Deserialize, Serialize};
use store::clients as rows;

use super::{Caller, InPath, Input, Page, PageQuery, Query};
use crate::idempotency::Once;
use crate::problem::Problem;
use crate::router::Site;

/// A client to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    name: String,
    email: Option<String>,
    #[serde(default)]
    address: Vec<String>,
    tax_id: Option<String>,
}

/// What a client is called from now on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedClient {
    name: String,
    email: Option<String>,
    #[serde(default)]
    address: Vec<String>,
    tax_id: Option<String>,
    /// The version that the change is based on.
    version: Option<i64>,
}

/// A client as the API shows it.
#[derive(Debug, Serialize)]
pub struct ClientJson {
    id: String,
    object: &'static str,
    name: String,
    email: Option<String>,
    address: Vec<String>,
    tax_id: Option<String>,
    version: i64,
    created_at: i64,
}

impl From<rows::Client> for ClientJson {
    fn from(client: rows::Client) -> ClientJson {
        let rows::Client {
            id,
            name,
            email,
            address,
            tax_id,
            version,
            created_at,
        } = client;
        ClientJson {
            id: id.to_string(),
            object: "client",
            name,
            email,
            address,
            tax_id,
            version,
            created_at: created_at.ms(),
        }
    }
}

/// `POST /api/clients`
pub async fn create(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Once(moment): Once,
    Input(new): Input<NewClient>,
) -> Result<(StatusCode, Json<ClientJson>), Problem> {
    let details = Details {
        name: new.name,
        email: new.email,
        address: new.address,
        tax_id: new.tax_id,
    };
    let client = clients::add(&site.app, &scope, &by, moment, details).await?;
    Ok((StatusCode::CREATED, Json(client.into())))
}

/// `PUT /api/clients/{id}`
pub async fn edit(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(changed): Input<ChangedClient>,
) -> Result<Json<ClientJson>, Problem> {
    let id = ClientId::parse(&id)?;
    let details = Details {
        name: changed.name,
        email: changed.email,
        address: changed.address,
        tax_id: changed.tax_id,
    };
    let client = clients::edit(&site.app, &scope, &by, &id, changed.version, details).await?;
    Ok(Json(client.into()))
}

/// `GET /api/clients/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<ClientJson>, Problem> {
    let id = ClientId::parse(&id)?;
    let client = site.app.db.read(move |tx| rows::get(tx, &scope, &id)).await;
    let client = client.map_err(flows::Failure::from)?.ok_or(Refusal::NotFound)?;
    Ok(Json(client.into()))
}

/// `GET /api/clients`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ClientJson>>, Problem> {
    let limit = query.limit()?;
    let after = query.after.as_deref().map(ClientId::parse).transpose()?;
    let rows = site
        .app
        .db
        .read(move |tx| rows::page(tx, &scope, after.as_ref(), limit + 1))
        .await;
    let rows = rows.map_err(flows::Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(ClientJson::from).collect(),
        limit,
    )))
}
