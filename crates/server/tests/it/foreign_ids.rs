//! Ids of another tenant, and of the other mode, in every route and verb: the answer is the one for an id
//! that does not exist, and nothing of the other's is changed. The routes are the server's own list, so a
//! new one is asked too; one whose ids this file does not know fails here.

use std::collections::BTreeSet;

use domain::payment::Evidence;
use domain::{BreakId, Mode, PaymentId, Timestamp};
use flows::disputes::{self, DisputeFacts};
use flows::refunds::{self, RefundFacts};
use flows::stripe_events;
use reqwest::Method;
use serde_json::{Value, json};
use server::demo::{LIVE_WEBHOOK_SECRET, TEST_WEBHOOK_SECRET};
use server::routes::{self, Route, Who};
use store::reconciliation_breaks::{self, Break, Kind};

use crate::engines::World;
use crate::subscriptions::mirrored;
use crate::town::{Msp, Reply, Town, Wishes};

/// Verbs that are tried on every address, whether it has them or not.
const VERBS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// One of everything that has an id, of one tenant and mode.
struct Belongings {
    client: String,
    invoice: String,
    draft: String,
    payment: String,
    key: String,
    subscription: String,
    difference: String,
    event: String,
    payout: String,
    dispute: String,
    refund: String,
    credit_note: String,
    offline: String,
    mail: String,
}

