//! A database in memory with every table and nothing in them: made once in a program, and copied.

use std::sync::OnceLock;

use store::db::Inline;
use store::{Db, migrate};

use crate::executor::run;

/// When the tables were made, and a run begins.
pub const START_MS: i64 = 1_763_900_000_000;

pub fn empty() -> Inline {
    static TABLES: OnceLock<Inline> = OnceLock::new();
    let made = TABLES.get_or_init(|| {
        let inline = Inline::new().unwrap();
        run(migrate::migrate(&Db::inline_from(&inline), START_MS)).unwrap();
        inline
    });
    made.copy().unwrap()
}
