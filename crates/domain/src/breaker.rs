//! When an account at Stripe that gives no answer is left alone, when it is asked again, and how many of our
//! tries may be repeats: what waited for Stripe must not fall upon it when it is back.

use crate::Timestamp;

/// So many silent tries in a row, and the account is left alone.
pub const SILENT_MAX: u32 = 5;
/// It is left alone for so long at first; each time it is still silent for twice as long.
const FIRST_MS: i64 = 5_000;
/// Whoever waits is let in within a minute of Stripe's being back.
const LONGEST_MS: i64 = 60_000;
/// The one who asks whether it answers again has so long: more than the client waits for an answer.
const ASKING_MS: i64 = 90_000;
/// The longest wait that Stripe may ask for with an answer.
const BUSY_MS: i64 = 10 * 60_000;
/// Nobody has asked for so long after it was time: then whoever comes may.
const NOBODY_ASKS_MS: i64 = 30_000;
/// A repeat costs as much as this many first tries put by, so that one try of eleven is a repeat.
const REPEAT: u32 = 10;
/// What may be put by: ten repeats in a row, for a short disturbance.
const SPARE_MAX: u32 = 10 * REPEAT;

/// What came back of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer, be it a refusal; with the wait that Stripe asked for (`Retry-After`).
    Answer {
        /// Milliseconds.
        wait_ms: Option<i64>,
    },
    /// Nothing, or that Stripe is not well; with the wait that Stripe asked for.
    Silence {
        /// Milliseconds.
        wait_ms: Option<i64>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is asked whatever there is to ask.
    Answers { silent: u32 },
    /// It is left alone until then, for the so manieth time.
    Silent { until: Timestamp, times: u32 },
    /// One has gone to ask; if they are not back by then another goes.
    Asked { until: Timestamp, times: u32 },
}

/// The breaker of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    state: State,
    spare: u32,
    /// Stripe has asked us to wait until then.
    busy_until: Option<Timestamp>,
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker {
            state: State::Answers { silent: 0 },
            spare: SPARE_MAX,
            busy_until: None,
        }
    }
}

impl Breaker {
    /// Whether a first try may go out now. Of an account that is silent one may, when it is time to ask.
    pub fn admit(&mut self, now: Timestamp) -> bool {
        match self.state {
            State::Answers { .. } => {
                self.spare = self.spare.saturating_add(1).min(SPARE_MAX);
                true
            }
            State::Silent { until, times } | State::Asked { until, times } => {
                let goes = now >= until;
                if goes {
                    self.state = State::Asked {
                        until: now.plus_ms(ASKING_MS),
                        times,
                    };
                }
                goes
            }
        }
    }

    /// Whether a try may be repeated at once. It is paid for with first tries that were put by.
    pub fn may_repeat(&mut self) -> bool {
        let may = matches!(self.state, State::Answers { .. }) && self.spare >= REPEAT;
        if may {
            self.spare -= REPEAT;
        }
        may
    }

    /// Takes in what came back of a try.
    pub fn heard(&mut self, now: Timestamp, heard: Heard) {
        let shut = |times: u32, asked_for: Option<i64>| State::Silent {
            until: now.plus_ms(wait_ms(times).max(asked_for.unwrap_or(0).min(LONGEST_MS))),
            times,
        };
        let (Heard::Answer { wait_ms: asked_for } | Heard::Silence { wait_ms: asked_for }) = heard;
        if let Some(ms) = asked_for {
            self.busy_until = Some(now.plus_ms(ms.clamp(0, BUSY_MS)));
        }
        self.state = match (heard, self.state) {
            (Heard::Answer { .. }, _) => State::Answers { silent: 0 },
            (Heard::Silence { wait_ms }, State::Answers { silent }) if silent + 1 >= SILENT_MAX => {
                shut(1, wait_ms)
            }
            (Heard::Silence { .. }, State::Answers { silent }) => State::Answers { silent: silent + 1 },
            // What was under way before tells nothing new.
            (Heard::Silence { .. }, silent @ State::Silent { .. }) => silent,
            (Heard::Silence { wait_ms }, State::Asked { times, .. }) => {
                shut(times.saturating_add(1), wait_ms)
            }
        };
    }

    /// Until when nothing should be begun: none while the account answers, or when nobody goes to ask.
    pub fn silent_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            State::Answers { .. } => None,
            State::Silent { until, .. } | State::Asked { until, .. } => {
                (now < until.plus_ms(NOBODY_ASKS_MS)).then_some(until)
            }
        }
    }

    /// Until when work that can wait should wait: the account is silent, or Stripe has asked for it. Where
    /// that is over, somebody is about to ask.
    pub fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.silent_until(now)
            .max(self.busy_until.filter(|until| now < *until))
    }

    /// When somebody should ask whether it answers again: none while it answers.
    pub fn ask_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Answers { .. } => None,
            State::Silent { until, .. } | State::Asked { until, .. } => Some(until),
        }
    }

    /// Whether it is time that somebody asks.
    pub fn is_to_be_asked(&self, now: Timestamp) -> bool {
        self.ask_at().is_some_and(|at| now >= at)
    }

    /// Whether there is nothing to remember of the account.
    pub fn is_unremarkable(&self, now: Timestamp) -> bool {
        let nothing = Breaker {
            busy_until: self.busy_until.filter(|until| now < *until),
            ..*self
        };
        nothing == Breaker::default()
    }
}

