//! Statements that find their rows without a tenant or a mode, each with the reason why it may.

/// A statement that finds its rows without a tenant or a mode, and why it may; `*` is every statement of a
/// folder.
pub struct Exempt {
    pub file: &'static str,
    pub name: &'static str,
    pub reason: &'static str,
}

/// All of them, by file.
pub const EXEMPT: &[Exempt] = &[
    Exempt {
        file: "hurry.rs",
        name: "EVENTS",
        reason: "the operator has everybody's events applied",
    },
    Exempt {
        file: "hurry.rs",
        name: "EVENTS_AHEAD",
        reason: "a clock that was ahead has put off everybody's events",
    },
    Exempt {
        file: "hurry.rs",
        name: "OPERATIONS_AHEAD",
        reason: "a clock that was ahead has put off everybody's writes",
    },
    Exempt {
        file: "hurry.rs",
        name: "MAILS_AHEAD",
        reason: "a clock that was ahead has put off everybody's mails",
    },
    Exempt {
        file: "alarms.rs",
        name: "OLD_BREAKS",
        reason: "the platform's operator watches every tenant's rows",
    },
    Exempt {
        file: "alarms.rs",
        name: "DEAD_EVENT",
        reason: "the platform's operator watches every tenant's rows",
    },
    Exempt {
        file: "alarms.rs",
        name: "NEWEST_DELIVERY",
        reason: "the platform's operator watches every tenant's rows",
    },
    Exempt {
        file: "alarms.rs",
        name: "PAID_SINCE",
        reason: "the platform's operator watches every tenant's rows",
    },
    Exempt {
        file: "audit_log.rs",
        name: "SEARCH",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "audit_log.rs",
        name: "SEARCH_BY_ACTION",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "audit_log.rs",
        name: "SEARCH_BY_SUBJECT",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "audit_log.rs",
        name: "SEARCH_BY_ACTOR",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "audit_log.rs",
        name: "SEARCH_BY_REQUEST",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "OF_SUBJECT",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "api_keys.rs",
        name: "BY_HASH",
        reason: "the hash of a caller's key is what tells tenant and mode",
    },
    Exempt {
        file: "audit_log.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "audit_log.rs",
        name: "PAGE_OF_ALL_BY_ACTION",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "application_fees.rs",
        name: "PARTS_BACK",
        reason: "the platform's balance names a fee, and what went back of it is kept with its tenant",
    },
    Exempt {
        file: "application_fees.rs",
        name: "FIND",
        reason: "the platform's balance names a fee, and the fee's row tells whose it is",
    },
    Exempt {
        file: "balance_cursors.rs",
        name: "DUE",
        reason: "an account's balance is read before anyone knows whose it is",
    },
    Exempt {
        file: "backlog.rs",
        name: "EVENTS_WAITING",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "EVENTS_STUCK",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "OPERATIONS_OPEN",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "OPERATIONS_SETTLED",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "BREAKS_OPEN",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "PAYMENTS_DUE",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "connect_states.rs",
        name: "TAKE",
        reason: "a state of 256 random bits is what tells tenant and mode",
    },
    Exempt {
        file: "connect_states.rs",
        name: "LOOK",
        reason: "a state of 256 random bits is what tells tenant and mode",
    },
    Exempt {
        file: "connect_states.rs",
        name: "FORGET",
        reason: "what has run out is deleted, whosever it was",
    },
    Exempt {
        file: "disputes.rs",
        name: "DUE",
        reason: "the reconciler looks after every tenant; each row then carries its own scope",
    },
    Exempt {
        file: "event_cursors.rs",
        name: "DUE",
        reason: "an account's events are read before anyone knows whose they are",
    },
    Exempt {
        file: "fee_rules.rs",
        name: "LAST_NUMBER",
        reason: "rules are numbered in the order in which they were added, whosever they are",
    },
    Exempt {
        file: "fee_rules.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's rules",
    },
    Exempt {
        file: "mails.rs",
        name: "DUE",
        reason: "the worker sends every tenant's mails; each row then carries its own scope",
    },
    Exempt {
        file: "mails.rs",
        name: "FIND",
        reason: "the platform's operator reads every tenant's mails",
    },
    Exempt {
        file: "mails.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's mails",
    },
    Exempt {
        file: "mails.rs",
        name: "WAITING",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "mails.rs",
        name: "RELEASE",
        reason: "whoever held a mail on this machine is gone, whosever it was",
    },
    Exempt {
        file: "pay_links.rs",
        name: "BY_ID",
        reason: "a link whose token was verified is what tells tenant and mode",
    },
    Exempt {
        file: "invariants/",
        name: "*",
        reason: "every tenant's rows are checked at once, and each row that is found carries its own scope",
    },
    Exempt {
        file: "payment_method_domains.rs",
        name: "DUE",
        reason: "the reconciler looks after every tenant; each row then carries its own scope",
    },
    Exempt {
        file: "refunds.rs",
        name: "DUE",
        reason: "the reconciler looks after every tenant; each row then carries its own scope",
    },
    Exempt {
        file: "instance.rs",
        name: "NEWEST",
        reason: "the newest thing known here, whoever's it is",
    },
    Exempt {
        file: "instance.rs",
        name: "CANCEL_MAILS",
        reason: "after a restore nobody's live mails are sent twice",
    },
    Exempt {
        file: "instance.rs",
        name: "IS_LOCKED",
        reason: "whatever of anybody's was changed keeps everybody's live money from moving",
    },
    Exempt {
        file: "instance.rs",
        name: "UNSOUND",
        reason: "the operator is told what was changed, whoever's it is",
    },
    Exempt {
        file: "instance.rs",
        name: "UNABLE",
        reason: "the operator is told how many accounts cannot charge",
    },
    Exempt {
        file: "hurry.rs",
        name: "DISPUTES",
        reason: "the operator has everybody's disputes looked at",
    },
    Exempt {
        file: "hurry.rs",
        name: "PAYMENTS",
        reason: "the operator has everybody's payments looked at",
    },
    Exempt {
        file: "event_cursors.rs",
        name: "IN_USE",
        reason: "an account's events are read before anyone knows whose they are",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "GET_ANYBODYS",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "CLOSE",
        reason: "by the id of a row that was read before, of a tenant or by the operator",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "COUNT_OPEN",
        reason: "the command line counts what is open of everybody",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "RESOLVE_ANYBODYS",
        reason: "a break of an event is opened before anyone knows whose event it is",
    },
    Exempt {
        file: "requests.rs",
        name: "RELEASE",
        reason: "a process that knows it is alone ends its own leases at start",
    },
    Exempt {
        file: "stripe_config.rs",
        name: "BY_ACCOUNT",
        reason: "a verified event's account and livemode are what tell the tenant",
    },
    Exempt {
        file: "hurry.rs",
        name: "OPERATIONS",
        reason: "the operator has everybody's writes looked at",
    },
    Exempt {
        file: "stripe_operations.rs",
        name: "IS_GIVEN",
        reason: "there is one access to an account for all tenants: what any of them was given is not ended",
    },
    Exempt {
        file: "stripe_operations.rs",
        name: "HELD",
        reason: "the operator orders a reconciliation of every tenant; only a number leaves",
    },
    Exempt {
        file: "stripe_operations.rs",
        name: "CREATES_ACCOUNT",
        reason: "the key of a verified event is asked for before anyone knows whose account it is",
    },
    Exempt {
        file: "stripe_operations.rs",
        name: "END_DEAUTHORIZING",
        reason: "there is one access to an account in a mode, whichever tenant had it end",
    },
    Exempt {
        file: "stripe_operations.rs",
        name: "RELEASE",
        reason: "a process that knows it is alone ends its own leases at start",
    },
    Exempt {
        file: "stripe_webhook_event_archive.rs",
        name: "DUE",
        reason: "what is old goes to the archive, whosever it is",
    },
    Exempt {
        file: "stripe_webhook_event_archive.rs",
        name: "COPY",
        reason: "by the id of a row that is old",
    },
    Exempt {
        file: "stripe_webhook_event_archive.rs",
        name: "EMPTY",
        reason: "by the id of a row that is old",
    },
    Exempt {
        file: "subscriptions.rs",
        name: "DUE",
        reason: "the reconciler looks after every tenant; each row then carries its own scope",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "INSERT",
        reason: "stored before anyone knows whose it is; the tenant is set when it is applied",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "LISTED_WAITING",
        reason: "an account's events are counted before anyone knows whose they are",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "HURRY",
        reason: "an account answers again, whosever events of it wait",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "INSERT_LISTED",
        reason: "stored before anyone knows whose it is; the tenant is set when it is applied",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "RELEASE",
        reason: "stored before anyone knows whose it is; the tenant is set when it is applied",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "TAKE",
        reason: "the worker takes what is due, whosever it is",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "FINISH",
        reason: "by the id of a row that the worker holds",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "PUT_OFF",
        reason: "by the id of a row that the worker holds",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "STATUS_OF",
        reason: "by the id of a row that the worker holds",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "REPLAYED_AT",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "TROUBLED",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "OF_OBJECT",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "PAGE_OF_ALL_TROUBLE",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "ONE_OF_ALL",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "GET_ANYBODYS",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "BODY",
        reason: "by the id of a row that was found in its scope",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "REPLAY",
        reason: "by the id of a row that was found in its scope",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "ORPHANS",
        reason: "the account is what tells the tenant, which these rows have not got yet",
    },
];
