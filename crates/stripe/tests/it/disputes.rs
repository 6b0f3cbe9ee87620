//! Disputes, as answers and events of several versions carry them, and the two writes about them.

use serde_json::{Value, json};
use stripe::{AccountId, Dispute, disputes};

fn dispute() -> Value {
    let transaction = |id: &str, amount: i64, fee: i64| {
        json!({"id": id, "object": "balance_transaction", "amount": amount, "fee": fee, "net": amount - fee,
               "currency": "usd", "type": "adjustment", "source": "dp_1", "available_on": 1764000000,
               "fee_details": [{"type": "stripe_fee", "amount": fee, "currency": "usd"}]})
    };
    json!({
        "id": "dp_1", "object": "dispute", "amount": 4200, "currency": "usd", "charge": "ch_1",
        "payment_intent": {"id": "pi_1", "object": "payment_intent"}, "reason": "fraudulent",
        "status": "won", "network_reason_code": "10.4", "created": 1763899980, "livemode": true,
        "balance_transactions": [transaction("txn_1", -4200, 1500), transaction("txn_2", 4200, -1500)],
        "evidence_details": {"due_by": 1764700799, "has_evidence": true, "past_due": false,
                             "submission_count": 1},
        "evidence": {"customer_name": "Ada"}, "metadata": {"note": "x", "odd": 5}
    })
}

#[test]
fn a_dispute_is_read_with_every_movement_of_money() {
    let read = Dispute::parse(&dispute().to_string()).unwrap();
    let moved = read.balance_transactions.unwrap();
    let moved: Vec<(&str, i64, i64)> = moved
        .iter()
        .map(|one| (one.id.as_str(), one.amount, one.fee))
        .collect();
    assert_eq!(moved, [("txn_1", -4200, 1500), ("txn_2", 4200, -1500)]);
    assert_eq!(read.payment_intent.as_deref(), Some("pi_1"));
    assert_eq!((read.due_by, read.submission_count), (Some(1_764_700_799), 1));
    assert!(read.has_evidence && read.livemode);
    assert_eq!(read.metadata.get("note").map(String::as_str), Some("x"));
}

#[test]
fn what_it_does_not_say_is_not_taken_for_nothing() {
    let with = |value: Value| {
        let mut dispute = dispute();
        dispute["balance_transactions"] = value;
        Dispute::from_value(&dispute)
    };
    assert_eq!(with(json!([])).unwrap().balance_transactions, Some(Vec::new()));
    assert_eq!(with(Value::Null).unwrap().balance_transactions, None);
    assert_eq!(with(json!(["txn_1"])).unwrap().balance_transactions, None);
    assert!(with(json!([{"id": "txn_1"}])).is_err(), "money would be missing");
    for name in ["id", "object", "amount", "currency", "status"] {
        let mut without = dispute();
        without.as_object_mut().unwrap().remove(name);
        assert!(Dispute::from_value(&without).is_err(), "{name}");
    }
    let bare = json!({"id": "du_1", "object": "dispute", "amount": 1, "currency": "eur",
                      "status": "in_a_newer_state"});
    let bare = Dispute::from_value(&bare).unwrap();
    assert_eq!(
        (bare.status.as_str(), bare.reason.as_str()),
        ("in_a_newer_state", "general")
    );
    assert_eq!((bare.due_by, bare.charge, bare.submission_count), (None, None, 0));
}

#[test]
fn evidence_is_sent_and_submitted_in_one_request() {
    let account = AccountId::parse("acct_1").unwrap();
    let evidence = [("customer_name", "Ada & Söhne"), ("receipt", "file_1")];
    let write = disputes::submit(&account, "dp_1", &evidence, "key".to_owned());
    assert_eq!(write.path, "/v1/disputes/dp_1");
    let params: Vec<(&str, &str)> = write
        .params
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(
        params,
        [
            ("evidence[customer_name]", "Ada & Söhne"),
            ("evidence[receipt]", "file_1"),
            ("submit", "true")
        ]
    );
    assert_eq!(write.idempotency_key, "key");
    let close = disputes::close(&account, "dp_/../x", "key".to_owned());
    assert_eq!(close.path, "/v1/disputes/dp_%2F..%2Fx/close");
    assert!(close.params.is_empty());
}
