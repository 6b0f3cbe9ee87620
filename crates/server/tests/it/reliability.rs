//! `docs/reliability.md` claims nothing without a test: every test that it names is there.

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
