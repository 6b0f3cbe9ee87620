//! State that survives a restart: a journal of changed rows, one line of JSON a request, replayed and
//! rewritten at start. A line is whole or not there, so a kill loses at most the request it interrupted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Config;
use crate::clock::{Clock, Moved};
use crate::delivery::{Deliveries, Waiting};
use crate::fault::Faults;
use crate::idempotency::{Idempotency, Kept};
use crate::ids::{self, Ids, Position};
use crate::request_log::RequestLog;
use crate::schedule::{self, Schedule, Step};
use crate::state::{Object, Settings, State, Tables};
use crate::webhook_endpoint;

/// What the first line says; another number is another format.
const FORMAT: u32 = 2;
const FILE: &str = "journal.jsonl";
/// How many rows a line of the rewritten journal holds.
const ROWS_A_LINE: usize = 256;

/// Why a folder could not be used.
#[derive(Debug)]
pub enum Error {
    /// It could not be read or written.
    Io(PathBuf, io::Error),
    /// Its journal is of another version's format.
    Format(PathBuf, u32),
    /// Its journal is not one, from this line on.
    Corrupt(PathBuf, usize),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Format(path, format) => write!(
                f,
                "{}: written in format {format} by another version; this one writes format {FORMAT}. Remove \
                 the folder to begin anew, or use the version that wrote it",
                path.display()
            ),
            Error::Corrupt(path, line) => write!(
                f,
                "{}: line {line} is not a line of a simulator's journal",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Something that changed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A row is new or different.
    Put(Object),
    /// An answer is kept under its key.
    Kept(Kept),
    /// A delivery is on its way, or waits for its next try.
    Waiting(Waiting),
    /// A delivery is finished.
    Finished(u64),
    /// Something is to happen.
    Step {
        /// The test clock that it goes by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock: Option<String>,
        /// When.
        due_ms: i64,
        /// In which order.
        number: u64,
        /// What.
        step: Step,
    },
    /// It has happened.
    StepDone {
        /// The test clock that it went by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock: Option<String>,
        /// When it was due.
        due_ms: i64,
        /// Its number.
        number: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    seed: u64,
}

#[derive(Serialize, Deserialize)]
struct Line {
    position: Position,
    moved: Moved,
    changes: Vec<Change>,
}

/// The journal that a state is written to.
pub struct Journal {
    path: PathBuf,
    file: File,
    pending: Vec<Change>,
    written: (Position, Moved),
}

impl Journal {
    /// Adds a change to the line that the request will write.
    pub fn push(&mut self, change: Change) {
        self.pending.push(change);
    }
}

/// A state, empty or with what its folder holds; the configured endpoints are in place.
///
/// # Errors
/// As [`Error`].
pub fn open(config: Config) -> Result<State, Error> {
    let mut state = empty(&config);
    if let Some(folder) = &config.data {
        let path = folder.join(FILE);
        let failed = |error| Error::Io(path.clone(), error);
        fs::create_dir_all(folder).map_err(failed)?;
        replay(&mut state, &path)?;
        let file = rewrite(&state, &path).map_err(failed)?;
        let written = (state.ids.position, state.clock.moved);
        state.journal = Some(Journal {
            path,
            file,
            pending: Vec::new(),
            written,
        });
    }
    schedule::run(&mut state);
    for endpoint in &config.endpoints {
        webhook_endpoint::configure(&mut state, endpoint);
    }
    flush(&mut state);
    Ok(state)
}

fn empty(config: &Config) -> State {
    let mut state = State {
        settings: Settings {
            seed: config.seed,
            platform: String::new(),
            application: String::new(),
            platform_name: config.platform_name.clone(),
            connect_application: config.connect_application,
            deliver_anywhere: config.deliver_anywhere,
        },
        clock: Clock::new(config.clock),
        now_ms: 0,
        shift_ms: 0,
        ids: Ids::new(config.seed),
        tables: Tables::default(),
        schedule: Schedule::default(),
        idempotency: Idempotency::default(),
        deliveries: Deliveries::default(),
        faults: Faults::default(),
        index: Default::default(),
        limiter: Default::default(),
        log: RequestLog::default(),
        journal: None,
    };
    seed(&mut state, config.seed);
    state.now_ms = state.clock.now_ms();
    state
}

fn seed(state: &mut State, seed: u64) {
    state.settings.seed = seed;
    state.settings.platform = ids::fixed(seed, "platform", "acct_1", 15);
    state.settings.application = ids::fixed(seed, "application", "ca_", 32);
    state.ids = Ids::new(seed);
}

fn replay(state: &mut State, path: &Path) -> Result<(), Error> {
    let failed = |error| Error::Io(path.to_owned(), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut reader = BufReader::new(file);
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        if reader.read_until(b'\n', &mut text).map_err(failed)? == 0 {
            break;
        }
        // A line without its end is what a kill left of the last request.
        if text.last() != Some(&b'\n') {
            break;
        }
        let corrupt = || Error::Corrupt(path.to_owned(), number);
        if number > 1 {
            carry_out(state, &text).ok_or_else(corrupt)?;
            continue;
        }
        let header: Header = serde_json::from_slice(&text).map_err(|_| corrupt())?;
        if header.format != FORMAT {
            return Err(Error::Format(path.to_owned(), header.format));
        }
        seed(state, header.seed);
    }
    Ok(())
}

fn carry_out(state: &mut State, text: &[u8]) -> Option<()> {
    let line: Line = serde_json::from_slice(text).ok()?;
    state.ids.position = line.position;
    state.clock.moved = line.moved;
    for change in line.changes {
        match change {
            Change::Put(object) => object.store(state),
            Change::Kept(kept) => state.idempotency.put(kept),
            Change::Waiting(waiting) => state.deliveries.put(waiting),
            Change::Finished(id) => state.deliveries.remove(id),
            Change::Step {
                clock,
                due_ms,
                number,
                step,
            } => state.schedule.put(clock.as_deref(), due_ms, number, step),
            Change::StepDone {
                clock,
                due_ms,
                number,
            } => {
                state.schedule.remove(clock.as_deref(), due_ms, number);
            }
        }
    }
    Some(())
}

/// Writes the state anew beside the old journal and puts it in its place.
fn rewrite(state: &State, path: &Path) -> io::Result<File> {
    let fresh = path.with_extension("new");
    let mut out = BufWriter::new(File::create(&fresh)?);
    write(
        &mut out,
        &Header {
            format: FORMAT,
            seed: state.settings.seed,
        },
    )?;
    let rows = state.tables.objects().map(Change::Put);
    let kept = state.idempotency.all().cloned().map(Change::Kept);
    let waiting = state.deliveries.waiting().cloned().map(Change::Waiting);
    let steps = state
        .schedule
        .steps()
        .map(|(clock, due_ms, number, step)| Change::Step {
            clock: clock.map(str::to_owned),
            due_ms,
            number,
            step: step.clone(),
        });
    let mut changes = rows.chain(kept).chain(waiting).chain(steps).peekable();
    loop {
        let changes_of_line: Vec<Change> = changes.by_ref().take(ROWS_A_LINE).collect();
        let line = Line {
            position: state.ids.position,
            moved: state.clock.moved,
            changes: changes_of_line,
        };
        write(&mut out, &line)?;
        if changes.peek().is_none() {
            break;
        }
    }
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(&fresh, path)?;
    OpenOptions::new().append(true).open(path)
}

fn write(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    out.write_all(&text)
}

/// Writes what the request changed, as one line.
pub fn flush(state: &mut State) {
    let at = (state.ids.position, state.clock.moved);
    let Some(journal) = &mut state.journal else { return };
    if journal.pending.is_empty() && journal.written == at {
        return;
    }
    let line = Line {
        position: at.0,
        moved: at.1,
        changes: std::mem::take(&mut journal.pending),
    };
    match write(&mut journal.file, &line) {
        Ok(()) => journal.written = at,
        Err(error) => {
            tracing::error!(path = %journal.path.display(), %error, "the simulator's journal was not written")
        }
    }
}
