//! What one seed draws before it begins: which faults there are and how often, how many instances, how much
//! work. Many faults are off in any one seed: a run in which everything fails finds less.

use crate::dice::Dice;
use crate::marks::Mark;

pub const MINUTE_MS: i64 = 60_000;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// How long the faults go on.
pub const SAFETY_MS: i64 = 10 * DAY_MS;

/// Faults that strike by chance, with the greatest chance in thousandths for each occasion.
const FAULTS: &[(Mark, i64)] = &[
    (Mark::LostAnswer, 200),
    (Mark::NeverSent, 150),
    (Mark::Hang, 100),
    (Mark::LateAnswer, 100),
    (Mark::Error500, 100),
    (Mark::Error500After, 100),
    (Mark::Error429, 150),
    (Mark::LockTimeout, 150),
    (Mark::CommitLost, 60),
    (Mark::RollbackLost, 60),
    (Mark::DatabaseGone, 60),
    (Mark::DatabaseConflict, 60),
    (Mark::CrashBefore, 6),
    (Mark::Pause, 3),
    (Mark::RequestDropped, 250),
    (Mark::DeliveryDropped, 400),
    (Mark::AckLost, 300),
    (Mark::Duplicated, 300),
    (Mark::Delayed, 300),
    (Mark::Redelivered, 100),
    (Mark::WrongSecret, 150),
    (Mark::Forged, 100),
];

/// What a seed draws.
#[derive(Clone, Debug)]
pub struct Swarm {
    chances: Vec<u32>,
    pub instances: usize,
    /// Whether Stripe also sends thin events.
    pub thin: bool,
    pub invoices: usize,
    /// When Stripe cannot be reached, in milliseconds from the beginning.
    pub outages: Vec<(i64, i64)>,
    /// How often an instance reads Stripe's lists: less often than in the product, for the sake of speed.
    pub lists_every_ms: i64,
    /// Longest time that a call to Stripe takes by itself.
    pub latency_ms: i64,
}

impl Swarm {
    pub fn draw(dice: &mut Dice) -> Swarm {
        let mut chances = vec![0; Mark::ALL.len()];
        for (mark, most) in FAULTS {
            let chance = match dice.below(5) {
                0 | 1 => 0,
                2 => dice.between(1, most / 8 + 1),
                3 => dice.between(1, most / 2),
                _ => dice.between(1, *most),
            };
            chances[*mark as usize] = u32::try_from(chance).unwrap();
        }
        let mut outages = Vec::new();
        while dice.percent(25) && outages.len() < 3 {
            let from = dice.between(0, SAFETY_MS);
            let longest = *dice.pick(&[10 * MINUTE_MS, 2 * HOUR_MS, 30 * HOUR_MS]);
            outages.push((from, from + dice.between(MINUTE_MS, longest)));
        }
        Swarm {
            chances,
            instances: 1 + dice.below(2),
            thin: dice.percent(40),
            invoices: 2 + dice.below(5),
            outages,
            lists_every_ms: *dice.pick(&[12 * HOUR_MS, DAY_MS, 3 * DAY_MS]),
            latency_ms: *dice.pick(&[0, 50, 2_000, 20_000]),
        }
    }

    /// The chance that this fault strikes, in thousandths.
    pub fn chance(&self, fault: Mark) -> u32 {
        self.chances[fault as usize]
    }
}
