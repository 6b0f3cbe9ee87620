//! Where a tenant's Stripe account stands, as one of a few states that people can tell apart, and what is to
//! be done next. It is worked out from what was last read at Stripe, and from nothing else.

use domain::Timestamp;
use flows::connect::Connection;
use flows::onboarding::RequirementsKept;
use serde_json::Value;
use store::stripe_config::StripeConfig;

use super::words::{self, Ask};

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is no account yet.
    NotConnected,
    /// Stripe was asked for an account and has not said that it is there.
    BeingCreated,
    /// Money can be taken.
    Ready,
    /// All was given, and Stripe looks at it.
    InReview,
    /// Stripe waits for something.
    NeedsInformation,
    /// Stripe does not want this account.
    Declined,
    /// Stripe or the platform has stopped it, and no form helps.
    Paused,
    /// The account could take money, but the operator has suspended or closed the tenant.
    Stopped,
    /// The tenant disconnected it.
    Disconnected,
}

impl State {
    /// Every state.
    #[cfg(test)]
    pub const ALL: [State; 9] = [
        State::NotConnected,
        State::BeingCreated,
        State::Ready,
        State::InReview,
        State::NeedsInformation,
        State::Declined,
        State::Paused,
        State::Stopped,
        State::Disconnected,
    ];

    /// The state as the API spells it.
    pub const fn word(self) -> &'static str {
        match self {
            State::NotConnected => "not_connected",
            State::BeingCreated => "being_created",
            State::Ready => "ready",
            State::InReview => "in_review",
            State::NeedsInformation => "needs_information",
            State::Declined => "declined",
            State::Paused | State::Stopped => "paused",
            State::Disconnected => "disconnected",
        }
    }

    /// Whether a page about it need not look again.
    pub const fn is_final(self) -> bool {
        match self {
            State::Ready | State::Declined | State::Disconnected => true,
            State::NotConnected
            | State::BeingCreated
            | State::InReview
            | State::NeedsInformation
            | State::Paused
            | State::Stopped => false,
        }
    }
}

/// Where a connection stands, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which state it is.
    pub state: State,
    /// The headline.
    pub headline: String,
    /// What it means and what to do next, in sentences.
    pub next_step: String,
    /// What Stripe still wants.
    pub asks: Vec<Ask>,
    /// What was given and did not do, in Stripe's sentences.
    pub problems: Vec<String>,
    /// Until when what is listed must be given.
    pub deadline: Option<Timestamp>,
    /// What does not stop payments but should be known.
    pub warnings: Vec<&'static str>,
}

/// Works it out.
pub fn standing(connection: &Connection) -> Standing {
    let Some(config) = &connection.config else {
        return without_account(connection.in_doubt_ms);
    };
    let requirements = RequirementsKept::read(&config.requirements);
    let due = requirements.currently_due.iter().chain(&requirements.past_due);
    let asks = words::asks(in_order_once(due));
    let state = match state(config, &requirements, !asks.is_empty()) {
        State::Ready if !connection.may_begin => State::Stopped,
        state => state,
    };
    let (headline, next_step) = sentences(state, &asks, reason(config, &requirements));
    let problems = requirements.errors.into_iter().map(|error| error.reason);
    Standing {
        state,
        headline,
        next_step,
        problems: problems.filter(|reason| !reason.is_empty()).collect(),
        deadline: requirements
            .current_deadline
            .map(|at| Timestamp::from_ms(at.saturating_mul(1000))),
        warnings: warnings(state, config, !asks.is_empty()),
        asks,
    }
}

fn without_account(in_doubt_ms: Option<i64>) -> Standing {
    let state = match in_doubt_ms {
        Some(_) => State::BeingCreated,
        None => State::NotConnected,
    };
    let (headline, mut next_step) = sentences(state, &[], "");
    if let Some(within) = in_doubt_ms.map(within) {
        next_step = format!("{next_step} Stripe is asked again within {within}.");
    }
    Standing {
        state,
        headline,
        next_step,
        asks: Vec::new(),
        problems: Vec::new(),
        deadline: None,
        warnings: Vec::new(),
    }
}

/// A wait as people say it: no longer than that, and not counted down.
const fn within(wait_ms: i64) -> &'static str {
    match wait_ms {
        ..=60_000 => "a minute",
        60_001..=300_000 => "five minutes",
        _ => "ten minutes",
    }
}

