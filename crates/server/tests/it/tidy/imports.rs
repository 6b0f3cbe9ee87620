//! Which crate may know which: the arrows in the manifests, and what the code could say in spite of them.

use super::File;
use super::source::{is_name_char, words};

/// What a crate may depend on: of ours, and of the rest what must not be there.
struct Promise {
    krate: &'static str,
    /// Our own crates in `[dependencies]`.
    ours: &'static [&'static str],
    /// Our own crates that its tests may use besides.
    ours_in_tests: &'static [&'static str],
    /// Crates of others that would break the promise.
    never: &'static [&'static str],
}

const OURS: [&str; 7] = [
    "documents",
    "domain",
    "store",
    "stripe",
    "flows",
    "psa-pay",
    "simulator",
];

const PROMISES: [Promise; 7] = [
    Promise {
        krate: "domain",
        ours: &[],
        ours_in_tests: &[],
        never: &[],
    },
    // It draws, and reaches nothing: what it shows is handed to it.
    Promise {
        krate: "documents",
        ours: &["domain"],
        ours_in_tests: &[],
        never: &[
            "axum",
            "hyper",
            "maud",
            "postgres",
            "reqwest",
            "rusqlite",
            "rustls",
            "tokio",
            "tower",
            "tower-http",
        ],
    },
    Promise {
        krate: "store",
        ours: &["domain"],
        ours_in_tests: &[],
        never: &["axum", "maud", "reqwest", "tokio", "tower", "tower-http"],
    },
    Promise {
        krate: "stripe",
        ours: &[],
        ours_in_tests: &[],
        never: &["axum", "maud", "postgres", "rusqlite", "tower", "tower-http"],
    },
    Promise {
        krate: "flows",
        ours: &["domain", "store", "stripe"],
        ours_in_tests: &["simulator"],
        never: &[
            "axum",
            "maud",
            "postgres",
            "reqwest",
            "rusqlite",
            "tokio",
            "tower",
            "tower-http",
        ],
    },
    Promise {
        krate: "server",
        ours: &["documents", "domain", "flows", "simulator", "store", "stripe"],
        ours_in_tests: &[],
        never: &["postgres", "rusqlite"],
    },
    Promise {
        krate: "simulator",
        ours: &[],
        ours_in_tests: &[],
        never: &["postgres", "rusqlite"],
    },
];

/// Names that only some files may say.
struct Reserved {
    name: &'static str,
    /// Files and folders that may.
    may: &'static [&'static str],
    why: &'static str,
}

const RESERVED: [Reserved; 2] = [
    Reserved {
        name: "simulator",
        may: &[
            "crates/simulator/",
            "crates/server/src/main.rs",
            "crates/server/src/demo.rs",
            "crates/server/tests/",
            "crates/flows/tests/",
        ],
        why: "only the subcommand, the demo and tests know the simulator",
    },
    Reserved {
        name: "tokio",
        may: &["crates/server/", "crates/simulator/", "crates/stripe/"],
        why: "domain, store and flows run on any executor",
    },
];

/// The part of `std` that reaches outside: not in `domain`.
const OUTSIDE: [&str; 8] = ["env", "fs", "io", "net", "os", "process", "thread", "time"];

/// The manifests hold what STYLE.md promises of each folder.
pub fn arrows(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.name() == "Cargo.toml") {
        let (Some(krate), Some(text)) = (file.crate_name(), file.text.as_deref()) else {
            continue;
        };
        let Some(promise) = PROMISES.iter().find(|promise| promise.krate == krate) else {
            findings.push(file.line(1, "a new crate needs a row in PROMISES and a decision page"));
            continue;
        };
        for (line, section, name) in dependencies(text) {
            if let Some(broken) = broken(promise, section, name) {
                findings.push(file.line(line, &broken));
            }
        }
    }
    findings
}

