//! `/api/clients`: whom invoices are made to.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{ClientId, Refusal};
use flows::invoicing;
use serde::{Deserialize, Serialize};
use store::clients;

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
}

/// A client as the API shows it.
#[derive(Debug, Serialize)]
pub struct ClientJson {
    id: String,
    object: &'static str,
    name: String,
    email: Option<String>,
    created_at: i64,
}

impl From<clients::Client> for ClientJson {
    fn from(client: clients::Client) -> ClientJson {
        let clients::Client {
            id,
            name,
            email,
            created_at,
        } = client;
        ClientJson {
            id: id.to_string(),
            object: "client",
            name,
            email,
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
    let client =
        invoicing::add_client(&site.app, &scope, &by, moment, &new.name, new.email.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(client.into())))
}

/// `GET /api/clients/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<ClientJson>, Problem> {
    let id = ClientId::parse(&id)?;
    let client = site.app.db.read(move |tx| clients::get(tx, &scope, &id)).await;
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
        .read(move |tx| clients::page(tx, &scope, after.as_ref(), limit + 1))
        .await;
    let rows = rows.map_err(flows::Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(ClientJson::from).collect(),
        limit,
    )))
}
