//! Subscriptions of Stripe's own billing, mirrored: whatever events say, in whatever order and how
//! often, what Stripe says now is what is shown; and whose they are is never read from metadata.

use flows::{reconcile, stripe_events};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::{LIVE_WEBHOOK_SECRET, TEST_WEBHOOK_SECRET};
use store::Sql;

use crate::disconnect::deauthorize;
use crate::engines::World;
use crate::oauth::{let_in, shop};
use crate::platform::platform_key;
use crate::thin_events::thin_of;
use crate::town::{Msp, Town, Wishes};

const THIN_SECRET: &str = "whsec_psapay_demo_test_thin";
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const STATUSES: Sql = Sql::new(
    "select from_state, to_state from state_history where subject_id like 'sub_%'
     order by subject_id, version",
);

pub fn by_hand() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        ..Wishes::default()
    }
}

fn made(town: &Town, account: Option<&str>, path: &str, form: &str) -> Value {
    let made = town.stripe("POST", path, account, form);
    assert!(made["id"].is_string(), "{path}: {made}");
    made
}

/// A customer of an account, or of the platform's own.
fn customer(town: &Town, account: Option<&str>) -> String {
    let made = made(
        town,
        account,
        "/v1/customers",
        "name=Harbor+Dental&email=a@harbor.example",
    );
    made["id"].as_str().unwrap().to_owned()
}

