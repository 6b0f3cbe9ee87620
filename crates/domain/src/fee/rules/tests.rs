//! Every small history, compared with the same rule said another way; and what holds of large ones.

use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn terms(bps: i64) -> Terms {
    Terms::of_rate(BasisPoints::new(bps).unwrap())
}

/// A rule whose rate is its number, so that the terms tell which rule it was.
fn rule(
    number: i64,
    of_tenant: bool,
    method: Option<Method>,
    code: Option<&str>,
    ends: bool,
    from: i64,
) -> Rule {
    Rule {
        id: FeeRuleId::new(Timestamp::from_ms(from), u128::try_from(number).unwrap()),
        number,
        of_tenant,
        method,
        currency: code.map(currency),
        terms: (!ends).then(|| terms(number)),
        effective_from: Timestamp::from_ms(from),
    }
}

const USUAL: i64 = 300;
const OWN: i64 = 250;

fn configured(own: bool) -> Configured {
    Configured {
        platform: BasisPoints::new(USUAL).unwrap(),
        tenant: own.then(|| BasisPoints::new(OWN).unwrap()),
    }
}

/// The oracle: give every rule that could count its rank, drop those that a later one of their kind replaced
/// or ended, and take the highest.
fn oracle(history: &[Rule], configured: Configured, asked: &Asked) -> Terms {
    let candidates: Vec<&Rule> = history
        .iter()
        .filter(|rule| rule.effective_from <= asked.at)
        .filter(|rule| rule.method.is_none() || rule.method == Some(asked.method))
        .filter(|rule| rule.currency.is_none() || rule.currency == Some(asked.currency))
        .collect();
    let rank = |rule: &Rule| {
        let mut rank = 0;
        if rule.of_tenant {
            rank += 4;
        }
        if rule.method.is_some() {
            rank += 2;
        }
        if rule.currency.is_some() {
            rank += 1;
        }
        rank
    };
    let newest = |wanted: i32| {
        let mut of_rank: Vec<&&Rule> = candidates.iter().filter(|rule| rank(rule) == wanted).collect();
        of_rank.sort_by_key(|rule| (rule.effective_from, rule.number));
        of_rank.last().copied().copied()
    };
    let mut best = Some(Terms::of_rate(configured.platform));
    for wanted in 0..8 {
        match newest(wanted) {
            Some(rule) => best = rule.terms.or(best),
            None if wanted == 4 => best = configured.tenant.map(Terms::of_rate).or(best),
            None => {}
        }
    }
    best.unwrap()
}

fn every_question() -> Vec<Asked> {
    let mut all = Vec::new();
    for method in Method::ALL {
        for code in ["usd", "eur"] {
            for at in 0..4 {
                all.push(Asked {
                    method,
                    currency: currency(code),
                    at: Timestamp::from_ms(at),
                });
            }
        }
    }
    all
}

