//! A bank that changes its mind: the money of a dispute that was lost and settled comes back, is taken once
//! more, and is settled once more.

use serde_json::{Value, json};
use store::Sql;

use crate::disputes::{command, decide, newest, open, paid};
use crate::engines::World;
use crate::own_shop::all_told;
use crate::town::Town;

const AMOUNT: i64 = 12_345;
/// What banks hold and nobody has settled.
const WITH_BANKS: Sql = Sql::new(
    "select cast(coalesce(sum(amount), 0) as bigint) as n from ledger_entries where account = 'disputes'",
);
/// The losses that were settled, as the books name them.
const LOSSES: Sql = Sql::new(
    "select source_id from ledger_transactions where kind = 'dispute_lost' order by created_at, source_id",
);
const NOTES: Sql = Sql::new(
    "select dispute_decision as n from credit_notes where dispute_id is not null order by dispute_decision",
);

/// The bank decides, and everybody has heard of it.
async fn decided(town: &Town, dispute: &str, verdict: &str) -> Value {
    decide(town, dispute, verdict);
    all_told(town).await;
    newest(town).await
}

/// What is to be said of the dispute, and what is settled of it.
fn shown(dispute: &Value) -> (&str, &str, i64) {
    let word = |name: &str| dispute[name].as_str().unwrap_or_default();
    (
        word("status"),
        word("settlement"),
        dispute["settled"].as_i64().unwrap_or(-1),
    )
}

async fn settle(town: &Town, dispute: &Value, outcome: &str) -> Value {
    let reply = command(town, dispute, "settle", json!({"outcome": outcome})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        shown(&reply.body),
        ("lost", outcome, AMOUNT),
        "each time the whole amount: {}",
        reply.text
    );
    command(town, dispute, "settle", json!({"outcome": outcome}))
        .await
        .assert_refused(409, "dispute_settled", None);
    town.assert_books().await;
    reply.body
}

both! {
    fn a_loss_that_comes_back_and_goes_again_is_settled_once_more(world: &World) {
        Town::run(world, async |town| {
            // What the first and the second decision say, how the invoice stands at the end, how many credit
            // notes there are.
            for (nth, (first, second, status, due, notes)) in [
                ("still_owed", "still_owed", "open", AMOUNT, 0),
                ("still_owed", "forgiven", "paid", 0, 1),
                ("forgiven", "still_owed", "paid", 0, 1),
            ].into_iter().enumerate() {
                let notes_before = town.rows(&NOTES).await.len();
                let (invoice, charge) = paid(&town).await;
                let dispute = open(&town, &charge, json!({}));
                all_told(&town).await;
                let lost = decided(&town, &dispute, "lose").await;
                settle(&town, &lost, first).await;
                let won = decided(&town, &dispute, "overturn").await;
                assert_eq!(shown(&won), ("won", first, 0), "the money is back");
                let after = town.read_invoice(&invoice).await;
                assert_eq!((&after["status"], &after["amount_due"]), (&json!("paid"), &json!(0)));
                town.assert_books().await;

                let again = decided(&town, &dispute, "overturn").await;
                assert_eq!(shown(&again), ("lost", "undecided", 0), "it is asked once more");
                assert_eq!(town.number(&WITH_BANKS).await, AMOUNT);
                town.assert_books().await;
                settle(&town, &again, second).await;
                assert_eq!(town.number(&WITH_BANKS).await, 0);
                let after = town.read_invoice(&invoice).await;
                assert_eq!((&after["status"], &after["amount_due"]), (&json!(status), &json!(due)),
                    "{first}, then {second}: {after}");
                assert_eq!(town.rows(&NOTES).await.len() - notes_before, notes, "{first}, then {second}");
                let losses = town.rows(&LOSSES).await;
                let of_this: Vec<String> = losses.iter().map(|row| row.text("source_id").unwrap())
                    .filter(|source| source.starts_with(&dispute)).collect();
                assert_eq!(of_this, [dispute.clone(), format!("{dispute}:2")], "case {nth}");
            }
        });
    }

    fn a_loss_that_is_forgiven_twice_has_a_credit_note_each_time(world: &World) {
        Town::run(world, async |town| {
            let (invoice, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({"amount": 5_000}));
            all_told(&town).await;
            let lost = decided(&town, &dispute, "lose").await;
            let first = command(&town, &lost, "settle", json!({"outcome": "still_owed"})).await;
            assert_eq!(shown(&first.body), ("lost", "still_owed", 5_000), "{}", first.text);
            for _ in 0..2 {
                decided(&town, &dispute, "overturn").await;
                let lost = decided(&town, &dispute, "overturn").await;
                let forgiven = command(&town, &lost, "settle", json!({"outcome": "forgiven"})).await;
                assert_eq!(shown(&forgiven.body), ("lost", "forgiven", 5_000), "{}", forgiven.text);
                town.assert_books().await;
            }
            // What came back after it was forgiven was the client's credit, and went first.
            let notes = town.rows(&NOTES).await;
            let decisions: Vec<i64> = notes.iter().map(|row| row.int("n").unwrap()).collect();
            assert_eq!(decisions, [2]);
            let after = town.read_invoice(&invoice).await;
            assert_eq!((&after["status"], &after["amount_due"]), (&json!("paid"), &json!(0)), "{after}");
            assert_eq!(town.number(&WITH_BANKS).await, 0);
        });
    }
}
