//! Every status times every observation, every life of a dispute told in any order, and what may be done.

use proptest::prelude::*;
use proptest::sample::Index;

use super::evidence::{self, Field};
use super::*;
use crate::Currency;

fn standings() -> Vec<Standing> {
    let known = Status::ALL.iter().map(|status| Standing::Known(*status));
    known.chain([Standing::Other("newer".to_owned())]).collect()
}

/// Rows: what is known; columns: what was seen, both in the order of `Status::ALL`, a newer word last. `=`
/// same, `>` moves, `<` stale, `?` retrieve.
#[test]
fn every_status_times_every_observation() {
    let mut table = String::new();
    for known in standings() {
        let row: String = standings()
            .iter()
            .map(|seen| match merge(&known, seen, Evidence::Snapshot) {
                Merge::Same => '=',
                Merge::Move => '>',
                Merge::Stale => '<',
                Merge::Retrieve => '?',
            })
            .collect();
        table.push_str(&format!("{row} {}\n", known.word()));
        for seen in standings() {
            let expected = if seen == known { Merge::Same } else { Merge::Move };
            assert_eq!(merge(&known, &seen, Evidence::Current), expected);
        }
    }
    let expected = "\
=>>>>>>??>? warning_needs_response
<=>>>>>??>? warning_under_review
<<=?>>????? warning_closed
<<?=>>????? prevented
<<<<=>>??>? needs_response
<<<<<=>??>? under_review
<<??<<=???? lost
???????=??? appeal_needs_response
????????=?? appeal_under_review
<<??<<???=? won
??????????= newer
";
    assert_eq!(table, expected);
}

/// The lives that a dispute can have, told one step after the other.
const LIVES: &[&[Status]] = {
    use Status::{
        AppealNeedsResponse, AppealUnderReview, Lost, NeedsResponse, Prevented, UnderReview, WarningClosed,
        WarningNeedsResponse, WarningUnderReview, Won,
    };
    &[
        &[WarningNeedsResponse, WarningUnderReview, WarningClosed],
        &[WarningNeedsResponse, WarningClosed],
        &[WarningNeedsResponse, Prevented],
        &[Prevented],
        &[NeedsResponse, UnderReview, Won],
        &[NeedsResponse, UnderReview, Lost],
        &[NeedsResponse, Lost],
        &[WarningNeedsResponse, NeedsResponse, UnderReview, Won],
        &[
            WarningNeedsResponse,
            WarningUnderReview,
            NeedsResponse,
            UnderReview,
            Lost,
        ],
        &[WarningClosed, NeedsResponse, Lost],
        &[
            NeedsResponse,
            UnderReview,
            Lost,
            AppealNeedsResponse,
            AppealUnderReview,
            Won,
        ],
        &[
            NeedsResponse,
            UnderReview,
            Lost,
            AppealNeedsResponse,
            AppealUnderReview,
            Lost,
        ],
    ]
};

/// What is told of a life ends where the dispute is, whatever the order and however often: what cannot be
/// decided is read, and then it is what the dispute is now.
fn end_of(told: &[Standing], now: &Standing) -> Standing {
    let mut known: Option<Standing> = None;
    for seen in told {
        known = Some(match known.take() {
            None => seen.clone(),
            Some(known) => match merge(&known, seen, Evidence::Snapshot) {
                Merge::Same | Merge::Stale => known,
                Merge::Move => seen.clone(),
                Merge::Retrieve => now.clone(),
            },
        });
    }
    known.unwrap_or_else(|| now.clone())
}

fn permutations(items: &[Standing]) -> Vec<Vec<Standing>> {
    if items.len() <= 1 {
        return vec![items.to_vec()];
    }
    let mut all = Vec::new();
    for first in 0..items.len() {
        let mut rest = items.to_vec();
        let head = rest.remove(first);
        for mut tail in permutations(&rest) {
            tail.insert(0, head.clone());
            all.push(tail);
        }
    }
    all
}

#[test]
fn every_life_in_every_order_ends_where_the_dispute_is() {
    for life in LIVES {
        let told: Vec<Standing> = life.iter().map(|status| Standing::Known(*status)).collect();
        let now = told.last().cloned().unwrap();
        for order in permutations(&told) {
            assert_eq!(end_of(&order, &now), now, "{life:?} told as {order:?}");
            let twice: Vec<Standing> = order.iter().chain(order.iter()).cloned().collect();
            assert_eq!(end_of(&twice, &now), now, "{life:?} told as {twice:?}");
        }
    }
}

