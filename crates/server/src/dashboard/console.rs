//! The operator's console: what Stripe reported, what differs from it, what the server does by itself, what
//! the platform takes, who did what, and how all of it is set up.

pub mod audit;
mod break_words;
pub mod breaks;
pub mod configuration;
pub mod event;
pub mod fee_rule;
pub mod fee_statement;
pub mod fees;
mod filters;
pub mod inbox;
pub mod jobs;
pub mod replays;
pub mod tenant;

use std::collections::BTreeMap;

use domain::{Mode, TenantId, Timestamp};
use maud::{Markup, html};
use store::{Tx, tenants};

use crate::html::{self as parts, Tone};

/// Tenants by their ids, with their names; the platform is none of them.
type Names = BTreeMap<TenantId, String>;

/// Everybody's name, as far as one page needs them.
fn names(tx: &mut Tx) -> Result<Names, store::Error> {
    let all = tenants::all(tx)?.into_iter();
    let platform = TenantId::platform();
    let all = all.filter(|tenant| tenant.id != platform);
    Ok(all.map(|tenant| (tenant.id, tenant.name)).collect())
}

/// Whose something is, with the way to them.
fn whose(tenant: Option<&TenantId>, names: &Names) -> Markup {
    match tenant {
        None => html! { span .soft { "Nobody's" } },
        Some(id) if *id == TenantId::platform() => html! { "The platform" },
        Some(id) => html! {
            a href={ "/operator/tenants/" (id) } { (names.get(id).map_or(id.as_str(), String::as_str)) }
        },
    }
}

/// The mode of something in a list of both.
fn mode(mode: Mode) -> Markup {
    match mode {
        Mode::Test => parts::badge(Tone::Calm, "Test"),
        Mode::Live => parts::badge(Tone::Busy, "Live"),
    }
}

/// The mode of a word in an address.
fn mode_of(word: &str) -> Option<Mode> {
    [Mode::Test, Mode::Live]
        .into_iter()
        .find(|mode| mode.word() == word)
}

/// How long something has lasted: `under a minute`, `5 minutes`, `3 hours`, `12 days`.
fn lasted(from: Timestamp, until: Timestamp) -> String {
    const STEPS: [(i64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let seconds = until.seconds().saturating_sub(from.seconds());
    let step = STEPS.iter().find(|(length, _)| seconds >= *length);
    match step {
        None => "under a minute".to_owned(),
        Some((length, word)) => match seconds / length {
            1 => format!("1 {word}"),
            count => format!("{count} {word}s"),
        },
    }
}

/// A name with dots, such as `payment_intent.succeeded`, which may go on in the next line behind them.
fn dotted(name: &str) -> Markup {
    html! {
        @for (at, part) in name.split('.').enumerate() {
            @if at > 0 { "." wbr; }
            (part)
        }
    }
}

/// Something in an address that may be left out.
fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned())
}

/// `1 event`, `12 events`.
fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_something_lasted_is_said_in_its_largest_unit() {
        let from = Timestamp::from_ms(0);
        for (seconds, words) in [
            (-5, "under a minute"),
            (59, "under a minute"),
            (60, "1 minute"),
            (7_199, "1 hour"),
            (7_200, "2 hours"),
            (86_400 * 12, "12 days"),
        ] {
            assert_eq!(lasted(from, Timestamp::from_ms(seconds * 1_000)), words);
        }
    }
}
