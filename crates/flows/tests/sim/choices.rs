//! What people change while payers pay: the operator adds fee rules, some of which took effect long ago, and
//! tenants change what their payers may choose.

use std::rc::Rc;

use domain::fee::rules::Method;
use domain::fee::{BasisPoints, Terms};
use domain::{Currency, Mode, Money, Timestamp};
use flows::fees::{self, NewRule};
use flows::payment_settings;
use store::payment_settings::PaymentSettings;

use crate::dice::Dice;
use crate::instances::request;
use crate::marks::Mark;
use crate::ports::rest;
use crate::stage::{BY, Msp, Stage};
use crate::swarm::{DAY_MS, HOUR_MS, SAFETY_MS};

/// The operator, who adds a rule every day or two.
pub async fn add_fee_rules(stage: Rc<Stage>) {
    let mut dice = stage.dice();
    loop {
        let wait_ms = dice.between(HOUR_MS, 2 * DAY_MS);
        rest(&stage.shared, wait_ms).await;
        if stage.now_ms() > stage.shared.start_ms + SAFETY_MS {
            return;
        }
        let (rule, mark) = rule(&stage, &mut dice);
        let answer = request(&stage, "add a fee rule", |app| async move {
            fees::add_rule(&app, &BY, app.moment(), rule).await
        });
        if matches!(answer.await, Some(Ok(_))) {
            stage.hit(mark);
        }
    }
}

fn rule(stage: &Stage, dice: &mut Dice) -> (NewRule, Mark) {
    let usd = Currency::parse("usd").unwrap();
    let mode = *dice.pick(&[Mode::Test, Mode::Live]);
    let tenant = dice
        .percent(50)
        .then(|| dice.pick(&stage.msps).scope.tenant.clone());
    let currency = dice.percent(50).then_some(usd);
    let rate = BasisPoints::new(dice.between(0, 1_000)).unwrap();
    let terms = match (dice.percent(15), currency) {
        (true, _) => None,
        (false, None) => Some(Terms::of_rate(rate)),
        (false, Some(usd)) => {
            let minimum = dice.percent(40).then(|| dice.between(0, 200));
            let maximum = dice.percent(40).then(|| dice.between(200, 2_000));
            Some(Terms::new(Some(usd), rate, dice.between(0, 60), minimum, maximum).unwrap())
        }
    };
    let now = Timestamp::from_ms(stage.now_ms());
    let (effective_from, mark) = match dice.below(3) {
        0 => (None, Mark::FeeChanged),
        1 => (Some(now.plus_ms(dice.between(1, DAY_MS))), Mark::FeeChanged),
        _ => (
            Some(now.plus_ms(-dice.between(1, 30 * DAY_MS))),
            Mark::FeeBackdated,
        ),
    };
    let rule = NewRule {
        tenant,
        mode,
        method: *dice.pick(&[None, None, Some(Method::Card), Some(Method::BankDebit)]),
        currency,
        terms,
        effective_from,
    };
    (rule, mark)
}

/// A tenant that lets its payers choose, or does not any more.
pub async fn change_settings(stage: Rc<Stage>, msp: Rc<Msp>) {
    let mut dice = stage.dice();
    loop {
        let usd = Currency::parse("usd").unwrap();
        let settings = PaymentSettings {
            partial: dice.percent(70),
            several: dice.percent(70),
            bank_debits: dice.percent(30),
            minimums: match dice.percent(50) {
                true => vec![Money::new(dice.between(50, 5_000), usd)],
                false => Vec::new(),
            },
        };
        let scope = msp.scope.clone();
        let answer = request(&stage, "change payment settings", |app| async move {
            payment_settings::set(&app, &scope, &BY, settings).await
        });
        if matches!(answer.await, Some(Ok(_))) {
            stage.hit(Mark::SettingsChanged);
        }
        let wait_ms = dice.between(HOUR_MS, 4 * DAY_MS);
        rest(&stage.shared, wait_ms).await;
        if stage.now_ms() > stage.shared.start_ms + SAFETY_MS {
            return;
        }
    }
}
