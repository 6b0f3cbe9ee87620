//! A string that must not be seen: an API key, a webhook secret, a client secret. It prints as
//! `[redacted]`, cannot be serialised, compares in constant time and is overwritten when dropped.

use std::fmt;
use std::hint::black_box;

use subtle::ConstantTimeEq;

/// A secret string. The only way to its text is [`Secret::expose`], which is easy to find in a review.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the secret text as it is; nothing is trimmed or checked.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The secret text itself, for the one place that has to send or compute with it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing but white space was given, which is a configuration error for every secret we have.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Drop for Secret {
    /// Best effort without unsafe code: `black_box` keeps the overwriting from being optimised away, but
    /// copies that a move or a growing buffer left behind are out of reach.
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        black_box(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_nothing_of_itself() {
        let secret = Secret::new("sk_test_psapay_demo");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "[redacted] [redacted] Some([redacted])"
        );
        assert_eq!(secret.expose(), "sk_test_psapay_demo");
    }

    #[test]
    fn compares_by_text() {
        assert_eq!(Secret::new("a"), Secret::from("a"));
        assert_ne!(Secret::new("a"), Secret::from("ab"));
        assert!(Secret::new(" \t").is_blank());
    }
}
