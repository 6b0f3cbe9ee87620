//! Reads a file of NAME=value lines into the environment. What is wrong with a line is said without the
//! line: it may hold a key.

use std::fs;
use std::path::Path;

use dotenvy::Error;

/// Reads the file; variables that are set already win. Without a name `.env` is read if it is there.
///
/// # Errors
/// A sentence that names the file, the line and its variable.
pub fn load(file: Option<&Path>) -> Result<(), String> {
    match file {
        Some(path) => dotenvy::from_path(path).map_err(|error| problem(path, &error)),
        None => match dotenvy::dotenv() {
            Ok(_) => Ok(()),
            Err(error) if error.not_found() => Ok(()),
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

/// A variable of the environment, or what the file holds that its `…_FILE` names, without the line breaks at
/// its end.
pub fn variable(name: &str) -> Option<String> {
    from_either(name, &|name| std::env::var(name).ok())
}

/// As [`variable`], from anywhere. A file that cannot be read leaves an empty value, which is refused by the
/// variable's name, as is one that names both.
pub fn from_either(name: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let direct = lookup(name);
    let file = SECRETS
        .contains(&name)
        .then(|| lookup(&format!("{name}_FILE")))
        .flatten();
    match (direct, file) {
        (direct, None) => direct,
        (Some(_), Some(_)) => {
            eprintln!("psa-pay: {name} and {name}_FILE are both set: remove one");
            Some(String::new())
        }
        (None, Some(path)) => match fs::read_to_string(&path) {
            Ok(text) => Some(text.trim_end_matches(['\n', '\r']).to_owned()),
            Err(error) => {
                eprintln!("psa-pay: {name}_FILE: {path}: {error}");
                Some(String::new())
            }
        },
    }
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
