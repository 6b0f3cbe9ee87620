//! What operators are told, if they chose to be: each mail is about one cause, says what is wrong and what to
//! do about it, and leads to the page of the console that shows it.

mod de;
mod en;
mod es;
mod fr;

use domain::mail::MailKind;
use domain::seal::Day;
use domain::{Language, Mode};

use super::{Template, letter};
use crate::mails::{Letter, To};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Stored events were given up.
    DeadEvents {
        /// Their mode.
        mode: Mode,
        /// How many.
        events: i64,
        /// Why the oldest was.
        why: Option<String>,
    },
    /// Differences from Stripe are open for too long.
    OldBreaks {
        /// Their mode.
        mode: Mode,
        /// The word of their kind.
        kind: String,
        /// How many.
        breaks: i64,
    },
    /// Endpoints at Stripe are not as they have to be.
    Endpoints {
        /// Their mode.
        mode: Mode,
        /// How they differ.
        wrong: String,
    },
    /// There are payments, and no webhook comes.
    Silence {
        /// Their mode.
        mode: Mode,
    },
    /// A true signature was refused for its time.
    Clock {
        /// By how much.
        offset: String,
    },
    /// A tenant's payouts do not reach its bank.
    Payouts {
        /// Their mode.
        mode: Mode,
        /// What the tenant is called.
        tenant: String,
        /// How many failed.
        payouts: i64,
    },
    /// The last backup is too old, or there is none.
    Backup {
        /// When it was made.
        last: Option<Day>,
    },
    /// The disk of the database's file is filling up.
    Disk {
        /// How much is free.
        free: String,
    },
    /// Live mode is locked.
    Locked {
        /// Why.
        because: String,
    },
    /// The books or the database's file are not as they were written, so live mode is locked.
    Unsound {
        /// What is wrong.
        because: String,
    },
}

impl What {
    /// The kind of the mail.
    pub const fn kind(&self) -> MailKind {
        match self {
            What::DeadEvents { .. } => MailKind::OperatorEvents,
            What::OldBreaks { .. } => MailKind::OperatorBreaks,
            What::Endpoints { .. } => MailKind::OperatorEndpoints,
            What::Silence { .. } => MailKind::OperatorSilence,
            What::Clock { .. } => MailKind::OperatorClock,
            What::Payouts { .. } => MailKind::OperatorPayouts,
            What::Backup { .. } => MailKind::OperatorBackup,
            What::Disk { .. } => MailKind::OperatorDisk,
            What::Locked { .. } | What::Unsound { .. } => MailKind::OperatorLocked,
        }
    }

    const fn mode(&self) -> Option<Mode> {
        match self {
            What::DeadEvents { mode, .. }
            | What::OldBreaks { mode, .. }
            | What::Endpoints { mode, .. }
            | What::Silence { mode }
            | What::Payouts { mode, .. } => Some(*mode),
            What::Locked { .. } | What::Unsound { .. } => Some(Mode::Live),
            What::Clock { .. } | What::Backup { .. } | What::Disk { .. } => None,
        }
    }

    /// The page of the console that shows it.
    const fn path(&self) -> &'static str {
        match self {
            What::DeadEvents { .. } => "/operator/inbox?status=dead",
            What::OldBreaks { .. } | What::Payouts { .. } | What::Unsound { .. } => "/operator/breaks",
            What::Silence { .. } => "/operator/inbox",
            What::Endpoints { .. }
            | What::Clock { .. }
            | What::Backup { .. }
            | What::Disk { .. }
            | What::Locked { .. } => "/operator/configuration",
        }
    }

    /// How many, where there is something to count.
    const fn count(&self) -> Option<i64> {
        match self {
            What::DeadEvents { events, .. } => Some(*events),
            What::OldBreaks { breaks, .. } => Some(*breaks),
            What::Payouts { payouts, .. } => Some(*payouts),
            What::Endpoints { .. }
            | What::Silence { .. }
            | What::Clock { .. }
            | What::Backup { .. }
            | What::Disk { .. }
            | What::Locked { .. }
            | What::Unsound { .. } => None,
        }
    }

    /// What exactly is wrong, in words of the program.
    fn detail(&self) -> Option<&str> {
        match self {
            What::DeadEvents { why, .. } => why.as_deref(),
            What::OldBreaks { kind, .. } => Some(kind),
            What::Endpoints { wrong, .. } => Some(wrong),
            What::Clock { offset } => Some(offset),
            What::Disk { free } => Some(free),
            What::Locked { because } | What::Unsound { because } => Some(because),
            What::Silence { .. } | What::Payouts { .. } | What::Backup { .. } => None,
        }
    }
}

/// All that operators are told in one language.
#[derive(Debug)]
struct Words {
    mode: &'static str,
    count: &'static str,
    detail: &'static str,
    seen: &'static str,
    dead_events: Template,
    old_breaks: Template,
    endpoints: Template,
    silence: Template,
    clock: Template,
    payouts: Template,
    backup: Template,
    disk: Template,
    locked: Template,
    unsound: Template,
}

const fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &en::WORDS,
        Language::De => &de::WORDS,
        Language::Fr => &fr::WORDS,
        Language::Es => &es::WORDS,
    }
}

/// Tells an operator of a cause that was first seen on a day.
pub fn letter_of(language: Language, name: &str, what: &What, seen: Day) -> Letter {
    let words = of(language);
    let template = match what {
        What::DeadEvents { .. } => &words.dead_events,
        What::OldBreaks { .. } => &words.old_breaks,
        What::Endpoints { .. } => &words.endpoints,
        What::Silence { .. } => &words.silence,
        What::Clock { .. } => &words.clock,
        What::Payouts { .. } => &words.payouts,
        What::Backup { .. } => &words.backup,
        What::Disk { .. } => &words.disk,
        What::Locked { .. } => &words.locked,
        What::Unsound { .. } => &words.unsound,
    };
    let (tenant, last, none) = match what {
        What::Payouts { tenant, .. } => (Some(tenant.clone()), None, None),
        What::Backup { last: Some(last) } => (None, Some(language.day(*last)), None),
        What::Backup { last: None } => (None, None, Some(String::new())),
        _ => (None, None, None),
    };
    let values = [
        ("mode", what.mode().map(|mode| mode.label().to_owned())),
        ("mode_word", what.mode().map(|mode| mode.word().to_owned())),
        ("tenant", tenant),
        ("last", last),
        ("none", none),
    ];
    let to = To::Path(what.path().to_owned());
    let mut letter = letter(language, template, Some(name), &values, Some(to));
    letter.facts = [
        what.mode().map(|mode| (words.mode, mode.label().to_owned())),
        what.count().map(|count| (words.count, count.to_string())),
        what.detail().map(|detail| (words.detail, detail.to_owned())),
        Some((words.seen, language.day(seen))),
    ]
    .into_iter()
    .flatten()
    .map(|(label, value)| (label.to_owned(), value))
    .collect();
    letter
}

#[cfg(test)]
mod tests {
    use super::super::tests::places;
    use super::*;

    impl Words {
        fn templates(&self) -> [&Template; 10] {
            [
                &self.dead_events,
                &self.old_breaks,
                &self.endpoints,
                &self.silence,
                &self.clock,
                &self.payouts,
                &self.backup,
                &self.disk,
                &self.locked,
                &self.unsound,
            ]
        }
    }

    fn every() -> Vec<What> {
        let mode = Mode::Live;
        let text = || "why".to_owned();
        vec![
            What::DeadEvents {
                mode,
                events: 3,
                why: Some(text()),
            },
            What::OldBreaks {
                mode,
                kind: text(),
                breaks: 2,
            },
            What::Endpoints { mode, wrong: text() },
            What::Silence { mode },
            What::Clock { offset: text() },
            What::Payouts {
                mode,
                tenant: "Nova IT".to_owned(),
                payouts: 1,
            },
            What::Backup {
                last: Day::parse("2026-03-01"),
            },
            What::Backup { last: None },
            What::Disk { free: text() },
            What::Locked { because: text() },
            What::Unsound { because: text() },
        ]
    }

    /// All that its reader reads.
    fn said(letter: &Letter) -> String {
        let facts = letter
            .facts
            .iter()
            .map(|(label, value)| format!("{label}: {value}"));
        let lines = letter.paragraphs.iter().cloned().chain(facts);
        format!("{} {}", letter.subject, lines.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn every_language_says_the_same_with_the_same_values() {
        let english = of(Language::En).templates();
        for language in Language::ALL {
            for (template, english) in of(language).templates().into_iter().zip(english) {
                let what = format!("{language:?}: {}", template.subject);
                assert_eq!(places(&[template.subject]), places(&[english.subject]), "{what}");
                assert_eq!(places(template.paragraphs), places(english.paragraphs), "{what}");
                assert_eq!(template.notes.len(), english.notes.len(), "{what}");
                assert!(template.button.is_some() && template.subject.len() < 80, "{what}");
            }
        }
    }

    #[test]
    fn every_cause_is_told_with_what_to_do_and_where_it_is_shown() {
        let day = Day::parse("2026-03-01").unwrap();
        for language in Language::ALL {
            for what in every() {
                let letter = letter_of(language, "Olga", &what, day);
                let all = said(&letter);
                assert_eq!(letter.paragraphs.len(), 2, "{all}");
                assert!(letter.button.is_some() && !all.contains(['{', '}']), "{all}");
                assert_eq!(all.contains("why"), what.detail().is_some(), "{all}");
                assert_eq!(all.contains("LIVE"), what.mode().is_some(), "{all}");
                assert!(
                    letter.facts.iter().any(|(_, value)| *value == language.day(day)),
                    "{all}"
                );
            }
        }
        let kinds: Vec<MailKind> = every().iter().map(What::kind).collect();
        assert!(MailKind::ALARMS.iter().all(|kind| kinds.contains(kind)));
    }
}
