//! Reads a file of NAME=value lines into the environment. What is wrong with a line is said without the
//! line: it may hold a key.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use dotenvy::Error;

/// Reads the file; variables that are set already win. Without a name `.env` is read if it is there. Answers
/// which file it was.
///
/// # Errors
/// A sentence that names the file, the line and its variable.
pub fn load(file: Option<&Path>) -> Result<Option<PathBuf>, String> {
    match file {
        Some(path) => match dotenvy::from_path(path) {
            Ok(()) => Ok(Some(path.to_owned())),
            Err(error) => Err(problem(path, &error)),
        },
        None => match dotenvy::dotenv() {
            Ok(path) => Ok(Some(path)),
            Err(error) if error.not_found() => Ok(None),
            Err(error) => Err(problem(Path::new(".env"), &error)),
        },
    }
}

/// Variables that hold a secret, and may be read from the file that `NAME_FILE` names instead, as service
/// managers and container engines hand secrets over.
pub const SECRETS: [&str; 14] = [
    "STRIPE_TEST_SECRET_KEY",
    "STRIPE_TEST_PUBLISHABLE_KEY",
    "STRIPE_TEST_WEBHOOK_SECRET",
    "STRIPE_TEST_WEBHOOK_SECRET_THIN",
    "STRIPE_LIVE_SECRET_KEY",
    "STRIPE_LIVE_PUBLISHABLE_KEY",
    "STRIPE_LIVE_WEBHOOK_SECRET",
    "STRIPE_LIVE_WEBHOOK_SECRET_THIN",
    "DATABASE_URL",
    "DATABASE_CA",
    "SECRET_KEY",
    "SECRET_KEY_PREVIOUS",
    "SMTP_URL",
    "METRICS_TOKEN",
];

/// Every other variable that this program reads.
const OTHERS: [&str; 15] = [
    "STRIPE_MODE",
    "STRIPE_TEST_CLIENT_ID",
    "STRIPE_LIVE_CLIENT_ID",
    "STRIPE_API_BASE",
    "PLATFORM_FEE_BPS",
    "PUBLIC_URL",
    "LISTEN",
    "TRUSTED_PROXIES",
    "CONNECTIONS_MAX",
    "WEBHOOK_RETENTION_DAYS",
    "MAIL_FROM",
    "LOG_FORMAT",
    "FONT_FOLDER",
    "PSA_PAY_DOCTOR_KEY",
    "RUST_LOG",
];
/// What the names of ours begin with, where no other program's do.
const OURS: [&str; 3] = ["STRIPE_", "SMTP_", "PSA_PAY_"];
/// A name of ours that is shorter may be near to another program's; from the second length on two slips are
/// looked for.
const CHARS_MIN: usize = 8;
const CHARS_OF_TWO: usize = 12;
/// What names of this program's own tests begin with.
const OF_TESTS: &str = "PSA_PAY_TEST_";

/// A variable of the environment, or what the file holds that its `…_FILE` names, without the line breaks at
/// its end.
pub fn variable(name: &str) -> Option<String> {
    from_either(name, &|name| std::env::var(name).ok())
}

/// As [`variable`], from anywhere. A file that cannot be read leaves an empty value, which is refused by the
/// variable's name, as is one that names both.
pub fn from_either(name: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    read(name, lookup).unwrap_or_else(|why| {
        eprintln!("psa-pay: {why}");
        Some(String::new())
    })
}

/// As [`from_either`], with the reason where there is no value.
///
/// # Errors
/// A sentence: both are set, or the file cannot be read.
pub fn read(name: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, String> {
    let direct = lookup(name);
    let file = SECRETS
        .contains(&name)
        .then(|| lookup(&format!("{name}_FILE")))
        .flatten();
    match (direct, file) {
        (direct, None) => Ok(direct),
        (Some(_), Some(_)) => Err(format!("{name} and {name}_FILE are both set: remove one")),
        (None, Some(path)) => match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned())),
            Err(error) => Err(format!("{name}_FILE names {path}, {}", of_file(&error))),
        },
    }
}

fn of_file(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "which is not there: make the file, or name the right one".to_owned(),
        ErrorKind::IsADirectory => "which is a folder: name a file in it".to_owned(),
        ErrorKind::InvalidData => "which is no UTF-8 text: save it as plain text".to_owned(),
        ErrorKind::PermissionDenied => {
            "which may not be read: give it to the user that this program runs as".to_owned()
        }
        _ => format!("which cannot be read: {error}"),
    }
}

