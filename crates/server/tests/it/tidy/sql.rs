//! Every statement on a table that has a tenant and a mode is told which: an insert writes both,
//! everything else asks for both behind `where`. Tables are read from the migrations, statements from the
//! store's code.

use super::File;
use super::source::{Source, closing, is_name_char, item_end, words};

const STORE: &str = "crates/store/src/";
const MIGRATIONS: &str = "crates/store/migrations/";

/// A statement that finds its rows without a tenant or a mode, and why it may; `*` is every statement of a
/// folder.
struct Exempt {
    file: &'static str,
    name: &'static str,
    reason: &'static str,
}

const EXEMPT: &[Exempt] = &[
    Exempt {
        file: "api_keys.rs",
        name: "BY_HASH",
        reason: "the hash of a caller's key is what tells tenant and mode",
    },
    Exempt {
        file: "audit_log.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "audit_log.rs",
        name: "PAGE_OF_ALL_BY_ACTION",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "application_fees.rs",
        name: "FIND",
        reason: "the platform's balance names a fee, and the fee's row tells whose it is",
    },
    Exempt {
        file: "balance_cursors.rs",
        name: "DUE",
        reason: "an account's balance is read before anyone knows whose it is",
    },
    Exempt {
        file: "backlog.rs",
        name: "EVENTS_WAITING",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "EVENTS_STUCK",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "OPERATIONS_OPEN",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "OPERATIONS_SETTLED",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "BREAKS_OPEN",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "backlog.rs",
        name: "PAYMENTS_DUE",
        reason: "the platform's operator watches every tenant's rows; only numbers leave",
    },
    Exempt {
        file: "connect_states.rs",
        name: "TAKE",
        reason: "a state of 256 random bits is what tells tenant and mode",
    },
    Exempt {
        file: "connect_states.rs",
        name: "LOOK",
        reason: "a state of 256 random bits is what tells tenant and mode",
    },
    Exempt {
        file: "connect_states.rs",
        name: "FORGET",
        reason: "what has run out is deleted, whosever it was",
    },
    Exempt {
        file: "disputes.rs",
        name: "DUE",
        reason: "the reconciler looks after every tenant; each row then carries its own scope",
    },
    Exempt {
        file: "event_cursors.rs",
        name: "DUE",
        reason: "an account's events are read before anyone knows whose they are",
    },
    Exempt {
        file: "fee_rules.rs",
        name: "LAST_NUMBER",
        reason: "rules are numbered in the order in which they were added, whosever they are",
    },
    Exempt {
        file: "fee_rules.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's rules",
    },
    Exempt {
        file: "pay_links.rs",
        name: "BY_ID",
        reason: "a link whose token was verified is what tells tenant and mode",
    },
    Exempt {
        file: "invariants/",
        name: "*",
        reason: "every tenant's rows are checked at once, and each row that is found carries its own scope",
    },
    Exempt {
        file: "payment_method_domains.rs",
        name: "DUE",
        reason: "the reconciler looks after every tenant; each row then carries its own scope",
    },
    Exempt {
        file: "refunds.rs",
        name: "DUE",
        reason: "the reconciler looks after every tenant; each row then carries its own scope",
    },
    Exempt {
        file: "hurry.rs",
        name: "DISPUTES",
        reason: "the operator has everybody's disputes looked at",
    },
    Exempt {
        file: "hurry.rs",
        name: "PAYMENTS",
        reason: "the operator has everybody's payments looked at",
    },
    Exempt {
        file: "event_cursors.rs",
        name: "IN_USE",
        reason: "an account's events are read before anyone knows whose they are",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "GET_ANYBODYS",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "CLOSE",
        reason: "by the id of a row that was read before, of a tenant or by the operator",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "COUNT_OPEN",
        reason: "the command line counts what is open of everybody",
    },
    Exempt {
        file: "reconciliation_breaks.rs",
        name: "RESOLVE_ANYBODYS",
        reason: "a break of an event is opened before anyone knows whose event it is",
    },
    Exempt {
        file: "requests.rs",
        name: "RELEASE",
        reason: "a process that knows it is alone ends its own leases at start",
    },
    Exempt {
        file: "stripe_config.rs",
        name: "BY_ACCOUNT",
        reason: "a verified event's account and livemode are what tell the tenant",
    },
    Exempt {
        file: "hurry.rs",
        name: "OPERATIONS",
        reason: "the operator has everybody's writes looked at",
    },
    Exempt {
        file: "stripe_operations.rs",
        name: "CREATES_ACCOUNT",
        reason: "the key of a verified event is asked for before anyone knows whose account it is",
    },
    Exempt {
        file: "stripe_operations.rs",
        name: "END_DEAUTHORIZING",
        reason: "there is one access to an account in a mode, whichever tenant had it end",
    },
    Exempt {
        file: "stripe_operations.rs",
        name: "RELEASE",
        reason: "a process that knows it is alone ends its own leases at start",
    },
    Exempt {
        file: "stripe_webhook_event_archive.rs",
        name: "DUE",
        reason: "what is old goes to the archive, whosever it is",
    },
    Exempt {
        file: "stripe_webhook_event_archive.rs",
        name: "COPY",
        reason: "by the id of a row that is old",
    },
    Exempt {
        file: "stripe_webhook_event_archive.rs",
        name: "EMPTY",
        reason: "by the id of a row that is old",
    },
    Exempt {
        file: "subscriptions.rs",
        name: "DUE",
        reason: "the reconciler looks after every tenant; each row then carries its own scope",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "INSERT",
        reason: "stored before anyone knows whose it is; the tenant is set when it is applied",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "LISTED_WAITING",
        reason: "an account's events are counted before anyone knows whose they are",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "HURRY",
        reason: "an account answers again, whosever events of it wait",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "INSERT_LISTED",
        reason: "stored before anyone knows whose it is; the tenant is set when it is applied",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "RELEASE",
        reason: "stored before anyone knows whose it is; the tenant is set when it is applied",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "TAKE",
        reason: "the worker takes what is due, whosever it is",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "FINISH",
        reason: "by the id of a row that the worker holds",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "PUT_OFF",
        reason: "by the id of a row that the worker holds",
    },
    Exempt {
        file: "stripe_webhook_events.rs",
        name: "STATUS_OF",
        reason: "by the id of a row that the worker holds",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "PAGE_OF_ALL",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "PAGE_OF_ALL_TROUBLE",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "ONE_OF_ALL",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "GET_ANYBODYS",
        reason: "the platform's operator reads every tenant's rows",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "BODY",
        reason: "by the id of a row that was found in its scope",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "REPLAY",
        reason: "by the id of a row that was found in its scope",
    },
    Exempt {
        file: "stripe_webhook_events/shown.rs",
        name: "ORPHANS",
        reason: "the account is what tells the tenant, which these rows have not got yet",
    },
];

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
