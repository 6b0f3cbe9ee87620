//! The parts of STYLE.md that a machine can check, over every file that git knows or would add. A finding
//! names the file, the line and the rule. A new exception is a row in a list here, with its reason.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

mod imports;
mod own_tests;
mod rust;
mod source;
mod sql;
mod text;

use source::Source;

/// A file of the repository.
#[derive(Debug)]
struct File {
    /// From the root, with `/`.
    path: String,
    size: u64,
    /// Its text, if it is text.
    text: Option<String>,
    /// Its parts, if it is Rust.
    rust: Option<Source>,
}

impl File {
    fn new(path: &str, bytes: Vec<u8>) -> File {
        let size = bytes.len().try_into().expect("no file here has 2^64 bytes");
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let rust = text.as_ref().filter(|_| path.ends_with(".rs"));
        let rust = rust.map(|text| source::parse(text, is_test_file(path)));
        File {
            path: path.to_owned(),
            size,
            text,
            rust,
        }
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The crate's folder under `crates/`, if it is in one.
    fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// A finding at a byte of the file's text.
    fn at(&self, offset: usize, rule: &str) -> String {
        let text = self.text.as_deref().unwrap_or_default();
        let line = 1 + text.as_bytes()[..offset]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        self.line(line, rule)
    }

    fn line(&self, line: usize, rule: &str) -> String {
        format!("{}:{line}: {rule}", self.path)
    }
}

/// Test code: an integration test, an example, or a `tests.rs` beside what it tests.
fn is_test_file(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "tests" | "examples" | "benches"))
        || path.ends_with("/tests.rs")
}

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates
        .and_then(Path::parent)
        .expect("this crate is in crates/server")
        .to_owned()
}

/// Every file, read once for all rules.
fn files() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        // The folder may belong to another user than the one who runs this, as in a container.
        let list = Command::new("git")
            .args([
                "-c",
                "safe.directory=*",
                "ls-files",
                "-z",
                "-co",
                "--exclude-standard",
                "--deduplicate",
            ])
            .current_dir(root())
            .output()
            .expect("git lists the files");
        assert!(
            list.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&list.stderr)
        );
        let list = String::from_utf8(list.stdout).expect("file names are UTF-8");
        let read = |path: &str| {
            // Deleted here, but not yet in git's list.
            let bytes = std::fs::read(root().join(path)).ok()?;
            Some(File::new(path, bytes))
        };
        let files: Vec<File> = list.split_terminator('\0').filter_map(read).collect();
        assert!(files.len() > 50, "git named only {} files", files.len());
        files
    })
}

/// Runs one rule over all files and fails with everything that it found.
fn expect_none(rule: fn(&[File]) -> Vec<String>) {
    let findings = rule(files());
    assert!(
        findings.is_empty(),
        "{} findings\n{}\n",
        findings.len(),
        findings.join("\n")
    );
}

#[test]
fn files_functions_and_lines_are_short() {
    expect_none(rust::too_long);
}

#[test]
fn every_rust_file_begins_with_what_it_holds() {
    expect_none(rust::headless);
}

#[test]
fn money_code_does_not_unwrap_or_cast() {
    expect_none(rust::unwraps_and_casts);
}

#[test]
fn the_clock_and_randomness_are_handed_in() {
    expect_none(rust::ambient);
}

#[test]
fn allowed_lints_say_why_and_no_test_is_ignored_or_sleeps() {
    expect_none(rust::attributes_and_sleeps);
}

#[test]
fn event_names_are_in_one_place_each() {
    expect_none(rust::event_names);
}

#[test]
fn crates_import_only_what_their_folder_promises() {
    expect_none(imports::arrows);
}

#[test]
fn code_names_no_crate_of_another_layer() {
    expect_none(imports::names);
}

#[test]
fn nothing_is_decided_by_stripes_search() {
    expect_none(imports::searches);
}

#[test]
fn no_product_is_built_with_bugs_on_purpose() {
    expect_none(imports::planted_bugs);
    let product = std::fs::read(env!("CARGO_BIN_EXE_psa-pay")).expect("the product is built");
    let variable = concat!("PSA_PAY_", "PLANTED_BUG").as_bytes();
    let named = product.windows(variable.len()).any(|bytes| bytes == variable);
    assert!(!named, "the product reads which bug to have");
}

#[test]
fn statements_on_tenant_tables_name_tenant_and_mode() {
    expect_none(sql::tenancy);
}

#[test]
fn names_and_sizes_of_files() {
    expect_none(text::names_and_sizes);
}

#[test]
fn no_marks_of_unfinished_work() {
    expect_none(text::unfinished);
}

#[test]
fn no_places_of_one_machine() {
    expect_none(text::places);
}

#[test]
fn no_secrets() {
    expect_none(text::secrets);
}
