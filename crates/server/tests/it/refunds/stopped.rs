//! Tenants that the operator has stopped: what payers gave can go back to them.

use domain::tenant::TenantMove;
use flows::{Actor, By, reconcile, tenants};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use super::{apply_all, at_stripe, by_hand, paid, read, refund, settle, sums};
use crate::engines::World;
use crate::platform::platform_key;
use crate::town::Town;

async fn stop(town: &Town, how: TenantMove) {
    let by = By::new(Actor::CommandLine);
    tenants::set(&town.app, &by, &town.msp.scope.tenant, how, Some("Unpaid bills"))
        .await
        .unwrap();
}

both! {
    fn a_suspended_tenant_gives_money_back(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            stop(&town, TenantMove::Suspend).await;
            let part = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "forgiven",
                "fee": "returned"});
            let part = refund(&town, part).await;
            assert_eq!((part.status, &part.body["status"]), (StatusCode::CREATED, &json!("succeeded")),
                "{}", part.text);
            let rest = refund(&town, json!({"payment_id": paid.payment, "settlement": "still_owed"})).await;
            assert_eq!(rest.body["amount"], 7_345, "{}", rest.text);
            town.until("the fee's part", async || {
                read(&town, part.body["id"].as_str().unwrap()).await["fee_status"] == "returned"
            }).await;
            settle(&town).await;
            assert_eq!(sums(&town, &paid.payment).await, (12_345, 12_345, 0));
            let invoice = town.read_invoice(&paid.invoice).await;
            assert_eq!((&invoice["status"], &invoice["amount_due"]), (&json!("open"), &json!(7_345)));
            // What is owed again is not paid while the tenant is stopped.
            let link = town.link(&paid.invoice).await;
            assert_eq!(town.look(&link).await.body["state"], "unavailable");
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_closed_tenants_refund_finishes_and_what_is_refunded_at_stripe_is_booked(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let operator = platform_key(&town).await;
            let fault = json!({"method": "POST", "path": "/v1/refunds", "effect": "lose_answer",
                "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let wanted = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "forgiven"});
            let asked = refund(&town, wanted.clone()).await;
            assert_eq!(asked.body["status"], "requested", "{}", asked.text);
            stop(&town, TenantMove::Close).await;
            town.control("DELETE", "/_simulator/faults", Value::Null);
            for _ in 0..10 {
                town.advance_ms(60_000);
                reconcile::run(&town.app).await.unwrap();
            }
            assert_eq!(at_stripe(&town).len(), 1, "it was made once");
            refund(&town, wanted).await.assert_refused(401, "api_key_revoked", None);

            // Its owner gives the rest back in Stripe's dashboard.
            let path = format!("/_simulator/charges/{}/refund", paid.charge);
            town.control("POST", &path, json!({}));
            for _ in 0..3 {
                town.advance_ms(15 * 60_000);
                reconcile::run(&town.app).await.unwrap();
                apply_all(&town).await;
            }
            const REFUNDS: Sql =
                Sql::new("select origin, amount, status from refunds order by created_at, origin");
            let rows = town.rows(&REFUNDS).await;
            let known: Vec<(String, i64, String)> = rows.iter().map(|row| {
                let text = |column: &str| row.text(column).unwrap();
                (text("origin"), row.int("amount").unwrap(), text("status"))
            }).collect();
            let done = |origin: &str, amount| (origin.to_owned(), amount, "succeeded".to_owned());
            assert_eq!(known, [done("api", 5_000), done("stripe", 7_345)]);
            let path = format!("/api/tenants/{}", town.msp.scope.tenant);
            let tenant = town.api(&operator, Method::GET, &path, Value::Null).await;
            assert_eq!(tenant.body["status"], "closed", "{}", tenant.text);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }
}
