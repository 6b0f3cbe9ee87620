//! `expand[]`: replaces ids in a rendered object by the objects they name. The paths are checked before the
//! request does anything, so that a wrong one changes nothing.

use serde_json::Value;

use crate::error::ApiError;
use crate::form::Params;
use crate::state::{Object, Space, State};

/// Stripe expands at most this deep.
const DEPTH_MAX: usize = 4;

/// The paths of a request.
#[derive(Debug, Default)]
pub struct Expansion {
    paths: Vec<Vec<String>>,
}

impl Expansion {
    /// Takes `expand[]` from the parameters; `kind` is what the request answers with, such as `charge`, or a
    /// list of it.
    ///
    /// # Errors
    /// 400 for a path that leads nowhere or too deep.
    pub fn read(params: &mut Params, kind: &str) -> Result<Expansion, ApiError> {
        let texts = params.texts("expand")?.unwrap_or_default();
        let paths: Vec<Vec<String>> = texts
            .iter()
            .map(|text| text.split('.').map(str::to_owned).collect())
            .collect();
        for (path, text) in paths.iter().zip(&texts) {
            if path.len() > DEPTH_MAX {
                let message =
                    format!("You cannot expand more than {DEPTH_MAX} levels of a property. Property: {text}");
                return Err(ApiError::invalid(message).param("expand"));
            }
            check(kind, path)?;
        }
        Ok(Expansion { paths })
    }

    /// Carries it out on a rendered answer.
    pub fn apply(&self, state: &State, space: &Space, answer: &mut Value) {
        for path in &self.paths {
            expand(state, space, answer, path);
        }
    }
}

/// What a field of a kind of object leads to; `None` when it cannot be expanded.
fn leads_to(kind: &str, field: &str) -> Option<&'static str> {
    Some(match (kind, field) {
        ("payment_intent", "latest_charge") | ("application_fee" | "last_payment_error", "charge") => {
            "charge"
        }
        ("payment_intent", "payment_method") | ("invoice_settings", "default_payment_method") => {
            "payment_method"
        }
        ("payment_intent" | "charge" | "payment_method", "customer") => "customer",
        ("payment_intent", "last_payment_error") => "last_payment_error",
        ("customer", "invoice_settings") => "invoice_settings",
        ("charge", "payment_intent") => "payment_intent",
        ("charge" | "application_fee", "balance_transaction") => "balance_transaction",
        ("charge", "application_fee") => "application_fee",
        ("application_fee", "account") => "account",
        ("balance_transaction", "source") => "source",
        ("source", other) => return leads_to("charge", other).or_else(|| leads_to("application_fee", other)),
        _ => return None,
    })
}

fn check(kind: &str, path: &[String]) -> Result<(), ApiError> {
    let mut kind = kind;
    for (at, field) in path.iter().enumerate() {
        if at == 0
            && let Some(listed) = kind.strip_prefix("list of ")
        {
            if field != "data" {
                return Err(wrong(field));
            }
            kind = listed;
            continue;
        }
        // `last_payment_error` is a map with expandable fields, not itself something to expand: Stripe minds,
        // we do not.
        kind = leads_to(kind, field).ok_or_else(|| wrong(field))?;
    }
    Ok(())
}

fn wrong(field: &str) -> ApiError {
    let field: String = field.chars().take(80).collect();
    ApiError::invalid(format!(
        "This property cannot be expanded ({field}). You may want to try expanding 'data.{field}' instead."
    ))
    .param("expand")
}

fn expand(state: &State, space: &Space, value: &mut Value, path: &[String]) {
    if let Value::Array(items) = value {
        for item in items {
            expand(state, space, item, path);
        }
        return;
    }
    let Some((field, rest)) = path.split_first() else {
        return;
    };
    let Some(inner) = value.get_mut(field) else { return };
    if let Some(object) = inner.as_str().and_then(|id| find(state, space, id)) {
        *inner = object.render(state);
    }
    expand(state, space, inner, rest);
}

/// An object by its id, as far as the space may see it: an account sees the fees taken from it.
fn find(state: &State, space: &Space, id: &str) -> Option<Object> {
    let prefix = id.split_once('_')?.0;
    Some(match prefix {
        "ch" => Object::Charge(state.get(space, id).ok()?),
        "pi" => Object::PaymentIntent(state.get(space, id).ok()?),
        "pm" => Object::PaymentMethod(state.get(space, id).ok()?),
        "cus" => Object::Customer(state.get(space, id).ok()?),
        "txn" => Object::BalanceTransaction(state.get(space, id).ok()?),
        "fee" => Object::ApplicationFee(state.get(&space.platform(), id).ok()?),
        "acct" => Object::Account(state.get(&space.platform(), id).ok()?),
        _ => return None,
    })
}

impl Object {
    /// As Stripe writes it.
    pub fn render(&self, state: &State) -> Value {
        match self {
            Object::Account(row) => row.render(),
            Object::Customer(row) => row.render(),
            Object::PaymentMethod(row) => row.render(),
            Object::ConfirmationToken(row) => row.render(),
            Object::PaymentIntent(row) => row.render(),
            Object::Charge(row) => row.render(),
            Object::BalanceTransaction(row) => row.render(state.now_s()),
            Object::ApplicationFee(row) => row.render(),
            Object::WebhookEndpoint(row) => row.render(),
            Object::Event(row) => row.render(state),
        }
    }
}