/// The id of an event of the tenant's own shop, which is stored and applied.
async fn event_of(town: &Town, msp: &Msp) -> String {
    let (intent, livemode) = (format!("pi_shop_{}", msp.account), msp.scope.mode.is_live());
    let object = json!({"object": "payment_intent", "id": intent, "amount": 100, "currency": "usd",
        "status": "succeeded"});
    let event = json!({"object": "event", "id": format!("evt_shop_{}", msp.account), "livemode": livemode,
        "account": msp.account, "type": "payment_intent.succeeded", "data": {"object": object}});
    let secret = match msp.scope.mode {
        Mode::Test => TEST_WEBHOOK_SECRET,
        Mode::Live => LIVE_WEBHOOK_SECRET,
    };
    let stored = town.deliver_signed(secret, event.to_string().as_bytes()).await;
    assert!(stored.status.is_success(), "{}", stored.text);
    for taken in stripe_events::take(&town.app, 100).await.unwrap() {
        stripe_events::apply(&town.app, &taken).await.unwrap();
    }
    // A worker beside this may have been faster.
    town.until_quiet().await;
    let list = town
        .api(&msp.key, Method::GET, "/api/webhook-events", Value::Null)
        .await;
    list.body["data"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", list.text))
        .to_owned()
}

async fn belongings(town: &Town, msp: &Msp) -> Belongings {
    let newest = async |path: &str| {
        let list = town.api(&msp.key, Method::GET, path, Value::Null).await;
        let id = list.body["data"][0]["id"].as_str();
        id.unwrap_or_else(|| panic!("{path}: {}", list.text)).to_owned()
    };
    let invoice = town.invoice_of(msp, 12_345, "usd").await;
    let path = format!("/api/invoices/{invoice}/payment-intent");
    let made = town.api(&msp.key, Method::POST, &path, Value::Null).await;
    assert!(made.status.is_success(), "{}", made.text);
    let draft = json!({"client_id": msp.client_id, "currency": "usd"});
    let draft = town.api(&msp.key, Method::POST, "/api/invoices", draft).await;
    let payment = newest("/api/payments").await;
    looked_into(town, msp, &payment).await;
    let credited = town.invoice_of(msp, 500, "usd").await;
    let path = format!("/api/invoices/{credited}/credit-notes");
    let note = json!({"amount": 100, "reason": "Agreed on the phone"});
    let noted = town.api(&msp.key, Method::POST, &path, note).await;
    assert!(noted.status.is_success(), "{}", noted.text);
    let path = format!("/api/invoices/{credited}/offline-payments");
    let cash = json!({"amount": 100, "method": "cash"});
    let offline = town.api(&msp.key, Method::POST, &path, cash).await;
    assert!(offline.status.is_success(), "{}", offline.text);
    Belongings {
        offline: offline.body["id"].as_str().unwrap().to_owned(),
        client: msp.client_id.clone(),
        invoice,
        draft: draft.body["id"].as_str().unwrap().to_owned(),
        payment,
        dispute: newest("/api/disputes").await,
        refund: newest("/api/refunds").await,
        credit_note: newest("/api/credit-notes").await,
        // Of the dispute, to whoever answers for the tenant.
        mail: newest("/api/mails").await,
        difference: differ(town, msp).await,
        key: newest("/api/keys").await,
        subscription: mirrored(town, msp).await,
        event: event_of(town, msp).await,
        payout: payout_of(town, msp).await,
    }
}

/// A payout of the account.
async fn payout_of(town: &Town, msp: &Msp) -> String {
    let (moment, scope, account) = (town.app.moment(), msp.scope.clone(), msp.account.clone());
    let id = format!("po_{account}");
    let payout = json!({"object": "payout", "id": id, "amount": 100, "currency": "usd", "status": "paid"});
    let payout = stripe::Payout::from_value(&payout).unwrap();
    let seen = town
        .app
        .db
        .write(move |tx| flows::payouts::observe(tx, moment, &scope, &account, &payout));
    seen.await.unwrap();
    id
}

/// A bank asks about the tenant's payment, of which something was to go back in Stripe's dashboard.
async fn looked_into(town: &Town, msp: &Msp, payment: &str) {
    let object = json!({"id": format!("dp_{payment}"), "object": "dispute", "amount": 100, "currency": "usd",
        "status": "warning_needs_response", "balance_transactions": []});
    let facts = DisputeFacts::of(&stripe::Dispute::from_value(&object).unwrap()).unwrap();
    let back = json!({"id": format!("re_{payment}"), "object": "refund", "amount": 100, "currency": "usd",
        "status": "failed"});
    let back = RefundFacts::of(&stripe::Refund::from_value(&back).unwrap());
    let (moment, scope) = (town.app.moment(), msp.scope.clone());
    let id = PaymentId::stored(payment.to_owned());
    let seen = town.app.db.write(move |tx| {
        let payment = store::payments::get(tx, &scope, &id)?.expect("the payment is there");
        refunds::observe(tx, moment, &payment, None, &back, Evidence::Current, "test")?;
        disputes::observe(tx, moment, &payment, &facts, Evidence::Current, "test")
    });
    seen.await.unwrap();
}

/// A difference between the tenant's rows and Stripe's.
async fn differ(town: &Town, msp: &Msp) -> String {
    let (moment, scope) = (town.app.moment(), msp.scope.clone());
    let id = BreakId::new(moment.at, moment.random(0));
    let found = id.clone();
    let opened = town.app.db.write(move |tx| {
        let found = Break {
            id: found.clone(),
            tenant: Some(&scope.tenant),
            mode: scope.mode,
            kind: Kind::Overpayment,
            subject_id: found.as_str(),
            detail: "received more than was asked for",
        };
        reconciliation_breaks::open(tx, &found, moment.at)
    });
    let opened: Result<bool, store::Error> = opened.await;
    assert!(opened.unwrap());
    id.to_string()
}

impl Belongings {
    /// Ids that a route may be asked for.
    fn of(&self, route: &Route) -> Vec<&str> {
        let kind = route.path.trim_start_matches("/api/").split('/').next();
        match kind.unwrap_or_default() {
            "clients" => vec![&self.client],
            "invoices" => vec![&self.invoice, &self.draft],
            "payments" => vec![&self.payment],
            "payouts" => vec![&self.payout],
            "keys" => vec![&self.key],
            "subscriptions" => vec![&self.subscription],
            "webhook-events" => vec![&self.event],
            "reconciliation-breaks" => vec![&self.difference],
            "disputes" => vec![&self.dispute],
            "refunds" => vec![&self.refund],
            "credit-notes" => vec![&self.credit_note],
            "offline-payments" => vec![&self.offline],
            "mails" => vec![&self.mail],
            other => panic!("{}: which ids does {other} have?", route.path),
        }
    }
}

/// A well-formed id of the same kind that nobody has.
fn missing_like(id: &str) -> String {
    let kind = id.split('_').next().unwrap_or_default();
    let made = domain::ClientId::new(Timestamp::from_ms(1_700_000_000_000), 7).to_string();
    made.replacen("cli", kind, 1)
}

/// What a request to this address would be sent with.
fn body_of(route: &Route, client: &str) -> Value {
    match (route.method.as_str(), route.path) {
        ("PUT", "/api/clients/{id}") => json!({"name": "Lakeside"}),
        ("PUT", "/api/invoices/{id}") => json!({"client_id": client, "currency": "usd"}),
        _ => json!({}),
    }
}

/// What of an answer may differ between two requests: nothing but its own id and date, and the id it was
/// asked for.
fn comparable(reply: &Reply, asked_for: &str) -> (u16, BTreeSet<String>, String) {
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()))
        .collect();
    (
        reply.status.as_u16(),
        headers,
        reply.text.replace(asked_for, "ID"),
    )
}

