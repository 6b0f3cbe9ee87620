//! What operators are told, in English.

use super::{Template, Words};

pub(super) const WORDS: Words = Words {
    mode: "Mode",
    count: "How many",
    detail: "Found",
    seen: "First seen on",
    dead_events: Template {
        subject: "Webhooks of {mode} mode were given up",
        paragraphs: &[
            "Webhooks that Stripe sent in {mode} mode could not be applied and are not tried again.",
            "Repair what is named below, then have them applied again: in the console, or by `psa-pay \
             webhooks replay`.",
        ],
        button: Some("Open the inbox"),
        notes: &[],
    },
    old_breaks: Template {
        subject: "A difference from Stripe in {mode} mode is a day old",
        paragraphs: &[
            "What we know in {mode} mode and what Stripe says have differed for over a day.",
            "The page of differences says what this kind means and what to do about it.",
        ],
        button: Some("Open the differences"),
        notes: &[],
    },
    endpoints: Template {
        subject: "Stripe's webhook endpoints for {mode} mode are not right",
        paragraphs: &[
            "Where Stripe sends webhooks of {mode} mode is not as it has to be, so that some may \
             never come.",
            "Run `psa-pay webhooks list --mode {mode_word}` to see it, and `psa-pay webhooks setup \
             --mode {mode_word}` to repair it.",
        ],
        button: Some("Open the configuration"),
        notes: &[],
    },
    silence: Template {
        subject: "No webhooks come in {mode} mode",
        paragraphs: &[
            "Clients have paid in {mode} mode, and no webhook of Stripe's has come since. Payments \
             are still found by asking Stripe, only later.",
            "See in Stripe's dashboard what became of the deliveries, and run `psa-pay doctor`.",
        ],
        button: Some("Open the inbox"),
        notes: &[],
    },
    clock: Template {
        subject: "The clock of psa-pay is wrong",
        paragraphs: &[
            "A webhook with a true signature was refused because its time and ours are too far apart.",
            "Set this machine's clock by NTP. If it is right, somebody sends old webhooks again.",
        ],
        button: Some("Open the configuration"),
        notes: &[],
    },
    payouts: Template {
        subject: "Payouts of {tenant} fail",
        paragraphs: &[
            "The bank of {tenant} did not take a payout in {mode} mode, and none has reached it since.",
            "Its staff are told as well. Stripe pays nothing out until the bank account is right in \
             its dashboard.",
        ],
        button: Some("Open the differences"),
        notes: &[],
    },
    backup: Template {
        subject: "The backup of psa-pay is too old",
        paragraphs: &[
            "The last backup was made on {last}.",
            "{none}The database was never backed up.",
            "Run `psa-pay backup --to FILE` every night, and keep the file elsewhere.",
        ],
        button: Some("Open the configuration"),
        notes: &[],
    },
    disk: Template {
        subject: "The disk of psa-pay is filling up",
        paragraphs: &[
            "Less than a fifth is free of the disk that the database's file is on.",
            "Make room, or move the file to a larger disk: on a full one no payment and no event is taken \
             until there is room again.",
        ],
        button: Some("Open the configuration"),
        notes: &[],
    },
    locked: Template {
        subject: "LIVE is locked",
        paragraphs: &[
            "No money moves in {mode} mode: the database is a copy, which may know less than Stripe.",
            "Run `psa-pay reconcile` as the log says; docs/operators.md tells how to open it again.",
        ],
        button: Some("Open the configuration"),
        notes: &[],
    },
    unsound: Template {
        subject: "LIVE is locked: the books were changed",
        paragraphs: &[
            "No money moves in {mode} mode: what the database holds is not what was \
             written there.",
            "Look at each break, and at who can write to the database. LIVE opens once each is \
             dealt with.",
        ],
        button: Some("Look at the breaks"),
        notes: &[],
    },
};
