//! `psa-pay verify-seals`: recomputes every daily seal from the rows and names each day that differs.

use std::path::Path;

use domain::seal::{Book, Day};
use domain::{Mode, Scope, TenantId, Timestamp};
use flows::seals::{self, Break, Chain, Told};
use serde::{Deserialize, Serialize};
use store::Db;
use store::seals::Seal;

/// The seal of one day, as it is shown and as it can be kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealJson {
    book: String,
    /// Whose; `ten_platform` for the platform's own matters.
    tenant_id: String,
    livemode: bool,
    /// `YYYY-MM-DD`, UTC.
    day: String,
    rows: i64,
    /// SHA-256 in hex, over the day's rows and the seal before.
    seal: String,
}

impl SealJson {
    /// A seal of a book.
    pub fn of(book: Book, seal: &Seal) -> SealJson {
        SealJson {
            book: book.word().to_owned(),
            tenant_id: seal.scope.tenant.to_string(),
            livemode: seal.scope.mode.is_live(),
            day: seal.day.to_string(),
            rows: seal.row_count,
            seal: seal.seal.clone(),
        }
    }

    fn parsed(&self) -> Option<(Book, Scope, Day)> {
        let book = Book::ALL.into_iter().find(|book| book.word() == self.book)?;
        let scope = Scope {
            tenant: TenantId::stored(self.tenant_id.clone()),
            mode: Mode::from_livemode(self.livemode),
        };
        Some((book, scope, Day::parse(&self.day)?))
    }
}

/// What `--json` prints, and `--against` reads.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// The newest seal of every book.
    pub heads: Vec<SealJson>,
    /// Every day that differs.
    #[serde(default)]
    pub breaks: Vec<BreakJson>,
}

/// A day that is not as it was sealed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakJson {
    book: String,
    tenant_id: String,
    livemode: bool,
    day: String,
    problem: String,
}

impl BreakJson {
    fn of(book: Book, scope: &Scope, day: Day, what: Break) -> BreakJson {
        BreakJson {
            book: book.word().to_owned(),
            tenant_id: scope.tenant.to_string(),
            livemode: scope.mode.is_live(),
            day: day.to_string(),
            problem: what.to_string(),
        }
    }
}

/// Verifies everything. `say` gets a line for each break and each book while it goes on.
///
/// # Errors
/// A sentence when the database cannot be read.
pub async fn run(
    db: &Db,
    now: Timestamp,
    kept: &[SealJson],
    say: &mut (dyn FnMut(String) + Send),
) -> Result<Report, String> {
    let mut report = Report::default();
    let mut tell = |told: Told| match told {
        Told::Broken {
            book,
            scope,
            day,
            what,
            ..
        } => broken(&mut report, say, BreakJson::of(book, &scope, day, what)),
        Told::Read(chain) => {
            say(read(&chain));
            report
                .heads
                .extend(chain.head.as_ref().map(|head| SealJson::of(chain.book, head)));
        }
    };
    let verified = seals::verify(db, now, &mut tell).await;
    verified.map_err(|failure| failure.to_string())?;
    for head in kept {
        let (book, scope, day) = head
            .parsed()
            .ok_or_else(|| format!("no seal can be of book {}, day {}", head.book, head.day))?;
        let holds = seals::holds(db, book, &scope, day, &head.seal).await;
        if !holds.map_err(|failure| failure.to_string())? {
            broken(
                &mut report,
                say,
                BreakJson::of(book, &scope, day, Break::NotAsKept),
            );
        }
    }
    Ok(report)
}

fn broken(report: &mut Report, say: &mut (dyn FnMut(String) + Send), found: BreakJson) {
    let mode = Mode::from_livemode(found.livemode).label();
    say(format!(
        "BROKEN  {} of {} {mode}, {}: {}.",
        found.book, found.tenant_id, found.day, found.problem
    ));
    report.breaks.push(found);
}

fn read(chain: &Chain) -> String {
    let (book, tenant, mode) = (chain.book.word(), &chain.scope.tenant, chain.scope.mode.label());
    let sealed = match &chain.head {
        Some(head) => format!(
            "{} days with {} rows up to {}, seal {}",
            chain.days, chain.rows, head.day, head.seal
        ),
        None => "nothing sealed yet".to_owned(),
    };
    let waiting = chain.waiting_since.map_or(String::new(), |day| {
        format!("; from {day} on not sealed yet: the server's worker does that")
    });
    format!("read    {book} of {tenant} {mode}: {sealed}{waiting}")
}

/// The heads in a file that an earlier `--json` wrote.
///
/// # Errors
/// A sentence that names the file.
pub fn kept(path: &Path) -> Result<Vec<SealJson>, String> {
    let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| problem(&error))?;
    let report: Report = serde_json::from_str(&text).map_err(|error| problem(&error))?;
    Ok(report.heads)
}
