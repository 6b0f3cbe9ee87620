//! Mails that went nowhere: the demo keeps the newest ones in memory, to be looked at.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::{MailId, Timestamp};
use flows::mails::sending::Taken;

use super::Ready;

/// The newest mails that are kept.
const KEPT_MAX: usize = 200;

/// A mail that was caught.
#[derive(Clone, Debug)]
pub struct CaughtMail {
    /// Its id.
    pub id: MailId,
    /// What it tells of.
    pub kind: &'static str,
    /// The name that it comes from.
    pub sender: String,
    /// To whom.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// When it was made.
    pub at: Timestamp,
    /// Its text, HTML and what goes with it.
    pub ready: Ready,
}

/// The mails that were caught, newest first.
#[derive(Debug, Default)]
pub struct Caught {
    mails: Mutex<VecDeque<CaughtMail>>,
}

impl Caught {
    /// Keeps a mail; one that is sent again takes the place of the first.
    pub fn keep(&self, taken: &Taken, ready: Ready) {
        let mail = CaughtMail {
            id: taken.mail.id.clone(),
            kind: taken.mail.kind.word(),
            sender: taken.sender.clone().unwrap_or_else(|| "psa-pay".to_owned()),
            recipient: taken.mail.recipient.to_string(),
            subject: taken.mail.subject.clone(),
            at: taken.mail.created_at,
            ready,
        };
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.retain(|known| known.id != mail.id);
        mails.push_front(mail);
        mails.truncate(KEPT_MAX);
    }

    /// All of them, newest first.
    pub fn all(&self) -> Vec<CaughtMail> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().cloned().collect()
    }

    /// One of them.
    pub fn find(&self, id: &MailId) -> Option<CaughtMail> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().find(|mail| mail.id == *id).cloned()
    }
}
