//! The latest requests, for a test or a person to look at.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// How many are remembered.
const LOG_MAX: usize = 1_000;

/// A request that was answered.
pub struct Entry {
    /// Its id.
    pub request: String,
    /// When, in milliseconds.
    pub at_ms: i64,
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// The account it was for.
    pub account: Option<String>,
    /// Its mode, when its key had one.
    pub livemode: Option<bool>,
    /// Its idempotency key.
    pub key: Option<String>,
    /// Whether the answer was given before.
    pub replayed: bool,
    /// Its parameters; not kept for what the browser sends, which holds card numbers.
    pub body: Option<String>,
    /// The answer's status.
    pub status: u16,
}

/// The requests, oldest first.
#[derive(Default)]
pub struct RequestLog {
    entries: VecDeque<Entry>,
}

impl RequestLog {
    /// Remembers one.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.len() == LOG_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The latest, newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    /// All remembered, newest first.
    pub fn render(&self) -> Value {
        let one = |entry: &Entry| {
            json!({
                "id": entry.request, "at_ms": entry.at_ms, "method": entry.method, "path": entry.path,
                "account": entry.account, "livemode": entry.livemode, "idempotency_key": entry.key,
                "replayed": entry.replayed, "body": entry.body, "status": entry.status,
            })
        };
        self.entries.iter().rev().map(one).collect()
    }
}