/// Three seats a month, to be paid by invoice.
pub fn subscribe(town: &Town, account: Option<&str>, customer: &str) -> String {
    let product = made(town, account, "/v1/products", "name=Seats")["id"].clone();
    let form = format!(
        "product={}&currency=usd&unit_amount=2500&recurring[interval]=month",
        product.as_str().unwrap()
    );
    let price = made(town, account, "/v1/prices", &form)["id"].clone();
    let form = format!(
        "customer={customer}&items[0][price]={}&items[0][quantity]=3&collection_method=send_invoice\
         &days_until_due=7&metadata[plan]=gold",
        price.as_str().unwrap()
    );
    made(town, account, "/v1/subscriptions", &form)["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The newest event of a type about a subscription, or about an invoice of it.
fn told(town: &Town, account: Option<&str>, type_: &str, subscription: &str) -> Value {
    let listed = town.stripe("GET", &format!("/v1/events?limit=100&type={type_}"), account, "");
    let about = |event: &&Value| {
        let object = &event["data"]["object"];
        let billed = &object["parent"]["subscription_details"]["subscription"];
        object["id"] == subscription || billed == subscription
    };
    let events = listed["data"].as_array().unwrap();
    let found = events.iter().find(about);
    found
        .unwrap_or_else(|| panic!("no {type_} of {subscription}"))
        .clone()
}

async fn deliver(town: &Town, secret: &str, event: &Value) {
    let reply = town.deliver_signed(secret, event.to_string().as_bytes()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}

/// Applies what is due, until nothing is.
pub async fn work(town: &Town) {
    loop {
        let taken = stripe_events::take(&town.app, 64).await.unwrap();
        if taken.is_empty() {
            return;
        }
        for left in stripe_events::apply_together(&town.app, taken).await {
            stripe_events::apply(&town.app, &left).await.unwrap();
        }
    }
}

/// A subscription on a tenant's account of which psa-pay knows.
pub async fn mirrored(town: &Town, msp: &Msp) -> String {
    let account = Some(msp.account.as_str());
    let id = subscribe(town, account, &customer(town, account));
    let event = told(town, account, "customer.subscription.created", &id);
    let secret = match msp.scope.mode.is_live() {
        true => LIVE_WEBHOOK_SECRET,
        false => TEST_WEBHOOK_SECRET,
    };
    deliver(town, secret, &event).await;
    work(town).await;
    // A town may have a worker, which was perhaps faster.
    town.until_quiet().await;
    id
}

/// Whether what the API shows is what Stripe says now.
#[track_caller]
pub fn assert_same(shown: &Value, at_stripe: &Value) {
    let ms = |value: &Value| value.as_i64().map(|seconds| seconds * 1000);
    let item = |item: &Value| {
        let price = &item["price"];
        json!({"id": item["id"], "price": price["id"], "quantity": item["quantity"],
            "unit_amount": price["unit_amount"], "currency": price["currency"],
            "interval": price["recurring"]["interval"],
            "interval_count": price["recurring"]["interval_count"]})
    };
    let items = at_stripe["items"]["data"].as_array().unwrap();
    let first = items
        .iter()
        .min_by_key(|item| item["current_period_end"].as_i64());
    let period = |name: &str| first.and_then(|item| ms(&item[name]));
    let invoice = &at_stripe["latest_invoice"];
    let invoice = match invoice.is_null() {
        true => Value::Null,
        false => json!({"id": invoice["id"], "status": invoice["status"],
            "amount_due": invoice["amount_due"], "amount_paid": invoice["amount_paid"],
            "currency": invoice["currency"], "hosted_invoice_url": invoice["hosted_invoice_url"]}),
    };
    let expected = json!({"id": at_stripe["id"], "object": "subscription",
        "livemode": at_stripe["livemode"], "stripe_customer_id": at_stripe["customer"],
        "status": at_stripe["status"], "currency": at_stripe["currency"],
        "collection_method": at_stripe["collection_method"],
        "items": items.iter().map(item).collect::<Vec<_>>(),
        "current_period_start": period("current_period_start"),
        "current_period_end": period("current_period_end"),
        "trial_start": ms(&at_stripe["trial_start"]), "trial_end": ms(&at_stripe["trial_end"]),
        "cancel_at": ms(&at_stripe["cancel_at"]),
        "cancel_at_period_end": at_stripe["cancel_at_period_end"],
        "canceled_at": ms(&at_stripe["canceled_at"]), "ended_at": ms(&at_stripe["ended_at"]),
        "latest_invoice": invoice, "check_stripe": false, "started_at": ms(&at_stripe["created"])});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name} of {shown}");
    }
}

/// A subscription as Stripe has it now.
pub fn at_stripe(town: &Town, account: Option<&str>, id: &str) -> Value {
    let path = format!("/v1/subscriptions/{id}?expand[0]=latest_invoice");
    town.stripe("GET", &path, account, "")
}

async fn shown(town: &Town, id: &str) -> Value {
    let path = format!("/api/subscriptions/{id}");
    let reply = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.body
}

async fn assert_mirrored(town: &Town, id: &str) {
    assert_same(
        &shown(town, id).await,
        &at_stripe(town, Some(&town.msp.account), id),
    );
}

/// The reconciler looks until nothing is due.
async fn read_all(town: &Town) {
    town.advance_ms(15 * MINUTE_MS);
    for _ in 0..5 {
        reconcile::run(&town.app).await.unwrap();
        work(town).await;
    }
}

/// Every order of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

both! {
    fn events_of_a_subscription_in_any_order_twice_and_as_thin_twins_show_what_stripe_says(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let account = Some(town.msp.account.as_str());
            let payer = customer(&town, account);
            for (nth, order) in ORDERS.iter().enumerate() {
                let id = subscribe(&town, account, &payer);
                let item = at_stripe(&town, account, &id)["items"]["data"][0]["id"].clone();
                let form = format!("items[0][id]={}&items[0][quantity]=5", item.as_str().unwrap());
                let path = format!("/v1/subscriptions/{id}");
                made(&town, account, &path, &form);
                town.stripe("DELETE", &path, account, "");
                let events = ["created", "updated", "deleted"]
                    .map(|verb| told(&town, account, &format!("customer.subscription.{verb}"), &id));
                for which in order {
                    let (snapshot, thin) = (&events[*which], thin_of(&events[*which]));
                    let mut pair = [(TEST_WEBHOOK_SECRET, snapshot), (THIN_SECRET, &thin)];
                    if nth % 2 == 1 {
                        pair.reverse();
                    }
                    for (secret, event) in [pair[0], pair[0], pair[1]] {
                        deliver(&town, secret, event).await;
                        work(&town).await;
                        assert_mirrored(&town, &id).await;
                    }
                }
                assert_eq!(shown(&town, &id).await["status"], "canceled");
            }
            const ROWS: Sql =
                Sql::new("select count(*) as n from subscriptions where version = 1 and status = 'canceled'");
            assert_eq!(town.number(&ROWS).await, 6, "nothing has changed after the first look");
            let changes = town.rows(&STATUSES).await;
            assert_eq!(changes.len(), 6);
            assert!(changes.iter().all(|row| row.text("to_state").unwrap() == "canceled"));
            let page = town.api(&town.msp.key, Method::GET, "/api/subscriptions?limit=4", Value::Null).await;
            let four = page.body["data"].as_array().unwrap();
            assert_eq!((four.len(), &page.body["has_more"]), (4, &json!(true)));
            let last = page.body["data"][3]["id"].as_str().unwrap();
            let path = format!("/api/subscriptions?limit=4&after={last}");
            let rest = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
            let two = rest.body["data"].as_array().unwrap();
            assert_eq!((two.len(), &rest.body["has_more"]), (2, &json!(false)));
            assert!(two.iter().all(|one| one["items"][0]["quantity"] == 5));
            town.assert_books().await;
        });
    }

    fn what_becomes_of_a_subscription_and_its_invoice_is_followed_from_day_to_day(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let account = Some(town.msp.account.as_str());
            let id = mirrored(&town, &town.msp).await;
            assert_mirrored(&town, &id).await;
            let first = shown(&town, &id).await;
            assert_eq!(first["status"], "active");
            assert_eq!(first["latest_invoice"]["status"], "draft");

            let invoice = first["latest_invoice"]["id"].as_str().unwrap().to_owned();
            made(&town, account, &format!("/v1/invoices/{invoice}/finalize"), "");
            deliver(&town, TEST_WEBHOOK_SECRET, &told(&town, account, "invoice.finalized", &id)).await;
            work(&town).await;
            let open = shown(&town, &id).await;
            assert_mirrored(&town, &id).await;
            assert_eq!(open["latest_invoice"]["status"], "open");
            assert!(open["latest_invoice"]["hosted_invoice_url"].as_str().unwrap().starts_with("https://"));

            made(&town, account, &format!("/v1/invoices/{invoice}/pay"), "paid_out_of_band=true");
            let thin = thin_of(&told(&town, account, "invoice.paid", &id));
            deliver(&town, THIN_SECRET, &thin).await;
            work(&town).await;
            assert_mirrored(&town, &id).await;
            assert_eq!(shown(&town, &id).await["latest_invoice"]["status"], "paid");

            let path = format!("/v1/subscriptions/{id}");
            made(&town, account, &path, "cancel_at_period_end=true");
            let changed = told(&town, account, "customer.subscription.updated", &id);
            deliver(&town, TEST_WEBHOOK_SECRET, &changed).await;
            work(&town).await;
            assert_mirrored(&town, &id).await;
            assert_eq!(shown(&town, &id).await["cancel_at_period_end"], true);

            // An invoice without a subscription, and nothing of ours: no invoice, no payment, no posting.
            const OURS: Sql = Sql::new(
                "select (select count(*) from invoices) + (select count(*) from payments)
                   + (select count(*) from ledger_transactions) as n",
            );
            assert_eq!(town.number(&OURS).await, 0);
            town.assert_books().await;
        });
    }

    fn of_two_instances_that_read_at_once_the_newer_answer_stays(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            // Neither has a worker, which would take up what is taken up by hand here.
            let other = town.again_as(world, &by_hand()).await;
            let account = Some(town.msp.account.as_str());
            let id = mirrored(&town, &town.msp).await;
            let path = format!("/v1/subscriptions/{id}");
            let asked = || town.requests().iter().filter(|request| request["method"] == "GET").count();

            made(&town, account, &path, "description=first");
            let changed = told(&town, account, "customer.subscription.updated", &id);
            deliver(&town, TEST_WEBHOOK_SECRET, &changed).await;
            let slow = stripe_events::take(&town.app, 1).await.unwrap();
            let fault = json!({"method": "GET", "path": path, "effect": "delay", "delay_ms": 3_000});
            town.control("POST", "/_simulator/faults", fault);
            let before = asked();
            let overtaken = async { stripe_events::apply(&town.app, &slow[0]).await.unwrap() };
            let overtaking = async {
                town.until("the first instance has asked", async || asked() > before).await;
                made(&town, account, &path, "cancel_at_period_end=true");
                let event = told(&town, account, "customer.subscription.updated", &id);
                deliver(&town, TEST_WEBHOOK_SECRET, &event).await;
                let taken = stripe_events::take(&other.app, 1).await.unwrap();
                stripe_events::apply(&other.app, &taken[0]).await.unwrap();
            };
            tokio::join!(overtaken, overtaking);
            assert_mirrored(&town, &id).await;
            let ends = &shown(&town, &id).await["cancel_at_period_end"];
            assert_eq!(*ends, true, "an older answer was stored last");
        });
    }

    fn the_operator_says_which_tenant_a_customer_of_the_platform_is(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let operator = platform_key(&town).await;
            let (first, second) = (customer(&town, None), customer(&town, None));
            let known = subscribe(&town, None, &first);
            let stranger = subscribe(&town, None, &second);
            // Metadata that names a tenant makes nobody pay.
            let form = format!("metadata[tenant_id]={}", town.msp.scope.tenant);
            made(&town, None, &format!("/v1/subscriptions/{stranger}"), &form);
            for id in [&known, &stranger] {
                let event = told(&town, None, "customer.subscription.created", id);
                deliver(&town, TEST_WEBHOOK_SECRET, &event).await;
            }
            work(&town).await;
            let of = async |query: &str| {
                let path = format!("/api/platform/subscriptions{query}");
                let reply = town.api(&operator, Method::GET, &path, Value::Null).await;
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
                reply.body
            };
            let all = of("").await;
            let all = all["data"].as_array().unwrap();
            assert_eq!(all.len(), 2);
            for one in all {
                assert_same(one, &at_stripe(&town, None, one["id"].as_str().unwrap()));
                assert_eq!((&one["tenant_id"], &one["stripe_account_id"]), (&Value::Null, &Value::Null));
            }

            let tenant = town.msp.scope.tenant.to_string();
            let link = async |tenant: &str, customer: Value| {
                let path = format!("/api/tenants/{tenant}/stripe-customer");
                let body = json!({"mode": "test", "stripe_customer_id": customer});
                town.api(&operator, Method::POST, &path, body).await
            };
            let linked = link(&tenant, json!(first)).await;
            assert_eq!(linked.status, StatusCode::OK, "{}", linked.text);
            assert_eq!(linked.body["stripe_customers"], json!({"test": first, "live": null}));
            let paid = of(&format!("?tenant_id={tenant}")).await;
            assert_eq!((paid["data"].as_array().unwrap().len(), &paid["data"][0]["id"]), (1, &json!(known)));
            assert_eq!(of(&format!("/{known}")).await["tenant_id"], tenant.as_str());
            assert_eq!(of(&format!("/{stranger}")).await["tenant_id"], Value::Null);

            let other = town.add_msp("Contoso Managed Services", "usd").await.scope.tenant.to_string();
            let field = Some("stripe_customer_id");
            link(&other, json!(first)).await.assert_refused(422, "invalid_field", field);
            link(&other, json!("cus_nobody")).await.assert_refused(422, "invalid_field", field);
            let of_shop = customer(&town, Some(&town.msp.account));
            link(&other, json!(of_shop)).await.assert_refused(422, "invalid_field", field);
            // What a customer subscribes to before psa-pay hears of it is read when it is linked.
            let third = customer(&town, None);
            let unheard = subscribe(&town, None, &third);
            assert_eq!(link(&other, json!(third)).await.status, StatusCode::OK);
            assert_eq!(of(&format!("/{unheard}")).await["tenant_id"], other.as_str());
            assert_eq!(link(&other, Value::Null).await.body["stripe_customers"]["test"], Value::Null);
            assert_eq!(of(&format!("/{unheard}")).await["tenant_id"], Value::Null);
            const NOTED: Sql =
                Sql::new("select count(*) as n from audit_log where action = 'tenant.customer_linked'");
            assert_eq!(town.number(&NOTED).await, 3);
            let hidden = town.api(&town.msp.key, Method::GET, "/api/subscriptions", Value::Null).await;
            assert_eq!(hidden.body["data"], json!([]), "a tenant sees those of its clients only");
            assert_eq!(of("?mode=live").await["data"], json!([]));
            town.assert_books().await;
        });
    }

    fn what_was_subscribed_to_before_or_while_events_were_lost_is_found_by_listing(world: &World) {
        Town::run_as(world, by_hand(), async |mut town| {
            // An account with a life before psa-pay: its events are older than any that are read.
            let new = json!({"country": "US", "email": "owner@corner.example", "default_currency": "usd",
                "business_name": "Corner Shop", "livemode": false});
            let before = town.control("POST", "/_simulator/accounts", new);
            let before = before["id"].as_str().unwrap().to_owned();
            let on = Some(before.as_str());
            let payer = customer(&town, on);
            let [old, ended] = [(); 2].map(|()| subscribe(&town, on, &payer));
            town.stripe("DELETE", &format!("/v1/subscriptions/{ended}"), on, "");
            let of_platform = subscribe(&town, None, &customer(&town, None));
            town.advance_ms(40 * DAY_MS);
            town.msp = shop(&town, "Corner Shop", Some(&before)).await;
            read_all(&town).await;
            for id in [&old, &ended] {
                assert_mirrored(&town, id).await;
            }
            // The platform's own account is known since the first look, and read at the next one.
            read_all(&town).await;
            let operator = platform_key(&town).await;
            let path = format!("/api/platform/subscriptions/{of_platform}");
            let shown_there = town.api(&operator, Method::GET, &path, Value::Null).await;
            assert_same(&shown_there.body, &at_stripe(&town, None, &of_platform));
            let lists = || town.requests().iter().filter(|request| request["path"].as_str()
                .is_some_and(|path| path.starts_with("/v1/subscriptions?"))).count();
            let listed = lists();
            read_all(&town).await;
            assert_eq!(lists(), listed, "once is enough");

            // We are away for longer than Stripe keeps events.
            let new = subscribe(&town, on, &payer);
            town.stripe("DELETE", &format!("/v1/subscriptions/{old}"), on, "");
            town.advance_ms(40 * DAY_MS);
            read_all(&town).await;
            for id in [&old, &ended, &new] {
                assert_mirrored(&town, id).await;
            }
            assert_eq!(shown(&town, &old).await["status"], "canceled");
        });
    }

    fn a_subscription_that_stripe_does_not_show_any_more_keeps_its_state_and_says_so(world: &World) {
        Town::run_as(world, by_hand(), async |mut town| {
            town.msp = shop(&town, "Corner Shop", None).await;
            let account = town.msp.account.clone();
            let id = mirrored(&town, &town.msp).await;
            let event = told(&town, Some(&account), "customer.subscription.created", &id);

            // Stripe has none of this id: asked for a minute, then done with.
            let mut missing = event.clone();
            (missing["id"], missing["data"]["object"]["id"]) = (json!("evt_missing"), json!("sub_missing"));
            deliver(&town, TEST_WEBHOOK_SECRET, &missing).await;
            work(&town).await;
            const FATE: Sql = Sql::new(
                "select status, last_error from stripe_webhook_events where event_id = 'evt_missing'",
            );
            assert_eq!(town.rows(&FATE).await[0].text("status").unwrap(), "parked");
            town.clock.stop();
            for _ in 0..15 {
                town.advance_ms(5_000);
                work(&town).await;
            }
            let fate = &town.rows(&FATE).await[0];
            assert_eq!(fate.text("status").unwrap(), "ignored");
            assert_eq!(fate.text("last_error").unwrap(), "Stripe has no such object");

            // The owner takes the access away, and an event comes after that.
            deauthorize(&town, &town.msp);
            let mut late = event.clone();
            late["id"] = json!("evt_late");
            deliver(&town, TEST_WEBHOOK_SECRET, &late).await;
            work(&town).await;
            let kept = shown(&town, &id).await;
            assert_eq!((&kept["status"], &kept["check_stripe"]), (&json!("active"), &json!(true)));
            const LATE: Sql =
                Sql::new("select status from stripe_webhook_events where event_id = 'evt_late'");
            assert_eq!(town.rows(&LATE).await[0].text("status").unwrap(), "processed");

            // Given back, it is read again without any event.
            let_in(&town, &town.msp.key, Some(&account)).await;
            town.advance_ms(MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            assert_mirrored(&town, &id).await;
        });
    }
}
