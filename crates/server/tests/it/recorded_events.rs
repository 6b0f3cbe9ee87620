//! Events as Stripe's users have recorded them over the years, of versions and objects that psa-pay has no
//! use for: each is kept, answered, survived, and says what became of it.

use std::collections::BTreeMap;
use std::path::Path;

use flows::stripe_events;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;
use stripe::client::mask_client_secrets;

use crate::engines::World;
use crate::town::{Town, Wishes};

/// Beyond every wait between two tries.
const LATER_MS: i64 = 2 * 60 * 60 * 1000;

/// What becomes of them where they come from a tenant's account.
const ON_OUR_ACCOUNT: &str = "\
external charge.captured 1
external charge.dispute.closed 1
external charge.dispute.created 2
external charge.dispute.funds_reinstated 1
external charge.dispute.funds_withdrawn 2
external charge.expired 1
external charge.failed 1
external charge.pending 1
external charge.refund.updated 1
external charge.refunded 2
external charge.succeeded 2
external payment_intent.amount_capturable_updated 1
external payment_intent.canceled 1
external payment_intent.created 1
external payment_intent.partially_funded 1
external payment_intent.payment_failed 1
external payment_intent.processing 2
external payment_intent.requires_action 1
external payment_intent.succeeded 1
external payout.created 1
external payout.paid 1
external payout.updated 1
external refund.failed 1
ignored 73
processed account.application.deauthorized 2
processed account.updated 2
";

/// What becomes of them where no tenant has the account.
const STRANGERS: &str = "\
external payout.created 1
external payout.paid 1
external payout.updated 1
ignored 99
orphan account.application.deauthorized 2
orphan account.updated 1
";

/// The files, in the order of their names: name and text.
fn recorded() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded-events");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                std::fs::read_to_string(path).unwrap(),
            )
        })
        .collect();
    files.sort();
    assert_eq!(files.len(), 105);
    files
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The recorded text with an id of its own; nothing else of it changes.
fn with_own_id(text: &str, nth: usize) -> String {
    let id = read(text)["id"].as_str().unwrap().to_owned();
    let own = text.replacen(&format!("\"{id}\""), &format!("\"evt_recorded_{nth}\""), 1);
    assert_eq!(read(&own)["id"], format!("evt_recorded_{nth}"));
    own
}

/// Applies everything that is due, over the waits between tries, until nothing is.
async fn work_off(town: &Town) {
    const WAITING: Sql =
        Sql::new("select count(*) as n from stripe_webhook_events where next_attempt_at is not null");
    for _ in 0..30 {
        for event in stripe_events::take(&town.app, 1_000).await.unwrap() {
            stripe_events::apply(&town.app, &event).await.unwrap();
        }
        if town.number(&WAITING).await == 0 {
            return;
        }
        town.advance_ms(LATER_MS);
    }
    panic!("an event is tried for ever");
}

/// Delivers each twice; answers what became of them, as a table: fate, type where it matters, how many.
async fn deliver_twice(town: &Town, bodies: impl Iterator<Item = String>) -> String {
    for body in bodies {
        for _ in 0..2 {
            let reply = town.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes()).await;
            assert_eq!(reply.status, StatusCode::OK, "{body}");
        }
    }
    work_off(town).await;
    const FATES: Sql = Sql::new("select type, status, deliveries from stripe_webhook_events");
    let mut fates: BTreeMap<String, usize> = BTreeMap::new();
    for row in town.rows(&FATES).await {
        assert_eq!(row.int("deliveries").unwrap(), 2);
        let fate = match row.text("status").unwrap().as_str() {
            "ignored" => "ignored".to_owned(),
            fate => format!("{fate} {}", row.text("type").unwrap()),
        };
        *fates.entry(fate).or_default() += 1;
    }
    fates
        .iter()
        .map(|(fate, count)| format!("{fate} {count}\n"))
        .collect()
}

async fn assert_untouched(town: &Town) {
    const MOVED: Sql =
        Sql::new("select (select count(*) from payments) + (select count(*) from ledger_transactions) as n");
    assert_eq!(
        town.number(&MOVED).await,
        0,
        "an event of somebody else moved something"
    );
}

both! {
    fn each_recorded_event_is_stored_once_and_says_what_became_of_it(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let files = recorded();
            let bodies = files.iter().enumerate().map(|(nth, (_, text))| with_own_id(text, nth));
            let fates = deliver_twice(&town, bodies).await;
            assert_eq!(fates, STRANGERS);
            assert_untouched(&town).await;
        });
    }

    fn on_a_tenants_account_recorded_events_are_external_or_of_no_use(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let files = recorded();
            let bodies = files.iter().enumerate().map(|(nth, (_, text))| {
                let mut event = read(&with_own_id(text, nth));
                event["account"] = json!(town.msp.account);
                event.to_string()
            });
            let fates = deliver_twice(&town, bodies).await;
            assert_eq!(fates, ON_OUR_ACCOUNT);
            assert_untouched(&town).await;
        });
    }

    fn a_second_body_under_a_known_id_is_a_duplicate(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let mut first: BTreeMap<(String, String), (String, i64)> = BTreeMap::new();
            for (_, text) in recorded() {
                let reply = town.deliver_signed(TEST_WEBHOOK_SECRET, text.as_bytes()).await;
                assert_eq!(reply.status, StatusCode::OK);
                let event = read(&text);
                let of = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
                let kept = mask_client_secrets(&text);
                first.entry((of("account"), of("id"))).or_insert((kept, 0)).1 += 1;
            }
            work_off(&town).await;
            const STORED: Sql =
                Sql::new("select stripe_account_id, event_id, body, deliveries from stripe_webhook_events");
            let stored = town.rows(&STORED).await;
            let stored: BTreeMap<(String, String), (String, i64)> = stored
                .iter()
                .map(|row| {
                    let text = |column| row.text(column).unwrap();
                    (
                        (text("stripe_account_id"), text("event_id")),
                        (text("body"), row.int("deliveries").unwrap()),
                    )
                })
                .collect();
            assert!(stored.len() < 105);
            assert_eq!(stored, first, "the first body stays, the others are counted");
            assert_untouched(&town).await;
        });
    }
}
