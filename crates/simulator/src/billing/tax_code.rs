//! Tax codes: what kinds of goods and services there are. They are Stripe's own, the same on every account;
//! this simulator knows some of them.

use serde_json::{Value, json};

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::list::Page;
use crate::state::State;

/// Id, name and description, a line each, in the order of the list.
const CODES: &str = include_str!("../assets/tax_codes.tsv");

struct TaxCode {
    id: &'static str,
    name: &'static str,
    description: &'static str,
}

fn all() -> impl Iterator<Item = TaxCode> {
    CODES.lines().filter_map(|line| {
        let (id, rest) = line.split_once('\t')?;
        let (name, description) = rest.split_once('\t')?;
        Some(TaxCode {
            id,
            name,
            description,
        })
    })
}

fn render(code: &TaxCode) -> Value {
    json!({ "id": code.id, "object": "tax_code", "description": code.description, "name": code.name })
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
    let found = all().find(|code| code.id == id);
    found
        .map(|code| render(&code))
        .ok_or_else(|| ApiError::no_such("tax code", id, "id"))
}

/// `GET /v1/tax_codes`, a page at a time.
pub fn list(_: &mut State, _: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let page = Page::read(&mut params)?;
    params.finish()?;
    let codes: Vec<TaxCode> = all().collect();
    page.of(&codes, "/v1/tax_codes", |code| code.id, render)
}