/// Names that look like ours and are not read, each with why.
pub fn unread(names: &[String]) -> Vec<(String, String)> {
    let is_known = |name: &str| SECRETS.contains(&name) || OTHERS.contains(&name);
    let why = |name: &String| match name.strip_suffix("_FILE") {
        Some(of) if SECRETS.contains(&of) => None,
        Some(of) if OTHERS.contains(&of) => {
            Some(format!("{of} is not read from a file, so {name} says nothing"))
        }
        _ if is_known(name) || name.starts_with(OF_TESTS) => None,
        _ => match meant(name, names) {
            Some(meant) => Some(format!(
                "{name} is no variable of psa-pay, so it says nothing; {meant} is, and is not set"
            )),
            None if OURS.iter().any(|prefix| name.starts_with(prefix)) => {
                Some(format!("{name} is no variable of psa-pay, so it says nothing"))
            }
            None => None,
        },
    };
    let found = names.iter().filter_map(|name| Some((name.clone(), why(name)?)));
    found.collect()
}

/// The variable of ours that a name is a slip of the pen for: a letter more, less or another one, or two that
/// changed places, of a longer name two such slips. One that is set was not meant, and short names are like
/// too many others'.
fn meant(name: &str, names: &[String]) -> Option<&'static str> {
    let bare = name.strip_suffix("_FILE").unwrap_or(name);
    let is_set = |known: &str| {
        let file = format!("{known}_FILE");
        names.iter().any(|name| name == known || *name == file)
    };
    let all = SECRETS.iter().chain(&OTHERS);
    let near = all.filter(|known| known.len() >= CHARS_MIN && !is_set(known));
    let near = near.map(|known| (slips(bare, known), *known));
    let near = near.filter(|(slips, known)| *slips <= if known.len() >= CHARS_OF_TWO { 2 } else { 1 });
    near.min().map(|(_, known)| known)
}

/// How many slips lead from one name to another, both of ASCII: Damerau's distance.
fn slips(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (rows[i][j + 1] + 1)
                .min(row[j] + 1)
                .min(rows[i][j] + usize::from(a != b));
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// Names of ours that a file sets more than once: the first counts.
pub fn twice(text: &str) -> Vec<String> {
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, _)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim_end();
        let of = name.strip_suffix("_FILE").unwrap_or(name);
        let is_ours = [name, of]
            .iter()
            .any(|name| SECRETS.contains(name) || OTHERS.contains(name));
        if is_ours && !seen.insert(name) {
            twice.insert(name.to_owned());
        }
    }
    twice.into_iter().collect()
}

/// What is wrong with a file, without anything that may be secret.
pub fn problem(path: &Path, error: &Error) -> String {
    let file = path.display();
    match error {
        Error::LineParse(line, _) => {
            let text = fs::read_to_string(path).unwrap_or_default();
            format!("{file}{}", said_of(&text, line))
        }
        Error::Io(error) => format!("{file}: {error}"),
        _ => format!("{file}: a line cannot be read; put values in single quotes"),
    }
}

