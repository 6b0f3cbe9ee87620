//! Pay links: whose each is, whether it opens the invoice, and how often payers may have links mailed.

use std::fmt;

use crate::limits::Limit;
use crate::{MailAddress, Refusal, Timestamp};

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How somebody came to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// The invoice's one link without a recipient, for whoever its maker shows it to.
    Shared,
    /// Mailed to the client.
    Mailed,
    /// Mailed to somebody who gets copies of what clients get.
    MailedCopy,
    /// Made by the tenant for somebody, who gets it by another way than our mail.
    Copied,
    /// Forwarded by the holder of another link.
    Forwarded,
}

impl LinkKind {
    /// All of them.
    pub const ALL: [LinkKind; 5] = [
        LinkKind::Shared,
        LinkKind::Mailed,
        LinkKind::MailedCopy,
        LinkKind::Copied,
        LinkKind::Forwarded,
    ];

    /// Its word, as it is stored and as the API spells it.
    pub const fn word(self) -> &'static str {
        match self {
            LinkKind::Shared => "shared",
            LinkKind::Mailed => "mailed",
            LinkKind::MailedCopy => "mailed_copy",
            LinkKind::Copied => "copied",
            LinkKind::Forwarded => "forwarded",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<LinkKind> {
        LinkKind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether its holder may forward the invoice. Who got it so cannot: how far it goes has a bound.
    pub const fn may_forward(self) -> bool {
        !matches!(self, LinkKind::Forwarded)
    }
}

/// Whether a link opens its invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It does.
    InForce,
    /// It has run out.
    Expired,
    /// The tenant took it back, for good.
    Revoked,
}

impl LinkState {
    /// The state at `now` of a link that runs out at `expires_at`.
    pub fn at(now: Timestamp, expires_at: Timestamp, revoked_at: Option<Timestamp>) -> LinkState {
        match revoked_at {
            Some(_) => LinkState::Revoked,
            None if now < expires_at => LinkState::InForce,
            None => LinkState::Expired,
        }
    }

    /// As the API spells it.
    pub const fn word(self) -> &'static str {
        match self {
            LinkState::InForce => "in_force",
            LinkState::Expired => "expired",
            LinkState::Revoked => "revoked",
        }
    }
}

/// Links that a tenant may make for recipients of one invoice, those that were revoked not counted.
pub const COPIES_MAX: i64 = 50;
/// Links that the holders of one invoice's links may have mailed to others, ever: a stranger who got hold of
/// a link can bother no more people than that.
pub const FORWARDS_MAX: i64 = 20;
/// A forwarded link is good for so long, and never longer than the one that it came from.
pub const FORWARDED_MS: i64 = 14 * DAY_MS;
/// Forwards by one link.
pub const FORWARDS_PER_LINK: Limit = Limit {
    most: 5,
    within_ms: DAY_MS,
};
/// Forwards from one address, over all tenants.
pub const FORWARDS_PER_ADDRESS: Limit = Limit {
    most: 20,
    within_ms: HOUR_MS,
};
/// Fresh links of one invoice mailed to one recipient: whoever presses twice gets one mail.
pub const FRESH_AT_ONCE: Limit = Limit {
    most: 1,
    within_ms: 10 * MINUTE_MS,
};
/// Fresh links of one invoice, whoever gets them.
pub const FRESH_PER_INVOICE: Limit = Limit {
    most: 5,
    within_ms: DAY_MS,
};
/// Fresh links asked for from one address, over all tenants.
pub const FRESH_PER_ADDRESS: Limit = Limit {
    most: 20,
    within_ms: HOUR_MS,
};

/// The longest name of somebody to whom a payer forwards, in characters.
const ADDRESSEE_MAX: usize = 60;

