//! The typed views: complete objects, bare ones, and those of versions to come.

use serde_json::{Value, json};
use stripe::charges::ChargeStatus;
use stripe::{
    Account, AccountId, ApplicationFee, BalanceTransaction, Charge, ConfirmationToken, IntentStatus,
    PaymentIntent, Refund, fee_refunds, refunds,
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

#[test]
fn a_refund_is_read_with_what_moved_and_what_came_back() {
    let failed = json!({"id": "re_1", "object": "refund", "amount": 5000, "currency": "usd",
        "status": "failed", "charge": {"id": "ch_1", "object": "charge"}, "payment_intent": "pi_1",
        "reason": "duplicate",
        "balance_transaction": "txn_1", "failure_balance_transaction": {"id": "txn_2"},
        "failure_reason": "expired_or_canceled_card", "created": 1763899980, "metadata": {"op_id": "op_1"}});
    let refund = Refund::parse(&failed.to_string()).unwrap();
    assert_eq!((refund.amount, refund.status.as_deref()), (5000, Some("failed")));
    assert_eq!(
        (refund.charge.as_deref(), refund.payment_intent.as_deref()),
        (Some("ch_1"), Some("pi_1"))
    );
    let movements = [refund.balance_transaction, refund.failure_balance_transaction];
    assert_eq!(movements.map(|one| one.unwrap().id), ["txn_1", "txn_2"]);
    assert_eq!(refund.failure_reason.as_deref(), Some("expired_or_canceled_card"));
    assert_eq!(refund.metadata["op_id"], "op_1");
    let bare = json!({"id": "re_1", "object": "refund", "amount": 1, "currency": "eur", "status": "reviewing",
        "balance_transaction": null});
    let bare = Refund::from_value(&bare).unwrap();
    assert_eq!(
        (bare.status.as_deref(), bare.balance_transaction),
        (Some("reviewing"), None)
    );
    for name in ["id", "object", "amount", "currency"] {
        assert!(Refund::from_value(&without(&failed, name)).is_err(), "{name}");
    }
}

#[test]
fn a_fee_says_what_was_given_back_of_it_and_whether_that_is_all() {
    let back = |id: &str, amount: i64| {
        json!({"id": id, "object": "fee_refund", "amount": amount, "currency": "usd", "fee": "fee_1",
            "balance_transaction": "txn_1", "metadata": {}})
    };
    let fee = json!({"id": "fee_1", "object": "application_fee", "account": "acct_1", "amount": 370,
        "amount_refunded": 300, "currency": "usd", "refunds": {"object": "list", "has_more": false,
            "data": [back("fr_2", 150), back("fr_1", 150)]}});
    let read = ApplicationFee::from_value(&fee).unwrap();
    assert!(!read.lacks_refunds());
    let ids: Vec<&str> = read.refunds.iter().map(|refund| refund.id.as_str()).collect();
    assert_eq!(ids, ["fr_2", "fr_1"]);
    assert!(
        ApplicationFee::from_value(&without(&fee, "refunds"))
            .unwrap()
            .lacks_refunds()
    );
    let mut odd = fee;
    odd["refunds"]["data"][0] = without(&back("fr_2", 150), "amount");
    assert!(
        ApplicationFee::from_value(&odd).is_err(),
        "money would be missing"
    );
}

#[test]
fn a_refund_never_asks_for_the_fee() {
    let account = AccountId::parse("acct_1").unwrap();
    let create = refunds::Create {
        account: &account,
        intent_id: "pi_1",
        amount: 5000,
        reason: Some("duplicate"),
        metadata: vec![("op_id".to_owned(), "op_1".to_owned())],
    };
    let write = refunds::create(&create, "refund:1".to_owned());
    assert_eq!(
        (write.path.as_str(), write.body().as_str()),
        (
            "/v1/refunds",
            "payment_intent=pi_1&amount=5000&reason=duplicate&metadata%5Bop_id%5D=op_1"
        )
    );
    let back = fee_refunds::create("fee/1", 150, &[], "refund:1:fee".to_owned());
    assert_eq!(
        (back.path.as_str(), back.body().as_str(), back.account),
        ("/v1/application_fees/fee%2F1/refunds", "amount=150", None)
    );
}

fn charge_without(name: &str) -> Value {
    without(&charge(), name)
}

fn without(value: &Value, name: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(name);
    value
}

#[test]
fn a_balance_transaction_says_what_it_hangs_on() {
    let transaction = |type_: &str, source: Value| {
        let value = json!({"id": "txn_1", "object": "balance_transaction", "amount": -500, "fee": 0,
            "net": -500,
            "currency": "usd", "type": type_, "reporting_category": type_, "created": 1763900000,
            "available_on": 1764000000, "exchange_rate": 1.08217, "fee_details": [], "source": source});
        BalanceTransaction::from_value(&value).unwrap()
    };
    let refund = json!({"id": "re_1", "object": "refund", "charge": "ch_1", "payment_intent": "pi_1",
        "amount": 450, "currency": "eur"});
    let seen = transaction("refund", refund);
    assert_eq!(seen.source.as_deref(), Some("re_1"));
    assert_eq!(seen.hangs_on.charge.as_deref(), Some("ch_1"));
    assert_eq!(seen.hangs_on.payment_intent.as_deref(), Some("pi_1"));
    assert_eq!(seen.hangs_on.presented, Some((450, "eur".to_owned())));
    assert_eq!(
        (seen.exchange_rate.as_deref(), seen.created),
        (Some("1.08217"), Some(1_763_900_000))
    );
    let sold = transaction("charge", charge());
    assert_eq!(sold.hangs_on.charge.as_deref(), Some("ch_1"));
    assert_eq!(
        (
            sold.hangs_on.payment_intent.as_deref(),
            sold.hangs_on.presented_fee
        ),
        (Some("pi_1"), 370)
    );
    let fee = json!({"id": "fee_1", "object": "application_fee", "account": "acct_1", "charge": "ch_1",
        "amount": 370, "currency": "usd"});
    let shared = transaction("application_fee", fee);
    assert_eq!(shared.hangs_on.application_fee.as_deref(), Some("fee_1"));
    assert_eq!(
        (
            shared.hangs_on.account.as_deref(),
            shared.hangs_on.charge.as_deref()
        ),
        (Some("acct_1"), Some("ch_1"))
    );
    // Not expanded: nothing but the id is known.
    let bare = transaction("charge", json!("ch_2"));
    assert_eq!(
        (bare.source.as_deref(), bare.hangs_on),
        (Some("ch_2"), Default::default())
    );
}

#[test]
fn a_payout_is_read_with_why_it_failed() {
    let body = json!({"id": "po_1", "object": "payout", "amount": 5000, "currency": "usd", "status": "failed",
        "automatic": true, "arrival_date": 1764000000, "created": 1763900000, "balance_transaction": "txn_1",
        "failure_balance_transaction": {"id": "txn_2", "object": "balance_transaction"},
        "failure_code": "account_closed", "failure_message": "The bank account has been closed.",
        "reconciliation_status": "in_progress", "destination": "ba_1", "method": "standard",
        "trace_id": {"status": "supported", "value": "T1"}});
    let payout = stripe::Payout::from_value(&body).unwrap();
    assert_eq!(
        (payout.amount, payout.automatic, payout.status.as_str()),
        (5000, true, "failed")
    );
    assert_eq!(payout.failure_code.as_deref(), Some("account_closed"));
    assert_eq!(payout.failure_balance_transaction.as_deref(), Some("txn_2"));
    assert_eq!(
        (payout.trace_id.as_deref(), payout.destination.as_deref()),
        (Some("T1"), Some("ba_1"))
    );
    let other = json!({"id": "re_1", "object": "refund", "amount": 1, "currency": "usd", "status": "paid"});
    assert!(stripe::Payout::from_value(&other).is_err());
}
