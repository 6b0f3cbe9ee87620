//! Customers of a connected account: the tenant's clients, as far as Stripe has to know them. Those of the
//! platform's own account are tenants.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::{Client, Write};
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, push_metadata, push_optional};
use crate::object;

const PATH: &str = "/v1/customers";

/// A customer. A deleted one can still be retrieved, with nothing but its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// `cus_…`
    pub id: String,
    /// Where Stripe would write to.
    pub email: Option<String>,
    /// Name of the person or company.
    pub name: Option<String>,
    /// Whether it was deleted, for example in the tenant's dashboard.
    pub deleted: bool,
}

/// The parameters of a new customer.
#[derive(Clone, Debug)]
pub struct Create<'a> {
    /// The tenant's account (`acct_…`).
    pub account: &'a AccountId,
    /// Name of the person or company.
    pub name: Option<&'a str>,
    /// Where Stripe would write to.
    pub email: Option<&'a str>,
    /// At most 50 pairs; keys of at most 40 characters without brackets, values of at most 500.
    pub metadata: Vec<(String, String)>,
}

/// A new customer on the tenant's account.
pub fn create(new: &Create<'_>, idempotency_key: String) -> Write {
    let mut params = Vec::new();
    push_optional(&mut params, "name", new.name);
    push_optional(&mut params, "email", new.email);
    push_metadata(&mut params, &new.metadata);
    Write {
        path: PATH.to_owned(),
        params,
        account: Some(new.account.clone()),
        idempotency_key,
    }
}

/// The customer as it is now; look at `deleted` first.
pub async fn retrieve(
    client: &Client,
    account: &AccountId,
    customer_id: &str,
) -> Result<Customer, CallError> {
    let answer = client
        .read(&object_path(PATH, customer_id), &[], Some(account))
        .await?;
    Ok(Customer::parse(&answer.body)?)
}

/// A customer of the platform's own account: a tenant that pays the platform.
pub async fn retrieve_of_platform(client: &Client, customer_id: &str) -> Result<Customer, CallError> {
    let answer = client.read(&object_path(PATH, customer_id), &[], None).await?;
    Ok(Customer::parse(&answer.body)?)
}

impl Customer {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<Customer, Unreadable> {
        Customer::from_value(&object::parse(body)?)
    }

    /// Reads a customer from an answer or an event.
    pub fn from_value(value: &Value) -> Result<Customer, Unreadable> {
        object::require_kind(value, "customer")?;
        Ok(Customer {
            id: object::require_text(value, "id")?,
            email: object::text(value, "email"),
            name: object::text(value, "name"),
            deleted: object::flag(value, "deleted"),
        })
    }
}
