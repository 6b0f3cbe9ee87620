//! Rules for Rust code: lengths, casts and unwraps, ambient time and randomness, lints, event names.

use super::source::{Source, closing, is_name_char, item_end, words};
use super::{File, is_test_file};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 110;

/// The crates in which nothing may panic and no number may change silently.
const MONEY_CRATES: [&str; 3] = ["domain", "flows", "store"];

/// Where time or chance comes from.
const AMBIENT: [&str; 13] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Utc::now",
    "Local::now",
    "SystemRandom",
    "OsRng",
    "thread_rng",
    "getrandom",
    "rand",
    "Uuid::new_v4",
    "now_v7",
];

/// The files that may ask the machine, and what for.
const AMBIENT_FILES: [(&str, &str); 7] = [
    (
        "crates/server/src/clock.rs",
        "the product's clock, handed to everything else",
    ),
    (
        "crates/server/src/connections/pace.rs",
        "how long a client takes over its bytes, to cut it off",
    ),
    (
        "crates/server/src/randomness.rs",
        "new secrets: API keys, the key of a demo",
    ),
    (
        "crates/simulator/src/clock.rs",
        "the simulator's clock when it is not moved by a test",
    ),
    (
        "crates/store/src/db/stopwatch.rs",
        "how long a statement or a queue took, for the log only",
    ),
    ("crates/documents/examples/print.rs", "a measurement"),
    ("crates/store/examples/commits.rs", "a measurement"),
];

/// The files in which a Stripe event may be named: what it is, what we do about it, and who makes it.
const EVENT_FILES: [&str; 2] = [
    "crates/stripe/src/events.rs",
    "crates/flows/src/stripe_events/catalogue.rs",
];

const EVENT_OBJECTS: [&str; 14] = [
    "account",
    "application_fee",
    "balance",
    "capability",
    "charge",
    "checkout",
    "customer",
    "invoice",
    "payment_intent",
    "payment_method",
    "payout",
    "refund",
    "setup_intent",
    "transfer",
];

const EVENT_VERBS: [&str; 17] = [
    "amount_capturable_updated",
    "attached",
    "available",
    "canceled",
    "captured",
    "closed",
    "created",
    "deauthorized",
    "deleted",
    "expired",
    "failed",
    "paid",
    "processing",
    "refunded",
    "requires_action",
    "succeeded",
    "updated",
];

/// Files, functions and lines that a person can read at once.
pub fn too_long(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, text, source) in rust(files) {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(file.line(
                lines,
                &format!("{lines} lines, at most {FILE_LINES_MAX}: split the file"),
            ));
        }
        for (index, line) in text.lines().enumerate() {
            let chars = line.chars().count();
            if chars > LINE_CHARS_MAX {
                findings.push(file.line(
                    index + 1,
                    &format!("{chars} characters, at most {LINE_CHARS_MAX}"),
                ));
            }
        }
        for (at, lines) in functions(&source.code) {
            if lines > FUNCTION_LINES_MAX {
                let rule = format!("a function of {lines} lines, at most {FUNCTION_LINES_MAX}");
                findings.push(file.at(at, &rule));
            }
        }
    }
    findings
}

/// Every function with a body: where it begins, and its lines from signature to closing brace.
fn functions(code: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    words(code, "fn").filter_map(|at| {
        // `fn(` is a type.
        code[at + 2..]
            .trim_start()
            .starts_with(|c| is_name_char(c) || c == '$')
            .then_some(())?;
        let item = &code[at..item_end(code, at)];
        Some((at, item.lines().count()))
    })
}

/// The first thing in a file is a sentence for the reader who opens it.
pub fn headless(files: &[File]) -> Vec<String> {
    let headless = rust(files).filter(|(_, text, _)| !text.starts_with("//!"));
    headless
        .map(|(file, _, _)| file.line(1, "begin with `//!` and what the file holds"))
        .collect()
}

/// In money code nothing panics on data and no number changes silently; nowhere in the product a bare unwrap.
pub fn unwraps_and_casts(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, _, source) in rust(files) {
        let code = &source.product;
        for unwrap in [".unwrap(", ".unwrap_err("] {
            let found = code.match_indices(unwrap);
            findings.extend(found.map(|(at, _)| file.at(at, &format!("{unwrap}…) panics without a reason"))));
        }
        if !file.crate_name().is_some_and(|name| MONEY_CRATES.contains(&name)) {
            continue;
        }
        for expect in [".expect(", ".expect_err("] {
            let found = code.match_indices(expect);
            findings.extend(found.map(|(at, _)| file.at(at, &format!("{expect}…): answer with an error"))));
        }
        let casts = words(code, "as").filter(|at| is_cast(code, *at));
        findings.extend(casts.map(|at| file.at(at, "`as` cuts off silently; use From or TryFrom")));
    }
    findings
}

