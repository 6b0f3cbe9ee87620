//! Every state of a connection, and what is said of it.

use domain::{Mode, Scope, TenantId};
use serde_json::json;
use store::stripe_config::Origin;

use super::*;

fn config(requirements: serde_json::Value) -> StripeConfig {
    let tenant = TenantId::new(Timestamp::from_ms(1), 1);
    StripeConfig {
        scope: Scope {
            tenant,
            mode: Mode::Test,
        },
        stripe_account_id: "acct_1".to_owned(),
        origin: Origin::Created,
        charges_enabled: false,
        payouts_enabled: false,
        details_submitted: true,
        card_payments_active: false,
        capabilities: "{}".to_owned(),
        requirements: requirements.to_string(),
        fee_bps: None,
        disconnected: false,
        updated_at: Timestamp::from_ms(1),
    }
}

fn able(requirements: serde_json::Value) -> StripeConfig {
    StripeConfig {
        charges_enabled: true,
        payouts_enabled: true,
        card_payments_active: true,
        ..config(requirements)
    }
}

fn of(config: StripeConfig) -> Standing {
    standing(&Connection {
        config: Some(config),
        in_doubt_ms: None,
        may_begin: true,
        domain: None,
    })
}

fn stopped() -> Standing {
    standing(&Connection {
        config: Some(able(json!({}))),
        in_doubt_ms: None,
        may_begin: false,
        domain: None,
    })
}

fn without(in_doubt_ms: Option<i64>) -> Standing {
    standing(&Connection {
        config: None,
        in_doubt_ms,
        may_begin: true,
        domain: None,
    })
}

const CHECKING: &str = "Stripe is checking what you gave";
const DECLINED: &str = "Stripe has declined this account";
const PAUSED: &str = "This account is paused";

/// What is known of an account, and what is said of it.
fn cases() -> Vec<(Standing, State, &'static str)> {
    let due = json!({"currently_due": ["external_account", "individual.dob.day"],
        "disabled_reason": "requirements.past_due"});
    let one = json!({"currently_due": ["external_account"]});
    let begun = StripeConfig {
        details_submitted: false,
        ..config(json!({}))
    };
    let gone = StripeConfig {
        disconnected: true,
        ..able(json!({}))
    };
    let half = StripeConfig {
        card_payments_active: false,
        ..able(json!({}))
    };
    let being_checked = config(json!({"pending_verification": ["individual.id_number"]}));
    let pending = StripeConfig {
        charges_enabled: true,
        capabilities: json!({"card_payments": "pending"}).to_string(),
        ..config(json!({}))
    };
    let reason = |reason: &str| config(json!({ "disabled_reason": reason }));
    vec![
        (without(None), State::NotConnected, "No Stripe account yet"),
        (
            without(Some(0)),
            State::BeingCreated,
            "The account is being created",
        ),
        (of(able(json!({}))), State::Ready, "Ready to take payments"),
        (of(able(one.clone())), State::Ready, "Ready to take payments"),
        (of(half), State::Paused, PAUSED),
        (of(config(json!({}))), State::Paused, PAUSED),
        (of(being_checked), State::InReview, CHECKING),
        (of(pending), State::InReview, CHECKING),
        (
            of(reason("requirements.pending_verification")),
            State::InReview,
            CHECKING,
        ),
        (of(reason("under_review")), State::InReview, CHECKING),
        (
            of(config(due)),
            State::NeedsInformation,
            "Stripe still needs 2 things",
        ),
        (
            of(config(one)),
            State::NeedsInformation,
            "Stripe still needs: bank account for payouts",
        ),
        (
            of(begun),
            State::NeedsInformation,
            "Stripe still needs: the rest of its form",
        ),
        (of(reason("rejected.fraud")), State::Declined, DECLINED),
        (of(reason("rejected.whatever")), State::Declined, DECLINED),
        (of(reason("platform_paused")), State::Paused, PAUSED),
        (of(reason("something_new")), State::Paused, PAUSED),
        (stopped(), State::Stopped, "New payments are stopped"),
        (of(gone), State::Disconnected, "This account is disconnected"),
    ]
}

#[test]
fn each_state_is_reached_and_says_what_to_do() {
    let mut reached = Vec::new();
    for (standing, state, headline) in cases() {
        assert_eq!((standing.state, standing.headline.as_str()), (state, headline));
        assert!(standing.next_step.ends_with('.'), "{headline}");
        reached.push(state);
    }
    for state in State::ALL {
        assert!(reached.contains(&state), "{}", state.word());
    }
}

#[test]
fn who_can_take_money_is_warned_of_what_is_coming() {
    let asked = json!({"currently_due": ["external_account"], "past_due": ["external_account"],
        "current_deadline": 1_800_000_000});
    let held = StripeConfig {
        payouts_enabled: false,
        ..able(asked)
    };
    let standing = of(held);
    assert_eq!((standing.asks.len(), standing.warnings.len()), (1, 2));
    assert_eq!(standing.deadline, Some(Timestamp::from_ms(1_800_000_000_000)));
    assert_eq!(of(able(json!({}))).warnings.len(), 0);
}

#[test]
fn what_did_not_do_is_said_in_stripes_words() {
    let errors = json!([
        {"code": "document_not_readable", "reason": "The image is too dark.", "requirement": "x"},
        {"code": "other", "reason": "", "requirement": "y"}
    ]);
    let standing = of(config(
        json!({"currently_due": ["individual.verification.document"], "errors": errors}),
    ));
    assert_eq!(standing.problems, ["The image is too dark."]);
}

/// What is said of an account that takes no money, and of which Stripe gives no reason.
#[test]
fn nobody_reads_that_stripe_is_checking_what_it_does_not_check() {
    let charging = |charges_enabled: bool, cards: &str| StripeConfig {
        charges_enabled,
        capabilities: match cards {
            "" => "{}".to_owned(),
            cards => json!({ "card_payments": cards }).to_string(),
        },
        ..config(json!({}))
    };
    for (charges, cards, said) in [
        (false, "active", "has not said why"),
        (false, "inactive", "has not said why"),
        (false, "", "has not said why"),
        (true, "inactive", "has not said why"),
        (true, "unrequested", "Card payments were not asked for"),
        (true, "", "Card payments were not asked for"),
    ] {
        let standing = of(charging(charges, cards));
        assert_eq!(standing.state, State::Paused, "{charges} {cards}");
        assert!(
            standing.next_step.contains(said),
            "{charges} {cards}: {}",
            standing.next_step
        );
    }
}

#[test]
fn how_soon_stripe_is_asked_again_is_true() {
    for (wait_ms, said) in [
        (0, "within a minute."),
        (60_000, "within a minute."),
        (60_001, "within five minutes."),
        (300_001, "within ten minutes."),
        (600_000, "within ten minutes."),
    ] {
        let next_step = without(Some(wait_ms)).next_step;
        assert!(next_step.ends_with(said), "{wait_ms}: {next_step}");
    }
}
