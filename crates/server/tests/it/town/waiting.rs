//! Waiting for what happens by itself.

use std::time::Duration;

use serde_json::Value;
use store::Sql;

use super::{PATIENCE, Town};

/// How often it looks meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Town {
    /// Waits until the invoice has a status.
    pub async fn until_invoice(&self, id: &str, status: &str) {
        self.until(&format!("invoice {status}"), async || {
            self.read_invoice(id).await["status"] == status
        })
        .await;
    }

    /// Waits until Stripe has told everything. What was on its way while a test moved time carries a time
    /// that we refuse, and Stripe tries it again a minute later: that minute is moved as well.
    pub async fn until_told(&self) {
        self.until("every delivery", async || {
            let state = self.control("GET", "/_simulator/state", Value::Null);
            if state["deliveries_pending"] == 0 {
                return true;
            }
            let listed = self.control("GET", "/_simulator/deliveries", Value::Null);
            let all = listed["data"].as_array().unwrap().iter();
            let due_ms = |one: &Value| one["due_ms"].as_i64().unwrap();
            let tried = |one: &&Value| one["status"] == "pending" && one["tries"].as_i64() > Some(0);
            let now_ms = self.simulator.now_ms();
            if let Some(next_ms) = all
                .filter(tried)
                .map(due_ms)
                .filter(|due_ms| *due_ms > now_ms)
                .min()
            {
                self.advance_ms(next_ms - now_ms);
            }
            false
        })
        .await;
    }

    /// Waits until no stored event waits to be applied.
    pub async fn until_quiet(&self) {
        const WAITING: Sql =
            Sql::new("select count(*) as n from stripe_webhook_events where next_attempt_at is not null");
        self.until("an empty inbox", async || self.number(&WAITING).await == 0)
            .await;
    }

    /// Waits until a condition holds.
    pub async fn until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            while !condition().await {
                looks.tick().await;
            }
        });
        assert!(waited.await.is_ok(), "waited in vain for {what}");
    }
}
