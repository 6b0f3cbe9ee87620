//! The typed views: complete objects, bare ones, and those of versions to come.

use serde_json::{Value, json};
use stripe::charges::ChargeStatus;
use stripe::{
    Account, ApplicationFee, BalanceTransaction, Charge, ConfirmationToken, IntentStatus, PaymentIntent,
};

fn charge() -> Value {
    json!({
        "id": "ch_1", "object": "charge", "amount": 12345, "currency": "usd", "paid": true, "captured": true,
        "status": "succeeded", "livemode": true, "created": 1763899980, "payment_intent": "pi_1",
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242",
            "wallet": {"type": "apple_pay"}}},
        "balance_transaction": {"id": "txn_1", "object": "balance_transaction", "amount": 12345, "fee": 758,
            "net": 11587, "currency": "usd", "type": "charge", "available_on": 1764000000, "source": "ch_1",
            "fee_details": [{"type": "application_fee", "amount": 370, "currency": "usd"},
                            {"type": "stripe_fee", "amount": 388, "currency": "usd"}]},
        "application_fee": "fee_1", "application_fee_amount": 370, "receipt_url": "https://pay.stripe.com/r",
        "failure_code": null, "outcome": {"type": "authorized", "reason": null, "seller_message": "Done."}
    })
}

#[test]
fn a_paid_intent_is_read_down_to_its_fees() {
    let body = json!({
        "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 12345,
        "amount_received": 12345, "currency": "usd", "application_fee_amount": 370,
        "client_secret": "pi_1_secret_x", "latest_charge": charge(), "last_payment_error": null,
        "livemode": true, "metadata": {"op_id": "op_1", "odd": 5}, "created": 1763899980, "canceled_at": null,
        "next_action": {"type": "use_stripe_sdk"},
        "payment_method": {"id": "pm_1", "object": "payment_method"}
    });
    let intent = PaymentIntent::parse(&body.to_string()).unwrap();
    assert_eq!(
        (intent.amount_received, intent.application_fee_amount),
        (12345, Some(370))
    );
    assert_eq!(
        intent.metadata.into_iter().collect::<Vec<_>>(),
        [("op_id".to_owned(), "op_1".to_owned())]
    );
    assert_eq!(intent.payment_method.as_deref(), Some("pm_1"));
    assert_eq!(intent.next_action_type.as_deref(), Some("use_stripe_sdk"));
    let charge = intent.latest_charge.unwrap();
    assert_eq!(charge.id, "ch_1");
    let charge = charge.object.unwrap();
    assert_eq!(
        (&charge.status, charge.paid, charge.captured),
        (&ChargeStatus::Succeeded, true, true)
    );
    assert_eq!(charge.application_fee.as_deref(), Some("fee_1"));
    let card = charge.card.unwrap();
    assert_eq!(
        (
            card.brand.as_deref(),
            card.last4.as_deref(),
            card.wallet.as_deref()
        ),
        (Some("visa"), Some("4242"), Some("apple_pay"))
    );
    let transaction = charge.balance_transaction.unwrap().object.unwrap();
    assert_eq!(
        (transaction.amount, transaction.fee, transaction.net),
        (12345, 758, 11587)
    );
    assert_eq!(transaction.fee_of("stripe_fee"), Some(388));
    assert_eq!(transaction.fee_of("tax"), Some(0));
}

