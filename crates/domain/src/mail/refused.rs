//! Why nothing is done about a mail.

use std::fmt;

/// A refusal; its code is part of the API, as those of every refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is under way.
    NotFinal,
    /// It was sent.
    Sent,
    /// It never went out.
    NotSent,
    /// It held a secret link, which was forgotten.
    Forgotten,
    /// Nobody is there to receive it.
    NoRecipient,
}

impl Refused {
    /// One of each.
    pub const ALL: [Refused; 5] = [
        Refused::NotFinal,
        Refused::Sent,
        Refused::NotSent,
        Refused::Forgotten,
        Refused::NoRecipient,
    ];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Refused::NotFinal => "mail_under_way",
            Refused::Sent => "mail_sent",
            Refused::NotSent => "mail_not_sent",
            Refused::Forgotten => "mail_forgotten",
            Refused::NoRecipient => "no_recipient",
        }
    }

    /// The field that it is about, where there is one.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Refused::NoRecipient => Some("to"),
            Refused::NotFinal | Refused::Sent | Refused::NotSent | Refused::Forgotten => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::NotFinal => "The mail is on its way and is tried again by itself. Wait for its result.",
            Refused::Sent => "The mail server has taken this mail. Send the invoice again for another one.",
            Refused::NotSent => "This mail never went out, so that it cannot have come back.",
            Refused::Forgotten => {
                "The mail held a link that only its reader may know, and it was forgotten. Have a new one \
                 sent."
            }
            Refused::NoRecipient => {
                "There is nobody to send this to: the client has no e-mail address. Add one to the client; \
                 over the API, \"to\" may name another."
            }
        })
    }
}
