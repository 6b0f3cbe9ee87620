//! The id of a connected account. What happens on such an account takes one of these, so that a call which
//! names none, and would act on the platform instead, cannot be written.

use std::fmt;

use crate::error::Unreadable;

/// `acct_…`: ASCII letters, digits and underscores, at most 255 characters.
///
/// A text is no account, and neither is an empty one:
///
/// ```compile_fail,E0308
/// let reason = stripe::payment_intents::CancelReason::Abandoned;
/// stripe::payment_intents::cancel("acct_1", "pi_1", reason, "key".to_owned());
/// ```
///
/// ```
/// let account = stripe::AccountId::parse("acct_1")?;
/// let reason = stripe::payment_intents::CancelReason::Abandoned;
/// stripe::payment_intents::cancel(&account, "pi_1", reason, "key".to_owned());
/// assert!(stripe::AccountId::parse("").is_err());
/// # Ok::<(), stripe::Unreadable>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

const PREFIX: &str = "acct_";
const CHARS_MAX: usize = 255;

impl AccountId {
    /// Reads an id.
    ///
    /// # Errors
    /// [`Unreadable`] for anything that is not the id of an account.
    pub fn parse(text: &str) -> Result<AccountId, Unreadable> {
        let sound = text.len() <= CHARS_MAX
            && text.strip_prefix(PREFIX).is_some_and(|rest| {
                !rest.is_empty()
                    && rest
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            });
        match sound {
            true => Ok(AccountId(text.to_owned())),
            false => Err(Unreadable("not the id of an account".to_owned())),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_account_is_an_account() {
        for text in ["acct_1", "acct_1SWtenant000000001", "acct_a_b"] {
            assert_eq!(AccountId::parse(text).unwrap().as_str(), text);
        }
        let long = format!("acct_{}", "a".repeat(251));
        for text in [
            "",
            "acct_",
            "acct",
            "ACCT_1",
            "cus_1",
            " acct_1",
            "acct_1 ",
            "acct_ä",
            "acct_1\r\nX: y",
            &long,
        ] {
            assert!(AccountId::parse(text).is_err(), "{text:?}");
        }
    }
}
