//! One chromedriver: started on a free port, ended with every Chromium it started when it is dropped.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How long chromedriver may take to close its browsers before it is killed.
const SHUTDOWN_MAX: Duration = Duration::from_secs(10);

/// How often a start is tried.
const STARTS_MAX: usize = 5;

/// A running chromedriver.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    port: u16,
    /// Kept open, because chromedriver ends when it cannot print.
    _output: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts one; `None` when the program is not there. It takes a free port of IPv6 and gives up when
    /// somebody has the same one of IPv4, so that it gets several tries.
    pub fn start() -> Option<Driver> {
        let program = std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        for _ in 0..STARTS_MAX {
            let child = Command::new(&program)
                .arg("--port=0")
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let mut child = match child {
                Ok(child) => child,
                Err(error) if error.kind() == ErrorKind::NotFound => return None,
                Err(error) => panic!("{program}: {error}"),
            };
            let mut output = BufReader::new(child.stdout.take().expect("it was piped"));
            match read_port(&mut output) {
                Ok(port) => {
                    return Some(Driver {
                        child,
                        port,
                        _output: output,
                    });
                }
                Err(said) => eprintln!("chromedriver ended at once:\n{said}"),
            }
            child.wait().expect("it has ended");
        }
        panic!("chromedriver did not start in {STARTS_MAX} tries");
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks it to close its browsers; killing it at once would leave them running.
    fn shut_down(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(SHUTDOWN_MAX))?;
        stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        // Its answer begins when the browsers are closed; the rest of it takes a second to come.
        stream.read_exact(&mut [0])
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let closed = self.shut_down();
        // It ends by itself after that; this is for one that did not.
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if let (Err(error), _) | (_, Err(error)) = (closed, ended) {
            eprintln!("chromedriver {}: {error}", self.child.id());
        }
    }
}

/// Reads up to "ChromeDriver was started successfully on port 12345."
fn read_port(output: &mut impl BufRead) -> Result<u16, String> {
    let mut all = String::new();
    loop {
        let begin = all.len();
        let length = output.read_line(&mut all).expect("chromedriver prints text");
        if length == 0 {
            return Err(all);
        }
        if let Some((_, port)) = all[begin..].split_once("successfully on port ") {
            return Ok(port
                .trim()
                .trim_end_matches('.')
                .parse()
                .expect("chromedriver names its port"));
        }
    }
}
