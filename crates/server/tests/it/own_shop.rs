//! A tenant's account has a life of its own: its shop, the dashboard, the command line tool. All of it is
//! told to us, listed, and moves nothing; and what happens elsewhere at Stripe is nobody's.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::connecting::status;
use crate::engines::World;
use crate::oauth::shop;
use crate::town::{Msp, Town, Wishes};

const SALES: usize = 200;
const REFUNDS: usize = 20;
const PAYOUTS: usize = 5;

/// A sale of the shop: no invoice, no metadata of ours, another software's key.
fn sell(town: &Town, amount: usize) -> String {
    let form = format!(
        "amount={amount}&currency=usd&confirm=true&payment_method=pm_card_bypassPending\
         &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"
    );
    let sold = town.stripe("POST", "/v1/payment_intents", Some(&town.msp.account), &form);
    assert_eq!(sold["status"], "succeeded", "{sold}");
    sold["id"].as_str().unwrap().to_owned()
}

fn post(town: &Town, account: Option<&str>, path: &str, form: &str) -> String {
    let made = town.stripe("POST", path, account, form);
    made["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{path}: {made}"))
        .to_owned()
}

/// An account that its owner has used for long, with a bank behind it, and has let a tenant into.
pub async fn shop_with_a_bank(town: &Town) -> Msp {
    let account = town.control(
        "POST",
        "/_simulator/accounts",
        json!({"country": "US", "email": "owner@corner.example", "business_name": "Corner Shop",
            "default_currency": "usd", "livemode": false, "bank_account": "000123456789"}),
    );
    let account = account["id"].as_str().unwrap().to_owned();
    shop(town, "Corner Shop", Some(&account)).await
}

/// Waits until Stripe has told everything, and all of it is applied.
pub async fn all_told(town: &Town) {
    // Stripe reports its fee a moment after a payment.
    const FEES: Sql = Sql::new(
        "select count(*) as n from payments
         where status = 'succeeded' and stripe_charge_id is not null and stripe_fee is null",
    );
    town.until("Stripe's fees", async || town.number(&FEES).await == 0)
        .await;
    town.until_told().await;
    town.until_quiet().await;
}

/// Every page of the list.
async fn listed(town: &Town, key: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/external-objects?limit=100{after}");
        let page = town.api(key, Method::GET, &path, Value::Null).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let data = page.body["data"].as_array().unwrap();
        all.extend(data.iter().cloned());
        match data.last() {
            Some(last) if page.body["has_more"] == true => {
                after = format!("&after={}", last["id"].as_str().unwrap());
            }
            _ => return all,
        }
    }
}

async fn assert_quiet(town: &Town) {
    const BREAKS: Sql = Sql::new("select count(*) as n from reconciliation_breaks");
    const TROUBLE: Sql = Sql::new(
        "select count(*) as n from stripe_webhook_events
         where status in ('parked', 'failed', 'dead', 'orphan') and type not like 'account.application.%'",
    );
    // While a payment of ours has no answer yet, what comes of the account may be news of it, and waits.
    const TRIED: Sql = Sql::new(
        "select coalesce(max(attempts - parks), 0) as n from stripe_webhook_events where status = 'external'",
    );
    assert_eq!(town.number(&BREAKS).await, 0, "something is alerted");
    assert_eq!(town.number(&TROUBLE).await, 0, "something is parked");
    assert!(town.number(&TRIED).await <= 1, "something was tried again");
}

