//! The catalogue: every type of event that psa-pay subscribes to, where it arrives, and what is done with the
//! object that it is about. A type that is not listed is kept as data, and nothing else happens.

use stripe::events::{Kind, plain_type};

/// The two endpoints at Stripe, in each mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Events on connected accounts: what happens on a tenant's account.
    Accounts,
    /// Events on the platform's own account.
    Platform,
}

/// Where a type of event arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At the endpoint for connected accounts.
    Accounts,
    /// At the endpoint for the platform's own account.
    Platform,
    /// At both, of other objects each.
    Both,
    /// At the platform's own, and as thin events only: API v2 has no snapshots.
    PlatformThin,
}

/// What is done with the object that an event is about. Whatever it is, the raw event is kept and can be
/// applied again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// An intent or a charge: our payment and its invoice follow it; what is not ours is listed as external.
    Payment,
    /// The platform's fee is booked, and what was given back of it is noted.
    Fee,
    /// A refund of a payment of ours is booked, whoever made it. What is the tenant's own is listed as
    /// external.
    Movement,
    /// A dispute of a payment of ours is merged and its money booked; what is not ours is listed as external.
    Dispute,
    /// The payout is kept as it is, and what it consists of.
    Payout,
    /// The tenant's connected account is read again.
    Account,
    /// The subscription is read again, and mirrored.
    Subscription,
    /// An invoice of Stripe's own billing: its subscription is read again. Our invoices and books are not
    /// touched.
    Billing,
    /// Recorded, and nothing is done with it yet.
    Kept,
}

/// Types of events that arrive at the same place and lead to the same.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Where they arrive.
    pub at: At,
    /// What is done with their objects.
    pub flow: Flow,
    /// Their names, as snapshots have them.
    pub names: &'static [&'static str],
}

/// Every type that psa-pay knows, each once.
pub const CATALOGUE: &[Group] = &[
    Group {
        at: At::Accounts,
        flow: Flow::Payment,
        names: &[
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
            "payment_intent.processing",
            "payment_intent.canceled",
            "payment_intent.requires_action",
            "payment_intent.amount_capturable_updated",
            "payment_intent.created",
            "payment_intent.partially_funded",
            "charge.succeeded",
            "charge.pending",
            "charge.failed",
            "charge.captured",
            "charge.expired",
            "charge.updated",
            "charge.refunded",
        ],
    },
    Group {
        at: At::Platform,
        flow: Flow::Fee,
        names: &["application_fee.created", "application_fee.refunded"],
    },
    Group {
        at: At::Accounts,
        flow: Flow::Movement,
        names: &[
            "refund.created",
            "refund.updated",
            "refund.failed",
            // Stripe's older name for `refund.updated`.
            "charge.refund.updated",
        ],
    },
    Group {
        at: At::Both,
        flow: Flow::Payout,
        names: &[
            "payout.created",
            "payout.updated",
            "payout.paid",
            "payout.failed",
            "payout.canceled",
            "payout.reconciliation_completed",
        ],
    },
    Group {
        at: At::Accounts,
        flow: Flow::Account,
        names: &[
            "account.updated",
            "capability.updated",
            "account.application.authorized",
            "account.application.deauthorized",
        ],
    },
    Group {
        at: At::PlatformThin,
        flow: Flow::Account,
        names: &[
            "v2.core.account.created",
            "v2.core.account.updated",
            "v2.core.account.closed",
            "v2.core.account[requirements].updated",
            "v2.core.account[identity].updated",
            "v2.core.account[defaults].updated",
            "v2.core.account[configuration.merchant].updated",
            "v2.core.account[configuration.merchant].capability_status_updated",
        ],
    },
    Group {
        at: At::Both,
        flow: Flow::Subscription,
        names: &[
            "customer.subscription.created",
            "customer.subscription.updated",
            "customer.subscription.deleted",
            "customer.subscription.paused",
            "customer.subscription.resumed",
            "customer.subscription.trial_will_end",
            "customer.subscription.pending_update_applied",
            "customer.subscription.pending_update_expired",
        ],
    },
    Group {
        at: At::Both,
        flow: Flow::Billing,
        names: &[
            "invoice.created",
            "invoice.updated",
            "invoice.deleted",
            "invoice.finalized",
            "invoice.finalization_failed",
            "invoice.sent",
            "invoice.upcoming",
            "invoice.overdue",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice.payment_failed",
            "invoice.payment_action_required",
            "invoice.marked_uncollectible",
            "invoice.voided",
        ],
    },
    Group {
        at: At::Accounts,
        flow: Flow::Dispute,
        names: &[
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.funds_reinstated",
            "charge.dispute.closed",
        ],
    },
    Group {
        at: At::Accounts,
        flow: Flow::Kept,
        names: &[
            "radar.early_fraud_warning.created",
            "setup_intent.succeeded",
            "setup_intent.setup_failed",
            "setup_intent.requires_action",
            "payment_method.attached",
            "payment_method.detached",
            "payment_method.updated",
            "payment_method.automatically_updated",
            "mandate.updated",
            "account.external_account.created",
            "account.external_account.updated",
            "account.external_account.deleted",
            "person.updated",
        ],
    },
    Group {
        at: At::Platform,
        flow: Flow::Kept,
        names: &["application_fee.refund.updated"],
    },
    Group {
        at: At::Both,
        flow: Flow::Kept,
        names: &["balance.available"],
    },
    Group {
        at: At::PlatformThin,
        flow: Flow::Kept,
        names: &["v2.core.account_link.returned", "v2.core.event_destination.ping"],
    },
];

/// What an operator must subscribe to at the least.
pub const AT_LEAST: [&str; 11] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "charge.succeeded",
    "charge.failed",
    "charge.refunded",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "account.updated",
];

/// What is done with an event of this type, snapshot or thin.
pub fn flow_of(type_: &str) -> Flow {
    let name = plain_type(type_);
    let group = CATALOGUE.iter().find(|group| group.names.contains(&name));
    group.map_or(Flow::Kept, |group| group.flow)
}

/// Whether an event of this type tells that something of its charge was given back.
pub fn tells_of_refunds(type_: &str) -> bool {
    plain_type(type_) == "charge.refunded"
}

/// The types that an endpoint is to be subscribed to, as an endpoint of this kind names them: thin ones
/// of API v1 begin with `v1.`.
pub fn subscribed(endpoint: Endpoint, kind: Kind) -> Vec<String> {
    let there = CATALOGUE.iter().filter(|group| match (group.at, endpoint) {
        (At::Both, Endpoint::Accounts | Endpoint::Platform)
        | (At::Accounts, Endpoint::Accounts)
        | (At::Platform, Endpoint::Platform) => true,
        (At::PlatformThin, Endpoint::Platform) => kind == Kind::Thin,
        (At::PlatformThin | At::Platform, Endpoint::Accounts) | (At::Accounts, Endpoint::Platform) => false,
    });
    let named = |group: &'static Group| {
        let prefix = match (kind, group.at) {
            (Kind::Thin, At::Accounts | At::Platform | At::Both) => "v1.",
            (Kind::Thin, At::PlatformThin) | (Kind::Snapshot, _) => "",
        };
        group.names.iter().map(move |name| format!("{prefix}{name}"))
    };
    there.flat_map(named).collect()
}
