//! A mail as it goes over the wire: headers, text and HTML of the same letter, what goes with it. Everything
//! in a header is encoded by lettre, and was refused before if it had a line break.

use std::time::{Duration, SystemTime};

use domain::{MailAddress, Mode, PaymentId};
use flows::Failure;
use flows::mails::sending::Taken;
use flows::mails::{Attachment, Letter, words};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Mailbox, MultiPart};
use lettre::{Address, Message};

use super::html::{self, Page};
use crate::documents_of;
use crate::router::Site;

/// A mail that is ready to be handed over.
#[derive(Clone, Debug)]
pub struct Ready {
    /// As the mail server takes it.
    pub message: Message,
    /// Its text.
    pub text: String,
    /// Its HTML.
    pub html: String,
    /// What goes with it: its file's name and its bytes.
    pub attachment: Option<(String, Vec<u8>)>,
}

/// Writes a mail, with what goes with it.
///
/// # Errors
/// Why it cannot be written: an address that is none, which no later try would change.
pub fn ready(
    site: &Site,
    from: &MailAddress,
    from_name: &str,
    taken: &Taken,
    attachment: Option<(String, Vec<u8>)>,
) -> Result<Ready, String> {
    let (mail, letter) = (&taken.mail, &taken.letter);
    let sender = taken.sender.as_deref().unwrap_or(from_name);
    let page = page(site, taken, sender);
    let (text, html) = (text(letter, &page), html::page(letter, &page).into_string());
    let body = MultiPart::alternative_plain_html(text.clone(), html.clone());
    let body = match &attachment {
        None => body,
        Some((name, bytes)) => {
            let pdf = ContentType::parse("application/pdf").map_err(|error| error.to_string())?;
            let part = Part::new(name.clone()).body(bytes.clone(), pdf);
            MultiPart::mixed().multipart(body).singlepart(part)
        }
    };
    let at = u64::try_from(mail.created_at.ms()).unwrap_or_default();
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut message = Message::builder()
        .from(Mailbox::new(Some(unencoded(sender)), address(from.as_str())?))
        .to(Mailbox::new(
            mail.recipient_name.as_deref().map(unencoded),
            address(mail.recipient.as_str())?,
        ))
        .subject(unencoded(&mail.subject))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(at))
        .message_id(mail.message_id.clone())
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    if let Some(reply_to) = &taken.reply_to {
        message = message.reply_to(Mailbox::new(Some(unencoded(sender)), address(reply_to)?));
    }
    let message = message.multipart(body).map_err(|error| error.to_string())?;
    Ok(Ready {
        message,
        text,
        html,
        attachment,
    })
}

/// What looks like an encoded word and is none: mail programs would show something else than was typed.
fn unencoded(text: &str) -> String {
    text.replace("=?", "= ?")
}

fn address(text: &str) -> Result<Address, String> {
    text.parse()
        .map_err(|error| format!("{text} is no address: {error}"))
}

/// What stands around a letter.
fn page<'a>(site: &Site, taken: &'a Taken, sender: &'a str) -> Page<'a> {
    let language = taken.letter.language;
    let kind = taken.mail.kind;
    let of_a_login = kind.is_about_a_login();
    let test = taken.mail.scope.mode == Mode::Test && !of_a_login;
    let to_staff = kind.is_alert() || kind.is_alarm();
    Page {
        sender,
        // Only the configured address: what a request says of its host is never asked.
        url: taken
            .path
            .as_ref()
            .map(|path| format!("{}{path}", site.config.public_url.origin())),
        test: test.then(|| words::test_note(language)),
        foot: match &taken.reply_to {
            _ if to_staff && !taken.has_login => Some(words::notice_note(language, sender)),
            _ if of_a_login || to_staff => to_staff.then(|| words::automatic_note(language).to_owned()),
            Some(contact) => Some(words::questions(language, contact)),
            None => None,
        },
    }
}

/// The letter as plain text.
fn text(letter: &Letter, page: &Page) -> String {
    let colon = letter.language.colon();
    let mut blocks: Vec<String> = page.test.map(str::to_owned).into_iter().collect();
    blocks.push(letter.greeting.clone());
    blocks.extend(letter.paragraphs.iter().cloned());
    let facts: Vec<String> = letter
        .facts
        .iter()
        .map(|(what, value)| format!("{what}{colon} {value}"))
        .collect();
    if !facts.is_empty() {
        blocks.push(facts.join("\n"));
    }
    if let (Some(button), Some(url)) = (&letter.button, &page.url) {
        blocks.push(format!("{}{colon}\n{url}", button.label));
    }
    blocks.extend(letter.notes.iter().cloned());
    blocks.push(page.sender.to_owned());
    blocks.extend(page.foot.iter().cloned());
    let mut text = blocks.join("\n\n");
    text.push('\n');
    text
}

/// What goes with a mail: its file's name and its bytes.
///
/// # Errors
/// When the document cannot be made at the moment.
pub async fn attached(site: &Site, taken: &Taken) -> Result<Option<(String, Vec<u8>)>, Failure> {
    let (scope, language) = (&taken.mail.scope, Some(taken.letter.language));
    let Some((kind, id)) = &taken.mail.attachment else {
        return Ok(None);
    };
    let document = match Attachment::read(kind, id) {
        Some(Attachment::Invoice(id)) => {
            // The address that the mail itself names.
            let link = taken.path.as_deref().and_then(|path| path.strip_prefix("/pay/"));
            documents_of::invoice(site, scope, &id, language, link.map(str::to_owned)).await?
        }
        Some(Attachment::Receipt(id)) => {
            documents_of::receipt(site, scope, &PaymentId::stored(id), None, language).await?
        }
        None => return Ok(None),
    };
    Ok(Some((document.name, document.pdf)))
}