proptest! {
    /// With any number of duplicates, in any order, and a newer word somewhere in it.
    #[test]
    fn duplicates_change_nothing(
        life in any::<Index>(),
        picks in prop::collection::vec(any::<Index>(), 0..12),
        newer in any::<Option<Index>>(),
    ) {
        let mut life: Vec<Standing> =
            LIVES[life.index(LIVES.len())].iter().map(|status| Standing::Known(*status)).collect();
        if let Some(at) = newer {
            life.insert(at.index(life.len()), Standing::Other("newer".to_owned()));
        }
        let now = life.last().cloned().unwrap();
        // Whatever was told, the last of it is told somewhere too.
        let mut told: Vec<Standing> = picks.iter().map(|pick| life[pick.index(life.len())].clone()).collect();
        let at = picks.first().map_or(0, |pick| pick.index(told.len() + 1));
        told.insert(at, now.clone());
        prop_assert_eq!(end_of(&told, &now), now);
    }

    /// Money is a sum of movements: in any order the same, and each counts once where it is kept once.
    #[test]
    fn money_adds_up_in_any_order(
        movements in prop::collection::vec((-10_000_i64..10_000, -2_000_i64..2_000), 0..6),
        turn in any::<Index>(),
    ) {
        let movements: Vec<Movement> = movements
            .into_iter()
            .map(|(amount_minor, fee_minor)| Movement { amount_minor, fee_minor })
            .collect();
        let mut turned = movements.clone();
        if !turned.is_empty() {
            turned.rotate_left(turn.index(movements.len()));
        }
        let taken = Taken::of(movements.iter().copied());
        prop_assert_eq!(Taken::of(turned), taken);
        let net: i64 = movements.iter().map(|movement| movement.amount_minor).sum();
        prop_assert_eq!(taken.held(), -net);
    }
}

fn taken(withdrawn: i64, reinstated: i64) -> Taken {
    Taken {
        withdrawn,
        reinstated,
        fee: 0,
    }
}

#[test]
fn what_is_lost_is_decided_once() {
    for settlement in Settlement::ALL {
        assert_eq!(Settlement::from_word(settlement.word()), Some(settlement));
    }
    for standing in standings() {
        let lost = standing == Standing::Known(Status::Lost);
        for outcome in [None, Some(Outcome::StillOwed), Some(Outcome::Forgiven)] {
            for (withdrawn, reinstated) in [(100, 0), (100, 100), (0, 0), (100, 40)] {
                let taken = taken(withdrawn, reinstated);
                let said = Decided {
                    outcome,
                    times: i64::from(outcome.is_some()),
                    withdrawn: outcome.map_or(0, |_| withdrawn),
                    settled: outcome.map_or(0, |_| taken.held()),
                };
                let expected = match (outcome, lost && taken.held() > 0) {
                    (Some(outcome), _) => outcome.settlement(),
                    (None, true) => Settlement::Undecided,
                    (None, false) => Settlement::None,
                };
                assert_eq!(said.settlement(&standing, taken), expected);
            }
        }
    }
    assert_eq!(settle(Settlement::Undecided), Ok(()));
    assert_eq!(settle(Settlement::None), Err(Refused::NotLost));
    assert_eq!(settle(Settlement::StillOwed), Err(Refused::Settled));
    assert_eq!(settle(Settlement::Forgiven), Err(Refused::Settled));
    assert_eq!(Outcome::from_word("still_owed"), Some(Outcome::StillOwed));
    assert_eq!(Outcome::from_word("forgiven"), Some(Outcome::Forgiven));
    assert_eq!(Outcome::from_word("none"), None);
    assert_eq!(Outcome::Forgiven.settlement(), Settlement::Forgiven);
    assert_eq!(Outcome::StillOwed.settlement(), Settlement::StillOwed);
    assert_eq!(
        Outcome::from_word(Outcome::Forgiven.word()),
        Some(Outcome::Forgiven)
    );
}