/// Asks every route and verb with ids that are `theirs`, as `asker`; answers how many requests that were.
async fn ask_everything(town: &Town, asker: &Msp, theirs: &Belongings) -> usize {
    let mut asked = 0;
    for route in routes::all() {
        if !route.path.contains("{id}") || !matches!(route.who, Who::Key(_) | Who::KeyItselfOr(_)) {
            continue;
        }
        for verb in VERBS {
            for id in theirs.of(&route) {
                let missing = missing_like(id);
                let body = body_of(&route, &asker.client_id);
                let ask = async |id: &str| {
                    // A key has its pace, and a quick machine a quicker one.
                    town.advance_ms(20);
                    let path = route.path.replace("{id}", id);
                    let reply = town.api(&asker.key, verb.clone(), &path, body.clone()).await;
                    comparable(&reply, id)
                };
                let (foreign, none) = (ask(id).await, ask(&missing).await);
                assert_eq!(foreign, none, "{verb} {} tells {id} from {missing}", route.path);
                let (status, ..) = foreign;
                let has_verb = verb == route.method || (verb == Method::HEAD && route.method == Method::GET);
                if has_verb {
                    assert_eq!(status, 404, "{verb} {}", route.path);
                }
                asked += 1;
            }
        }
    }
    asked
}

/// Ids within bodies and queries.
async fn ask_within(town: &Town, asker: &Msp, theirs: &Belongings) -> usize {
    let mut asked = 0;
    let none = missing_like(&theirs.client);
    let draft = |client: &str| json!({"client_id": client, "currency": "usd"});
    let foreign = town
        .api(&asker.key, Method::POST, "/api/invoices", draft(&theirs.client))
        .await;
    let missing = town
        .api(&asker.key, Method::POST, "/api/invoices", draft(&none))
        .await;
    assert_eq!(comparable(&foreign, &theirs.client), comparable(&missing, &none));
    foreign.assert_refused(422, "invalid_field", Some("client_id"));
    asked += 1;
    for (list, id) in [
        ("clients", &theirs.client),
        ("invoices", &theirs.invoice),
        ("payments", &theirs.payment),
        ("keys", &theirs.key),
        ("subscriptions", &theirs.subscription),
        ("webhook-events", &theirs.event),
        ("reconciliation-breaks", &theirs.difference),
        ("disputes", &theirs.dispute),
        ("refunds", &theirs.refund),
        ("credit-notes", &theirs.credit_note),
        ("mails", &theirs.mail),
    ] {
        // A cursor is a place in the order of ids, not a row: it shows what lies after it of one's own.
        let path = format!("/api/{list}?after={id}&limit=100");
        let page = town.api(&asker.key, Method::GET, &path, Value::Null).await;
        assert!(page.status.is_success(), "{}", page.text);
        for id in [
            &theirs.client,
            &theirs.invoice,
            &theirs.draft,
            &theirs.payment,
            &theirs.key,
            &theirs.subscription,
            &theirs.event,
            &theirs.difference,
            &theirs.dispute,
            &theirs.credit_note,
            &theirs.refund,
            &theirs.mail,
        ] {
            assert!(!page.text.contains(id.as_str()), "{path} shows {id}");
        }
        asked += 1;
    }
    asked
}

both! {
    fn an_id_of_another_tenant_or_mode_is_a_missing_id_in_every_route_and_verb(world: &World) {
        let quiet = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, quiet, async |town| {
            let (asker, other) = (town.msp.clone(), town.add_msp("Contoso Managed Services", "usd").await);
            let theirs = belongings(&town, &other).await;
            let live = town.beside(Mode::Live).await;
            let of_live = belongings(&live, &live.msp).await;
            let kept = (town.contents(Mode::Test).await, town.contents(Mode::Live).await);

            let mut asked = ask_everything(&town, &asker, &theirs).await;
            asked += ask_within(&town, &asker, &theirs).await;
            asked += ask_everything(&town, &asker, &of_live).await;
            asked += ask_within(&town, &asker, &of_live).await;
            asked += ask_everything(&live, &live.msp, &theirs).await;
            println!("{asked} requests with ids of others, each beside one with an id that nobody has");
            assert!(asked > 250, "only {asked} requests");
            let now = (town.contents(Mode::Test).await, town.contents(Mode::Live).await);
            assert_eq!(kept, now, "a row was changed");
        });
    }
}