/// Where in the file the line is, which variable it sets, and what to do.
fn said_of(text: &str, line: &str) -> String {
    // dotenvy gives the value alone, of several lines where a quote is not closed.
    let value = line.lines().next().unwrap_or_default().trim();
    let found = text.lines().enumerate().find(|(_, other)| {
        let other = other.trim();
        !value.is_empty() && !other.starts_with('#') && other.ends_with(value)
    });
    let place = found.map_or(String::new(), |(index, _)| format!(":{}", index + 1));
    let first = found.map_or("", |(_, whole)| whole.trim());
    let name = first.split_once('=').map(|(name, _)| name.trim());
    let name = name.map(|name| name.strip_prefix("export ").unwrap_or(name).trim());
    let is_name = |name: &&str| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !name.is_empty() && name.chars().all(word)
    };
    match name.filter(is_name) {
        Some(name) => format!(
            "{place}: the value of {name} cannot be read. A value with a space or a quote in it stands in \
             single quotes: {name}='…'. The value is not shown, since it may be secret"
        ),
        None => format!("{place}: the line is not NAME=value. It is not shown, since it may be secret"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a file of the test's own")]
    fn a_secret_may_stand_in_a_file() {
        let path = std::env::temp_dir().join(format!("psa_pay_secret_{}", std::process::id()));
        fs::write(&path, "a_secret_of_a_file\n").unwrap();
        let named = path.display().to_string();
        let lookup = |name: &str| match name {
            "SECRET_KEY_FILE" | "LISTEN_FILE" => Some(named.clone()),
            "METRICS_TOKEN" => Some("direct".to_owned()),
            "METRICS_TOKEN_FILE" => Some(named.clone()),
            "SMTP_URL_FILE" => Some(format!("{named}.absent")),
            _ => None,
        };
        let of = |name| from_either(name, &lookup);
        assert_eq!(of("SECRET_KEY").as_deref(), Some("a_secret_of_a_file"));
        assert_eq!(of("METRICS_TOKEN").as_deref(), Some(""), "both is a mistake");
        assert_eq!(
            of("SMTP_URL").as_deref(),
            Some(""),
            "a file that is not there is one too"
        );
        assert_eq!((of("LISTEN"), of("DATABASE_URL")), (None, None));
        fs::remove_file(path).unwrap();
    }

    /// Names of other programs, some of them near to ours.
    const OF_OTHERS: &str = "PATH HOME LANG LC_ALL HOSTNAME HOST PORT USER LOGNAME SHELL TERM PWD \
                             OLDPWD SHLVL EDITOR PAGER MAIL DISPLAY TZ TMPDIR LISTEN_FDS LISTEN_PID \
                             LISTENER INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET SYSTEMD_EXEC_PID \
                             CREDENTIALS_DIRECTORY STATE_DIRECTORY RUST_BACKTRACE RUST_LOG_STYLE \
                             RUSTFLAGS RUST_LIB CARGO_HOME PGHOST PGUSER PGPASSWORD POSTGRES_URL \
                             REDIS_URL DATABASE DATABASE_NAME DATABASE_HOST DATABASE_USER SECRET \
                             SECRETS API_KEY SECRET_TOKEN LOG_LEVEL LOG_FILE LOG_FORMATTER HTTP_PROXY \
                             HTTPS_PROXY NO_PROXY BASE_URL PUBLIC_IP PUBLIC_DIR XDG_RUNTIME_DIR \
                             SSH_AUTH_SOCK SSH_CONNECTION DBUS_SESSION_BUS_ADDRESS KUBERNETES_PORT \
                             KUBERNETES_SERVICE_HOST GIT_DIR MAILTO container _ FONT_PATH CONNECTIONS \
                             DATABASE_DB DATABASE_ID HTTP_URL";

    /// The server said that it was not set, and the operator saw that it was.
    #[test]
    fn a_mistyped_name_is_told_from_those_of_other_programs() {
        let owned = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        for (typed, meant) in [
            ("SCRET_KEY", "SECRET_KEY"),
            ("SECRET_KYE", "SECRET_KEY"),
            ("DATABSE_URL", "DATABASE_URL"),
            ("PUBLIC_ULR", "PUBLIC_URL"),
            ("PUBLIC_URI", "PUBLIC_URL"),
            ("METRIC_TOKEN", "METRICS_TOKEN"),
            ("MAIL_FORM", "MAIL_FROM"),
            ("STRIPE_TEST_SECRET_KY", "STRIPE_TEST_SECRET_KEY"),
            ("SCRET_KEY_FILE", "SECRET_KEY"),
        ] {
            let found = unread(&owned(&["PATH", typed]));
            assert_eq!(found.len(), 1, "{typed}: {found:?}");
            assert!(
                found[0].0 == typed && found[0].1.contains(&format!("; {meant} is")),
                "{found:?}"
            );
            // What is set was not meant by another name.
            let found = unread(&owned(&[typed, meant]));
            assert!(!found.iter().any(|(_, why)| why.contains("; ")), "{found:?}");
        }
        assert_eq!(unread(&owned(&OF_OTHERS.split(' ').collect::<Vec<_>>())), []);
    }

    /// A line of the guide stopped the server: its value had a space and no quotes.
    #[test]
    fn every_line_that_we_tell_people_to_write_can_be_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut read = 0;
        for file in [".env.example", "docs/going-live.md", "docs/operators.md"] {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            for line in text.lines() {
                let line = line.trim_start_matches('#');
                let name = line.split('=').next().unwrap_or_default();
                let is_variable =
                    !name.is_empty() && name.bytes().all(|c| c.is_ascii_uppercase() || c == b'_');
                if is_variable && line.contains('=') {
                    let found: Vec<_> = dotenvy::from_read_iter(line.as_bytes()).collect();
                    assert!(
                        found.iter().all(Result::is_ok) && found.len() == 1,
                        "{file}: {line}"
                    );
                    read += 1;
                }
            }
        }
        assert!(read >= 20, "{read} lines");
    }

    /// The line stood in the error, and with it the key.
    #[test]
    fn what_is_wrong_with_a_line_names_it_and_shows_nothing_of_its_value() {
        for (line, named) in [
            (
                "STRIPE_LIVE_SECRET_KEY=sk_live_aaaa second",
                "STRIPE_LIVE_SECRET_KEY='…'",
            ),
            (
                "STRIPE_TEST_WEBHOOK_SECRET=whsec_aaaa, whsec_bbbb",
                "STRIPE_TEST_WEBHOOK_SECRET='…'",
            ),
            ("export SECRET_KEY=aaaa bbbb", "SECRET_KEY='…'"),
            ("SECRET_KEY='aaaa", "SECRET_KEY='…'"),
            ("sk_live_aaaa", "not NAME=value"),
        ] {
            let text = format!("# psa-pay\nLISTEN=127.0.0.1:1\n{line}\n");
            let failed = dotenvy::from_read_iter(text.as_bytes())
                .find_map(Result::err)
                .unwrap();
            let Error::LineParse(line, _) = failed else {
                panic!("{failed}");
            };
            let said = said_of(&text, &line);
            assert!(said.starts_with(":3: "), "{said} of {line:?}");
            assert!(said.contains(named), "{said}");
            assert!(!said.contains("aaaa") && !said.contains("bbbb"), "{said}");
        }
    }
}
