//! Stripe's keys of one mode. A secret belongs to a mode and a webhook secret also to a kind of event, so
//! none may stand in two places: otherwise a test event could pass for a live one.

use domain::Mode;
use stripe::Secret;

use super::variables::{Given, Variables};
use super::{ConfigError, Problem};

/// What the simulator's secret keys for live mode begin with. Stripe never issues such a key.
const DEMO_LIVE: &str = "sk_live_psapay_demo";
/// Characters of the account's id that Stripe repeats in its keys behind `_5`.
const ACCOUNT_CHARS: usize = 16;

/// Stripe's keys of one mode.
#[derive(Clone, Debug)]
pub struct KeySet {
    /// The platform's secret or restricted key.
    pub secret_key: Secret,
    /// The platform's publishable key, which browsers see.
    pub publishable_key: String,
    /// Signing secrets of the endpoints that receive snapshot events; never empty in live mode.
    pub webhook_secrets: Vec<Secret>,
    /// Signing secrets of the endpoints that receive thin events.
    pub webhook_secrets_thin: Vec<Secret>,
    /// The platform's OAuth client, for tenants who connect an account they have.
    pub client_id: Option<String>,
}

impl KeySet {
    /// Whether these are the simulator's keys for live mode.
    pub fn is_live_demo(&self) -> bool {
        self.secret_key.expose().starts_with(DEMO_LIVE)
    }

    /// The characters of the account's id that Stripe repeats in the publishable key; older keys have none.
    pub fn account_of_publishable_key(&self) -> Option<&str> {
        account(&self.publishable_key)
    }
}

/// The variables of a mode.
struct Slots {
    secret_key: KeySlot,
    publishable_key: KeySlot,
    webhook_secret: &'static str,
    webhook_secret_thin: &'static str,
    client_id: &'static str,
    incomplete: &'static str,
}

/// A variable that holds a key of one kind and mode.
struct KeySlot {
    name: &'static str,
    prefixes: &'static [&'static str],
    /// The prefixes, for a sentence.
    expected: &'static str,
}

const TEST: Slots = Slots {
    secret_key: KeySlot {
        name: "STRIPE_TEST_SECRET_KEY",
        prefixes: &["sk_test_", "rk_test_"],
        expected: "sk_test_ or rk_test_",
    },
    publishable_key: KeySlot {
        name: "STRIPE_TEST_PUBLISHABLE_KEY",
        prefixes: &["pk_test_"],
        expected: "pk_test_",
    },
    webhook_secret: "STRIPE_TEST_WEBHOOK_SECRET",
    webhook_secret_thin: "STRIPE_TEST_WEBHOOK_SECRET_THIN",
    client_id: "STRIPE_TEST_CLIENT_ID",
    incomplete: "other STRIPE_TEST_ variables are, and a set of keys is used whole or not at all",
};

const LIVE: Slots = Slots {
    secret_key: KeySlot {
        name: "STRIPE_LIVE_SECRET_KEY",
        prefixes: &["sk_live_", "rk_live_"],
        expected: "sk_live_ or rk_live_",
    },
    publishable_key: KeySlot {
        name: "STRIPE_LIVE_PUBLISHABLE_KEY",
        prefixes: &["pk_live_"],
        expected: "pk_live_",
    },
    webhook_secret: "STRIPE_LIVE_WEBHOOK_SECRET",
    webhook_secret_thin: "STRIPE_LIVE_WEBHOOK_SECRET_THIN",
    client_id: "STRIPE_LIVE_CLIENT_ID",
    incomplete: "other STRIPE_LIVE_ variables are, and a set of keys is used whole or not at all",
};

const fn slots(mode: Mode) -> &'static Slots {
    match mode {
        Mode::Test => &TEST,
        Mode::Live => &LIVE,
    }
}

/// Stands for a webhook secret while there is none.
const NOT_SET_YET: &str = "whsec_not_set_yet";

/// What stands for a variable of webhook secrets while there is none, where the mode's key is there.
pub fn not_set_yet(name: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let slots = [&TEST, &LIVE]
        .into_iter()
        .find(|slots| slots.webhook_secret == name)?;
    lookup(slots.secret_key.name)?;
    Some(format!("{NOT_SET_YET}_{}", slots.secret_key.name))
}

/// Whether it stands for a secret that there is not.
pub fn is_not_set_yet(secret: &Secret) -> bool {
    secret.expose().starts_with(NOT_SET_YET)
}

/// The keys of `mode`. `None` when none are set and `active`, the mode of new work, does not need them, or
/// when an error was recorded.
pub fn read(variables: &mut Variables<'_>, mode: Mode, active: Option<Mode>) -> Option<KeySet> {
    let slots = slots(mode);
    let all = [
        slots.secret_key.name,
        slots.publishable_key.name,
        slots.webhook_secret,
        slots.webhook_secret_thin,
        slots.client_id,
    ];
    let any = all.iter().any(|name| variables.is_set(name));
    if !any && active != Some(mode) {
        return None;
    }
    let because = match (any, mode) {
        (true, _) => slots.incomplete,
        (false, Mode::Test) => "STRIPE_MODE=test needs it (test is also what a missing STRIPE_MODE means)",
        (false, Mode::Live) => "STRIPE_MODE=live needs it",
    };
    let secret_key = key(variables, &slots.secret_key, because);
    let publishable_key = key(variables, &slots.publishable_key, because);
    let because = (mode == Mode::Live).then_some("live payments need it to be confirmed by events");
    let webhook_secrets = signing_secrets(variables, slots.webhook_secret, because);
    let webhook_secrets_thin = signing_secrets(variables, slots.webhook_secret_thin, None);
    let client_id = client_id(variables, slots);
    let keys = KeySet {
        secret_key: Secret::new(secret_key?),
        publishable_key: publishable_key?,
        webhook_secrets: webhook_secrets?,
        webhook_secrets_thin: webhook_secrets_thin?,
        client_id: client_id?,
    };
    check_account(variables, slots, &keys);
    check_kinds(variables, slots, &keys);
    Some(keys)
}

