//! The bytes that are sent, the tries that are made and the meaning of every answer, over a scripted
//! transport.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use stripe::payment_intents::{self, CancelReason, Confirm, Create, IntentStatus, Update};
use stripe::{
    API_VERSION, AccountId, Answer, BoxFuture, CallError, Client, HttpRequest, HttpResponse, Method,
    NoAnswer, Secret, Transport, Write, accounts, application_fees, charges, confirmation_tokens, customers,
    events,
};

type Outcome = Result<HttpResponse, NoAnswer>;

#[derive(Default)]
pub struct Script {
    answers: Mutex<VecDeque<Outcome>>,
    pub sent: Mutex<Vec<HttpRequest>>,
    waits_ms: Mutex<Vec<u64>>,
}

impl Transport for Script {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Outcome> {
        self.sent.lock().unwrap().push(request);
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("no more answers in the script");
        Box::pin(async { answer })
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.waits_ms.lock().unwrap().push(ms);
        Box::pin(async {})
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Outcome {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    Ok(HttpResponse {
        status,
        headers,
        body: body.as_bytes().to_vec(),
    })
}

pub fn client(answers: Vec<Outcome>) -> (Client, Arc<Script>) {
    let script = Arc::new(Script {
        answers: Mutex::new(answers.into()),
        ..Script::default()
    });
    let client = Client::new(
        "http://127.0.0.1:1/",
        Secret::new("sk_test_psapay_demo"),
        script.clone(),
    );
    (client, script)
}

fn account() -> AccountId {
    AccountId::parse("acct_1").unwrap()
}

fn create(idempotency_key: &str) -> Write {
    let new = Create {
        account: &account(),
        amount: 12345,
        currency: "eur",
        method: "card",
        application_fee_amount: Some(370),
        description: Some("Invoice 2026-0001 & more"),
        metadata: vec![
            ("op_id".to_owned(), "op_1".to_owned()),
            ("invoice".to_owned(), "inv_1".to_owned()),
        ],
        receipt_email: None,
        customer: None,
    };
    payment_intents::create(&new, idempotency_key.to_owned())
}

fn intent(status: &str) -> Value {
    json!({"id": "pi_1", "object": "payment_intent", "status": status, "amount": 12345, "currency": "eur",
           "client_secret": "pi_1_secret_x", "livemode": false})
}

async fn write(outcomes: Vec<Outcome>) -> (Result<Answer, CallError>, Arc<Script>) {
    let (client, script) = client(outcomes);
    (client.write(&create("pay:t:i:1:create")).await, script)
}

#[tokio::test]
async fn a_write_carries_everything_stripe_needs() {
    let (result, script) = write(vec![answer(200, &[("request-id", "req_1")], "{}")]).await;
    assert_eq!(result.unwrap().request_id.as_deref(), Some("req_1"));
    let sent = script.sent.lock().unwrap();
    assert_eq!(sent[0].method, Method::Post);
    assert_eq!(sent[0].url, "http://127.0.0.1:1/v1/payment_intents");
    for (name, value) in [
        ("Authorization", "Bearer sk_test_psapay_demo"),
        ("Stripe-Version", API_VERSION),
        ("Stripe-Account", "acct_1"),
        ("Idempotency-Key", "pay:t:i:1:create"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("User-Agent", concat!("psa-pay/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(sent[0].header(name), Some(value), "{name}");
    }
    assert_eq!(
        String::from_utf8_lossy(&sent[0].body),
        "amount=12345&currency=eur&allowed_payment_method_types%5B0%5D=card&application_fee_amount=370\
         &description=Invoice+2026-0001+%26+more&metadata%5Bop_id%5D=op_1&metadata%5Binvoice%5D=inv_1"
    );
}

#[test]
fn writes_are_frozen_as_the_trade_says() {
    let confirm = Confirm {
        account: &account(),
        intent_id: "pi_1",
        amount: 12_345,
        confirmation_token: "ctoken_1",
        return_url: None,
    };
    let update = Update {
        account: &account(),
        intent_id: "pi_1",
        amount: Some(2),
        application_fee_amount: None,
        description: None,
        metadata: Vec::new(),
    };
    let customer = customers::Create {
        account: &account(),
        name: Some("N"),
        email: None,
        metadata: Vec::new(),
    };
    let key = || "k".to_owned();
    for (write, path, body) in [
        (
            payment_intents::confirm(&confirm, key()),
            "/v1/payment_intents/pi_1/confirm",
            "amount_to_confirm=12345&confirmation_token=ctoken_1&use_stripe_sdk=true\
             &expand%5B0%5D=latest_charge",
        ),
        (
            payment_intents::confirm(
                &Confirm {
                    return_url: Some("https://a.example/b"),
                    ..confirm
                },
                key(),
            ),
            "/v1/payment_intents/pi_1/confirm",
            "amount_to_confirm=12345&confirmation_token=ctoken_1&use_stripe_sdk=true\
             &return_url=https%3A%2F%2Fa.example%2Fb\
             &expand%5B0%5D=latest_charge",
        ),
        (
            payment_intents::cancel(&account(), "pi_1", CancelReason::Abandoned, key()),
            "/v1/payment_intents/pi_1/cancel",
            "cancellation_reason=abandoned",
        ),
        (
            payment_intents::update(&update, key()),
            "/v1/payment_intents/pi_1",
            "amount=2",
        ),
        (customers::create(&customer, key()), "/v1/customers", "name=N"),
    ] {
        assert_eq!((write.path.as_str(), write.body().as_str()), (path, body));
        assert_eq!(
            (
                write.account.as_ref().map(AccountId::as_str),
                write.idempotency_key.as_str()
            ),
            (Some("acct_1"), "k")
        );
    }
}

#[tokio::test]
async fn every_try_sends_the_same_bytes_under_the_same_key() {
    let reset = || Err(NoAnswer("reset".to_owned()));
    let (result, script) = write(vec![reset(), answer(500, &[], "oops"), answer(200, &[], "{}")]).await;
    assert_eq!(result.unwrap().status, 200);
    let sent = script.sent.lock().unwrap();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| *request == sent[0]));
    assert_eq!(script.waits_ms.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn retries_follow_the_schedule_of_the_sdks() {
    let retry = ("stripe-should-retry", "true");
    let stop = ("stripe-should-retry", "false");
    let error = r#"{"error":{"type":"invalid_request_error"}}"#;
    for (status, headers, tries) in [
        (200, vec![], 1),
        (200, vec![retry], 1),
        (400, vec![], 1),
        (400, vec![retry], 3),
        (401, vec![], 1),
        (402, vec![], 1),
        (403, vec![], 1),
        (404, vec![], 1),
        (409, vec![], 3),
        (409, vec![stop], 1),
        (429, vec![], 3),
        (429, vec![stop], 1),
        (500, vec![], 3),
        (500, vec![stop], 1),
        (502, vec![retry], 3),
        (302, vec![], 1),
    ] {
        let (_, script) = write(vec![answer(status, &headers, error); 3]).await;
        assert_eq!(script.sent.lock().unwrap().len(), tries, "{status} {headers:?}");
        assert_eq!(
            script.waits_ms.lock().unwrap().len(),
            tries - 1,
            "{status} {headers:?}"
        );
    }
    let (client, script) = client(vec![answer(500, &[], "")]);
    client.write_once(&create("k")).await.unwrap_err();
    assert_eq!(script.sent.lock().unwrap().len(), 1, "a single try stays one");
}

#[tokio::test]
async fn a_decline_says_what_the_payer_may_hear_and_keeps_no_secret() {
    let body = json!({"error": {
        "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds", "charge": "ch_1",
        "advice_code": "try_again_later", "message": "Your card has insufficient funds.",
        "payment_intent": intent("requires_payment_method")}});
    let headers = [("request-id", "req_9"), ("idempotent-replayed", "true")];
    let (result, _) = write(vec![answer(402, &headers, &body.to_string())]).await;
    let Err(CallError::Declined(decline)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(decline.code.as_deref(), Some("card_declined"));
    assert_eq!(decline.decline_code.as_deref(), Some("insufficient_funds"));
    assert_eq!(decline.advice_code.as_deref(), Some("try_again_later"));
    assert_eq!(decline.charge.as_deref(), Some("ch_1"));
    assert_eq!(decline.message, "Your card has insufficient funds.");
    assert!(decline.replayed && decline.request_id.as_deref() == Some("req_9"));
    let intent = decline.payment_intent.as_ref().unwrap();
    assert_eq!(intent.status, IntentStatus::RequiresPaymentMethod);
    assert_eq!(intent.client_secret, Some(Secret::new("pi_1_secret_x")));
    assert!(!decline.body.contains("pi_1_secret_x"), "{}", decline.body);
    assert!(!format!("{decline:?}").contains("pi_1_secret_x"));
}

#[tokio::test]
async fn every_answer_has_one_meaning() {
    let error =
        |type_: &str, code: &str| json!({"error": {"type": type_, "code": code, "message": "M"}}).to_string();
    let invalid = |code: &str| error("invalid_request_error", code);
    for (status, body, meaning) in [
        (200, "[]".to_owned(), "unknown"),
        (200, "{\"id\":".to_owned(), "unknown"),
        (200, String::new(), "unknown"),
        (204, String::new(), "unknown"),
        (302, "{}".to_owned(), "unknown"),
        (400, invalid("amount_too_small"), "rejected"),
        (400, error("idempotency_error", ""), "rejected, key reused"),
        (401, invalid(""), "rejected, key refused"),
        (402, error("card_error", "card_declined"), "declined"),
        (402, invalid(""), "rejected"),
        (403, invalid("account_invalid"), "rejected, account gone"),
        (403, invalid("secret_key_required"), "rejected"),
        (403, "<html>proxy</html>".to_owned(), "unknown"),
        (404, invalid("resource_missing"), "rejected, missing"),
        (404, "{}".to_owned(), "unknown"),
        (409, invalid("idempotency_key_in_use"), "unknown"),
        (409, invalid(""), "unknown"),
        (429, invalid("lock_timeout"), "unknown"),
        (500, error("api_error", ""), "unknown"),
        (503, String::new(), "unknown"),
    ] {
        let (result, _) = write(vec![answer(status, &[], &body); 3]).await;
        let said = match result {
            Ok(_) => "ok",
            Err(CallError::Declined(_)) => "declined",
            Err(CallError::Rejected(r)) if r.is_account_gone() => "rejected, account gone",
            Err(CallError::Rejected(r)) if r.is_key_refused() => "rejected, key refused",
            Err(CallError::Rejected(r)) if r.is_key_reused() => "rejected, key reused",
            Err(CallError::Rejected(r)) if r.is_missing() => "rejected, missing",
            Err(CallError::Rejected(_)) => "rejected",
            Err(CallError::Unknown(_)) => "unknown",
        };
        assert_eq!(said, meaning, "{status} {body}");
    }
    let (result, _) = write(vec![Err(NoAnswer("reset".to_owned())); 3]).await;
    assert!(matches!(result, Err(CallError::Unknown(unknown)) if unknown.status.is_none()));
}

#[tokio::test]
async fn a_saved_500_is_told_from_a_passing_one() {
    for (status, headers, saved) in [
        (500, vec![("stripe-should-retry", "false")], true),
        (500, vec![("idempotent-replayed", "true")], true),
        (500, vec![], false),
        (429, vec![("stripe-should-retry", "false")], false),
    ] {
        let (result, _) = write(vec![answer(status, &headers, ""); 3]).await;
        let Err(CallError::Unknown(unknown)) = result else {
            panic!("{result:?}")
        };
        assert_eq!(unknown.saved_500, saved, "{status} {headers:?}");
    }
}

#[tokio::test]
async fn a_rejection_carries_the_intent_but_never_the_key() {
    let said = "Invalid API Key provided: sk_test_***demo";
    let state = json!({"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state",
        "param": "intent", "message": format!("M, {said}"), "payment_intent": intent("succeeded")}});
    let (result, _) = write(vec![answer(400, &[], &state.to_string())]).await;
    let Err(CallError::Rejected(rejection)) = result else {
        panic!("{result:?}")
    };
    assert!(rejection.is_unexpected_state());
    assert_eq!(
        rejection.payment_intent.as_ref().unwrap().status,
        IntentStatus::Succeeded
    );
    assert_eq!(
        (rejection.param.as_deref(), rejection.status),
        (Some("intent"), 400)
    );
    assert!(!format!("{rejection:?}").contains("***demo"), "{rejection:?}");

    let refused = json!({"error": {"type": "invalid_request_error", "message": said}});
    let (result, _) = write(vec![answer(401, &[], &refused.to_string())]).await;
    let error = result.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("demo"), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_here() {
    for key in ["", &"k".repeat(256), "a b", "a\r\nStripe-Account: acct_2", "é"] {
        let (client, script) = client(Vec::new());
        let result = client.write(&create(key)).await;
        assert!(
            matches!(result, Err(CallError::Rejected(r)) if r.status == 0),
            "{key:?}"
        );
        assert!(script.sent.lock().unwrap().is_empty());
    }
    let (client, _) = client(vec![answer(200, &[], "{}")]);
    client.write(&create(&"k".repeat(255))).await.unwrap();
    let result = client.read("@elsewhere.example/v1", &[], None).await;
    assert!(matches!(result, Err(CallError::Rejected(r)) if r.status == 0));
}

#[tokio::test]
async fn reads_ask_for_what_they_return() {
    let bodies = one_of_each();
    let (client, script) = client(bodies.iter().map(|body| answer(200, &[], body)).collect());
    let account = &account();
    payment_intents::retrieve(&client, account, "pi_1").await.unwrap();
    assert!(
        payment_intents::list(&client, account, 7, Some("pi_9"), 500)
            .await
            .unwrap()
            .has_more
    );
    charges::retrieve(&client, account, "ch_1").await.unwrap();
    charges::list(&client, account, "pi_1").await.unwrap();
    application_fees::retrieve(&client, "fee_1").await.unwrap();
    application_fees::list(&client, "ch_1").await.unwrap();
    assert!(
        !accounts::retrieve(&client, account)
            .await
            .unwrap()
            .can_take_cards()
    );
    assert!(
        customers::retrieve(&client, account, "cus_1")
            .await
            .unwrap()
            .deleted
    );
    assert_eq!(
        events::retrieve(&client, None, "evt_1").await.unwrap().created_ms,
        5_000
    );
    assert_eq!(
        events::list(&client, Some(account), 7, None, 0)
            .await
            .unwrap()
            .data
            .len(),
        1
    );
    confirmation_tokens::retrieve(&client, account, "../accounts?x")
        .await
        .unwrap();
    let sent = script.sent.lock().unwrap();
    let shown = sent.iter().map(|request| {
        let path = request.url.strip_prefix("http://127.0.0.1:1").unwrap();
        assert!(request.header("Idempotency-Key").is_none() && request.body.is_empty());
        format!(
            "{} {} {path}",
            request.method.as_str(),
            request.header("Stripe-Account").unwrap_or("-")
        )
    });
    let expected = [
        "GET acct_1 /v1/payment_intents/pi_1?expand%5B0%5D=latest_charge",
        "GET acct_1 /v1/payment_intents?created%5Bgte%5D=7&limit=100&starting_after=pi_9\
         &expand%5B0%5D=data.latest_charge",
        "GET acct_1 /v1/charges/ch_1?expand%5B0%5D=balance_transaction",
        "GET acct_1 /v1/charges?payment_intent=pi_1&limit=100&expand%5B0%5D=data.balance_transaction",
        "GET - /v1/application_fees/fee_1",
        "GET - /v1/application_fees?charge=ch_1&limit=100",
        "GET - /v1/accounts/acct_1",
        "GET acct_1 /v1/customers/cus_1",
        "GET - /v1/events/evt_1",
        "GET acct_1 /v1/events?created%5Bgte%5D=7&limit=1",
        "GET acct_1 /v1/confirmation_tokens/..%2Faccounts%3Fx",
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

/// An answer to each read of the test above, in its order.
fn one_of_each() -> [String; 11] {
    let list = |item: Value| json!({"object": "list", "data": [item], "has_more": true}).to_string();
    let charge =
        json!({"id": "ch_1", "object": "charge", "amount": 1, "currency": "eur", "status": "succeeded"});
    let fee = json!({"id": "fee_1", "object": "application_fee", "amount": 1, "currency": "eur",
                     "account": "acct_1"});
    let event = json!({"id": "evt_1", "object": "event", "type": "charge.updated", "created": 5});
    let token = json!({"id": "ctoken_1", "object": "confirmation_token"});
    [
        intent("succeeded").to_string(),
        list(intent("succeeded")),
        charge.to_string(),
        list(charge),
        fee.to_string(),
        list(fee),
        json!({"id": "acct_1", "object": "account"}).to_string(),
        json!({"id": "cus_1", "object": "customer", "deleted": true}).to_string(),
        event.to_string(),
        list(event),
        token.to_string(),
    ]
}

#[tokio::test]
async fn another_object_than_asked_for_is_unknown() {
    let (client, _) = client(vec![answer(200, &[], r#"{"id":"ch_1","object":"charge"}"#)]);
    let result = payment_intents::retrieve(&client, &account(), "pi_1").await;
    assert!(matches!(result, Err(CallError::Unknown(_))), "{result:?}");
}

#[test]
fn nothing_secret_is_printed() {
    let body = json!({"a": [{"client_secret": "seti_secret_y"}], "b": intent("succeeded")}).to_string();
    let answer = Answer {
        status: 200,
        request_id: None,
        replayed: false,
        body,
    };
    let request = HttpRequest {
        method: Method::Get,
        url: "http://127.0.0.1:1/v1/x".to_owned(),
        headers: vec![("Authorization", "Bearer sk_test_psapay_demo".to_owned())],
        body: Vec::new(),
    };
    let response = HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: b"_secret_".to_vec(),
    };
    let shown = format!(
        "{answer:?} {} {request:?} {response:?}",
        answer.without_client_secret()
    );
    assert!(
        !shown.contains("_secret_") && !shown.contains("sk_test_psapay_demo"),
        "{shown}"
    );
    assert!(
        answer
            .without_client_secret()
            .contains("\"status\":\"succeeded\"")
    );
    assert_eq!(stripe::client::without_client_secret("no json"), "");
}
