//! What a transaction has read and need not ask again.

use std::collections::HashMap;

use super::{Row, Value};

/// So many answers are kept; a transaction that asks for more begins anew.
const ANSWERS_MAX: usize = 512;

/// Answers of one transaction, by their statement and its binds.
#[derive(Default)]
pub(super) struct Known {
    statements: HashMap<&'static str, Statement>,
}

struct Statement {
    /// Its words, sorted: each may be the name of a table that it reads.
    words: Vec<&'static str>,
    answers: HashMap<Vec<Value>, Vec<Row>>,
}

impl Known {
    pub(super) fn find(&self, text: &'static str, binds: &[Value]) -> Option<Vec<Row>> {
        self.statements.get(text)?.answers.get(binds).cloned()
    }

    pub(super) fn keep(&mut self, text: &'static str, binds: &[Value], rows: &[Row]) {
        if self.count() >= ANSWERS_MAX {
            self.forget_all();
        }
        let statement = self.statements.entry(text).or_insert_with(|| Statement {
            words: words(text),
            answers: HashMap::new(),
        });
        statement.answers.insert(binds.to_vec(), rows.to_vec());
    }

    /// Of a handful of statements.
    fn count(&self) -> usize {
        self.statements
            .values()
            .map(|statement| statement.answers.len())
            .sum()
    }

    /// Drops what the statement may change: the answers that name the table it writes to, and all where that
    /// is not plain.
    pub(super) fn about_to_run(&mut self, text: &str) {
        if self.statements.is_empty() || text.starts_with("select") {
            return;
        }
        match written(text) {
            Some(table) => self
                .statements
                .retain(|_, statement| statement.words.binary_search(&table).is_err()),
            None => self.forget_all(),
        }
    }

    pub(super) fn forget_all(&mut self) {
        *self = Known::default();
    }
}

/// The table that a statement writes to, where its first words say so.
fn written(text: &str) -> Option<&str> {
    let mut words = text
        .split(|at: char| at.is_whitespace() || at == '(')
        .filter(|word| !word.is_empty());
    let table = match (words.next()?, words.next()?) {
        ("insert", "into") | ("delete", "from") => words.next()?,
        ("update", table) => table,
        _ => return None,
    };
    let is_name = table.chars().all(|at| at.is_ascii_lowercase() || at == '_');
    (is_name && !["or", "only"].contains(&table)).then_some(table)
}

fn words(text: &'static str) -> Vec<&'static str> {
    let is_of_name = |at: char| at.is_ascii_alphanumeric() || at == '_';
    let mut words: Vec<&str> = text.split(|at: char| !is_of_name(at)).collect();
    words.sort_unstable();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "select name from tenants where id = $1";
    const SETTINGS: &str = "select language from mail_settings\n where tenant_id = $1";

    fn both_kept() -> Known {
        let mut known = Known::default();
        known.keep(NAME, &[Value::from("a")], &[]);
        known.keep(SETTINGS, &[Value::from("a")], &[]);
        known
    }

    fn kept(known: &Known) -> (bool, bool) {
        let find = |text| known.find(text, &[Value::from("a")]).is_some();
        (find(NAME), find(SETTINGS))
    }

    #[test]
    fn an_answer_is_known_for_its_statement_and_its_binds_only() {
        let known = both_kept();
        assert_eq!(kept(&known), (true, true));
        assert!(known.find(NAME, &[Value::from("b")]).is_none());
        assert!(known.find(NAME, &[]).is_none());
    }

    #[test]
    fn what_a_statement_writes_to_is_forgotten_and_all_where_that_is_not_plain() {
        let cases = [
            ("select name from tenants", (true, true)),
            ("insert into tenants (id) values ($1)", (false, true)),
            ("insert into tenants(id) values ($1)", (false, true)),
            ("update mail_settings set language = $1", (true, false)),
            ("delete from mail_settings\nwhere tenant_id = $1", (true, false)),
            ("update payments set name = $1", (true, true)),
            ("update tenant set name = $1", (true, true)),
            ("with gone as (select 1) delete from tenants", (false, false)),
            ("insert or replace into tenants (id) values ($1)", (false, false)),
            ("update or ignore tenants set name = $1", (false, false)),
            ("delete from only tenants", (false, false)),
            ("insert into public.tenants (id) values ($1)", (false, false)),
            ("insert into \"tenants\" (id) values ($1)", (false, false)),
            ("delete from tenants;", (false, false)),
        ];
        for (text, left) in cases {
            let mut known = both_kept();
            known.about_to_run(text);
            assert_eq!(kept(&known), left, "{text}");
        }
    }

    #[test]
    fn a_long_transaction_does_not_grow_without_end() {
        let mut known = Known::default();
        for nth in 0..10_000_i64 {
            known.keep(NAME, &[Value::from(nth)], &[]);
            assert!((1..=ANSWERS_MAX).contains(&known.count()));
        }
    }
}