both! {
    fn a_shop_of_its_own_on_the_account_is_listed_and_moves_nothing(world: &World) {
        Town::run(world, async |mut town| {
            town.msp = shop_with_a_bank(&town).await;
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let account = town.msp.account.clone();
            let mut ours = BTreeMap::new();
            for nth in 0..SALES {
                let intent = sell(&town, 1_000 + nth);
                if nth < REFUNDS {
                    let form = format!("payment_intent={intent}");
                    ours.insert(post(&town, Some(&account), "/v1/refunds", &form), "refund");
                }
                if nth % (SALES / PAYOUTS) == SALES / PAYOUTS - 1 {
                    let form = "amount=500&currency=usd";
                    ours.insert(post(&town, Some(&account), "/v1/payouts", form), "payout");
                }
                ours.insert(intent, "payment_intent");
                if nth % 20 == 19 {
                    all_told(&town).await;
                }
            }
            let seen = listed(&town, &town.msp.key).await;
            let seen: BTreeMap<&str, &str> = seen
                .iter()
                .map(|object| (object["id"].as_str().unwrap(), object["type"].as_str().unwrap()))
                .collect();
            for (id, kind) in &ours {
                assert_eq!(seen.get(id.as_str()), Some(kind), "{id}");
            }
            let charges = seen.values().filter(|kind| **kind == "charge").count();
            assert_eq!((ours.len(), charges), (SALES + REFUNDS + PAYOUTS, SALES));
            assert_quiet(&town).await;

            let kept = town.read_invoice(&invoice).await;
            assert_eq!((&kept["status"], &kept["amount_paid"]), (&json!("open"), &json!(0)), "{kept}");
            const MOVED: Sql = Sql::new("select count(*) as n from payments");
            const BOOKED: Sql =
                Sql::new("select count(*) as n from ledger_transactions
                          where kind not in ('invoice', 'external', 'payout')");
            assert_eq!((town.number(&MOVED).await, town.number(&BOOKED).await), (0, 0));

            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            all_told(&town).await;
            let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let now = listed(&town, &town.msp.key).await;
            assert!(now.iter().all(|object| object["id"] != intent.as_str()), "our own is not external");
            post(&town, Some(&account), "/v1/refunds", &format!("payment_intent={intent}"));
            all_told(&town).await;
            let refunds = |all: &[Value]| all.iter().filter(|object| object["type"] == "refund").count();
            assert_eq!(refunds(&listed(&town, &town.msp.key).await), REFUNDS, "nor is what gives it back");
            assert_quiet(&town).await;
            town.assert_books().await;

            let other = town.add_msp("Somebody Else", "usd").await;
            assert_eq!(listed(&town, &other.key).await, Vec::<Value>::new(), "another tenant sees it");
            let odd = "/api/external-objects?limit=0";
            let odd = town.api(&town.msp.key, Method::GET, odd, Value::Null).await;
            odd.assert_refused(422, "invalid_field", Some("limit"));
        });
    }

    fn what_the_command_line_tool_triggers_is_nobodys(world: &World) {
        Town::run_as(world, Wishes::default(), async |town| {
            const CONFIGS: Sql = Sql::new("select * from stripe_config order by tenant_id, livemode");
            all_told(&town).await;
            let before = town.rows(&CONFIGS).await;
            // `stripe trigger account.updated` makes an account of the platform's and changes it; the others
            // make objects on the platform itself.
            let form = "type=custom&country=US&capabilities[card_payments][requested]=true\
                        &capabilities[transfers][requested]=true";
            let account = post(&town, None, "/v1/accounts", form);
            let path = format!("/v1/accounts/{account}");
            post(&town, None, &path, "metadata[foo]=bar");
            let intent = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa\
                          &automatic_payment_methods[enabled]=true\
                          &automatic_payment_methods[allow_redirects]=never";
            let intent = post(&town, None, "/v1/payment_intents", intent);
            post(&town, None, "/v1/refunds", &format!("payment_intent={intent}"));
            post(&town, None, "/v1/customers", "description=(created by Stripe CLI)");
            all_told(&town).await;

            const FATES: Sql = Sql::new(
                "select distinct type, stripe_account_id, status, tenant_id from stripe_webhook_events
                 where type not like 'capability.%' order by type, status",
            );
            let mut orphans = 0;
            for row in town.rows(&FATES).await {
                let of = row.text("stripe_account_id").unwrap();
                let (type_, fate) = (row.text("type").unwrap(), row.text("status").unwrap());
                if of == town.msp.account {
                    continue;
                }
                assert!(["orphan", "ignored"].contains(&fate.as_str()), "{type_} of {of:?} is {fate}");
                assert_eq!(row.text_opt("tenant_id").unwrap(), None, "{type_}");
                orphans += usize::from(type_ == "account.updated" && of == account);
            }
            assert_eq!(orphans, 1, "the changed account is nobody's");
            assert_eq!(town.rows(&CONFIGS).await, before, "a tenant's account was changed");
            assert_eq!(listed(&town, &town.msp.key).await, Vec::<Value>::new());
            town.assert_books().await;
        });
    }

    fn a_tenants_account_that_changes_changes_that_tenant_only(world: &World) {
        Town::run(world, async |town| {
            let other = town.add_msp("Somebody Else", "usd").await;
            let given = shop(&town, "Corner Shop", None).await;
            all_told(&town).await;
            for (changed, kept) in [(&town.msp, [&other, &given]), (&given, [&town.msp, &other])] {
                let before = (status(&town, &kept[0].key).await, status(&town, &kept[1].key).await);
                let path = format!("/_simulator/accounts/{}", changed.account);
                town.control("POST", &path, json!({"charges_enabled": false}));
                let ready = async |wanted: bool| status(&town, &changed.key).await["ready"] == wanted;
                town.until("the change", async || ready(false).await).await;
                all_told(&town).await;
                let after = (status(&town, &kept[0].key).await, status(&town, &kept[1].key).await);
                assert_eq!(before, after, "a neighbour was changed");
                assert_eq!(after.0["ready"], true);
                town.control("POST", &path, json!({"charges_enabled": true}));
                town.until("the change back", async || ready(true).await).await;
                all_told(&town).await;
            }
        });
    }
}
