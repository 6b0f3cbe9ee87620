//! What Stripe says of a mode's key and endpoints, and what the server says of the mode's webhook secrets.

use domain::Mode;
use flows::Failure;
use flows::endpoints::{self, AtStripe, Secrets, compare};
use stripe::events::Kind;
use stripe::{CallError, Client, Secret};
use tokio::task::JoinSet;

use super::super::facts::{CallFailed, Facts, ModeFacts, Ping};
use super::{PATIENCE, within};
use crate::config::{Config, KeySet};
use crate::{ping, start};

/// Looks at a mode, as far as the variables allow.
pub async fn look(facts: &Facts, config: &Config, mode: Mode, keys: &KeySet) -> ModeFacts {
    let label = mode.label();
    let key = format!("STRIPE_{label}_SECRET_KEY");
    let unusable = ["STRIPE_API_BASE", key.as_str()]
        .into_iter()
        .find(|name| facts.is_unusable(name));
    let client = match unusable {
        Some(name) => Err(CallFailed::NotAsked(name.to_owned())),
        None => start::client(config, mode).map_err(CallFailed::Silent),
    };
    let (account, at_stripe, pings) = tokio::join!(
        account(&client),
        at_stripe(&client, facts, config),
        pings(facts, config, mode, keys),
    );
    let secrets = Secrets::of(&keys.webhook_secrets, &keys.webhook_secrets_thin);
    let room = at_stripe.as_ref().map(|there| there.room).unwrap_or_default();
    let origin = config.public_url.origin();
    let of_key = keys.account_of_publishable_key();
    let keys_of_one_account = match (&account, of_key) {
        (Ok(account), Some(of_key)) => account
            .strip_prefix("acct_")
            .is_none_or(|id| id == format!("1{of_key}")),
        _ => true,
    };
    ModeFacts {
        mode,
        account,
        keys_of_one_account,
        endpoints: at_stripe.map(|there| compare(origin, &there.found, &secrets).0),
        room,
        pings,
        secrets: secrets.snapshot.len() + secrets.thin.len(),
    }
}

async fn account(client: &Result<Client, CallFailed>) -> Result<String, CallFailed> {
    let client = client.as_ref().map_err(Clone::clone)?;
    match tokio::time::timeout(PATIENCE, stripe::accounts::own_id(client)).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(too_late()),
    }
}

async fn at_stripe(
    client: &Result<Client, CallFailed>,
    facts: &Facts,
    config: &Config,
) -> Result<AtStripe, CallFailed> {
    let client = client.as_ref().map_err(Clone::clone)?;
    if facts.is_unusable("PUBLIC_URL") {
        return Err(CallFailed::NotAsked("PUBLIC_URL".to_owned()));
    }
    let read = endpoints::read_all(client, config.public_url.origin());
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(Failure::Unknown(why))) => Err(CallFailed::Silent(why)),
        Ok(Err(failure)) => Err(CallFailed::Refused(failure.to_string())),
        Err(_) => Err(too_late()),
    }
}

fn too_late() -> CallFailed {
    CallFailed::Silent(format!("no answer within {} s", PATIENCE.as_secs()))
}

fn failed(error: CallError) -> CallFailed {
    match error {
        CallError::Rejected(rejection) if rejection.is_key_refused() => CallFailed::KeyRefused,
        CallError::Unknown(unknown) => CallFailed::Silent(unknown.why),
        other => CallFailed::Refused(other.to_string()),
    }
}

/// A word signed with each secret, all at the same time.
async fn pings(facts: &Facts, config: &Config, mode: Mode, keys: &KeySet) -> Vec<Ping> {
    if facts.is_unusable("PUBLIC_URL") {
        return Vec::new();
    }
    let variable = format!("STRIPE_{}_WEBHOOK_SECRET", mode.label());
    let thin = format!("{variable}_THIN");
    let lists = [
        (variable, Kind::Snapshot, &keys.webhook_secrets),
        (thin, Kind::Thin, &keys.webhook_secrets_thin),
    ];
    let mut asked = JoinSet::new();
    for (place, (variable, kind, secrets)) in lists.iter().enumerate() {
        for (nth, secret) in secrets.iter().enumerate() {
            let name = match nth {
                0 => variable.clone(),
                nth => format!("{variable}.{}", nth + 1),
            };
            let (config, secret, kind) = (config.clone(), secret.clone(), *kind);
            asked.spawn(async move { ((place, nth), answered(&config, name, kind, &secret).await) });
        }
    }
    let mut pings = asked.join_all().await;
    pings.sort_by_key(|(place, _)| *place);
    pings.into_iter().map(|(_, ping)| ping).collect()
}

async fn answered(config: &Config, variable: String, kind: Kind, secret: &Secret) -> Ping {
    Ping {
        variable,
        kind,
        answer: within(ping::send(config, secret)).await,
    }
}