fn in_order_once<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut once: Vec<&str> = Vec::new();
    for name in names {
        if !once.contains(&name.as_str()) {
            once.push(name);
        }
    }
    once
}

fn state(config: &StripeConfig, requirements: &RequirementsKept, something_due: bool) -> State {
    let reason = reason(config, requirements);
    if config.disconnected {
        State::Disconnected
    } else if reason.starts_with("rejected.") {
        State::Declined
    } else if config.can_charge() {
        State::Ready
    } else if something_due || !config.details_submitted {
        State::NeedsInformation
    } else {
        match reason {
            "requirements.pending_verification" | "requirements.past_due" | "under_review" | "listed" => {
                State::InReview
            }
            _ => State::Paused,
        }
    }
}

/// Why money cannot be taken, in Stripe's word, or what stands for it where Stripe gives none: something is
/// being verified, or card payments were never asked for. Else nobody can say but Stripe.
fn reason<'a>(config: &StripeConfig, requirements: &'a RequirementsKept) -> &'a str {
    if let Some(reason) = requirements.disabled_reason.as_deref() {
        return reason;
    }
    let capabilities: Value = serde_json::from_str(&config.capabilities).unwrap_or_default();
    let cards = capabilities["card_payments"].as_str();
    if !requirements.pending_verification.is_empty() || cards == Some("pending") {
        "requirements.pending_verification"
    } else if config.charges_enabled && matches!(cards, None | Some("unrequested")) {
        "action_required.requested_capabilities"
    } else {
        ""
    }
}

fn warnings(state: State, config: &StripeConfig, something_due: bool) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if state == State::Ready && !config.payouts_enabled {
        warnings.push("Stripe holds back payouts to your bank account until what it asked for is given.");
    }
    if state == State::Ready && something_due {
        warnings.push("Stripe asks for more details. Give them before it stops payments.");
    }
    warnings
}

/// The headline, and what to do next.
fn sentences(state: State, asks: &[Ask], reason: &str) -> (String, String) {
    let (headline, next_step) = match state {
        State::NotConnected => (
            "No Stripe account yet".to_owned(),
            "Create the account, then open the link to Stripe's form.".to_owned(),
        ),
        State::BeingCreated => (
            "The account is being created".to_owned(),
            "Stripe has not confirmed it yet. Nothing is to be done, and no second one is made.".to_owned(),
        ),
        State::Ready => (
            "Ready to take payments".to_owned(),
            "Your clients can pay your invoices by card now. Nothing more is to be done.".to_owned(),
        ),
        State::InReview => {
            // Nothing is due here: a reason that asks for something is about to be taken back.
            let reason = match reason {
                "listed" => reason,
                _ => "under_review",
            };
            let next_step = words::stop(reason).what_to_do.to_owned();
            ("Stripe is checking what you gave".to_owned(), next_step)
        }
        State::NeedsInformation => (
            needs(asks),
            "Continue with Stripe, and give what is missing there.".to_owned(),
        ),
        State::Declined => {
            let stop = words::stop(reason);
            (
                "Stripe has declined this account".to_owned(),
                format!("{} {}", stop.why, stop.what_to_do),
            )
        }
        State::Paused => {
            let stop = words::stop(reason);
            (
                "This account is paused".to_owned(),
                format!("{} {}", stop.why, stop.what_to_do),
            )
        }
        State::Stopped => (
            "New payments are stopped".to_owned(),
            "The account itself is fine, but your provider has stopped new payments for you. Ask them what \
             to do."
                .to_owned(),
        ),
        State::Disconnected => (
            "This account is disconnected".to_owned(),
            "It takes no new payments. Connect it again to go on.".to_owned(),
        ),
    };
    (headline, next_step)
}

fn needs(asks: &[Ask]) -> String {
    match asks {
        [] => "Stripe still needs: the rest of its form".to_owned(),
        [one] => format!("Stripe still needs: {}", lower_first(&one.title)),
        many => format!("Stripe still needs {} things", many.len()),
    }
}

fn lower_first(title: &str) -> String {
    let mut text = title.to_owned();
    if !text.starts_with("Stripe")
        && let Some(first) = text.get(..1).map(str::to_ascii_lowercase)
    {
        text.replace_range(..1, &first);
    }
    text
}

#[cfg(test)]
mod tests;