/// How long a silent account is left alone for the so manieth time in a row.
fn wait_ms(times: u32) -> i64 {
    (1..times.min(16)).fold(FIRST_MS, |wait, _| (wait * 2).min(LONGEST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Heard = Heard::Silence { wait_ms: None };
    const ANSWER: Heard = Heard::Answer { wait_ms: None };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1_000)
    }

    /// A breaker that has just been shut, at second 0.
    fn shut() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..SILENT_MAX {
            assert!(breaker.admit(at(0)) && breaker.silent_until(at(0)).is_none());
            breaker.heard(at(0), SILENCE);
        }
        breaker
    }

    #[test]
    fn five_silent_tries_in_a_row_shut_it_and_an_answer_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            for _ in 1..SILENT_MAX {
                breaker.heard(at(0), SILENCE);
            }
            assert!(breaker.admit(at(0)), "four are not enough");
            breaker.heard(at(0), ANSWER);
        }
        assert!(!shut().admit(at(0)));
        assert_eq!(shut().silent_until(at(0)), Some(at(5)));
    }

    #[test]
    fn one_goes_to_ask_and_the_answer_lets_all_in() {
        let mut breaker = shut();
        assert!(!breaker.is_to_be_asked(at(4)) && !breaker.admit(at(4)));
        assert!(breaker.is_to_be_asked(at(5)) && breaker.admit(at(5)));
        assert!(!breaker.admit(at(5)), "one, and no other");
        assert!(breaker.silent_until(at(6)).is_some(), "nothing begins meanwhile");
        breaker.heard(at(7), ANSWER);
        assert!(breaker.admit(at(7)) && breaker.admit(at(7)));
        assert_eq!(breaker.silent_until(at(7)), None);
    }

    #[test]
    fn whoever_asks_and_hears_nothing_makes_the_next_wait_longer_up_to_a_minute() {
        let (mut breaker, mut now, mut waits) = (shut(), 0, Vec::new());
        for _ in 0..7 {
            let until = breaker.silent_until(at(now)).unwrap();
            waits.push(until.seconds() - now);
            now = until.seconds();
            assert!(breaker.admit(at(now)));
            breaker.heard(at(now), SILENCE);
        }
        assert_eq!(waits, [5, 10, 20, 40, 60, 60, 60]);
        breaker.heard(at(now), ANSWER);
        for _ in 0..SILENT_MAX {
            breaker.heard(at(now), SILENCE);
        }
        let until = breaker.silent_until(at(now)).unwrap();
        assert_eq!(until.seconds() - now, 5, "after an answer it begins anew");
    }

    #[test]
    fn whoever_went_to_ask_and_never_came_back_is_followed_by_another() {
        let mut breaker = shut();
        assert!(breaker.admit(at(5)));
        assert!(!breaker.admit(at(94)));
        assert!(breaker.admit(at(95)));
    }

    #[test]
    fn where_nobody_goes_to_ask_whoever_comes_may_begin() {
        let breaker = shut();
        assert!(breaker.silent_until(at(34)).is_some() && breaker.rests_until(at(34)).is_some());
        assert!(breaker.silent_until(at(35)).is_none() && breaker.rests_until(at(35)).is_none());
    }

    #[test]
    fn what_was_under_way_before_changes_nothing() {
        let mut breaker = shut();
        for second in 0..5 {
            breaker.heard(at(second), SILENCE);
        }
        assert_eq!(breaker, shut());
    }

    #[test]
    fn the_wait_that_stripe_asks_for_is_kept_up_to_a_minute() {
        for (asked_ms, seconds) in [
            (0, 5),
            (4_000, 5),
            (30_000, 30),
            (60_000, 60),
            (86_400_000, 60),
            (-1, 5),
        ] {
            let mut breaker = Breaker::default();
            for _ in 0..SILENT_MAX {
                let wait_ms = Some(asked_ms);
                breaker.heard(at(0), Heard::Silence { wait_ms });
            }
            assert_eq!(breaker.silent_until(at(0)), Some(at(seconds)), "{asked_ms}");
        }
    }

    #[test]
    fn while_stripe_asks_us_to_wait_what_can_wait_waits_and_payers_do_not() {
        for (asked_ms, seconds) in [(2_000, 2), (600_000, 600), (86_400_000, 600)] {
            let mut breaker = Breaker::default();
            let wait_ms = Some(asked_ms);
            breaker.heard(at(0), Heard::Answer { wait_ms });
            assert!(breaker.rests_until(at(0)) == Some(at(seconds)));
            assert_eq!(breaker.silent_until(at(0)), None);
            assert!(breaker.admit(at(0)) && !breaker.is_unremarkable(at(seconds - 1)));
            assert_eq!(breaker.rests_until(at(seconds)), None);
            assert!(breaker.is_unremarkable(at(seconds)));
        }
    }

    #[test]
    fn of_a_thousand_tries_a_tenth_may_be_repeated_beside_ten() {
        let (mut breaker, mut repeats) = (Breaker::default(), 0);
        for _ in 0..1_000 {
            assert!(breaker.admit(at(0)));
            while breaker.may_repeat() {
                repeats += 1;
            }
        }
        assert_eq!(repeats, 10 + 100 - 1);
    }

    #[test]
    fn nothing_is_repeated_while_it_is_silent() {
        assert!(!shut().may_repeat());
        let mut asked = shut();
        assert!(asked.admit(at(5)) && !asked.may_repeat());
    }

    #[test]
    fn an_account_that_answers_is_forgotten() {
        let mut breaker = Breaker::default();
        assert!(breaker.is_unremarkable(at(0)));
        assert!(breaker.may_repeat() && !breaker.is_unremarkable(at(0)));
        for _ in 0..REPEAT {
            assert!(breaker.admit(at(0)));
        }
        assert!(breaker.is_unremarkable(at(0)));
        breaker.heard(at(0), SILENCE);
        assert!(!breaker.is_unremarkable(at(0)));
        breaker.heard(at(0), ANSWER);
        assert!(breaker.is_unremarkable(at(0)));
    }
}
