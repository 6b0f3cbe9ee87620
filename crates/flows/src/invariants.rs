//! Whether what must hold of the database holds: every invariant of `store::invariants`, and the daily seals.
//! Nothing is changed, and no more is in memory than the rows that are named.

use domain::{Mode, Timestamp};
use store::Db;
use store::invariants::{self as rules, Offender, When};

use crate::seals::{self, Told};
use crate::{App, Failure};

/// So many rows are named of each invariant; whoever reads them learns nothing from more.
pub const NAMED_MAX: usize = 20;

/// An invariant that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its number, such as `L1`; several may share one.
    pub code: &'static str,
    /// What should hold, in plain words.
    pub says: &'static str,
    /// The rows that break it, whose they are first; at most [`NAMED_MAX`].
    pub rows: Vec<String>,
    /// Whether there are more of them.
    pub more: bool,
}

/// `L1 every transaction of the ledger sums to zero: ten_… TEST ltx_…`
impl std::fmt::Display for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.says)?;
        let mut between = ": ";
        for row in &self.rows {
            write!(f, "{between}{row}")?;
            between = ", ";
        }
        f.write_str(if self.more { ", and more" } else { "" })
    }
}

/// What is broken of all that always holds.
///
/// # Errors
/// When the database fails.
pub async fn check(app: &App) -> Result<Vec<Checked>, Failure> {
    broken(app, When::Always).await
}

/// The same, and what holds once nothing is under way.
///
/// # Errors
/// When the database fails.
pub async fn check_quiet(app: &App) -> Result<Vec<Checked>, Failure> {
    broken(app, When::Quiet).await
}

async fn broken(app: &App, when: When) -> Result<Vec<Checked>, Failure> {
    let mut broken = Vec::new();
    let mut tell = |checked: Checked| {
        if !checked.rows.is_empty() {
            broken.push(checked);
        }
    };
    run(&app.db, app.clock.now(), when, &mut tell).await?;
    Ok(broken)
}

/// Looks at every invariant, each in a transaction of its own, and tells how it stands.
///
/// # Errors
/// When the database fails.
pub async fn run(
    db: &Db,
    now: Timestamp,
    when: When,
    tell: &mut (dyn FnMut(Checked) + Send),
) -> Result<(), Failure> {
    let limit = i64::try_from(NAMED_MAX).unwrap_or(i64::MAX).saturating_add(1);
    let wanted = rules::all().filter(|rule| rule.when == When::Always || when == When::Quiet);
    for rule in wanted {
        let found = db.read(move |tx| rules::broken_by(tx, rule, limit));
        let found: Vec<Offender> = found.await?;
        tell(Checked {
            code: rule.code,
            says: rule.says,
            rows: found.iter().take(NAMED_MAX).map(named).collect(),
            more: found.len() > NAMED_MAX,
        });
    }
    seals_hold(db, now, tell).await
}

fn named(row: &Offender) -> String {
    let whose = match row.tenant.as_str() {
        "" => "nobody",
        tenant => tenant,
    };
    let mode = match row.livemode {
        0 => Mode::Test.label(),
        1 => Mode::Live.label(),
        _ => "NEITHER",
    };
    format!("{whose} {mode} {}", row.id)
}

async fn seals_hold(db: &Db, now: Timestamp, tell: &mut (dyn FnMut(Checked) + Send)) -> Result<(), Failure> {
    let mut seals = Checked {
        code: "L5",
        says: "the books and the audit log are as they were sealed",
        rows: Vec::new(),
        more: false,
    };
    let mut note = |told: Told| match told {
        Told::Broken { .. } if seals.rows.len() == NAMED_MAX => seals.more = true,
        Told::Broken {
            book,
            scope,
            day,
            what,
            ..
        } => {
            let (tenant, mode, book) = (&scope.tenant, scope.mode.label(), book.word());
            seals.rows.push(format!("{tenant} {mode} {book} {day}: {what}"));
        }
        Told::Read(_) => {}
    };
    seals::verify(db, now, &mut note).await?;
    tell(seals);
    Ok(())
}
