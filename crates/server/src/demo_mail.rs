//! `/demo/mail`: the mails that the demo would have sent. A mail's HTML is a page of its own under a
//! policy that
//! lets nothing run and nothing load, shown in a frame.

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use domain::{Language, MailId, Refusal, Timestamp};
use maud::{Markup, html};

use crate::html::{Column, Pages, empty, facts, pages, plain_page, table, title};
use crate::mail::{Caught, CaughtMail};
use crate::problem::Problem;
use crate::router::Site;

/// Mails of one page.
const SHOWN_MAX: usize = 100;

/// `GET /demo/mail`
pub async fn list(State(site): State<Site>) -> Result<Markup, Problem> {
    let mails = caught(&site)?.all();
    let about = "Nothing leaves this demo: what it would have mailed is kept here, newest first.";
    let columns = [
        Column::words("Subject"),
        Column::words("To"),
        Column::words("Kind"),
        Column::words("Made"),
    ];
    let rows: Vec<Vec<Markup>> = mails.iter().take(SHOWN_MAX).map(row).collect();
    let nothing = "Send an invoice, or pay one: its receipt appears here a moment later.";
    let content = html! {
        (title("Mail", about, &html! {}))
        @if rows.is_empty() { (empty("No mail yet", nothing, &html! {})) }
        @else {
            (table("Mails, newest first", &columns, &rows))
            (pages(&Pages::default()))
        }
    };
    Ok(plain_page("Mail", &content))
}

fn row(mail: &CaughtMail) -> Vec<Markup> {
    vec![
        html! { a href={ "/demo/mail/" (mail.id) } { (mail.subject) } },
        html! { (mail.recipient) },
        html! { (mail.kind.replace('_', " ")) },
        html! { (moment(mail.at)) },
    ]
}

/// `GET /demo/mail/{id}`
pub async fn show(State(site): State<Site>, Path(id): Path<String>) -> Result<Markup, Problem> {
    let mail = find(&site, &id)?;
    let ready = &mail.ready;
    let html_at = format!("/demo/mail-html/{}", mail.id);
    let rows = [
        ("From", html! { (mail.sender) }),
        ("To", html! { (mail.recipient) }),
        ("Made", html! { (moment(mail.at)) }),
        (
            "Attachment",
            match &ready.attachment {
                Some((name, bytes)) => html! {
                    a href={ "/demo/mail-attachment/" (mail.id) } { (name) }
                    " (" (bytes.len().div_ceil(1024)) " KB)"
                },
                None => html! { "None" },
            },
        ),
    ];
    let back = html! { a .btn href="/demo/mail" { "All mails" } };
    let content = html! {
        (title(&mail.subject, "", &back))
        (facts(&rows))
        section .mail-part {
            h2 { "As HTML" }
            iframe .mail-frame title="The mail as HTML" src=(html_at) sandbox="" {}
            p { a href=(html_at) { "Open it by itself" } }
        }
        section .mail-part {
            h2 { "As text" }
            pre .mail-text { (ready.text) }
        }
    };
    Ok(plain_page(&mail.subject, &content))
}

/// `GET /demo/mail-html/{id}`
pub async fn as_html(State(site): State<Site>, Path(id): Path<String>) -> Result<Html<String>, Problem> {
    Ok(Html(find(&site, &id)?.ready.html))
}

/// `GET /demo/mail-attachment/{id}`
pub async fn attachment(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Problem> {
    let (name, bytes) = find(&site, &id)?.ready.attachment.ok_or(Refusal::NotFound)?;
    // Names of ours, such as invoice-INV-00001.pdf: nothing in them needs quoting.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = name.chars().filter(|c| plain(*c)).collect();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let disposition = disposition.unwrap_or(HeaderValue::from_static("attachment"));
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, bytes).into_response())
}

fn caught(site: &Site) -> Result<&Caught, Problem> {
    let mailer = site.mailer.as_ref();
    Ok(mailer
        .and_then(|mailer| mailer.caught())
        .ok_or(Refusal::NotFound)?)
}

fn find(site: &Site, id: &str) -> Result<CaughtMail, Problem> {
    let id = MailId::parse(id)?;
    Ok(caught(site)?.find(&id).ok_or(Refusal::NotFound)?)
}

/// `27 November 2026, 09:14 UTC`
fn moment(at: Timestamp) -> String {
    let minutes = at.seconds().div_euclid(60);
    let (hour, minute) = (minutes.div_euclid(60).rem_euclid(24), minutes.rem_euclid(60));
    let day = Language::En.day(domain::seal::Day::of(at));
    format!("{day}, {hour:02}:{minute:02} UTC")
}
