//! Schemathesis, which makes requests of the document and looks at every answer: in `./check full`, against
//! the demo, with the keys that it prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::examples::shown;
use crate::mails::environment;

/// No answer is an error of the server, or one that the document does not have: by its status, its kind, or
/// its shape. Which of the values that a type allows are refused is a matter of the product's own tests.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";
/// Requests for each call that are made up: some 2,000 in all.
const EACH: &str = "20";
/// The same numbers make the same requests.
const SEED: &str = "20261127";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/schemathesis")
}

#[test]
fn schemathesis_finds_no_answer_that_is_not_described() {
    if std::env::var("PSA_PAY_CHECK_FULL").as_deref() != Ok("1") {
        println!("schemathesis runs in ./check full");
        return;
    }
    let Some(python) = environment::installed("SCHEMATHESIS", &source()) else {
        return;
    };
    let shown = shown("judged");
    // What a tenant's key opens, and what a platform key does: neither opens the other's. Keys come last,
    // because somebody who tries everything revokes the one that is used.
    for (key, only) in [
        (
            &shown.key,
            [
                "--exclude-path-regex",
                "^/api/(platform|tenants|stripe/webhook|keys)",
            ],
        ),
        (
            &shown.platform_key,
            ["--include-path-regex", "^/api/(platform|tenants)"],
        ),
        (
            &shown.key,
            ["--include-path-regex", "^/api/(keys|stripe/webhook)"],
        ),
    ] {
        let output = Command::new(python.with_file_name("schemathesis"))
            .args(["run", "--checks", CHECKS])
            .arg(format!("{}/api/openapi.json", shown.url))
            .args(["--header", &format!("Authorization: Bearer {key}")])
            .args([
                "--phases",
                "examples,coverage,fuzzing",
                "--max-examples",
                EACH,
                "--seed",
                SEED,
            ])
            .args([
                "--generation-database",
                "none",
                "--no-color",
                "--rate-limit",
                "60/s",
            ])
            .args(only)
            .current_dir(source())
            .output()
            .expect("schemathesis starts");
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        assert!(
            output.status.success(),
            "{said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
