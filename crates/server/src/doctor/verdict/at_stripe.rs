//! What is made of Stripe's answers, and of what the running server says of the webhook secrets.

use flows::endpoints::{Role, Signing, Standing};

use super::super::Line;
use super::super::facts::{CallFailed, Facts, ModeFacts, Ping};
use super::{not_looked_at, not_looked_at_for};
use crate::config::Config;
use crate::ping::{Answer, kind_word};
use crate::webhooks::endpoints::about_secret;

/// A line for everything about a mode.
pub fn judge(facts: &Facts, config: &Config, mode: &ModeFacts) -> Vec<Line> {
    let mut lines = account(facts, config, mode);
    lines.extend(endpoints(facts, mode));
    lines.extend(pings(facts, mode));
    lines
}

fn named(what: &str, mode: &ModeFacts) -> String {
    format!("{what}.{}", mode.mode.word())
}

fn account(facts: &Facts, config: &Config, mode: &ModeFacts) -> Vec<Line> {
    let label = mode.mode.label();
    let variable = format!("STRIPE_{label}_SECRET_KEY");
    let host = config.stripe_api_base.api_origin();
    let code = named("stripe", mode);
    let account = match &mode.account {
        Ok(account) => Line::ok(
            code,
            format!("{host} answers for {account} in version {}", stripe::API_VERSION),
        ),
        Err(CallFailed::NotAsked(name)) => return vec![not_looked_at_for(&code, name)],
        Err(CallFailed::KeyRefused) => Line::failure(
            code,
            "Stripe does not know the key",
            format!("put the platform's key into {variable}: it was rolled, or has a letter too few"),
        ),
        Err(CallFailed::Refused(why)) => Line::failure(
            code,
            format!("Stripe refuses to answer: {why}"),
            format!(
                "see whether the key in {variable} may read accounts, and whether this release is current"
            ),
        ),
        Err(CallFailed::Silent(why)) => {
            Line::failure(code, format!("Stripe does not answer: {why}"), reach(host))
        }
    };
    let publishable = format!("STRIPE_{label}_PUBLISHABLE_KEY");
    let code = named("keys", mode);
    let keys = match mode.keys_of_one_account {
        _ if facts.is_unusable(&publishable) => not_looked_at_for(&code, &publishable),
        true => Line::ok(code, "both keys can be of one account"),
        false => Line::failure(
            code,
            "the publishable key belongs to another account than the secret key",
            "copy both keys from the same account",
        ),
    };
    vec![account, keys]
}

fn reach(host: &str) -> String {
    format!("see whether this machine reaches {host} (STRIPE_API_BASE), and look again")
}

fn endpoints(facts: &Facts, mode: &ModeFacts) -> Vec<Line> {
    let standing = match &mode.endpoints {
        Ok(standing) => standing,
        Err(why) => return vec![endpoints_unread(facts, mode, why)],
    };
    standing.iter().map(|one| endpoint(facts, mode, one)).collect()
}

fn endpoints_unread(facts: &Facts, mode: &ModeFacts, why: &CallFailed) -> Line {
    let code = named("endpoints", mode);
    let host = facts.config.as_ref();
    let host = host.map_or("Stripe", |config| config.stripe_api_base.api_origin());
    let key = format!("STRIPE_{}_SECRET_KEY", mode.mode.label());
    match (why, &mode.account) {
        (CallFailed::NotAsked(name), _) => not_looked_at_for(&code, name),
        (CallFailed::KeyRefused, _) | (_, Err(CallFailed::KeyRefused)) => Line::failure(
            code,
            "where events go is not known: Stripe does not know the key",
            format!("put the platform's key into {key}"),
        ),
        (CallFailed::Silent(why), _) => Line::failure(
            code,
            format!("where events go is not known: Stripe does not answer: {why}"),
            reach(host),
        ),
        (CallFailed::Refused(why), _) => Line::failure(
            code,
            format!("Stripe does not say where events go: {why}"),
            format!("let the key in {key} read and write webhook endpoints and event destinations"),
        ),
    }
}

fn endpoint(facts: &Facts, mode: &ModeFacts, one: &Standing) -> Line {
    let label = mode.mode.word();
    let code = format!("endpoint.{label}.{}", one.role.word());
    let id = if one.id.is_empty() { "none" } else { &one.id };
    if one.retiring {
        let says = format!("{id} has a successor, and still sends");
        let remedy = format!("run `psa-pay webhooks rotate --finish --mode {label}`");
        return Line::warning(code, says, remedy);
    }
    if !one.wrong.is_empty() {
        let setup = format!("run `psa-pay webhooks setup --mode {label}`");
        let remedy = match mode.room == 0 && one.id.is_empty() {
            true => format!(
                "Stripe allows no more endpoints: delete endpoints that nobody needs in its dashboard, \
                 then {setup}"
            ),
            false => setup,
        };
        return Line::failure(code, format!("{id}: {}", one.wrong.join(", ")), remedy);
    }
    let variable = format!("STRIPE_{}_WEBHOOK_SECRET", mode.mode.label());
    let thin = format!("{variable}_THIN");
    let needed = match one.role {
        Role::Thin => thin,
        Role::Platform | Role::Accounts => variable,
    };
    match one.signing.filter(|signing| *signing != Signing::Known) {
        Some(_) if facts.is_unusable(&needed) => not_looked_at_for(&code, &needed),
        Some(signing) => {
            let (says, remedy) = about_secret(mode.mode, one.role, signing);
            let says = format!("{id}: {says}");
            let remedy = match signing == Signing::OtherKind && runs_otherwise(mode) {
                true => format!("{NOT_HERE}. {RUNS_RIGHT}"),
                false => remedy,
            };
            match signing.is_wrong() {
                true => Line::failure(code, says, remedy),
                false => Line::warning(code, says, remedy),
            }
        }
        None => Line::ok(
            code,
            format!("{id} sends what is handled, of {}", one.role.says()),
        ),
    }
}