/// Stripe's search lags behind by up to an hour: what it does not have may be there all the same. What
/// happened is found out by retrieve and list.
pub fn searches(files: &[File]) -> Vec<String> {
    let product = ["crates/stripe/src/", "crates/flows/src/", "crates/server/src/"];
    let mut findings = Vec::new();
    for file in files
        .iter()
        .filter(|file| product.iter().any(|folder| file.path.starts_with(folder)))
    {
        let literals = file.rust.iter().flat_map(|source| &source.literals);
        for literal in literals.filter(|literal| literal.text.contains("/search")) {
            findings.push(file.at(literal.offset, "Stripe's search proves nothing: retrieve or list"));
        }
    }
    findings
}

/// The feature that plants bugs is declared, empty and off, where the bugs are, and no manifest turns it on.
pub fn planted_bugs(files: &[File]) -> Vec<String> {
    const DECLARED: &str = "planted-bugs = []";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.name() == "Cargo.toml") {
        let text = file.text.as_deref().unwrap_or_default();
        let home = file.path == "crates/flows/Cargo.toml";
        if home && !text.lines().any(|line| line == DECLARED) {
            findings.push(file.line(
                1,
                "the feature planted-bugs is not declared, or not as an empty one",
            ));
        }
        let named = (1..)
            .zip(text.lines())
            .filter(|(_, text)| text.contains("planted-bugs"));
        for (line, _) in named.filter(|(_, text)| !home || *text != DECLARED) {
            findings.push(file.line(line, "bugs are planted by a test's command line only"));
        }
    }
    findings
}

fn broken(promise: &Promise, section: &str, name: &str) -> Option<String> {
    let krate = promise.krate;
    let for_tests = section.contains("dev-dependencies");
    let allowed = promise.ours.contains(&name)
        || (for_tests && (promise.ours_in_tests.contains(&name) || name == "proptest"));
    if krate == "domain" && !allowed {
        Some(format!("domain imports std only, not {name}"))
    } else if OURS.contains(&name) && !allowed {
        Some(format!("{krate} must not know {name}"))
    } else if promise.never.contains(&name) && !for_tests {
        Some(format!("{krate} must do without {name}"))
    } else {
        None
    }
}

/// Line, section and name of every dependency of a manifest.
fn dependencies(manifest: &str) -> Vec<(usize, &str, &str)> {
    let mut section = "";
    let mut found = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            // `[dependencies.name]` is a section of its own.
            if let Some((kind, name)) = section.rsplit_once('.')
                && kind.ends_with("dependencies")
            {
                found.push((index + 1, kind, name));
            }
        } else if section.ends_with("dependencies") && !line.starts_with('#') && !line.is_empty() {
            let name = line.split(['.', '=', ' ']).next().unwrap_or(line);
            found.push((index + 1, section, name.trim_matches('"')));
        }
    }
    found
}

/// The code does not reach around the manifests: through a dev-dependency, or through `std`.
pub fn names(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let Some(source) = &file.rust else { continue };
        for Reserved { name, may, why } in &RESERVED {
            if may.iter().any(|allowed| file.path.starts_with(allowed)) {
                continue;
            }
            let found = words(&source.code, name).filter(|at| is_crate_name(&source.code, *at, name));
            findings.extend(found.map(|at| file.at(at, &format!("{name}: {why}"))));
        }
        if file.crate_name() == Some("domain") {
            for outside in OUTSIDE {
                let path = format!("std::{outside}");
                let found = words(&source.product, &path);
                findings.extend(
                    found.map(|at| file.at(at, &format!("{path}: domain does no I/O, reads no clock"))),
                );
            }
        }
    }
    findings
}

/// `name::…` or `use name;`, and not the end of another path or a variable.
fn is_crate_name(code: &str, at: usize, name: &str) -> bool {
    let before = code[..at].trim_end_matches("::");
    let begins = before.len() == at || !before.ends_with(is_name_char);
    let used = words(&code[..at], "use")
        .last()
        .is_some_and(|from| code[from + 3..at].trim().is_empty());
    begins && (used || code[at + name.len()..].starts_with("::"))
}
