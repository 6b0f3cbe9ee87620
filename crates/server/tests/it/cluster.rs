//! A server of PostgreSQL for one test alone, which may kill it, start it again, and fill its disk.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// The server, ended with the test.
pub struct Cluster {
    folder: PathBuf,
    /// `postgres://…/`, without a database.
    pub url: String,
    shell: Mutex<Shell>,
}

/// A shell in which one line after the other is run; what it mounts is seen by nobody else, and goes with it.
pub struct Shell {
    child: Child,
    lines: Option<ChildStdin>,
    said: BufReader<ChildStdout>,
}

impl Shell {
    /// A shell; with mounts of its own, where this user may have such.
    pub fn open(mounts: bool) -> Option<Shell> {
        let mut command = match mounts {
            false => Command::new("bash"),
            true => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "bash"]);
                command
            }
        };
        if mounts && !may_mount(&["--mount"]) {
            return None;
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (lines, said) = (child.stdin.take(), BufReader::new(child.stdout.take()?));
        Some(Shell { child, lines, said })
    }

    /// Runs a line; what it said, if it came to a good end.
    pub fn run(&mut self, line: &str) -> Option<String> {
        let lines = self.lines.as_mut()?;
        writeln!(lines, "( {line} ) </dev/null; echo \"== $?\"").ok()?;
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if self.said.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(status) = line.strip_prefix("== ") {
                return (status.trim() == "0").then_some(said);
            }
            said.push_str(&line);
        }
    }

    /// Where a path of this shell's is seen by others.
    pub fn seen(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.child.id(), path.display()))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.lines = None;
        // It ends with its input.
        let _ended = self.child.wait();
    }
}

/// Whether this user may have mounts of its own, by these options of `unshare`.
pub fn may_mount(options: &[&str]) -> bool {
    let mut probe = Command::new("unshare");
    let tried = probe
        .args(options)
        .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/postgres-for-tests")
}

impl Cluster {
    /// On whatever disk there is. None, and a loud line, where the tests have no PostgreSQL.
    pub fn start() -> Option<Cluster> {
        Cluster::begin(Shell::open(false)?, None)
    }

    /// On a disk of its own of so many megabytes. None, and a loud line, also where nobody may mount one.
    pub fn on_a_small_disk(megabytes: u32) -> Option<Cluster> {
        match Shell::open(true) {
            Some(shell) => Cluster::begin(shell, Some(megabytes)),
            None => {
                eprintln!("THE TEST WITH A FULL DISK OF POSTGRESQL did not run: this user may mount nothing");
                None
            }
        }
    }

    fn begin(mut shell: Shell, megabytes: Option<u32>) -> Option<Cluster> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if std::env::var("PSA_PAY_TEST_POSTGRES").is_err() {
            eprintln!("A TEST WITH A POSTGRESQL OF ITS OWN did not run: set PSA_PAY_TEST_POSTGRES");
            return None;
        }
        // Where the server's user can reach it.
        let parent = ["/dev/shm", "/tmp"]
            .map(Path::new)
            .into_iter()
            .find(|parent| parent.is_dir())?;
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("psa-pay-cluster-{}-{nth}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the server");
        if let Some(megabytes) = megabytes {
            let mount = format!("mount -t tmpfs -o size={megabytes}m tmpfs {}", folder.display());
            shell.run(&mount).expect("a small disk");
        }
        let started = shell.run(&format!("{} start {}", script().display(), folder.display()));
        Some(Cluster {
            folder,
            url: started.expect("the server starts").trim().to_owned(),
            shell: Mutex::new(shell),
        })
    }

    /// Makes a database, and answers its address.
    pub fn database(&self, name: &str) -> String {
        crate::engines::admin(&self.url, &format!("create database {name}"));
        format!("{}{name}", self.url)
    }

    fn tell(&self, command: &str) {
        let line = format!("{} {command} {}", script().display(), self.folder.display());
        let done = self.shell.lock().unwrap().run(&line);
        done.unwrap_or_else(|| panic!("postgres-for-tests {command}"));
    }

    /// Kills it at once.
    pub fn kill(&self) {
        self.tell("kill");
    }

    /// Starts it again, at the same port.
    pub fn again(&self) {
        self.tell("again");
    }

    /// Its disk, as this process sees it.
    pub fn disk(&self) -> PathBuf {
        self.shell.lock().unwrap().seen(&self.folder)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let line = format!("{} stop {}", script().display(), self.folder.display());
        if let Ok(shell) = self.shell.get_mut() {
            // Where a disk is mounted its folder stays until the shell has ended.
            let _stopped = shell.run(&line);
            shell.lines = None;
            let _ended = shell.child.wait();
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Writes until there is no room left; answers the file that is in the way.
pub fn fill(disk: &Path) -> PathBuf {
    let path = disk.join("in-the-way");
    let mut file = fs::File::create(&path).expect("a file on the disk");
    for size in [256 * 1024, 4096, 1] {
        let block = vec![b'x'; size];
        while file.write(&block).is_ok_and(|written| written > 0) {}
    }
    path
}