fn pings(facts: &Facts, mode: &ModeFacts) -> Vec<Line> {
    let variable = format!("STRIPE_{}_WEBHOOK_SECRET", mode.mode.label());
    let code = named("secrets", mode);
    if let Some(line) = not_looked_at(&code, facts, &["PUBLIC_URL", &variable]) {
        return vec![line];
    }
    if mode.secrets == 0 {
        let remedy = format!("run `psa-pay webhooks setup --mode {}`", mode.mode.word());
        let says = format!("{variable} is not set: no event is believed");
        return vec![Line::failure(code, says, remedy)];
    }
    mode.pings.iter().map(|ping| of_ping(mode, ping)).collect()
}

/// What is to be done about secrets that stand in each other's variable here and not in the running server.
const NOT_HERE: &str = "move it to the variable where it belongs";
const RUNS_RIGHT: &str = "The running server has it there, and needs no restart";

/// Whether the running server takes some secret for other events than this configuration says.
fn runs_otherwise(mode: &ModeFacts) -> bool {
    let otherwise = |ping: &Ping| match &ping.answer {
        Ok(Answer::Taken(pong)) => !pong.signs(mode.mode, ping.kind),
        Ok(Answer::Refused | Answer::Other(_)) | Err(_) => false,
    };
    mode.pings.iter().any(otherwise)
}

/// The server and the configuration differ about what a secret is for: which of both is right is told by the
/// notes on the endpoints, where they say.
fn other_place(mode: &ModeFacts) -> String {
    let standing = mode.endpoints.as_deref().unwrap_or_default();
    let signing = |wanted: Signing| {
        standing
            .iter()
            .any(|one| one.signing == Some(wanted) && !one.retiring)
    };
    let all_known = !standing.is_empty()
        && standing
            .iter()
            .all(|one| one.retiring || one.signing == Some(Signing::Known));
    match (signing(Signing::OtherKind), all_known) {
        (true, _) => format!("{NOT_HERE} in this configuration. {RUNS_RIGHT}"),
        (false, true) => "restart the server with this configuration".to_owned(),
        (false, false) => {
            "restart the server with this configuration, or, where the secret stands in the wrong \
                           variable here, move it"
                .to_owned()
        }
    }
}

fn of_ping(mode: &ModeFacts, ping: &Ping) -> Line {
    let code = format!("secret.{}", ping.variable);
    match &ping.answer {
        Ok(Answer::Taken(pong)) if pong.signs(mode.mode, ping.kind) => {
            Line::ok(code, "the running server takes it")
        }
        Ok(Answer::Taken(pong)) => Line::failure(
            code,
            format!(
                "the running server takes it for {} events of {} mode, and not for {} events of {} mode",
                pong.secret_kind,
                pong.secret_mode,
                kind_word(ping.kind),
                mode.mode.word()
            ),
            other_place(mode),
        ),
        Ok(Answer::Refused) => Line::failure(
            code,
            "the running server does not know this secret",
            "restart the server with this configuration",
        ),
        Ok(Answer::Other(200)) => Line::failure(
            code,
            "PUBLIC_URL answers a signed word, but not as this version of psa-pay does",
            "see whether PUBLIC_URL leads here and not to something else, and restart the server if it is an \
             older version",
        ),
        Ok(Answer::Other(status)) => Line::failure(
            code,
            format!("PUBLIC_URL answers {status} to a signed word, and not as psa-pay does"),
            "see whether PUBLIC_URL leads here, and its proxy passes /api/stripe/webhook on unchanged",
        ),
        Err(why) => Line::failure(
            code,
            format!("PUBLIC_URL does not answer: {why}"),
            "start the server, and see whether PUBLIC_URL leads to it",
        ),
    }
}

/// Whether both modes are of one platform.
pub fn one_account(facts: &Facts) -> Option<Line> {
    let accounts: Vec<&String> = facts
        .modes
        .iter()
        .filter_map(|mode| mode.account.as_ref().ok())
        .collect();
    let [test, live] = accounts.as_slice() else {
        return None;
    };
    Some(match test == live {
        true => Line::ok("one_account", "TEST and LIVE are of one platform"),
        false => Line::warning(
            "one_account",
            format!("TEST is {test} and LIVE is {live}: a sandbox, or another platform"),
            "see that both are yours; what was tried in one says nothing of the other",
        ),
    })
}
