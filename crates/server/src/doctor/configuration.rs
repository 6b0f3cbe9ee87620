//! Reading the configuration as far as it goes: what is wrong is named, and replaced by something that stands
//! in for it, so that all the rest can be looked at.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Lookup;
use super::collect::folder_is_closed;
use super::facts::{FileFacts, Wrong};
use crate::config::{Config, ConfigError};
use crate::env_file;

/// What stands in for one may be wrong beside another: so often it is read at most.
const PASSES: usize = 4;

/// The configuration, if one could be put together, and all that is wrong with it.
pub fn read(lookup: Lookup<'_>) -> (Option<Config>, Vec<Wrong>) {
    let value = |name: &str| env_file::read(name, &lookup).unwrap_or_else(|_| Some(String::new()));
    let mut wrong: Vec<Wrong> = Vec::new();
    for pass in 0..PASSES {
        let rest = |name: &str| match is_unusable(&wrong, name) {
            true => stand_in(name, &value),
            false => value(name),
        };
        let read = match pass {
            0 => Config::from_lookup(&rest),
            _ => Config::before_webhooks(&rest),
        };
        let errors = match read {
            Ok(config) => return (Some(config), wrong),
            Err(errors) => errors,
        };
        let known = wrong.len();
        let found = errors.iter().map(|error| said(error, lookup));
        let new: Vec<Wrong> = found.filter(|one| !is_unusable(&wrong, &one.name)).collect();
        wrong.extend(new);
        if wrong.len() == known {
            break;
        }
    }
    (None, wrong)
}

/// Whether a variable, or the one that goes with it, cannot be used.
fn is_unusable(wrong: &[Wrong], name: &str) -> bool {
    let is_wrong = |name: &str| wrong.iter().any(|one| one.name == name);
    match name {
        "SMTP_URL" | "MAIL_FROM" => is_wrong("SMTP_URL") || is_wrong("MAIL_FROM"),
        name => is_wrong(name),
    }
}

/// What is read in place of a variable that cannot be used. Nothing is ever sent to any of it.
fn stand_in(name: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let is_set = |name: &str| value(name).is_some();
    let text = match name {
        "SECRET_KEY" => "a_stand_in_that_signs_nothing_at_all",
        "STRIPE_TEST_SECRET_KEY" => "sk_test_psapay_demo_stand_in",
        "STRIPE_TEST_PUBLISHABLE_KEY" => "pk_test_psapay_demo_stand_in",
        "STRIPE_LIVE_SECRET_KEY" => "sk_live_psapay_demo_stand_in",
        "STRIPE_LIVE_PUBLISHABLE_KEY" => "pk_live_psapay_demo_stand_in",
        "PUBLIC_URL" => "https://psa-pay.invalid",
        "STRIPE_MODE" if is_set("STRIPE_LIVE_SECRET_KEY") && !is_set("STRIPE_TEST_SECRET_KEY") => "live",
        _ => return None,
    };
    Some(text.to_owned())
}

/// What is wrong with a variable, and what to do: a sentence of two halves.
fn said(error: &ConfigError, lookup: Lookup<'_>) -> Wrong {
    let whole = match env_file::read(error.variable, &lookup) {
        Err(why) => why,
        Ok(_) => error.to_string(),
    };
    let (says, remedy) = whole
        .split_once(": ")
        .unwrap_or((&whole, "correct this variable"));
    Wrong {
        name: error.variable.to_owned(),
        says: says.to_owned(),
        remedy: remedy.trim_end_matches('.').to_owned(),
    }
}

/// What is to be said of the file that variables were read from.
pub fn of_file(path: &Path) -> FileFacts {
    let mode = fs::metadata(path).map_or(0, |found| found.permissions().mode());
    FileFacts {
        path: path.display().to_string(),
        readable_by_others: mode & 0o004 != 0 && !folder_is_closed(path),
        twice: env_file::twice(&fs::read_to_string(path).unwrap_or_default()),
    }
}
