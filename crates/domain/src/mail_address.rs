//! Addresses and names as they stand in the headers of a mail. What exists here cannot begin a header of its
//! own: control characters are refused, and so is all that would need quoting to be an address.

use std::borrow::Cow;
use std::fmt;

use crate::{Refusal, text};

/// What SMTP takes of an address (RFC 5321), and of the part before the `@`.
const ADDRESS_MAX: usize = 254;
const LOCAL_MAX: usize = 64;
/// What DNS takes of a name's part.
const LABEL_MAX: usize = 63;
/// The longest name that is shown before an address.
pub const NAME_MAX: usize = 200;

/// An address that mail can be sent to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress(String);

impl MailAddress {
    /// Reads an address from outside.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] for whatever is no plain address `name@example.com`: line breaks and other
    /// control characters, spaces, quoted names, comments, a host without a dot, an address in brackets.
    pub fn parse(field: impl Into<Cow<'static, str>>, given: &str) -> Result<MailAddress, Refusal> {
        MailAddress::read(given).ok_or_else(|| Refusal::invalid(field, "must be an e-mail address"))
    }

    /// As [`MailAddress::parse`], for those who have nobody to tell.
    pub fn read(given: &str) -> Option<MailAddress> {
        if given.chars().any(char::is_control) {
            return None;
        }
        let given = given.trim();
        let (local, host) = given.rsplit_once('@')?;
        let fits = given.len() <= ADDRESS_MAX && is_local(local) && is_host(host);
        fits.then(|| MailAddress(format!("{local}@{}", host.to_ascii_lowercase())))
    }

    /// An address that our own database holds.
    pub fn stored(text: String) -> MailAddress {
        MailAddress(text)
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for every way of writing the address: in lower case, as every provider reads it.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name to show before an address: one line without control characters.
///
/// # Errors
/// [`Refusal::InvalidField`].
pub fn name(field: impl Into<Cow<'static, str>>, given: &str) -> Result<String, Refusal> {
    let shown = text::shown(given, NAME_MAX, false).filter(|_| !given.chars().any(char::is_control));
    shown.ok_or_else(|| {
        let problem = format!("must be one line of plain text with 1 to {NAME_MAX} characters");
        Refusal::invalid(field, problem)
    })
}

/// A dot-atom of RFC 5322: nothing that would have to be quoted.
fn is_local(local: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
    };
    local.len() <= LOCAL_MAX && local.split('.').all(atom)
}

fn is_host(host: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= LABEL_MAX
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains('.') && host.split('.').all(label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_taken_as_they_are() {
        for (given, address) in [
            ("ap@example.com", "ap@example.com"),
            (" Ap.Invoices+psa@Example.COM ", "Ap.Invoices+psa@example.com"),
            ("o'neil@sub.example.co.uk", "o'neil@sub.example.co.uk"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("a/b=c!d@example.com", "a/b=c!d@example.com"),
        ] {
            assert_eq!(MailAddress::read(given).unwrap().as_str(), address);
        }
        assert_eq!(
            MailAddress::read("AP@Example.com").unwrap().key(),
            "ap@example.com"
        );
    }

    #[test]
    fn what_could_begin_a_header_or_hide_another_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}.com", "b.".repeat(130));
        for given in [
            "",
            "a",
            "@",
            "a@b",
            "@example.com",
            "a@",
            "ap@example.com\r\nBcc: x@example.com",
            "ap@example.com\r\n",
            "ap@example.com\n",
            "\rap@example.com",
            "ap@example.com\0",
            "ap@example.com, x@example.com",
            "ap@example.com;x@example.com",
            "Ann <ap@example.com>",
            "<ap@example.com>",
            "\"a b\"@example.com",
            "a b@example.com",
            "a@exa mple.com",
            "a@example..com",
            ".a@example.com",
            "a.@example.com",
            "a..b@example.com",
            "a@-example.com",
            "a@example-.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a(comment)@example.com",
            "a@b@example.com ,c",
            "ü@example.com",
            "a@bücher.example",
            "a@example.com\u{2028}Bcc: x@example.com",
            &long,
            &longer,
        ] {
            assert_eq!(MailAddress::read(given), None, "{given:?}");
        }
    }

    #[test]
    fn names_are_one_line() {
        assert_eq!(
            name("name", " Zoë \"Ann\" O'Neil, Ltd. ").unwrap(),
            "Zoë \"Ann\" O'Neil, Ltd."
        );
        for given in [
            "",
            " ",
            "Ann\r\nBcc: x@example.com",
            "Ann\n",
            "\tAnn",
            "A\0",
            "\u{202e}nnA",
        ] {
            let refused = name("name", given).unwrap_err();
            assert!(matches!(refused, Refusal::InvalidField { .. }), "{given:?}");
        }
    }
}