#[test]
fn every_history_of_up_to_two_rules_answers_every_question() {
    let mut shapes = Vec::new();
    for of_tenant in [true, false] {
        for method in [None, Some(Method::Card), Some(Method::BankDebit)] {
            for code in [None, Some("usd")] {
                for ends in [true, false] {
                    for from in [1, 2] {
                        shapes.push((of_tenant, method, code, ends, from));
                    }
                }
            }
        }
    }
    let questions = every_question();
    let make = |number, shape: &(bool, Option<Method>, Option<&str>, bool, i64)| {
        rule(number, shape.0, shape.1, shape.2, shape.3, shape.4)
    };
    let mut compared = 0;
    for first in shapes.iter().map(Some).chain([None]) {
        for second in shapes.iter().map(Some).chain([None]) {
            let rules = [
                first.map(|shape| make(1, shape)),
                second.map(|shape| make(2, shape)),
            ];
            let history: Vec<Rule> = rules.into_iter().flatten().collect();
            for own in [true, false] {
                for asked in &questions {
                    let found = in_force(&history, configured(own), asked);
                    let expected = oracle(&history, configured(own), asked);
                    assert_eq!(found.terms, expected, "{history:?} {own} {asked:?}");
                    let by = history
                        .iter()
                        .find(|rule| found.source == Source::Rule(rule.id.clone()));
                    let named = by.and_then(|rule| rule.terms);
                    match found.source {
                        Source::Rule(_) => assert_eq!(named, Some(found.terms)),
                        Source::TenantRate => assert_eq!(found.terms, terms(OWN)),
                        Source::PlatformRate => assert_eq!(found.terms, terms(USUAL)),
                    }
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 49 * 49 * 2 * 16);
}

#[test]
fn the_more_particular_rule_goes_first() {
    let history = [
        rule(1, false, None, None, false, 0),
        rule(2, false, None, Some("usd"), false, 0),
        rule(3, false, Some(Method::Card), None, false, 0),
        rule(4, false, Some(Method::Card), Some("usd"), false, 0),
        rule(5, true, None, None, false, 0),
        rule(6, true, None, Some("usd"), false, 0),
        rule(7, true, Some(Method::Card), None, false, 0),
        rule(8, true, Some(Method::Card), Some("usd"), false, 0),
    ];
    let asked = Asked {
        method: Method::Card,
        currency: currency("usd"),
        at: Timestamp::from_ms(0),
    };
    for count in 1..=history.len() {
        let found = in_force(&history[..count], configured(false), &asked);
        assert_eq!(found.terms, terms(i64::try_from(count).unwrap()));
    }
}

#[test]
fn an_ended_rule_does_not_bring_the_configured_rate_back() {
    let history = [rule(1, true, None, None, true, 0)];
    let asked = every_question()[0];
    assert_eq!(
        in_force(&history, configured(true), &asked).source,
        Source::PlatformRate,
        "the tenant's own rate is older than the rule that ended it"
    );
    assert_eq!(in_force(&[], configured(true), &asked).source, Source::TenantRate);
}

fn any_rule() -> impl Strategy<Value = (bool, Option<Method>, Option<&'static str>, bool, i64)> {
    let method = prop_oneof![
        Just(None),
        Just(Some(Method::Card)),
        Just(Some(Method::BankDebit))
    ];
    let code = prop_oneof![Just(None), Just(Some("usd")), Just(Some("eur"))];
    (any::<bool>(), method, code, any::<bool>(), 0_i64..4)
}

proptest! {
    #[test]
    fn large_histories_agree_with_the_oracle_in_any_order(
        shapes in proptest::collection::vec(any_rule(), 0..20),
        own in any::<bool>(),
        turned in 0_usize..20,
    ) {
        let history: Vec<Rule> = shapes
            .iter()
            .zip(1..)
            .map(|(shape, number)| rule(number, shape.0, shape.1, shape.2, shape.3, shape.4))
            .collect();
        let mut other_order = history.clone();
        other_order.reverse();
        if !other_order.is_empty() {
            let turn = turned % other_order.len();
            other_order.rotate_left(turn);
        }
        for asked in every_question() {
            let found = in_force(&history, configured(own), &asked);
            prop_assert_eq!(&found, &in_force(&other_order, configured(own), &asked));
            prop_assert_eq!(found.terms, oracle(&history, configured(own), &asked));
        }
    }

    #[test]
    fn a_rule_that_takes_effect_later_changes_nothing_before(
        shapes in proptest::collection::vec(any_rule(), 0..10),
        added in any_rule(),
    ) {
        let mut history: Vec<Rule> = shapes
            .iter()
            .zip(1..)
            .map(|(shape, number)| rule(number, shape.0, shape.1, shape.2, shape.3, shape.4))
            .collect();
        let before: Vec<InForce> = every_question()
            .iter()
            .map(|asked| in_force(&history, configured(true), asked))
            .collect();
        let from = Timestamp::from_ms(added.4);
        history.push(rule(99, added.0, added.1, added.2, added.3, added.4));
        for (asked, known) in every_question().iter().zip(before) {
            if asked.at < from {
                prop_assert_eq!(in_force(&history, configured(true), asked), known);
            }
        }
    }
}
