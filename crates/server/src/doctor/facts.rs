//! What the doctor found, before anything is made of it.

use domain::{Mode, Timestamp};
use flows::endpoints::Standing;
use store::db::Engine;
use store::instance::Lock;

use crate::config::Config;

/// Everything that is judged.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What is wrong with variables: the name, and a sentence.
    pub variables: Vec<(String, String)>,
    /// The configuration, where it can be used at least but for webhook secrets.
    pub config: Option<Config>,
    /// Now.
    pub now: Option<Timestamp>,
    /// Each mode that has keys.
    pub modes: Vec<ModeFacts>,
    /// The database.
    pub database: DatabaseFacts,
    /// The server at `PUBLIC_URL`.
    pub server: ServerFacts,
    /// How far this clock is ahead of Stripe's, in seconds; none where Stripe did not say.
    pub clock_ahead_s: Option<i64>,
    /// Whether the mail server took a connection; none without one.
    pub mail_server: Option<Result<(), String>>,
}

/// What was found of a mode.
#[derive(Clone, Debug)]
pub struct ModeFacts {
    /// Which.
    pub mode: Mode,
    /// The platform's account, or why Stripe does not say.
    pub account: Result<String, CallFailed>,
    /// The account that the publishable key belongs to names itself otherwise, where both say.
    pub keys_of_one_account: bool,
    /// The endpoints, or why Stripe does not say.
    pub endpoints: Result<Vec<Standing>, String>,
    /// What the server answered to a word signed with each configured secret, by the variable's name.
    pub pings: Vec<(String, Result<u16, String>)>,
    /// Webhook secrets that are configured.
    pub secrets: usize,
}

/// Why Stripe did not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailed {
    /// It does not know the key.
    KeyRefused,
    /// It refused something else, such as the version.
    Refused(String),
    /// Nothing came.
    Silent(String),
}

/// What was found of the database.
#[derive(Clone, Debug, Default)]
pub struct DatabaseFacts {
    /// Which one; none where it could not be opened.
    pub engine: Option<Engine>,
    /// Why it could not be opened or read.
    pub unreachable: Option<String>,
    /// Steps of the schema that were applied, and that this version knows.
    pub steps: (usize, usize),
    /// The file system that SQLite's file lies on, where it does not outlive the machine.
    pub passing_disk: Option<String>,
    /// Bytes that are free beside SQLite's file.
    pub free_bytes: Option<u64>,
    /// Whether SQLite's file is opened for others than its owner.
    pub readable_by_others: bool,
    /// When it was last copied, of SQLite's file.
    pub last_backup: Option<Timestamp>,
    /// Why it is not the one of the last start.
    pub copied: Option<String>,
    /// Why live mode is locked.
    pub live_locked: Option<Lock>,
    /// Tenants that are connected and cannot charge, by mode.
    pub unable: Vec<(Mode, i64)>,
    /// Events that nobody could apply.
    pub dead_events: i64,
    /// Breaks that are open.
    pub breaks: i64,
    /// Live people who may log in as operators.
    pub operators: i64,
}

/// What was found of the server at `PUBLIC_URL`.
#[derive(Clone, Debug, Default)]
pub struct ServerFacts {
    /// What `/readyz` answered, with its text; or why nothing came.
    pub ready: Option<Result<(u16, String), String>>,
    /// What it answered to a word signed with a secret that is nobody's.
    pub wrong_secret: Option<Result<u16, String>>,
    /// Whether plain http at that host leads to https, or nowhere.
    pub plain_http_serves: bool,
}
