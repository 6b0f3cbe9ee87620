//! A mail server of its own for a test: aiosmtpd, which takes mails on loopback, and Python's email package,
//! which reads them as a mail program would.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

#[path = "../../../../simulator/tests/judges/environment.rs"]
pub mod environment;

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
            python: environment::installed("THE TESTS WITH A MAIL SERVER", &source())?,
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