/// Reads the name of somebody to whom a payer forwards an invoice. It stands in a mail that goes out in the
/// tenant's name, so that it can be nothing but a name: letters, spaces, `-`, `'`, and `.` before a space or
/// the end, as in `Dr. J. O'Neil`.
///
/// # Errors
/// [`Refusal::InvalidField`].
pub fn addressee(field: &'static str, given: &str) -> Result<String, Refusal> {
    let name = given.trim();
    let problem = || {
        let most = format!("must be a name of 1 to {ADDRESSEE_MAX} letters, without digits or addresses");
        Refusal::invalid(field, most)
    };
    let letters: Vec<char> = name.chars().collect();
    let fits = |(at, letter): (usize, &char)| match letter {
        ' ' | '-' | '\'' | '\u{2019}' => true,
        '.' => letters.get(at + 1).is_none_or(|next| *next == ' '),
        letter => letter.is_alphabetic() || is_mark(*letter),
    };
    let is_name = letters.len() <= ADDRESSEE_MAX
        && letters.first().is_some_and(|first| first.is_alphabetic())
        && letters.iter().enumerate().all(fits);
    if is_name {
        Ok(name.to_owned())
    } else {
        Err(problem())
    }
}

/// Accents that stand on the letter before, and the vowel signs of Indic scripts.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}')
}

/// `j***@client.example`: enough for whoever has the mailbox to know it, and of no use to anybody else.
pub fn masked(address: &MailAddress) -> String {
    let (local, host) = address.as_str().rsplit_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{host}")
}

/// Why nothing is done about a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The tenant took the link back.
    Revoked,
    /// It was itself forwarded.
    NotForwardable,
    /// The invoice was forwarded as often as it may be.
    TooManyForwards,
    /// The tenant has made as many links of the invoice as it may.
    TooManyCopies,
}

impl Refused {
    /// One of each.
    pub const ALL: [Refused; 4] = [
        Refused::Revoked,
        Refused::NotForwardable,
        Refused::TooManyForwards,
        Refused::TooManyCopies,
    ];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Refused::Revoked => "link_revoked",
            Refused::NotForwardable => "link_not_forwardable",
            Refused::TooManyForwards => "too_many_forwards",
            Refused::TooManyCopies => "too_many_links",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Revoked => "This payment link was withdrawn. Ask whoever sent it for another one.",
            Refused::NotForwardable => {
                "This invoice was forwarded to you. Ask whoever forwarded it to send it to others."
            }
            Refused::TooManyForwards => {
                "This invoice was forwarded as often as is possible. Ask the sender to mail it to others."
            }
            Refused::TooManyCopies => {
                "The invoice has as many links as can be made. Revoke those that nobody needs."
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for kind in LinkKind::ALL {
            assert_eq!(LinkKind::parse(kind.word()), Some(kind));
        }
        assert_eq!(LinkKind::parse(""), None);
    }

    #[test]
    fn what_was_revoked_stays_so_and_the_rest_runs_out() {
        let at = Timestamp::from_ms;
        let state = |now, revoked: Option<i64>| LinkState::at(at(now), at(10), revoked.map(at));
        assert_eq!(state(9, None), LinkState::InForce);
        assert_eq!(state(10, None), LinkState::Expired);
        for now in [0, 9, 10, 11] {
            assert_eq!(state(now, Some(5)), LinkState::Revoked);
        }
    }

    #[test]
    fn a_name_is_a_name_and_carries_no_message() {
        for name in [
            "Ann",
            "Dr. J. O'Neil",
            "Anne-Marie Müller",
            "山田太郎",
            "Łukasz Żak",
            "José A.",
            "अनिल",
        ] {
            assert_eq!(addressee("name", &format!("  {name} ")), Ok(name.to_owned()));
        }
        let long = "a".repeat(ADDRESSEE_MAX + 1);
        for name in [
            "",
            " ",
            "a.example",
            "www.x.y",
            "http://x",
            "x@y",
            "Call 0190",
            "Ann\nBcc: x",
            "Ann\r\nx",
            "\u{202e}nnA",
            "<b>",
            "{amount}",
            "$5",
            "-",
            ".",
            "Ann\tx",
            "a/b",
            "\u{301}",
            &long,
        ] {
            assert!(addressee("name", name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_masked_address_shows_where_and_not_who() {
        let masked = |text: &str| masked(&MailAddress::read(text).unwrap());
        assert_eq!(masked("jane.doe@client.example"), "j***@client.example");
        assert_eq!(masked("j@client.example"), "j***@client.example");
    }
}
