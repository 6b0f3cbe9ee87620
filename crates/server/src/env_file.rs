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