#[test]
fn the_bare_and_the_unknown_are_read_too() {
    let bare = json!({"id": "pi_1", "object": "payment_intent", "status": "requires_dance", "amount": 1,
                      "currency": "eur", "latest_charge": "ch_1", "metadata": null, "livemode": "yes",
                      "application_fee_amount": "370", "last_payment_error": {"code": "card_declined"}});
    let intent = PaymentIntent::from_value(&bare).unwrap();
    assert_eq!(intent.status, IntentStatus::Other("requires_dance".to_owned()));
    assert_eq!(intent.status.as_str(), "requires_dance");
    assert_eq!(
        (
            intent.livemode,
            intent.application_fee_amount,
            intent.client_secret
        ),
        (false, None, None)
    );
    let charge = intent.latest_charge.unwrap();
    assert_eq!((charge.id.as_str(), charge.object), ("ch_1", None));
    assert_eq!(
        intent.last_payment_error.unwrap().code.as_deref(),
        Some("card_declined")
    );

    let mut pending = charge_without("payment_method_details");
    pending["balance_transaction"] = Value::Null;
    pending["application_fee"] = json!({"id": "fee_1"});
    pending["status"] = json!("odd");
    let pending = Charge::parse(&pending.to_string()).unwrap();
    assert_eq!((pending.card, pending.balance_transaction), (None, None));
    assert_eq!(pending.application_fee.as_deref(), Some("fee_1"));
    assert_eq!(pending.status, ChargeStatus::Other("odd".to_owned()));

    let account = Account::parse(r#"{"id":"acct_1","object":"account"}"#).unwrap();
    assert!(
        !account.charges_enabled
            && !account.can_take_cards()
            && account.requirements.currently_due.is_empty()
    );
    let token = ConfirmationToken::parse(r#"{"id":"ctoken_1","object":"confirmation_token"}"#).unwrap();
    assert_eq!((token.payment_intent, token.card_last4), (None, None));
}

#[test]
fn the_account_says_what_it_can_do() {
    let account = json!({"id": "acct_1", "object": "account", "charges_enabled": true,
        "capabilities": {"card_payments": "active", "transfers": "pending"},
        "requirements": {"currently_due": ["external_account"], "past_due": [], "current_deadline": 5,
                         "disabled_reason": "requirements.past_due"}});
    let read = Account::from_value(&account).unwrap();
    assert!(read.can_take_cards());
    assert_eq!(read.requirements.currently_due, ["external_account"]);
    assert_eq!(
        read.requirements.disabled_reason.as_deref(),
        Some("requirements.past_due")
    );
    for (pointer, value) in [
        ("/charges_enabled", json!(false)),
        ("/capabilities/card_payments", json!("inactive")),
    ] {
        let mut worse = account.clone();
        *worse.pointer_mut(pointer).unwrap() = value;
        assert!(
            !Account::from_value(&worse).unwrap().can_take_cards(),
            "{pointer}"
        );
    }
}

#[test]
fn the_fee_names_its_account_and_charge() {
    let fee = json!({"id": "fee_1", "object": "application_fee", "account": "acct_1", "amount": 370,
        "amount_refunded": 0, "charge": {"id": "ch_1", "object": "charge"}, "currency": "usd",
        "livemode": true, "originating_transaction": null, "balance_transaction": "txn_2", "created": 1});
    let fee = ApplicationFee::parse(&fee.to_string()).unwrap();
    assert_eq!(
        (fee.account.as_str(), fee.charge.as_deref(), fee.amount),
        ("acct_1", Some("ch_1"), 370)
    );
    assert_eq!(
        (fee.livemode, fee.balance_transaction.as_deref()),
        (true, Some("txn_2"))
    );
}

#[test]
fn what_money_depends_on_must_be_there() {
    for name in ["id", "object", "amount", "currency", "status"] {
        assert!(Charge::from_value(&charge_without(name)).is_err(), "{name}");
    }
    let transaction = &charge()["balance_transaction"];
    for name in ["id", "object", "amount", "fee", "net", "currency", "type"] {
        assert!(
            BalanceTransaction::from_value(&without(transaction, name)).is_err(),
            "{name}"
        );
    }
    let mut odd = transaction.clone();
    odd["fee_details"][0] = json!({"type": "stripe_fee"});
    assert!(
        BalanceTransaction::from_value(&odd).is_err(),
        "a fee without an amount"
    );
    for body in ["", "[]", "null", "{", "5", "{}"] {
        assert!(PaymentIntent::parse(body).is_err(), "{body}");
    }
}

#[test]
fn text_that_no_database_holds_is_left_out() {
    let mut charge = charge();
    charge["receipt_url"] = json!("a\u{0}b");
    assert_eq!(Charge::from_value(&charge).unwrap().receipt_url, None);
}

fn charge_without(name: &str) -> Value {
    without(&charge(), name)
}

fn without(value: &Value, name: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(name);
    value
}
