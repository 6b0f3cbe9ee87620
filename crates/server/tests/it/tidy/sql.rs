//! Every statement on a table that has a tenant and a mode is told which: an insert writes both,
//! everything else asks for both behind `where`. Tables are read from the migrations, statements from the
//! store's code.

mod exempt;

use super::File;
use super::source::{Source, closing, is_name_char, item_end, words};
use exempt::{EXEMPT, Exempt};

const STORE: &str = "crates/store/src/";
const MIGRATIONS: &str = "crates/store/migrations/";

/// A statement as it stands in the code.
#[derive(Debug, PartialEq)]
struct Statement {
    offset: usize,
    /// The constant that holds it.
    name: String,
    /// One text, or one for each engine.
    texts: Vec<String>,
}

/// Statements on tenant tables without tenant and mode, hidden statements, and exceptions that are none.
pub fn tenancy(files: &[File]) -> Vec<String> {
    let tables = tenant_tables(files);
    let mut findings = Vec::new();
    if tables.is_empty() {
        findings.push(format!(
            "{MIGRATIONS}: no table with tenant_id and livemode found"
        ));
    }
    let mut used = vec![false; EXEMPT.len()];
    for file in files.iter().filter(|file| file.path.starts_with(STORE)) {
        let Some(source) = &file.rust else { continue };
        let (statements, hidden) = statements(source);
        findings.extend(
            hidden
                .into_iter()
                .map(|at| file.at(at, "a statement is a `const NAME: Sql`")),
        );
        for statement in statements {
            let Some(table) = unscoped_table(&statement, &tables) else {
                continue;
            };
            let name = &statement.name;
            let path = &file.path[STORE.len()..];
            match EXEMPT.iter().position(|row| match row.name {
                "*" => path.starts_with(row.file),
                exempt => path == row.file && name == exempt,
            }) {
                Some(index) => used[index] = true,
                None => {
                    let rule = format!("{name} finds rows of {table} without tenant_id and livemode");
                    findings.push(file.at(statement.offset, &rule));
                }
            }
        }
    }
    for (exempt, _) in EXEMPT.iter().zip(used).filter(|(_, used)| !used) {
        let Exempt { file, name, reason } = exempt;
        findings.push(format!(
            "{STORE}{file}:1: {name} needs no exception ({reason}); take its row away"
        ));
    }
    findings
}

/// The names of the tables that have both columns.
fn tenant_tables(files: &[File]) -> Vec<&str> {
    let mut tables = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(MIGRATIONS)) {
        let Some(text) = file.text.as_deref() else {
            continue;
        };
        for definition in text.split("create table ").skip(1) {
            let definition = definition.split(");").next().unwrap_or(definition);
            let Some((name, columns)) = definition.split_once('(') else {
                continue;
            };
            let has = |column| words(columns, column).next().is_some();
            if has("tenant_id") && has("livemode") {
                tables.push(name.trim());
            }
        }
    }
    tables
}

/// The first tenant table that the statement names while it leaves the tenant or the mode open.
fn unscoped_table<'a>(statement: &Statement, tables: &[&'a str]) -> Option<&'a str> {
    let unscoped = statement.texts.iter().find(|text| {
        let conditions = if text.trim_start().starts_with("insert") {
            text.as_str()
        } else {
            let conditions = words(text, "where").next().map_or("", |at| &text[at..]);
            // What a statement answers is no condition.
            words(conditions, "returning")
                .next()
                .map_or(conditions, |at| &conditions[..at])
        };
        ["tenant_id", "livemode"]
            .iter()
            .any(|column| words(conditions, column).next().is_none())
    })?;
    tables
        .iter()
        .find(|table| words(unscoped, table).next().is_some())
        .copied()
}

/// The constants of type `Sql`, and where else a statement is made.
fn statements(source: &Source) -> (Vec<Statement>, Vec<usize>) {
    let code = &source.product;
    let macros = macros(source);
    let mut statements = Vec::new();
    let mut covered: Vec<(usize, usize)> = macros.iter().map(|(_, from, to)| (*from, *to)).collect();
    for at in words(code, "const") {
        let end = item_end(code, at);
        let Some((declared, value)) = code[at..end].split_once('=') else {
            continue;
        };
        let Some((name, kind)) = declared["const".len()..].split_once(':') else {
            continue;
        };
        if kind.trim() != "Sql" {
            continue;
        }
        let value = end - value.len();
        let shared = macros
            .iter()
            .find(|(name, _, _)| code[value..end].trim().starts_with(&format!("{name}!")));
        let shared = shared.map_or(String::new(), |(_, from, to)| text_within(source, *from, *to));
        let texts = parts(code, value, end).into_iter();
        let texts = texts
            .map(|(from, to)| format!("{shared}{}", text_within(source, from, to)))
            .collect();
        statements.push(Statement {
            offset: at,
            name: name.trim().to_owned(),
            texts,
        });
        covered.push((at, end));
    }
    let made = words(code, "Sql").filter(|at| {
        let rest = &code[at + 3..];
        rest.starts_with("::new(") || rest.starts_with("::per_engine(")
    });
    let hidden = made
        .filter(|at| !covered.iter().any(|(from, to)| (from..to).contains(&at)))
        .collect();
    (statements, hidden)
}

/// The macros of a file that make statements: name, begin and end.
fn macros(source: &Source) -> Vec<(String, usize, usize)> {
    let code = &source.product;
    code.match_indices("macro_rules!")
        .map(|(at, _)| {
            let name = code[at + "macro_rules!".len()..].trim_start();
            let name = name.chars().take_while(|c| is_name_char(*c)).collect();
            (name, at, item_end(code, at))
        })
        .collect()
}

/// The ranges of a statement's texts: the arguments of `per_engine`, or all of it.
fn parts(code: &str, from: usize, end: usize) -> Vec<(usize, usize)> {
    let Some(at) = code[from..end].find("per_engine(") else {
        return vec![(from, end)];
    };
    let open = from + at + "per_engine".len();
    let close = closing(code, open) - 1;
    let mut parts = Vec::new();
    let (mut begin, mut at) = (open + 1, open + 1);
    while at < close {
        match code.as_bytes()[at] {
            b'(' | b'[' | b'{' => at = closing(code, at),
            b',' => {
                parts.push((begin, at));
                at += 1;
                begin = at;
            }
            _ => at += 1,
        }
    }
    if !code[begin..close].trim().is_empty() {
        parts.push((begin, close));
    }
    parts
}

fn text_within(source: &Source, from: usize, to: usize) -> String {
    let within = source
        .literals
        .iter()
        .filter(|literal| (from..to).contains(&literal.offset));
    within.map(|literal| literal.text.as_str()).collect()
}
