//! What the documentation lists is what is there: `docs/reliability.md` names no test that is missing, the
//! audit log's table in `docs/operators.md` every action, and that of log lines no line that is not logged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Whose tests the page names without naming the crate.
const OWN_CRATE: &str = "server";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The tests that the page names: crate, modules, name.
fn named(page: &str) -> Vec<(String, Vec<String>, String)> {
    let quoted = page.split('`').skip(1).step_by(2);
    let tests = quoted.filter(|text| text.contains("::") && !text.starts_with("clippy::"));
    tests
        .map(|text| {
            let (krate, path) = text.split_once(": ").unwrap_or((OWN_CRATE, text));
            let mut modules: Vec<String> = path.split("::").map(str::to_owned).collect();
            let name = modules.pop().unwrap_or_default();
            (krate.to_owned(), modules, name)
        })
        .collect()
}

/// Every Rust file below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

/// Whether the file is one of these modules, and has the test.
fn has(file: &Path, modules: &[String], name: &str) -> bool {
    let path = file.with_extension("");
    let module = modules.iter().rev().find(|module| *module != "tests");
    let stands_for =
        module.is_none_or(|module| path.components().any(|part| part.as_os_str() == module.as_str()));
    stands_for && fs::read_to_string(file).unwrap().contains(&format!("fn {name}("))
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let page = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let named = named(&page);
    assert!(named.len() > 50, "only {} tests are named", named.len());
    let missing: BTreeSet<String> = named
        .into_iter()
        .filter(|(krate, modules, name)| {
            let mut all = Vec::new();
            files(&root().join("crates").join(krate), &mut all);
            !all.iter().any(|file| has(file, modules, name))
        })
        .map(|(krate, modules, name)| format!("{krate}: {}::{name}", modules.join("::")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/reliability.md names tests that are not there: {missing:#?}"
    );
}

/// The texts in a file that have the shape of an action: two words with a dot between.
fn actions_in(text: &str) -> BTreeSet<String> {
    let words = |text: &str| {
        let (subject, verb) = text.split_once('.')?;
        let is_word = |word: &str| {
            let mut bytes = word.bytes();
            !word.is_empty() && bytes.all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        (is_word(subject) && is_word(verb)).then(|| text.to_owned())
    };
    text.split('"').filter_map(words).collect()
}

#[test]
fn every_action_of_the_audit_log_is_in_the_table_and_no_other() {
    let mut sources = Vec::new();
    files(&root().join("crates/flows/src"), &mut sources);
    // Names of Stripe's events look the same.
    sources.retain(|file| !file.ends_with("stripe_events/catalogue.rs"));
    sources.extend(["door.rs", "start.rs"].map(|file| root().join("crates/server/src").join(file)));
    let noted = sources.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        actions_in(&product)
    });
    let noted: BTreeSet<String> = noted.collect();
    assert!(noted.len() > 30, "{noted:?}");

    let page = fs::read_to_string(root().join("docs/operators.md")).unwrap();
    let section = page
        .split("## The audit log")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let rows = section
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("| `"));
    let names = rows.map(|row| row.split(" | ").next().unwrap_or_default().replace('`', "\""));
    let told: BTreeSet<String> = names.flat_map(|cell| actions_in(&format!("\"{cell}"))).collect();
    assert_eq!(
        noted, told,
        "the actions in the code, and those in docs/operators.md"
    );
}

/// What stands in the sources of the product, each text on one line.
fn product() -> String {
    let mut sources = Vec::new();
    for name in ["flows", "server", "store", "stripe"] {
        files(&root().join("crates").join(name).join("src"), &mut sources);
    }
    let mut all = String::new();
    for file in sources {
        let text = fs::read_to_string(file).unwrap();
        let mut lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines();
        while let Some(line) = lines.next() {
            let mut whole = line.to_owned();
            // A text that goes on in the next line, without the space before it.
            while whole.ends_with('\\') {
                whole.pop();
                whole.push_str(lines.next().unwrap_or_default().trim_start());
            }
            all.push_str(&whole);
            all.push('\n');
        }
    }
    all
}

/// A row quoted a line that was nowhere, and an operator looked for it in vain.
#[test]
fn every_log_line_that_the_manual_quotes_is_in_the_sources() {
    let page = fs::read_to_string(root().join("docs/operators.md")).unwrap();
    let section = page
        .split("## Troubleshoot by log line")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let rows = section
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split(" | ").next().unwrap());
    let product = product();
    let mut quoted = 0;
    for row in rows {
        for text in row.split('`').skip(1).step_by(2) {
            assert!(
                product.contains(text),
                "no source says {text:?}, which {row:?} quotes"
            );
            quoted += 1;
        }
    }
    assert!(quoted > 20, "only {quoted}");
}
