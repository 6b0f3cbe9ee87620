//! The API described: `/api/openapi.json` for programs and `/api/reference` for people, both made of two
//! texts beside this file. `calls.txt` describes each call, with an example that runs against the demo;
//! `schemas.txt` says what is sent and answered. Tests hold both to the table of routes and to real
//! answers.

mod calls;
mod document;
mod notation;
mod reference;

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

pub use calls::{Answer, Call, Content, Example, Topic, topics};
pub use document::document;
pub use reference::{SETUP, curl};

use crate::router::Site;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /api/openapi.json`
pub async fn json() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// `GET /api/reference`
pub async fn show(State(site): State<Site>) -> Response {
    reference::page(&site).into_response()
}
