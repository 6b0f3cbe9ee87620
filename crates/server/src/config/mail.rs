//! The mail server and the address that mails come from: `SMTP_URL` and `MAIL_FROM`, both or neither.

use domain::{MailAddress, mail_address};
use stripe::Secret;

use super::Problem;
use super::variables::{Given, Variables};

/// Where mails are handed over, and in whose name.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// The mail server.
    pub server: SmtpServer,
    /// The address that every mail comes from.
    pub from: MailAddress,
    /// The name before it in mails of the platform's own; a tenant's mails have the tenant's.
    pub from_name: String,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept secret.
    pub tls: Tls,
    /// User and password, if it asks for them.
    pub login: Option<(String, Secret)>,
}

/// How a connection is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte: `smtps://`.
    Always,
    /// By STARTTLS, without which nothing is sent: `smtp://`.
    StartTls,
    /// Not at all: on this machine, or where `?tls=none` says so.
    None,
}

const URL: &str = "SMTP_URL";
const FROM: &str = "MAIL_FROM";
const EXPECTED: &str = "smtps://USER:PASSWORD@HOST:PORT, or smtp://… for STARTTLS; characters such as @ and \
                        : of \
                        a password are written %40 and %3A";

/// `None` when something is wrong, `Some(None)` without mail.
pub fn read(variables: &mut Variables<'_>) -> Option<Option<MailConfig>> {
    let server = match variables.word(URL) {
        Given::Absent => None,
        Given::Wrong => return None,
        Given::Value(url) => match server(&url) {
            Some(server) => Some(server),
            None => return variables.refuse(URL, Problem::Malformed { expected: EXPECTED }),
        },
    };
    let from = match variables.mailbox(FROM) {
        Given::Absent => None,
        Given::Wrong => return None,
        Given::Value(from) => match mailbox(&from) {
            Some(from) => Some(from),
            None => {
                let expected =
                    "an address, or a name and an address such as: Northwind Billing <billing@example.com>";
                return variables.refuse(FROM, Problem::Malformed { expected });
            }
        },
    };
    match (server, from) {
        (None, None) => Some(None),
        (Some(server), Some((from_name, from))) => Some(Some(MailConfig {
            server,
            from,
            from_name,
        })),
        (Some(_), None) => {
            let because = "mails come from this address once SMTP_URL is set";
            variables.refuse(FROM, Problem::Missing { because })
        }
        (None, Some(_)) => {
            let because = "mails are handed over there once MAIL_FROM is set";
            variables.refuse(URL, Problem::Missing { because })
        }
    }
}

fn server(url: &str) -> Option<SmtpServer> {
    let (tls, rest) = match (url.strip_prefix("smtps://"), url.strip_prefix("smtp://")) {
        (Some(rest), _) => (Tls::Always, rest),
        (None, Some(rest)) => (Tls::StartTls, rest),
        (None, None) => return None,
    };
    let (rest, plain) = match rest.split_once('?') {
        None => (rest, false),
        Some((rest, "tls=none")) if tls == Tls::StartTls => (rest, true),
        Some(_) => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (login, address) = match rest.rsplit_once('@') {
        None => (None, rest),
        Some((login, address)) => {
            let (user, password) = login.split_once(':')?;
            let (user, password) = (decoded(user)?, decoded(password)?);
            (Some((user, Secret::new(password))), address)
        }
    };
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().ok()?)),
        _ => (address, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let plausible = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(plausible) || port == Some(0) {
        return None;
    }
    let is_here = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let tls = match tls {
        Tls::StartTls if is_here || plain => Tls::None,
        tls => tls,
    };
    // A password does not go over a network for everybody to read.
    if tls == Tls::None && !is_here && login.is_some() {
        return None;
    }
    let usual = match tls {
        Tls::Always => 465,
        Tls::StartTls => 587,
        Tls::None => 25,
    };
    Some(SmtpServer {
        host: host.to_owned(),
        port: port.unwrap_or(usual),
        tls,
        login,
    })
}

/// `%40` and its like; `None` for what is cut off, no UTF-8 or a control character.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = after.get(..2)?;
            bytes.extend(hex::decode(digits).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

/// `Name <address>`, `"Name" <address>` or `address`.
fn mailbox(text: &str) -> Option<(String, MailAddress)> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let Some((name, rest)) = text.rsplit_once('<') else {
        return Some(("psa-pay".to_owned(), MailAddress::read(text)?));
    };
    let address = MailAddress::read(rest.strip_suffix('>')?)?;
    let name = name.trim().trim_matches('"');
    Some((mail_address::name(FROM, name).ok()?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> Option<String> {
        let server = server(url)?;
        let login = server
            .login
            .map(|(user, password)| format!("{user}/{}", password.expose()));
        let tls = match server.tls {
            Tls::Always => "tls",
            Tls::StartTls => "starttls",
            Tls::None => "plain",
        };
        Some(format!(
            "{} {} {tls} {}",
            server.host,
            server.port,
            login.unwrap_or_default()
        ))
    }

    #[test]
    fn mail_servers_are_read() {
        for (url, server) in [
            ("smtps://u:p@mail.example.com", "mail.example.com 465 tls u/p"),
            (
                "smtps://u:p%40%3A%2F@mail.example.com:2465",
                "mail.example.com 2465 tls u/p@:/",
            ),
            (
                "smtp://u:p@mail.example.com/",
                "mail.example.com 587 starttls u/p",
            ),
            ("smtp://mail.example.com:25", "mail.example.com 25 starttls "),
            ("smtp://127.0.0.1:1025", "127.0.0.1 1025 plain "),
            ("smtp://localhost", "localhost 25 plain "),
            ("smtp://[::1]:1025", "::1 1025 plain "),
            ("smtp://mailpit:1025?tls=none", "mailpit 1025 plain "),
            (
                "smtp://a%40b.example:p@mail.example.com",
                "mail.example.com 587 starttls a@b.example/p",
            ),
        ] {
            assert_eq!(shown(url).as_deref(), Some(server), "{url}");
        }
        for url in [
            "mail.example.com",
            "http://mail.example.com",
            "smtp://",
            "smtp://u@mail.example.com",
            "smtp://u:p@mailpit:1025?tls=none",
            "smtps://mail.example.com?tls=none",
            "smtp://mail.example.com?tls=maybe",
            "smtp://mail.example.com:0",
            "smtp://mail.example.com:99999",
            "smtp://mail.example.com/path",
            "smtp://u:p%4@mail.example.com",
            "smtp://u:p%0a@mail.example.com",
            "smtp://mail exa.com",
        ] {
            assert_eq!(shown(url), None, "{url}");
        }
    }

    #[test]
    fn senders_are_read() {
        let read = |text| mailbox(text).map(|(name, address)| format!("{name}|{address}"));
        assert_eq!(
            read("billing@example.com").as_deref(),
            Some("psa-pay|billing@example.com")
        );
        let named = Some("Northwind, Billing|billing@example.com");
        assert_eq!(read("Northwind, Billing <billing@example.com>").as_deref(), named);
        assert_eq!(
            read("\"Northwind, Billing\" <billing@example.com>").as_deref(),
            named
        );
        for text in [
            "",
            "billing",
            "<billing@example.com>",
            "A <b@c",
            "A\n<billing@example.com>",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
