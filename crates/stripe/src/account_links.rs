//! Account links: an address of Stripe's at which an account's owner says what Stripe wants to know. One is
//! good for one visit within a few minutes and never leaves the hands of the one who asked for it.

use std::fmt;

use crate::account_id::AccountId;
use crate::client::Write;
use crate::error::Unreadable;
use crate::form::param;
use crate::object;

/// A link.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountLink {
    /// Where the owner goes. Whoever has it may speak for the account.
    pub url: String,
    /// Seconds since the epoch.
    pub expires_at: i64,
}

/// A new link to the onboarding of an account. Stripe sends the owner to `return_url` in the end, whether or
/// not all was said, and to `refresh_url` when the link was used or has run out.
pub fn create(account: &AccountId, return_url: &str, refresh_url: &str, idempotency_key: String) -> Write {
    let params = vec![
        param("account", account),
        param("type", "account_onboarding"),
        param("return_url", return_url),
        param("refresh_url", refresh_url),
        param("collection_options[fields]", "eventually_due"),
    ];
    Write {
        path: "/v1/account_links".to_owned(),
        params,
        account: None,
        idempotency_key,
    }
}

impl AccountLink {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<AccountLink, Unreadable> {
        let value = object::parse(body)?;
        object::require_kind(&value, "account_link")?;
        Ok(AccountLink {
            url: object::require_text(&value, "url")?,
            expires_at: object::require_int(&value, "expires_at")?,
        })
    }
}

impl fmt::Debug for AccountLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountLink")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
