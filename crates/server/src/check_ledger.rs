//! `psa-pay check-ledger`: looks for rows that break what must always hold, and says of each rule how it
//! stands.

use domain::Timestamp;
use flows::invariants::{self, Checked};
use store::Db;
use store::invariants::When;

/// What a whole check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// Rules that some row breaks.
    pub broken: usize,
    /// Rules that were looked at.
    pub rules: usize,
}

/// Checks everything. `say` gets the lines of each rule while it goes on; `quiet` asks as well for what holds
/// once nothing is under way.
///
/// # Errors
/// A sentence when the database cannot be read.
pub async fn run(
    db: &Db,
    now: Timestamp,
    quiet: bool,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<Came, String> {
    let when = if quiet { When::Quiet } else { When::Always };
    let mut came = Came { broken: 0, rules: 0 };
    let mut tell = |checked: Checked| {
        came.rules += 1;
        came.broken += usize::from(!checked.rows.is_empty());
        lines(&checked).into_iter().for_each(&mut *say);
    };
    let checked = invariants::run(db, now, when, &mut tell).await;
    checked.map_err(|failure| failure.to_string())?;
    Ok(came)
}

fn lines(checked: &Checked) -> Vec<String> {
    let standing = if checked.rows.is_empty() { "ok" } else { "BROKEN" };
    let mut lines = vec![format!("{standing:<8}{:<5}{}", checked.code, checked.says)];
    let indented = |text: &str| format!("{:13}{text}", "");
    lines.extend(checked.rows.iter().map(|row| indented(row)));
    if checked.more {
        lines.push(indented("and more"));
    }
    lines
}
