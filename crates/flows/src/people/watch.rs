//! What one instance remembers of wrong passwords and codes: who is held up, so that turning them away costs
//! no transaction; what was noted, so that a flood of guesses is a few rows of the audit log; and how many
//! there were, so that somebody is told.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Timestamp;
use domain::login::{ALARM, ALARM_AGAIN};

use crate::By;
use crate::limits::network;

/// How long the same refusal to the same network is one row.
const WINDOW_MS: i64 = 60_000;
/// Refusals that are noted in a window; the others are counted, and the next row says how many they were.
const ROWS_PER_WINDOW: usize = 20;
/// Who is remembered at most. Beyond that the counts in the database still hold.
const HELD_MAX: usize = 20_000;

/// The memory of one instance.
#[derive(Debug, Default)]
pub struct Watch(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    held: HashMap<String, Timestamp>,
    window: i64,
    noted: HashSet<(String, String)>,
    left_out: u64,
    newest: VecDeque<Timestamp>,
    alarmed_at: Option<Timestamp>,
}

/// What is done about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whether it is noted, and how many before it were not.
    pub noted: Option<u64>,
    /// Whether there were so many that somebody should look.
    pub alarm: bool,
}

impl Watch {
    /// Until when one of these buckets holds a try up, as far as is remembered.
    pub(super) fn held<'a>(
        &self,
        buckets: impl Iterator<Item = &'a str>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let state = self.state();
        let until = buckets.filter_map(|bucket| state.held.get(bucket).copied());
        until.filter(|until| *until > now).max()
    }

    /// Remembers until when a bucket holds tries up.
    pub(super) fn hold(&self, bucket: &str, until: Timestamp, now: Timestamp) {
        let mut state = self.state();
        if state.held.len() >= HELD_MAX {
            state.held.retain(|_, until| *until > now);
        }
        if state.held.len() < HELD_MAX || state.held.contains_key(bucket) {
            state.held.insert(bucket.to_owned(), until);
        }
    }

    /// Counts a wrong password or code at an account.
    pub fn refused(&self, now: Timestamp, account: &str, by: &By) -> Told {
        let from = by
            .address
            .map(|address| network(address).unwrap_or_else(|| address.to_string()));
        let mut state = self.state();
        let alarm = state.is_alarming(now);
        let window = now.ms().div_euclid(WINDOW_MS);
        if window != state.window {
            state.window = window;
            state.noted.clear();
        }
        let seen = (account.to_owned(), from.unwrap_or_default());
        let fits = state.noted.len() < ROWS_PER_WINDOW;
        let noted = match fits && state.noted.insert(seen) {
            true => Some(std::mem::take(&mut state.left_out)),
            false => {
                state.left_out = state.left_out.saturating_add(1);
                None
            }
        };
        Told { noted, alarm }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_alarming(&mut self, now: Timestamp) -> bool {
        let most = usize::try_from(ALARM.most).unwrap_or(usize::MAX);
        self.newest.push_back(now);
        if self.newest.len() > most {
            self.newest.pop_front();
        }
        let since = now.plus_ms(-ALARM.within_ms);
        let many = self.newest.len() == most && self.newest.front().is_some_and(|oldest| *oldest > since);
        let again_at = self.alarmed_at.map(|at| at.plus_ms(ALARM_AGAIN.within_ms));
        let alarm = many && again_at.is_none_or(|at| at <= now);
        if alarm {
            self.alarmed_at = Some(now);
        }
        alarm
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Actor;

    fn from(address: &str) -> By {
        By {
            address: Some(address.parse().unwrap()),
            ..By::new(Actor::Unknown)
        }
    }

    #[test]
    fn a_flood_of_guesses_is_a_few_rows_that_say_how_many_there_were() {
        let watch = Watch::default();
        let (mut rows, mut counted, mut alarms) = (0, 0, 0);
        for n in 0..10_000_i64 {
            let by = from(&format!("2001:db8:{:x}::1", n % 5_000));
            let told = watch.refused(Timestamp::from_ms(n), &format!("person{n}"), &by);
            rows += usize::from(told.noted.is_some());
            alarms += usize::from(told.alarm);
            counted += told.noted.unwrap_or(0);
        }
        assert_eq!((rows, counted, alarms), (ROWS_PER_WINDOW, 0, 1));
        let later = watch.refused(Timestamp::from_ms(WINDOW_MS), "ann", &from("192.0.2.1"));
        assert_eq!(later.noted, Some(10_000 - 20), "none is lost");
        // The same person from the same network is one row in a minute.
        let again = watch.refused(Timestamp::from_ms(WINDOW_MS + 1), "ann", &from("192.0.2.1"));
        assert_eq!(again.noted, None);
        // An hour later it is worth an alarm again.
        let hour = ALARM_AGAIN.within_ms + 1_000;
        let mut told = (0..ALARM.most).map(|n| {
            let by = from("192.0.2.1");
            watch.refused(Timestamp::from_ms(hour + n), "ann", &by).alarm
        });
        assert!(told.any(|alarm| alarm));
    }

    #[test]
    fn seldom_failures_are_no_alarm() {
        let watch = Watch::default();
        for n in 0..1_000_i64 {
            let told = watch.refused(Timestamp::from_ms(n * 5_000), "ann", &from("192.0.2.1"));
            assert!(!told.alarm);
        }
    }

    #[test]
    fn who_is_held_up_is_remembered_until_then() {
        let (watch, now) = (Watch::default(), Timestamp::from_ms(1_000));
        watch.hold("a", now.plus_ms(10), now);
        let held = |bucket: &str, at| watch.held([bucket].into_iter(), at);
        assert_eq!(held("a", now), Some(now.plus_ms(10)));
        assert_eq!(held("b", now), None);
        assert_eq!(held("a", now.plus_ms(10)), None);
    }
}