#[test]
fn what_a_bank_takes_once_more_is_decided_once_more() {
    let said = |withdrawn, settled| Decided {
        outcome: Some(Outcome::Forgiven),
        times: 1,
        withdrawn,
        settled,
    };
    let lost = Standing::Known(Status::Lost);
    for (said, taken, expected) in [
        // All came back, and went again.
        (said(100, 0), taken(200, 100), Settlement::Undecided),
        // Of what was refunded before, nothing could be settled, and that is not asked again.
        (said(100, 40), taken(100, 0), Settlement::Forgiven),
        // A second part of the payment.
        (said(60, 60), taken(100, 0), Settlement::Undecided),
        (said(60, 60), taken(100, 40), Settlement::Forgiven),
    ] {
        assert_eq!(said.settlement(&lost, taken), expected, "{said:?} {taken:?}");
        for standing in standings().into_iter().filter(|one| *one != lost) {
            assert_eq!(said.settlement(&standing, taken), Settlement::Forgiven);
        }
    }
    for (settled, before, now, regained) in [
        (100, taken(100, 0), taken(100, 100), 100),
        (100, taken(100, 0), taken(100, 30), 30),
        // What was never settled comes back first.
        (40, taken(100, 0), taken(100, 60), 0),
        (40, taken(100, 0), taken(100, 70), 10),
        // It came back and went again before anybody looked.
        (100, taken(100, 0), taken(200, 100), 100),
        (100, taken(100, 0), taken(200, 0), 0),
        (0, taken(100, 0), taken(100, 100), 0),
    ] {
        assert_eq!(
            said(100, settled).regained(before, now),
            regained,
            "{before:?} {now:?}"
        );
    }
    assert_eq!(said(100, 40).open(taken(200, 100)), 60);
    assert_eq!(said(100, 100).open(taken(100, 100)), 0);
}

#[test]
fn only_a_chargeback_that_is_not_won_blocks_refunds() {
    for standing in standings() {
        let blocks = match &standing {
            Standing::Known(status) => !matches!(
                status,
                Status::WarningNeedsResponse
                    | Status::WarningUnderReview
                    | Status::WarningClosed
                    | Status::Prevented
                    | Status::Won
            ),
            Standing::Other(_) => true,
        };
        assert_eq!(
            standing.blocks_refunds(taken(100, 0)),
            blocks,
            "{}",
            standing.word()
        );
    }
    assert!(!Standing::of("newer").blocks_refunds(taken(100, 100)));
    assert!(!Standing::of("newer").blocks_refunds(taken(0, 0)));
}

#[test]
fn evidence_is_given_once_and_in_time() {
    let now = Timestamp::from_ms(1_000);
    let mut said = String::new();
    for standing in standings() {
        let dispute = Answerable {
            standing: &standing,
            due_at: Some(Timestamp::from_ms(1_000)),
            submitted: false,
            unresolved: false,
        };
        let word = |result: Result<(), Refused>| result.map_or_else(|refused| refused.code(), |()| "ok");
        let past = submit(&dispute, Timestamp::from_ms(1_001));
        let again = submit(
            &Answerable {
                submitted: true,
                ..dispute.clone()
            },
            now,
        );
        let busy = Answerable {
            unresolved: true,
            ..dispute.clone()
        };
        said.push_str(&format!(
            "{}: {} {} {} {}\n",
            standing.word(),
            word(submit(&dispute, now)),
            word(past),
            word(again),
            word(accept(&dispute)),
        ));
        assert_eq!(submit(&busy, now), Err(Refused::InProgress));
        assert_eq!(accept(&busy), Err(Refused::InProgress));
    }
    let over = "dispute_over dispute_over dispute_over dispute_over";
    let waits = "ok evidence_past_due evidence_submitted ok";
    let read = "evidence_submitted evidence_submitted evidence_submitted ok";
    let expected = format!(
        "warning_needs_response: {waits}\nwarning_under_review: {read}\nwarning_closed: {over}\n\
         prevented: {over}\nneeds_response: {waits}\nunder_review: {read}\nlost: {over}\n\
         appeal_needs_response: {waits}\nappeal_under_review: {read}\nwon: {over}\n\
         newer: dispute_status_unknown dispute_status_unknown evidence_submitted ok\n"
    );
    assert_eq!(said, expected);
}

