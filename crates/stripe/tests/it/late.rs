//! A machine that is suspended between two tries: what it would send afterwards is left to whoever keeps the
//! write.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stripe::{BoxFuture, CallError, Client, HttpRequest, HttpResponse, NoAnswer, Secret, Transport, Write};

/// Never answers; each wait lasts as long as it says, on the clock that it moves.
struct Suspended {
    clock_ms: Arc<AtomicI64>,
    wait_ms: i64,
    sent: AtomicI64,
}

impl Transport for Suspended {
    fn send(&self, _: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(NoAnswer("reset".to_owned())) })
    }

    fn pause(&self, _: u64) -> BoxFuture<'_, ()> {
        self.clock_ms.fetch_add(self.wait_ms, Ordering::Relaxed);
        Box::pin(async {})
    }
}

#[tokio::test]
async fn a_call_that_hung_between_two_tries_for_a_day_sends_nothing_more() {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    for (wait_ms, tries) in [
        (500, 3),
        (149_999, 3),
        (150_000, 2),
        (5 * 60 * 1000, 1),
        (25 * HOUR_MS, 1),
        (-25 * HOUR_MS, 1),
    ] {
        let clock_ms = Arc::new(AtomicI64::new(1_763_900_000_000));
        let stripe = Arc::new(Suspended {
            clock_ms: Arc::clone(&clock_ms),
            wait_ms,
            sent: AtomicI64::new(0),
        });
        let client = Client::new(
            "http://127.0.0.1:1",
            Secret::new("sk_test_psapay_demo"),
            stripe.clone(),
        );
        let client = client.with_clock(Arc::new(move || clock_ms.load(Ordering::Relaxed)));
        let write = Write {
            path: "/v1/refunds".to_owned(),
            params: vec![("amount".to_owned(), "100".to_owned())],
            account: None,
            idempotency_key: "refund:1".to_owned(),
        };
        let Err(CallError::Unknown(_)) = client.write(&write).await else {
            panic!("nobody knows whether Stripe has it");
        };
        assert_eq!(
            stripe.sent.load(Ordering::Relaxed),
            tries,
            "waits of {wait_ms} ms"
        );
    }
}
