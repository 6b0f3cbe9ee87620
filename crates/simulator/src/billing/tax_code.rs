//! Tax codes: what kinds of goods and services there are. They are Stripe's own, the same on every account;
//! this simulator knows some of them.

use serde_json::{Value, json};

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::State;

/// Id, name and description, in the order of the list.
const CODES: &[(&str, &str, &str)] = &[
    (
        "txcd_10000000",
        "General - Electronically Supplied Services",
        "A digital service provided mainly through the internet with minimal human involvement, relying on \
         information technology.",
    ),
    (
        "txcd_20030000",
        "General - Services",
        "General category for services. It should be used only when there is no more specific services \
         category.",
    ),
    (
        "txcd_99999999",
        "General - Tangible Goods",
        "A physical good that can be moved or touched. Also known as tangible personal property.",
    ),
];

fn render((id, name, description): &(&str, &str, &str)) -> Value {
    json!({ "id": id, "object": "tax_code", "description": description, "name": name })
}

/// Whether a product may name it.
///
/// # Errors
/// 400 `resource_missing` for one that looks like no tax code.
pub fn check(code: &str) -> Result<(), ApiError> {
    let digits = code.strip_prefix("txcd_").unwrap_or_default();
    if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(ApiError::no_such("tax code", code, "tax_code").status(400))
    }
}

/// `GET /v1/tax_codes/{id}`.
pub fn retrieve(_: &mut State, _: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let found = CODES.iter().find(|code| code.0 == id);
    found
        .map(render)
        .ok_or_else(|| ApiError::no_such("tax code", id, "id"))
}

/// `GET /v1/tax_codes`, a page at a time.
pub fn list(_: &mut State, _: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let page = crate::list::Page::read(&mut params)?;
    params.finish()?;
    page.of(CODES, "/v1/tax_codes", |code| code.0, render)
}
