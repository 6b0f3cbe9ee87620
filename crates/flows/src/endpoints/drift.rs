//! How the endpoints at Stripe differ from what they have to be, and which steps mend that: a pure
//! comparison.

use stripe::API_VERSION;
use stripe::events::Kind;
use stripe::webhook_endpoints::Form;

use super::PATH;
use super::signing::{Secrets, Signing};
use crate::stripe_events::catalogue::{self, Endpoint};

/// Which of the three it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Snapshots of what happens on the platform's own account.
    Platform,
    /// Snapshots of what happens on connected accounts, where direct charges are.
    Accounts,
    /// Thin events: API v2 has no others.
    Thin,
}

impl Role {
    /// All three.
    pub const ALL: [Role; 3] = [Role::Platform, Role::Accounts, Role::Thin];

    /// As it is noted at Stripe.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Platform => "platform",
            Role::Accounts => "accounts",
            Role::Thin => "thin",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }

    /// As people read it.
    pub const fn says(self) -> &'static str {
        match self {
            Role::Platform => "the platform's own account",
            Role::Accounts => "connected accounts",
            Role::Thin => "thin events",
        }
    }

    /// Exactly the events that the handler knows, as Stripe names them there.
    pub fn events(self) -> Vec<String> {
        match self {
            Role::Platform => catalogue::subscribed(Endpoint::Platform, Kind::Snapshot),
            Role::Accounts => catalogue::subscribed(Endpoint::Accounts, Kind::Snapshot),
            Role::Thin => {
                let all = catalogue::subscribed(Endpoint::Platform, Kind::Thin);
                all.into_iter().filter(|name| name.starts_with("v2.")).collect()
            }
        }
    }
}

/// An endpoint of ours at Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `we_…` or `ed_…`.
    pub id: String,
    /// Which of the three it is.
    pub role: Role,
    /// v1 or v2.
    pub form: Form,
    /// Where it sends.
    pub url: String,
    /// Whether it sends.
    pub enabled: bool,
    /// Whether it gets events of the account itself.
    pub from_self: bool,
    /// What it sends.
    pub events: Vec<String>,
    /// In which version.
    pub api_version: Option<String>,
    /// Whether it carries our note.
    pub made_by_us: bool,
    /// By which its secret is known again, if we made it.
    pub fingerprint: Option<String>,
    /// Whether it goes once its successor's secret is in use.
    pub retiring: bool,
}

impl Found {
    /// Whether we made it and were cut off before its secret was noted, so that it is known to nobody here.
    pub fn is_cut_off(&self) -> bool {
        self.fingerprint.is_none() && self.made_by_us
    }

    /// Whether a person made it: of its secret nothing is known here.
    pub(super) fn is_untold(&self) -> bool {
        self.fingerprint.is_none() && !self.made_by_us
    }
}

/// How one stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which of the three.
    pub role: Role,
    /// Its id; empty where it is missing.
    pub id: String,
    /// What is wrong with it; empty where nothing is.
    pub wrong: Vec<String>,
    /// Whether its secret is configured; none where it is missing.
    pub signing: Option<Signing>,
    /// Whether it goes soon.
    pub retiring: bool,
}

/// A change at Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make one.
    Create(Role),
    /// Change what can be changed: address, events, whether it is on.
    Change {
        /// Which.
        found: Found,
        /// What is wrong with it.
        why: Vec<String>,
    },
    /// Let it send on until its successor's secret is in use.
    Retire {
        /// Which.
        found: Found,
        /// Why it goes.
        why: String,
    },
    /// Take it away.
    Delete {
        /// Which.
        found: Found,
        /// Why.
        why: String,
    },
}

/// Takes an endpoint away; one whose secret may be in use sends on until its successor's is in use
/// everywhere.
fn let_go(found: &Found, why: String, secrets: &Secrets) -> Step {
    let gone = found.clone();
    match secrets.may_be_in_use(found) {
        true => Step::Retire { found: gone, why },
        false => Step::Delete { found: gone, why },
    }
}

