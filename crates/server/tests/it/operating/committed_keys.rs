//! The guard against committed secrets: what it refuses, in whatever form a key comes, and what it lets be.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn a_real_key_is_refused_before_it_is_committed() {
    let folder = Folder::new("keys");
    let refused = |bytes: &[u8]| {
        fs::write(folder.0.join("changed.txt"), bytes).unwrap();
        let said = folder.refuse_secrets(&["changed.txt"]);
        let err = String::from_utf8_lossy(&said.stderr).into_owned();
        let text = String::from_utf8_lossy(bytes);
        assert!(!err.contains(text.trim()), "the key is not shown: {err}");
        !said.status.success()
    };
    let (letters, hex) = ("a1B2c3D4".repeat(4), "a1b2c3d4".repeat(8));
    let mut keys: Vec<String> = ["sk_live_", "rk_live_", "sk_test_", "whsec_"]
        .iter()
        .map(|kind| format!("KEY={kind}{letters}"))
        .collect();
    for ours in ["live", "test", "platform"] {
        keys.push(format!("{}_{ours}_{hex}", "ppk"));
    }
    keys.push(format!("-----BEGIN {} KEY-----", "PRIVATE"));
    for variable in ["SECRET_KEY", "SECRET_KEY_PREVIOUS", "METRICS_TOKEN"] {
        keys.push(format!("{variable}={hex}"));
        keys.push(format!("  - {{key: {variable}, type: SECRET, value: \"{hex}\"}}"));
    }
    for host in ["192.0.2.7", "[2001:db8::7]:5432", "db.internal", "db.psapay.io"] {
        keys.push(format!("{}://psa:{letters}@{host}/psa", "postgres"));
    }
    for key in &keys {
        assert!(refused(format!("{key}\n").as_bytes()), "{key}");
        // What else stands on its line makes it no better.
        let excused = format!("# instead of PASSWORD and psapay_demo at pay.example.com: {key} REPLACE\n");
        assert!(refused(excused.as_bytes()), "{excused}");
        let binary = [b"\x89PNG\0\xff\n", key.as_bytes(), b"\0\n"].concat();
        assert!(refused(&binary), "{key} in a binary file");
        let wide: Vec<u8> = key.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(refused(&[&[0xff, 0xfe], &wide[..]].concat()), "{key} in UTF-16");
    }
    for made_up in [
        "sk_test_psapay_demo",
        "sk_live_REPLACE_WITH_YOURS",
        "whsec_short",
        "no key at all",
        "SECRET_KEY=REPLACE_WITH_64_HEX_DIGITS",
        "postgres://USER:PASSWORD@HOST/DATABASE",
        "smtps://USER:REPLACE_WITH_PASSWORD@smtp.example.com:465",
    ] {
        assert!(!refused(made_up.as_bytes()), "{made_up}");
    }
}

/// The hook looks at what git is about to keep, however it came to be there.
#[test]
fn the_hook_sees_a_key_in_a_file_that_was_renamed_or_was_a_link() {
    let folder = Folder::new("hook");
    let git = |arguments: &[&str]| {
        let mut git = folder.command("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        let said = git.args(arguments).output().unwrap();
        assert!(
            said.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
    };
    let key = format!("KEY=sk_live_{}\n", "a1B2c3D4".repeat(4));
    let lines: String = (0..200).map(|line| format!("line {line}\n")).collect();
    git(&["init", "--quiet"]);
    fs::write(folder.0.join("old name.txt"), &lines).unwrap();
    std::os::unix::fs::symlink("old name.txt", folder.0.join("link")).unwrap();
    git(&["add", "--all"]);
    assert!(
        folder.refuse_secrets(&[]).status.success(),
        "nothing is in it yet"
    );
    git(&["commit", "--quiet", "--message", "begin"]);
    let refused = |what: &str| {
        git(&["add", "--all"]);
        let said = folder.refuse_secrets(&[]);
        assert!(!said.status.success(), "{what}");
        git(&["reset", "--quiet", "--hard"]);
    };
    fs::rename(folder.0.join("old name.txt"), folder.0.join("new.txt")).unwrap();
    fs::write(folder.0.join("new.txt"), format!("{lines}{key}")).unwrap();
    refused("renamed and changed");
    fs::remove_file(folder.0.join("link")).unwrap();
    fs::write(folder.0.join("link"), &key).unwrap();
    refused("a file where a link was");
    fs::write(folder.0.join("old name.txt"), format!("{lines}{key}")).unwrap();
    refused("changed");
    fs::write(folder.0.join("old name.txt"), format!("{lines}more\n")).unwrap();
    git(&["add", "--all"]);
    assert!(folder.refuse_secrets(&[]).status.success(), "no key is in it");
}

/// A folder that is gone once the test ends, with a repository of its own or none.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// In this folder, knowing nothing of the repository around it.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.0);
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(variable);
        }
        command
    }

    fn refuse_secrets(&self, files: &[&str]) -> Output {
        let script = root().join("tools/refuse-secrets");
        self.command(script).args(files).output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}
