//! Payment method domains: on which pages an account shows wallets. With direct charges a domain is
//! registered on each connected account.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::{Client, Write};
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param};
use crate::object;

const PATH: &str = "/v1/payment_method_domains";

/// A domain on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethodDomain {
    /// `pmd_…`
    pub id: String,
    /// Such as `pay.example.com`.
    pub domain_name: String,
    /// Whether wallets are shown there at all.
    pub enabled: bool,
    /// Where Apple Pay stands.
    pub apple_pay: Wallet,
    /// Where Google Pay stands.
    pub google_pay: Wallet,
    /// Where Link stands.
    pub link: Wallet,
}

/// Where a wallet stands on a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wallet {
    /// `active` or `inactive`.
    pub status: Option<String>,
    /// Why it is not active: Stripe's sentence, in English.
    pub problem: Option<String>,
}

/// Registers a domain; one that is registered already is answered as it is.
pub fn create(account: &AccountId, domain_name: &str, idempotency_key: String) -> Write {
    write(
        PATH.to_owned(),
        vec![param("domain_name", domain_name)],
        account,
        idempotency_key,
    )
}

/// Has Stripe look again at a domain on which a wallet is not active.
pub fn validate(account: &AccountId, domain_id: &str, idempotency_key: String) -> Write {
    let path = format!("{}/validate", object_path(PATH, domain_id));
    write(path, Vec::new(), account, idempotency_key)
}

fn write(path: String, params: Vec<(String, String)>, account: &AccountId, idempotency_key: String) -> Write {
    Write {
        path,
        params,
        account: Some(account.clone()),
        idempotency_key,
    }
}

/// The account's domains of this name: one, or none.
pub async fn find(
    client: &Client,
    account: &AccountId,
    domain_name: &str,
) -> Result<Option<PaymentMethodDomain>, CallError> {
    let query = [param("domain_name", domain_name), param("limit", 1)];
    let answer = client.read(PATH, &query, Some(account)).await?;
    let page = object::page(&answer.body, PaymentMethodDomain::from_value)?;
    Ok(page.data.into_iter().next())
}

impl PaymentMethodDomain {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<PaymentMethodDomain, Unreadable> {
        PaymentMethodDomain::from_value(&object::parse(body)?)
    }

    fn from_value(value: &Value) -> Result<PaymentMethodDomain, Unreadable> {
        object::require_kind(value, "payment_method_domain")?;
        let wallet = |name| value.get(name).map(Wallet::from_value).unwrap_or_default();
        Ok(PaymentMethodDomain {
            id: object::require_text(value, "id")?,
            domain_name: object::require_text(value, "domain_name")?,
            enabled: object::flag(value, "enabled"),
            apple_pay: wallet("apple_pay"),
            google_pay: wallet("google_pay"),
            link: wallet("link"),
        })
    }
}

impl Wallet {
    fn from_value(value: &Value) -> Wallet {
        Wallet {
            status: object::text(value, "status"),
            problem: value
                .get("status_details")
                .and_then(|details| object::text(details, "error_message")),
        }
    }
}