/// No webhook secret may be of both modes: which mode an event counts for is told by the secret alone.
pub fn check_apart(variables: &mut Variables<'_>, test: Option<&KeySet>, live: Option<&KeySet>) {
    let (Some(test), Some(live)) = (test, live) else {
        return;
    };
    for (live_name, live_secrets) in lists(&LIVE, live) {
        for (test_name, test_secrets) in lists(&TEST, test) {
            if share(live_secrets, test_secrets) {
                let problem = Problem::InBothModes { other: test_name };
                variables.errors.push(ConfigError {
                    variable: live_name,
                    problem,
                });
            }
        }
    }
}

fn lists<'a>(slots: &Slots, keys: &'a KeySet) -> [(&'static str, &'a [Secret]); 2] {
    [
        (slots.webhook_secret, keys.webhook_secrets.as_slice()),
        (slots.webhook_secret_thin, keys.webhook_secrets_thin.as_slice()),
    ]
}

fn share(left: &[Secret], right: &[Secret]) -> bool {
    left.iter().any(|secret| right.contains(secret))
}

fn key(variables: &mut Variables<'_>, slot: &KeySlot, because: &'static str) -> Option<String> {
    let KeySlot {
        name,
        prefixes,
        expected,
    } = *slot;
    let key = match variables.word(name) {
        Given::Absent => return variables.refuse(name, Problem::Missing { because }),
        Given::Wrong => return None,
        Given::Value(key) => key,
    };
    if prefixes
        .iter()
        .any(|prefix| key.starts_with(&in_other_mode(prefix)))
    {
        return variables.refuse(name, Problem::WrongMode { expected });
    }
    let Some(body) = prefixes.iter().find_map(|prefix| key.strip_prefix(prefix)) else {
        return variables.refuse(name, Problem::WrongPrefix { expected });
    };
    let well_formed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if body.is_empty() || !body.chars().all(well_formed) {
        let expected = "a key as Stripe shows it: a prefix, then letters, digits and underscores";
        return variables.refuse(name, Problem::Malformed { expected });
    }
    Some(key)
}

/// The same prefix in the other mode.
fn in_other_mode(prefix: &str) -> String {
    if prefix.contains("_test_") {
        prefix.replace("_test_", "_live_")
    } else {
        prefix.replace("_live_", "_test_")
    }
}

/// A comma-separated list: several endpoints, and the old and the new secret while one is rotated.
fn signing_secrets(
    variables: &mut Variables<'_>,
    name: &'static str,
    required_because: Option<&'static str>,
) -> Option<Vec<Secret>> {
    let list = match (variables.word(name), required_because) {
        (Given::Absent, Some(because)) => return variables.refuse(name, Problem::Missing { because }),
        (Given::Absent, None) => return Some(Vec::new()),
        (Given::Wrong, _) => return None,
        (Given::Value(list), _) => list,
    };
    let mut secrets = Vec::new();
    for secret in list.split(',') {
        match secret.strip_prefix("whsec_") {
            None if secret.is_empty() => return variables.refuse(name, Problem::Empty),
            None => {
                return variables.refuse(
                    name,
                    Problem::WrongPrefix {
                        expected: "whsec_, each of its list",
                    },
                );
            }
            Some(body) if body.is_empty() || !body.chars().all(|c| c.is_ascii_graphic()) => {
                let expected = "signing secrets as Stripe shows them, separated by commas";
                return variables.refuse(name, Problem::Malformed { expected });
            }
            Some(_) => secrets.push(Secret::new(secret)),
        }
    }
    Some(secrets)
}

/// The outer `None` is an error, the inner one "not set".
fn client_id(variables: &mut Variables<'_>, slots: &Slots) -> Option<Option<String>> {
    match variables.word(slots.client_id) {
        Given::Absent => Some(None),
        Given::Wrong => None,
        Given::Value(id) if id.len() > 3 && id.starts_with("ca_") => Some(Some(id)),
        Given::Value(_) => variables.refuse(slots.client_id, Problem::WrongPrefix { expected: "ca_" }),
    }
}

fn check_account(variables: &mut Variables<'_>, slots: &Slots, keys: &KeySet) {
    let secret = account(keys.secret_key.expose());
    let publishable = account(&keys.publishable_key);
    if secret.is_some() && publishable.is_some() && secret != publishable {
        let problem = Problem::OtherAccount {
            than: slots.secret_key.name,
        };
        variables.errors.push(ConfigError {
            variable: slots.publishable_key.name,
            problem,
        });
    }
}

/// `sk_test_51AbC…` belongs to `acct_1AbC…`: behind `_5` come the 16 characters of the account. Older keys
/// and the simulator's have none.
fn account(key: &str) -> Option<&str> {
    key.splitn(3, '_').nth(2)?.strip_prefix('5')?.get(..ACCOUNT_CHARS)
}

fn check_kinds(variables: &mut Variables<'_>, slots: &Slots, keys: &KeySet) {
    if share(&keys.webhook_secrets, &keys.webhook_secrets_thin) {
        let problem = Problem::InBothKinds {
            other: slots.webhook_secret,
        };
        variables.errors.push(ConfigError {
            variable: slots.webhook_secret_thin,
            problem,
        });
    }
}
