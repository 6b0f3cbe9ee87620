//! What the doctor found, before anything is made of it.

use domain::{Mode, Timestamp};
use flows::endpoints::Standing;
use store::db::Engine;
use store::instance::Lock;
use stripe::events::Kind;

use crate::config::Config;
use crate::disk::Room;
use crate::ping::Answer;

/// Everything that is judged.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What is wrong with variables.
    pub variables: Vec<Wrong>,
    /// The file that variables were read from, if there is one.
    pub file: Option<FileFacts>,
    /// Names of variables that look like ours and are not read, each with why.
    pub unread: Vec<(String, String)>,
    /// The configuration, with stand-ins for what cannot be used.
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
    /// Whether the mail server is ready to take a mail; none without one.
    pub mail_server: Option<Result<(), String>>,
}

impl Facts {
    /// Whether a variable cannot be used, so that whatever needs it was not looked at.
    pub fn is_unusable(&self, variable: &str) -> bool {
        self.variables.iter().any(|one| one.name == variable)
    }
}

/// A variable that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub says: String,
    /// What to do.
    pub remedy: String,
}

/// What was found of the file that variables were read from.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// Where it is.
    pub path: String,
    /// Whether everybody on this machine may read it.
    pub readable_by_others: bool,
    /// Names that it sets more than once.
    pub twice: Vec<String>,
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
    pub endpoints: Result<Vec<Standing>, CallFailed>,
    /// How many more endpoints Stripe allows.
    pub room: usize,
    /// What the server answered to a word signed with each configured secret.
    pub pings: Vec<Ping>,
    /// Webhook secrets that are configured.
    pub secrets: usize,
}

/// A word that was signed with a configured secret.
#[derive(Clone, Debug)]
pub struct Ping {
    /// The variable; of a list with the place in it.
    pub variable: String,
    /// Which events the secret signs by the configuration.
    pub kind: Kind,
    /// What came back.
    pub answer: Result<Answer, String>,
}

/// Why Stripe did not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailed {
    /// It was not asked, because this variable cannot be used.
    NotAsked(String),
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
    /// Whether it can be opened and has none of our tables.
    pub is_empty: bool,
    /// Settings of its server with which an acknowledged commit can be lost.
    pub unsafe_settings: Vec<String>,
    /// Steps of the schema that were applied, and that this version knows.
    pub steps: (usize, usize),
    /// The file system that SQLite's file lies on, where it does not outlive the machine.
    pub passing_disk: Option<String>,
    /// The room on the disk of SQLite's file.
    pub room: Option<Room>,
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
    pub wrong_secret: Option<Result<Answer, String>>,
    /// Whether plain http at that host leads to https, or nowhere.
    pub plain_http_serves: bool,
    /// Headers of a pay page's address that are missing or other than the ones this program sends; none where
    /// no answer came.
    pub page_headers: Option<Vec<String>>,
}