/// How the endpoints stand, and what is to be done.
pub fn compare(origin: &str, found: &[Found], secrets: &Secrets) -> (Vec<Standing>, Vec<Step>) {
    let (mut standing, mut steps) = (Vec::new(), Vec::new());
    for role in Role::ALL {
        let of_role = || found.iter().filter(|one| one.role == role);
        let mut staying: Vec<&Found> = of_role().filter(|one| !one.retiring).collect();
        // Best first: its secret is configured, or in use elsewhere; it is right; it was there first.
        staying.sort_by_key(|one| {
            (
                secrets.signing(one, found) != Signing::Known,
                !secrets.is_taken(one),
                must_be_new(one).is_some(),
                !wrong(one, origin).is_empty(),
            )
        });
        match staying.split_first() {
            None => {
                standing.push(missing(role));
                steps.push(Step::Create(role));
            }
            Some((best, others)) => {
                standing.push(stands(best, origin, (secrets, found)));
                // Of two that people made, nobody can tell by whose secret events are taken.
                let untold = others.iter().find(|other| best.is_untold() && other.is_untold());
                steps.extend(match untold {
                    Some(other) => renew(best, format!("there is another one: {}", other.id), secrets),
                    None => mend(best, origin, (secrets, found)),
                });
                for other in others {
                    let twice = format!("there is another one for {}: {}", role.says(), best.id);
                    let mut stands = stands(other, origin, (secrets, found));
                    stands.wrong = vec![twice.clone()];
                    standing.push(stands);
                    steps.push(let_go(other, twice, secrets));
                }
            }
        }
        let successor = staying.first().and_then(|one| one.fingerprint.as_ref());
        let used = successor.is_some_and(|print| secrets.taken_by_all.contains(print));
        for old in of_role().filter(|one| one.retiring) {
            standing.push(stands(old, origin, (secrets, found)));
            steps.extend(used.then(|| Step::Delete {
                found: old.clone(),
                why: "the secret of its successor is in use".to_owned(),
            }));
        }
    }
    (standing, steps)
}

/// What makes new secrets of all three: each gets a successor, and sends on until that one's secret is in
/// use. One that was cut off in the middle is gone on with.
pub fn roll(origin: &str, found: &[Found], secrets: &Secrets) -> Result<Vec<Step>, String> {
    let (mut found, mut left) = (found.to_vec(), Vec::new());
    let rolling: Vec<Role> = found
        .iter()
        .filter(|one| one.retiring)
        .map(|one| one.role)
        .collect();
    // A successor that was made and not noted: another one takes its place, and it goes with those of before,
    // for its secret was told and may be in use.
    for one in &mut found {
        if one.is_cut_off() && !one.retiring && rolling.contains(&one.role) {
            left.push(Step::Retire {
                found: one.clone(),
                why: "its secret was never noted, so that another one takes its place".to_owned(),
            });
            one.retiring = true;
        }
    }
    let (standing, steps) = compare(origin, &found, secrets);
    let of_role = |role: Role, retiring: bool| {
        let all = found.iter().filter(move |one| one.role == role);
        all.filter(move |one| one.retiring == retiring)
            .collect::<Vec<&Found>>()
    };
    // One that retires and has no successor yet is what a rotation leaves that was cut off.
    let is_left = |step: &Step| match step {
        Step::Create(role) => !of_role(*role, true).is_empty(),
        Step::Change { .. } | Step::Retire { .. } | Step::Delete { .. } => false,
    };
    if !steps.iter().all(is_left) {
        let differs = |one: &Standing| match one.id.as_str() {
            "" => one.wrong.join(", "),
            id => format!("{id}: {}", one.wrong.join(", ")),
        };
        let wrong = standing.iter().filter(|one| !one.wrong.is_empty());
        let wrong: Vec<String> = wrong.map(differs).collect();
        return Err(format!(
            "the endpoints are not as they have to be ({}): run `psa-pay webhooks setup`, then this again",
            wrong.join("; ")
        ));
    }
    for role in Role::ALL {
        match (of_role(role, false).as_slice(), of_role(role, true).as_slice()) {
            ([], _) => left.push(Step::Create(role)),
            (staying, []) => {
                // First this, so that whatever is cut off shows what is left to do.
                left.extend(staying.iter().map(|old| Step::Retire {
                    found: (*old).clone(),
                    why: "until the new secret is in use".to_owned(),
                }));
                left.push(Step::Create(role));
            }
            (_, _) => {}
        }
    }
    match left.is_empty() {
        true => Err("a rotation is under way: end it with `psa-pay webhooks rotate --finish`".to_owned()),
        false => Ok(left),
    }
}

