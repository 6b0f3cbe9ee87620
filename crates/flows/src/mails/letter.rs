//! What a mail says, before it is text or HTML: paragraphs, a few facts side by side, one button. Whoever
//! sends it makes both of this, so that they say the same and everything in them is escaped in one place.

use domain::{InvoiceId, Language, LinkId};
use serde_json::{Value, json};

use crate::Failure;

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its language.
    pub language: Language,
    /// The subject; one line.
    pub subject: String,
    /// The first line, such as `Hello Ann,`.
    pub greeting: String,
    /// What there is to say, in order.
    pub paragraphs: Vec<String>,
    /// Facts to look up: what, and its value.
    pub facts: Vec<(String, String)>,
    /// The one thing to do.
    pub button: Option<Button>,
    /// What comes after the button, smaller.
    pub notes: Vec<String>,
}

/// The one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What pressing it does.
    pub label: String,
    /// Where it leads.
    pub to: To,
}

/// Where a button leads: always to this installation, whose address the sender knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// The pay page of an invoice, by the reader's own link if they have one when the mail is sent, else by
    /// the shared one.
    PayPage(InvoiceId),
    /// The pay page by this link, whatever its token is when the mail is sent.
    PayLink(LinkId),
    /// A path of ours, such as `/invoices`.
    Path(String),
    /// A path that only the reader may know, as that of an invitation. It ends with the id of the link's row,
    /// whose place the token takes when the mail is sent. It is forgotten when the mail is over.
    Secret(String),
    /// Where a secret path was.
    Forgotten,
}

impl Letter {
    /// As it is stored; without the subject, which has a column of its own.
    pub fn written(&self) -> String {
        let button = self.button.as_ref().map(|Button { label, to }| {
            let (kind, path) = match to {
                To::PayPage(invoice) => ("pay_page", invoice.as_str()),
                To::PayLink(link) => ("pay_link", link.as_str()),
                To::Path(path) => ("path", path.as_str()),
                To::Secret(path) => ("secret", path.as_str()),
                To::Forgotten => ("forgotten", ""),
            };
            json!({"label": label, "to": kind, "path": path})
        });
        let facts: Vec<Value> = self
            .facts
            .iter()
            .map(|(what, value)| json!([what, value]))
            .collect();
        let letter = json!({
            "greeting": self.greeting,
            "paragraphs": self.paragraphs,
            "facts": facts,
            "button": button,
            "notes": self.notes,
        });
        letter.to_string()
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// [`Failure::Bug`] for what no version of ours has written.
    pub fn read(subject: &str, language: Language, stored: &str) -> Result<Letter, Failure> {
        let unreadable = || Failure::Bug("a stored letter cannot be read".to_owned());
        let value: Value = serde_json::from_str(stored).map_err(|_| unreadable())?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let lines =
            |name: &str| -> Option<Vec<String>> { value.get(name)?.as_array()?.iter().map(text).collect() };
        let fact = |fact: &Value| Some((text(fact.get(0)?)?, text(fact.get(1)?)?));
        let facts = || -> Option<Vec<(String, String)>> {
            value.get("facts")?.as_array()?.iter().map(fact).collect()
        };
        let button = match value.get("button").filter(|button| !button.is_null()) {
            None => None,
            Some(button) => Some(read_button(button).ok_or_else(unreadable)?),
        };
        Ok(Letter {
            language,
            subject: subject.to_owned(),
            greeting: value.get("greeting").and_then(text).ok_or_else(unreadable)?,
            paragraphs: lines("paragraphs").ok_or_else(unreadable)?,
            facts: facts().ok_or_else(unreadable)?,
            button,
            notes: lines("notes").ok_or_else(unreadable)?,
        })
    }

    /// The same, with a button that leads to the pay page by this link where it led there.
    pub fn by_link(mut self, link: &LinkId) -> Letter {
        if let Some(button) = &mut self.button
            && matches!(button.to, To::PayPage(_))
        {
            button.to = To::PayLink(link.clone());
        }
        self
    }

    /// Whether it holds what only its reader may know.
    pub fn is_secret(&self) -> bool {
        let to = self.button.as_ref().map(|button| &button.to);
        matches!(to, Some(To::Secret(_)))
    }

    /// Whether it held that.
    pub fn is_forgotten(&self) -> bool {
        let to = self.button.as_ref().map(|button| &button.to);
        matches!(to, Some(To::Forgotten))
    }

    /// The same without what only its reader may know.
    pub fn without_secrets(mut self) -> Letter {
        if let Some(button) = &mut self.button
            && matches!(button.to, To::Secret(_))
        {
            button.to = To::Forgotten;
        }
        self
    }
}

fn read_button(button: &Value) -> Option<Button> {
    let text = |name: &str| button.get(name)?.as_str().map(str::to_owned);
    let path = text("path")?;
    let to = match button.get("to")?.as_str()? {
        "pay_page" => To::PayPage(InvoiceId::stored(path)),
        "pay_link" => To::PayLink(LinkId::stored(path)),
        "path" => To::Path(path),
        "secret" => To::Secret(path),
        "forgotten" => To::Forgotten,
        _ => return None,
    };
    Some(Button {
        label: text("label")?,
        to,
    })
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn letter(button: Option<To>) -> Letter {
        Letter {
            language: Language::De,
            subject: "Rechnung".to_owned(),
            greeting: "Guten Tag,".to_owned(),
            paragraphs: vec!["Eins \"zwei\" <b>".to_owned(), "drei\u{2028}".to_owned()],
            facts: vec![("Betrag".to_owned(), "1,00\u{a0}€".to_owned())],
            button: button.map(|to| Button {
                label: "Los".to_owned(),
                to,
            }),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_letter_is_read_as_it_was_written() {
        let invoice = InvoiceId::new(Timestamp::from_ms(1), 2);
        let buttons = [
            None,
            Some(To::PayPage(invoice)),
            Some(To::PayLink(LinkId::new(Timestamp::from_ms(1), 2))),
            Some(To::Path("/invoices".to_owned())),
            Some(To::Secret("/reset/abc".to_owned())),
            Some(To::Forgotten),
        ];
        for to in buttons {
            let letter = letter(to);
            let read = Letter::read("Rechnung", Language::De, &letter.written()).unwrap();
            assert_eq!(read, letter);
        }
        for stored in [
            "",
            "{}",
            "[]",
            r#"{"greeting":"a","paragraphs":[1],"facts":[],"notes":[]}"#,
        ] {
            assert!(Letter::read("a", Language::En, stored).is_err(), "{stored}");
        }
    }

    #[test]
    fn secrets_are_forgotten_and_nothing_else_is() {
        let secret = letter(Some(To::Secret("/reset/abc".to_owned())));
        assert!(secret.is_secret());
        let forgotten = secret.without_secrets();
        assert!(forgotten.is_forgotten() && !forgotten.written().contains("abc"));
        let plain = letter(Some(To::Path("/invoices".to_owned())));
        assert_eq!(plain.clone().without_secrets(), plain);
    }
}