#[test]
fn words_are_kept_as_stripe_writes_them() {
    for status in Status::ALL {
        assert_eq!(Standing::of(status.word()), Standing::Known(*status));
    }
    assert_eq!(Standing::of("charge_refunded").word(), "charge_refunded");
    assert!(!Standing::of("charge_refunded").is_over());
}

#[test]
fn more_than_was_received_is_seen() {
    let usd = |minor| Money::new(minor, Currency::parse("usd").unwrap());
    assert_eq!(beyond(usd(100), 0, 100), None);
    assert_eq!(beyond(usd(100), 30, 70), None);
    assert_eq!(beyond(usd(100), 30, 100), Some(usd(30)));
    assert_eq!(beyond(usd(100), 0, 0), None);
}

#[test]
fn evidence_has_stripes_fields_and_bounds() {
    for field in Field::ALL {
        assert_eq!(Field::from_word(field.word()), Some(*field));
    }
    let read = |given: &[(&'static str, &str)]| evidence::read(given.iter().copied());
    let two = read(&[
        ("customer_name", " Ada "),
        ("receipt", "file_1Abc"),
        ("billing_address", "  "),
    ]);
    let two = two.unwrap();
    assert_eq!(two.get(&Field::CustomerName).map(String::as_str), Some("Ada"));
    assert_eq!(two.len(), 2, "an empty value leaves its field out");
    let long = "x".repeat(evidence::TEXT_MAX + 1);
    for (name, value, field) in [
        ("customer_nam", "Ada", "evidence"),
        ("receipt", "my receipt", "evidence.receipt"),
        ("receipt", "file_", "evidence.receipt"),
        ("receipt", "file_../../x", "evidence.receipt"),
        ("customer_name", "a\0b", "evidence.customer_name"),
        ("uncategorized_text", &long, "evidence.uncategorized_text"),
    ] {
        let refused = evidence::read([(name, value)]).unwrap_err();
        assert_eq!(refused.field(), Some(field), "{name}={value:.20}");
    }
    let most = "x".repeat(evidence::TEXT_MAX);
    let text: Vec<(&str, &str)> = Field::ALL
        .iter()
        .filter(|field| field.kind() == evidence::Kind::Text)
        .map(|field| (field.word(), most.as_str()))
        .collect();
    assert!(evidence::read(text.iter().copied().take(7)).is_ok());
    assert_eq!(evidence::read(text).unwrap_err().field(), Some("evidence"));
}

#[test]
fn what_is_missing_is_what_banks_look_for() {
    let given = evidence::read([("customer_name", "Ada"), ("customer_purchase_ip", "203.0.113.9")]).unwrap();
    let missing = evidence::missing("fraudulent", &given);
    assert!(!missing.contains(&Field::CustomerName));
    assert_eq!(missing.first(), Some(&Field::CustomerEmailAddress));
    for reason in [
        "product_not_received",
        "product_unacceptable",
        "duplicate",
        "credit_not_processed",
        "subscription_canceled",
        "a_newer_reason",
    ] {
        let wanted = evidence::wanted(reason);
        assert!(!wanted.is_empty());
        let all: evidence::Evidence = wanted.iter().map(|field| (*field, "x".to_owned())).collect();
        assert_eq!(evidence::missing(reason, &all), []);
    }
}

#[test]
fn each_question_of_the_banks_takes_evidence_of_its_own() {
    let known = Standing::Known;
    let mut asked = Vec::new();
    for before in standings() {
        for now in standings() {
            if now.asks_anew(&before) {
                assert!(now.wants_answer());
                asked.push(format!("{} {}", before.word(), now.word()));
            }
        }
    }
    let chargeback = [
        "warning_needs_response",
        "warning_under_review",
        "warning_closed",
        "prevented",
    ]
    .map(|before| format!("{before} needs_response"));
    assert!(chargeback.iter().all(|one| asked.contains(one)), "{asked:?}");
    assert!(known(Status::AppealNeedsResponse).asks_anew(&known(Status::Lost)));
    assert!(!known(Status::NeedsResponse).asks_anew(&known(Status::UnderReview)));
    assert!(!known(Status::WarningNeedsResponse).asks_anew(&known(Status::NeedsResponse)));
    // Four ways into a chargeback, and from each of those and of its own four into an appeal.
    assert_eq!(asked.len(), 4 + 8, "{asked:?}");
}