/// Whether its list of events is exactly the catalogue's.
pub(super) fn same_events(found: &Found) -> bool {
    let (mut has, mut wanted) = (found.events.clone(), found.role.events());
    has.sort_unstable();
    wanted.sort_unstable();
    has == wanted
}

fn missing(role: Role) -> Standing {
    Standing {
        role,
        id: String::new(),
        wrong: vec![format!("there is no endpoint for {}", role.says())],
        signing: None,
        retiring: false,
    }
}

fn stands(found: &Found, origin: &str, (secrets, all): (&Secrets, &[Found])) -> Standing {
    let mut says: Vec<String> = must_be_new(found).into_iter().collect();
    says.extend(wrong(found, origin));
    Standing {
        role: found.role,
        id: found.id.clone(),
        wrong: says,
        signing: Some(secrets.signing(found, all)),
        retiring: found.retiring,
    }
}

/// What cannot be changed at Stripe, so that another one takes its place.
fn must_be_new(found: &Found) -> Option<String> {
    if found.role != Role::Thin && found.api_version.as_deref() != Some(API_VERSION) {
        let version = found
            .api_version
            .as_deref()
            .unwrap_or("the account's default version");
        return Some(format!("it sends events of {version} instead of {API_VERSION}"));
    }
    if found.role == Role::Thin && !found.from_self {
        return Some("it does not get events of the platform itself".to_owned());
    }
    if found.is_cut_off() {
        return Some("its secret was not noted: whoever made it was cut off".to_owned());
    }
    None
}

/// What can be changed.
fn wrong(found: &Found, origin: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !found.enabled {
        wrong.push("it is disabled".to_owned());
    }
    if found.url != format!("{origin}{PATH}") {
        let sent_to = found.url.strip_prefix(origin).unwrap_or_default();
        wrong.push(format!("it sends to {sent_to:?} instead of {PATH}"));
    }
    let wanted = found.role.events();
    let lacking = wanted.iter().filter(|name| !found.events.contains(name)).count();
    let beyond = found.events.iter().filter(|name| !wanted.contains(name)).count();
    if found.events.iter().any(|name| name == "*") {
        wrong.push("it sends every event there is (`*`)".to_owned());
    } else if (lacking, beyond) != (0, 0) || !same_events(found) {
        wrong.push(format!("{lacking} events are missing and {beyond} are too many"));
    }
    wrong
}

fn mend(best: &Found, origin: &str, (secrets, all): (&Secrets, &[Found])) -> Vec<Step> {
    if let Some(why) = must_be_new(best) {
        return renew(best, why, secrets);
    }
    // Whose secret it is that is missing cannot be told, and of a new one it can.
    if secrets.signing(best, all) == Signing::TooFew {
        let why = "fewer secrets are configured than there are endpoints without our note".to_owned();
        return renew(best, why, secrets);
    }
    match wrong(best, origin) {
        none if none.is_empty() => Vec::new(),
        why => vec![Step::Change {
            found: best.clone(),
            why,
        }],
    }
}

/// Another one in its place. One whose events are understood now sends on until the new one's secret is in
/// use.
fn renew(best: &Found, why: String, secrets: &Secrets) -> Vec<Step> {
    vec![Step::Create(best.role), let_go(best, why, secrets)]
}
