//! Waiting for what happens by itself.

use std::time::Duration;

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
