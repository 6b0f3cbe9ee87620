//! A mail server of its own for a test: aiosmtpd, which takes mails on loopback, and Python's email package,
//! which reads them as a mail program would.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::left_out::left_out;

/// The mail server.
pub struct PostOffice {
    python: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl PostOffice {
    /// Opens one; `None`, and a message that nobody misses, where the machine has no Python for it.
    pub fn open(name: &str) -> Option<PostOffice> {
        let folder = format!("mail-{name}-{}", std::process::id());
        let mut office = PostOffice {
            python: installed()?,
            folder: Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder),
            port: 0,
            child: None,
            taken: Arc::default(),
        };
        std::fs::create_dir_all(&office.folder).expect("the target folder can be written");
        office.begin();
        Some(office)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Opens it, again at the same port where it was open before.
    pub fn begin(&mut self) {
        let mut command = Command::new(&self.python);
        command
            .arg("-B")
            .arg(source().join("receive.py"))
            .arg(&self.folder)
            .arg(self.port.to_string());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("Python starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("the port").expect("text");
        let first: Value = serde_json::from_str(&first).expect("JSON");
        self.port = first["port"]
            .as_u64()
            .expect("a port")
            .try_into()
            .expect("a port");
        self.child = Some(child);
        let taken = Arc::clone(&self.taken);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mail = serde_json::from_str(&line).expect("JSON");
                taken.lock().expect("nobody panics with it").push(mail);
            }
        });
    }

    /// Closes it: nobody answers at its port.
    pub fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            child.wait().expect("Python ends");
        }
    }

    /// What `later-…` waits for.
    pub fn put_up(&self) {
        std::fs::write(self.folder.join("up"), "").expect("the folder can be written");
    }

    /// The mails that were taken so far.
    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().expect("nobody panics with it").clone()
    }
}

impl Drop for PostOffice {
    fn drop(&mut self) {
        self.end();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mail")
}

/// The Python of an environment of its own, with what `requirements.txt` pins.
fn installed() -> Option<PathBuf> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONE.lock();
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let able = Command::new(&python)
        .args(["-c", "import venv, ensurepip"])
        .output();
    if !able.is_ok_and(|output| output.status.success()) {
        left_out(
            "THE TESTS WITH A MAIL SERVER",
            "they need Python 3 with venv and ensurepip; PYTHON may name it",
            "PSA_PAY_REQUIRE_PYTHON",
        );
        return None;
    }
    let requirements = source().join("requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail");
    let inside = folder.join("bin/python");
    let pinned = std::fs::read(&requirements).expect("the requirements are there");
    // Written last, so that an installation that was cut off is made again.
    let note = folder.join("installed.txt");
    if std::fs::read(&note).unwrap_or_default() != pinned {
        run(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&folder));
        let pip = [
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-r",
        ];
        run(Command::new(&inside).args(pip).arg(&requirements));
        std::fs::write(note, pinned).expect("the target folder can be written");
    }
    Some(inside)
}

fn run(command: &mut Command) {
    let mut child = command.stderr(Stdio::piped()).spawn().expect("Python starts");
    let mut said = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut said).expect("text");
    assert!(child.wait().expect("it ends").success(), "{said}");
}
