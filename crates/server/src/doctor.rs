//! `psa-pay doctor`: everything that has to be right before money is taken, a line each, with what to do.
//! What is collected and what is made of it are apart: the second is a pure function.

pub mod collect;
pub mod configuration;
pub mod facts;
pub mod pay;
pub mod verdict;
pub mod watch;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use verdict::judge;

/// How wide the column of the codes is.
const CODE_CHARS: usize = 28;

/// What the doctor looks at.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Print the lines as JSON.
    #[arg(long)]
    json: bool,
    /// Also go through a payment: an invoice of a tenant is made, paid by a test card, checked on every
    /// side and refunded. TEST only, or LIVE against a simulator on this machine. Needs an API key of the
    /// tenant in PSA_PAY_DOCTOR_KEY.
    #[arg(long)]
    pay: bool,
    /// Follow the next invoice that is paid, and check it on every side.
    #[arg(long, conflicts_with = "pay")]
    watch: bool,
    /// For --watch: give up after so many minutes.
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    minutes: u32,
}

/// Looks a variable up, as it is set.
pub type Lookup<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Where the configuration comes from.
pub struct Source<'a> {
    /// The variables.
    pub lookup: Lookup<'a>,
    /// The names of all that are set.
    pub names: Vec<String>,
    /// The file that some of them stand in.
    pub file: Option<PathBuf>,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it has to be.
    Ok,
    /// It works, and something better is to be had.
    Warning,
    /// Money could be lost, or none taken.
    Failure,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// A stable name for it.
    pub code: String,
    /// How it stands.
    pub status: Status,
    /// What was found.
    pub says: String,
    /// What to do; empty where nothing is to be done.
    pub remedy: String,
}

impl Line {
    /// As it has to be.
    pub fn ok(code: impl Into<String>, says: impl Into<String>) -> Line {
        Line::new(code, Status::Ok, says, "")
    }

    /// It works, and something better is to be had.
    pub fn warning(code: impl Into<String>, says: impl Into<String>, remedy: impl Into<String>) -> Line {
        Line::new(code, Status::Warning, says, remedy)
    }

    /// Money could be lost, or none taken.
    pub fn failure(code: impl Into<String>, says: impl Into<String>, remedy: impl Into<String>) -> Line {
        Line::new(code, Status::Failure, says, remedy)
    }

    fn new(
        code: impl Into<String>,
        status: Status,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Line {
        Line {
            code: code.into(),
            status,
            says: says.into(),
            remedy: remedy.into(),
        }
    }
}

/// Collects, judges and prints; fails when a line does.
///
/// # Errors
/// How many lines fail.
pub async fn run(
    source: &Source<'_>,
    arguments: &Arguments,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), String> {
    let facts = collect::collect(source).await;
    let mut lines = judge(&facts);
    if arguments.pay || arguments.watch {
        let healthy = lines.iter().all(|line| line.status != Status::Failure);
        match (&facts.config, healthy) {
            (Some(config), true) if arguments.pay => lines.extend(pay::run(config, source.lookup).await),
            (Some(config), true) => lines.extend(watch::run(config, arguments.minutes).await),
            _ => lines.push(Line::failure(
                "payment",
                "no payment is looked at while something above fails",
                "mend that first",
            )),
        }
    }
    tell(&lines, arguments.json, say)?;
    match lines.iter().filter(|line| line.status == Status::Failure).count() {
        0 => Ok(()),
        1 => Err("1 line fails".to_owned()),
        count => Err(format!("{count} lines fail")),
    }
}

fn tell(lines: &[Line], json: bool, say: &mut (dyn FnMut(String) + Send)) -> Result<(), String> {
    if json {
        say(serde_json::to_string_pretty(lines).map_err(|error| error.to_string())?);
        return Ok(());
    }
    for line in lines {
        let word = match line.status {
            Status::Ok => "ok",
            Status::Warning => "WARNING",
            Status::Failure => "FAILURE",
        };
        // A code that fills its column still ends two spaces before the text.
        let code = format!("{}  ", line.code);
        say(format!("{word:<9}{code:<CODE_CHARS$}{}", line.says));
        if !line.remedy.is_empty() {
            say(format!("{:9}{:CODE_CHARS$}-> {}", "", "", line.remedy));
        }
    }
    Ok(())
}