/// Whether an `as` changes a number: not in `use a as b`, not in `<T as Trait>::f`.
fn is_cast(code: &str, at: usize) -> bool {
    let before = &code[..at];
    let statement = before.rfind(';').map_or(before, |end| &before[end + 1..]);
    let import = words(statement, "use").last().is_some_and(|from| {
        let path = &statement[from + 3..];
        path.chars()
            .all(|c| is_name_char(c) || c.is_whitespace() || ":{},*".contains(c))
    });
    !import && !in_angle_brackets(before)
}

/// Whether the text ends inside `<…`, as before the `as` of `<T as Trait>`. A comparison has a blank behind
/// its sign.
fn in_angle_brackets(before: &str) -> bool {
    let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
    let mut closed = 0;
    for (at, byte) in line.bytes().enumerate().rev() {
        match byte {
            b'>' if !line[..at].ends_with(['-', '=']) => closed += 1,
            b'<' if closed > 0 => closed -= 1,
            b'<' => return !line[at + 1..].starts_with([' ', '=', '<']),
            _ => {}
        }
    }
    false
}

/// Time and chance come in as arguments, so that a test can hand in its own.
pub fn ambient(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, _, source) in rust(files) {
        if AMBIENT_FILES.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for name in AMBIENT {
            for at in words(&source.code, name) {
                findings.push(file.at(at, &format!("{name}: time and randomness are handed in")));
            }
        }
        for literal in source
            .literals
            .iter()
            .filter(|literal| literal.text.contains("/dev/urandom"))
        {
            if file.path.contains("/tests/it/tidy/") {
                continue;
            }
            findings.push(file.at(literal.offset, "/dev/urandom: randomness is handed in"));
        }
    }
    findings
}

/// An allowed lint has a reason; a test runs always and never waits for a length of time.
pub fn attributes_and_sleeps(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, _, source) in rust(files) {
        let code = &source.code;
        for attribute in ["allow", "expect"] {
            for at in words(code, attribute) {
                if !code[..at].ends_with("#[") && !code[..at].ends_with("#![") {
                    continue;
                }
                let end = closing(code, at - 1);
                if words(&code[at..end], "reason").next().is_none() {
                    findings.push(file.at(at, &format!("#[{attribute}(…)] needs a `reason`")));
                }
            }
        }
        let ignored = code.match_indices("#[ignore");
        findings.extend(ignored.map(|(at, _)| file.at(at, "no test is ignored")));
        let sleeps = words(code, "sleep").filter(|at| {
            code[at + "sleep".len()..].starts_with('(') && (is_test_file(&file.path) || is_blank(source, *at))
        });
        findings.extend(sleeps.map(|at| file.at(at, "nothing sleeps in a test: move its clock, or poll")));
    }
    findings
}

/// Whether this place is code only for tests.
fn is_blank(source: &Source, at: usize) -> bool {
    source.product.as_bytes().get(at) == Some(&b' ')
}

/// An event is named where it is read, acted on or simulated; tests name them freely.
pub fn event_names(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, _, source) in rust(files) {
        if EVENT_FILES.contains(&file.path.as_str()) || file.crate_name() == Some("simulator") {
            continue;
        }
        for literal in source
            .literals
            .iter()
            .filter(|literal| is_event_name(&literal.text))
        {
            // The quote before it is blank where only tests see it.
            if source.product.as_bytes().get(literal.offset - 1) == Some(&b'"') {
                let rule = format!(
                    "the event {} belongs in {}",
                    literal.text,
                    EVENT_FILES.join(" or ")
                );
                findings.push(file.at(literal.offset, &rule));
            }
        }
    }
    findings
}

fn is_event_name(text: &str) -> bool {
    let Some((object, rest)) = text.strip_prefix("v1.").unwrap_or(text).split_once('.') else {
        return false;
    };
    let verb = rest.rsplit('.').next().unwrap_or(rest);
    EVENT_OBJECTS.contains(&object) && EVENT_VERBS.contains(&verb)
}

fn rust(files: &[File]) -> impl Iterator<Item = (&File, &str, &Source)> {
    files
        .iter()
        .filter_map(|file| Some((file, file.text.as_deref()?, file.rust.as_ref()?)))
}
