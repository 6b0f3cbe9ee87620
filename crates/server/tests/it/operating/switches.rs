//! What tests switch (faults of the simulator, its clock, bugs on purpose) is out of reach of whoever runs
//! the server, and of whoever can set its environment.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::machine::with_machine;

/// Files that read the environment: the configuration, the demo, the command line for the doctor, which looks
/// through all names, and bugs that a product is not built with.
const READERS: [&str; 4] = [
    "flows/src/planted.rs",
    "server/src/demo.rs",
    "server/src/env_file.rs",
    "server/src/main.rs",
];

#[test]
fn serve_has_nothing_that_tests_switch() {
    with_machine(async |mut machine| {
        for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
            machine.unset(name);
        }
        for option in [
            "--seed=1",
            "--data=state",
            "--deliver-anywhere",
            "--webhook-url=http://127.0.0.1:1",
        ] {
            let refused = machine.run(&["serve", option]);
            assert!(
                !refused.good && refused.err.contains("unexpected argument"),
                "{option}: {}",
                refused.err
            );
        }
        // Names that somebody may think of.
        for name in [
            "PSA_PAY_PLANTED_BUG",
            "PSA_PAY_FAULT",
            "PSA_PAY_CLOCK",
            "FAKETIME",
        ] {
            machine.set(name, "1");
        }
        machine.start().await;
        for path in [
            "state",
            "clock",
            "clock/advance",
            "faults",
            "accounts",
            "ui/",
            "page.css",
        ] {
            let url = format!("{}/_simulator/{path}", machine.origin);
            for request in [machine.http.get(&url), machine.http.post(&url).body("{}")] {
                let status = request.send().await.unwrap().status();
                assert_eq!(status, 404, "{path}");
            }
        }
    });
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn no_variable_is_read_but_those_that_are_documented() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut readers = BTreeSet::new();
    for name in ["domain", "store", "stripe", "documents", "flows", "server"] {
        let mut files = Vec::new();
        sources(&crates.join(name).join("src"), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            if product.contains("env::var") {
                let short = file.strip_prefix(&crates).unwrap();
                readers.insert(short.to_str().unwrap().to_owned());
            }
        }
    }
    // `config::tests::every_variable_is_read` holds what is read there to `.env.example`.
    assert_eq!(readers, READERS.map(str::to_owned).into());
}
