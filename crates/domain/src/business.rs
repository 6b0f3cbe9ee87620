//! What a tenant's documents and pay pages say of it: its name and address, and how it can be paid without a
//! card. Everything may be left out; the tenant's own name then stands for it.

use crate::{Refusal, text};

/// Longest name.
pub const NAME_MAX: usize = 200;
/// Most lines of an address, and the longest of them.
pub const ADDRESS_LINES_MAX: usize = 6;
const LINE_MAX: usize = 100;
const EMAIL_MAX: usize = 254;
/// Longest text of several lines: bank and cheque details, and what stands at the foot of every page.
pub const DETAILS_MAX: usize = 600;
/// Most lines of such a text.
pub const DETAILS_LINES_MAX: usize = 8;

/// The sizes of paper that documents are made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageSize {
    /// 210 mm by 297 mm.
    #[default]
    A4,
    /// 8.5 in by 11 in.
    Letter,
}

impl PageSize {
    /// Both.
    pub const ALL: [PageSize; 2] = [PageSize::A4, PageSize::Letter];

    /// The word by which it is stored and asked for.
    pub const fn word(self) -> &'static str {
        match self {
            PageSize::A4 => "a4",
            PageSize::Letter => "letter",
        }
    }

    /// The size that a word names.
    pub fn from_word(word: &str) -> Option<PageSize> {
        PageSize::ALL.into_iter().find(|size| size.word() == word)
    }
}

/// A tenant, as its documents show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Business {
    /// Its name, where that is not the tenant's.
    pub name: Option<String>,
    /// The lines of its address.
    pub address: Vec<String>,
    /// Its number with the tax office.
    pub tax_id: Option<String>,
    /// Where clients may write.
    pub email: Option<String>,
    /// Where clients may call.
    pub phone: Option<String>,
    /// What stands at the foot of every page.
    pub footer: Option<String>,
    /// Where money can be transferred to.
    pub bank_details: Option<String>,
    /// How a cheque is to be written, and where it is sent.
    pub cheque_details: Option<String>,
    /// The paper that it uses.
    pub page_size: PageSize,
}

/// Checks what somebody typed. A text of nothing but blanks is none.
///
/// # Errors
/// [`Refusal::InvalidField`] for what is too long, has control characters, or is no e-mail address.
pub fn check(typed: Business) -> Result<Business, Refusal> {
    let Business {
        name,
        address,
        tax_id,
        email,
        phone,
        footer,
        bank_details,
        cheque_details,
        page_size,
    } = typed;
    if address.len() > ADDRESS_LINES_MAX {
        let problem = format!("must have at most {ADDRESS_LINES_MAX} lines");
        return Err(Refusal::invalid("address", problem));
    }
    let mut lines = Vec::new();
    for (index, typed) in address.into_iter().enumerate() {
        lines.extend(line(&format!("address[{index}]"), Some(typed))?);
    }
    let email = line_of("email", email, EMAIL_MAX)?;
    if email.as_deref().is_some_and(|email| !is_address(email)) {
        return Err(Refusal::invalid(
            "email",
            "must be an e-mail address such as billing@example.com",
        ));
    }
    Ok(Business {
        name: line_of("name", name, NAME_MAX)?,
        address: lines,
        tax_id: line("tax_id", tax_id)?,
        email,
        phone: line("phone", phone)?,
        footer: details("footer", footer)?,
        bank_details: details("bank_details", bank_details)?,
        cheque_details: details("cheque_details", cheque_details)?,
        page_size,
    })
}

/// A line of an address, a telephone number, a number of a tax office. Nothing but blanks is none.
///
/// # Errors
/// [`Refusal::InvalidField`] for what is too long or has control characters.
pub fn line(field: &str, typed: Option<String>) -> Result<Option<String>, Refusal> {
    line_of(field, typed, LINE_MAX)
}

fn line_of(field: &str, typed: Option<String>, most: usize) -> Result<Option<String>, Refusal> {
    let Some(typed) = typed.filter(|typed| !typed.trim().is_empty()) else {
        return Ok(None);
    };
    let shown = text::shown(&typed, most, false);
    let problem = || format!("must be one line of plain text with at most {most} characters");
    shown
        .map(Some)
        .ok_or_else(|| Refusal::invalid(field.to_owned(), problem()))
}

fn details(field: &'static str, typed: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(typed) = typed.filter(|typed| !typed.trim().is_empty()) else {
        return Ok(None);
    };
    let shown = text::shown(&typed.replace("\r\n", "\n"), DETAILS_MAX, true);
    let fits = shown.filter(|shown| shown.lines().count() <= DETAILS_LINES_MAX);
    let problem =
        || format!("must be plain text with at most {DETAILS_MAX} characters in {DETAILS_LINES_MAX} lines");
    fits.map(Some).ok_or_else(|| Refusal::invalid(field, problem()))
}

fn is_address(text: &str) -> bool {
    let (local, host) = text.rsplit_once('@').unwrap_or_default();
    !local.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(change: impl FnOnce(&mut Business)) -> Result<Business, Refusal> {
        let mut business = Business::default();
        change(&mut business);
        check(business)
    }

    #[test]
    fn what_fits_on_paper_is_taken_and_trimmed() {
        let business = typed(|business| {
            business.name = Some("  Bäckerei Hofmann KG ".to_owned());
            business.address = vec![
                "Am Markt 1".to_owned(),
                "  ".to_owned(),
                "80331 München".to_owned(),
            ];
            business.email = Some("post@hofmann.example".to_owned());
            business.phone = Some(String::new());
            business.bank_details = Some("IBAN DE00\r\nBIC X\n".to_owned());
        })
        .unwrap();
        assert_eq!(business.name.as_deref(), Some("Bäckerei Hofmann KG"));
        assert_eq!(business.address, ["Am Markt 1", "80331 München"]);
        assert_eq!(business.phone, None);
        assert_eq!(business.bank_details.as_deref(), Some("IBAN DE00\nBIC X"));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_field() {
        fn refused(field: &str, change: impl FnOnce(&mut Business)) {
            let refusal = typed(change).unwrap_err();
            assert!(
                matches!(&refusal, Refusal::InvalidField { field: of, .. } if of == field),
                "{refusal:?}"
            );
        }
        refused("name", |business| business.name = Some("x".repeat(NAME_MAX + 1)));
        refused("name", |business| {
            business.name = Some("\u{202e}gnp.exe".to_owned())
        });
        refused("name", |business| business.name = Some("two\nlines".to_owned()));
        refused("address", |business| {
            business.address = vec!["x".to_owned(); ADDRESS_LINES_MAX + 1]
        });
        refused("address[1]", |business| {
            business.address = vec!["x".to_owned(), "a\0b".to_owned()]
        });
        for email in ["nobody", "@", "a@", "@b", "a b@c"] {
            refused("email", |business| business.email = Some(email.to_owned()));
        }
        refused("footer", |business| {
            business.footer = Some("x\n".repeat(DETAILS_LINES_MAX + 1) + "y")
        });
        refused("bank_details", |business| {
            business.bank_details = Some("x".repeat(DETAILS_MAX + 1))
        });
    }
}
