//! Where Stripe sends events, kept as they have to be: one endpoint for what happens on connected accounts,
//! one for the platform's own account, and one destination for thin events. What is there is read, compared,
//! and changed only where it differs; nothing of other addresses is touched.

pub mod drift;
mod signing;

use domain::Mode;
use sha2::{Digest, Sha256};
use stripe::webhook_endpoints::{self as at_stripe, Change, Form, NewEndpoint};
use stripe::{Client, Secret, WebhookEndpoint};

pub use drift::{Found, Role, Standing, Step, compare};
pub use signing::{Secrets, Signing};

use crate::{App, Failure};

/// As many endpoints Stripe allows an account and mode, those of other addresses included. Whether it counts
/// event destinations with them it does not say: what fits if it does always fits.
const ENDPOINTS_MAX: usize = 16;

/// The path of our own that all of them send to.
pub const PATH: &str = "/api/stripe/webhook";
/// Note on an endpoint: which of ours it is.
const NOTE_ROLE: &str = "psa_pay_role";
/// Note on an endpoint: by which its secret is known again, without being told.
const NOTE_SECRET: &str = "psa_pay_secret";
/// Note on an endpoint: it goes once the secret of its successor is in use.
const NOTE_RETIRING: &str = "psa_pay_retiring";

/// A secret that Stripe has told, this once.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which endpoint it signs for.
    pub role: Role,
    /// The secret.
    pub secret: Secret,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// Secrets of what was made.
    pub told: Vec<Told>,
    /// Fingerprints of secrets that nothing is signed with any more.
    pub gone: Vec<String>,
}

/// By which a secret is known again: 64 bits of its hash, from which it cannot be found.
pub fn fingerprint(secret: &Secret) -> String {
    let hash = hex::encode(Sha256::digest(secret.expose().as_bytes()));
    hash.chars().take(16).collect()
}

/// What is at Stripe for an origin of ours, in one mode.
///
/// # Errors
/// When the mode has no keys, or Stripe does not answer.
pub async fn read(app: &App, mode: Mode, origin: &str) -> Result<Vec<Found>, Failure> {
    read_with(app.stripe(mode)?, origin).await
}

/// As [`read`], with a client.
///
/// # Errors
/// When Stripe does not answer.
pub async fn read_with(client: &Client, origin: &str) -> Result<Vec<Found>, Failure> {
    Ok(read_all(client, origin).await?.found)
}

/// What is at Stripe in one mode, of us and of others.
#[derive(Clone, Debug, Default)]
pub struct AtStripe {
    /// Ours.
    pub found: Vec<Found>,
    /// How many more there may be.
    pub room: usize,
}

impl AtStripe {
    /// Whether what these steps make finds room.
    ///
    /// # Errors
    /// A sentence with what to do where it does not.
    pub fn has_room(&self, steps: &[Step]) -> Result<(), String> {
        let made = steps
            .iter()
            .filter(|step| matches!(step, Step::Create(_)))
            .count();
        if made <= self.room {
            return Ok(());
        }
        Err(format!(
            "{made} endpoints would be made, and Stripe allows {} more ({ENDPOINTS_MAX} in all): delete \
             endpoints that nobody needs in Stripe's dashboard, and run this again. Nothing was changed",
            self.room
        ))
    }
}

/// As [`read_with`], with how many more there may be.
///
/// # Errors
/// When Stripe does not answer.
pub async fn read_all(client: &Client, origin: &str) -> Result<AtStripe, Failure> {
    let all = at_stripe::list(client).await?;
    let room = ENDPOINTS_MAX.saturating_sub(all.len());
    let found = all.into_iter().filter_map(|one| found(one, origin)).collect();
    Ok(AtStripe { found, room })
}

/// What is ours: what this program made for our origin, and what sends to our address. Somebody else's
/// installation on the same Stripe account, such as one for tests, has another origin; another program on the
/// same host has another path.
fn found(one: WebhookEndpoint, origin: &str) -> Option<Found> {
    let path = one.url.strip_prefix(origin)?;
    if !(path.is_empty() || path.starts_with(['/', '?', '#'])) {
        return None;
    }
    let noted = one.metadata.get(NOTE_ROLE).and_then(|word| Role::from_word(word));
    if noted.is_none() && path.split(['?', '#']).next() != Some(PATH) {
        return None;
    }
    let role = match one.form {
        Form::ThinDestination => Role::Thin,
        Form::OtherDestination => return None,
        Form::Endpoint if one.from_accounts => Role::Accounts,
        Form::Endpoint => noted.unwrap_or(Role::Platform),
    };
    Some(Found {
        role,
        form: one.form,
        url: one.url,
        enabled: one.enabled,
        from_self: one.from_self,
        events: one.enabled_events,
        api_version: one.api_version,
        made_by_us: noted.is_some(),
        fingerprint: one.metadata.get(NOTE_SECRET).cloned(),
        retiring: one.metadata.contains_key(NOTE_RETIRING),
        id: one.id,
    })
}

/// Carries steps out, in their order. `nonce` makes the keys of this run its own. `say` hears a line for each
/// change before Stripe is asked for the next one, with the secret of what was made: Stripe tells it this
/// once, and whoever ends this run in the middle has to have read it.
///
/// # Errors
/// When Stripe refuses or does not answer; what was done before stays, and a second run goes on from there.
/// What is told in `done` by then is to be shown even so.
pub async fn carry_out(
    client: &Client,
    origin: &str,
    (steps, nonce): (&[Step], &str),
    done: &mut Done,
    say: &mut dyn FnMut(String),
) -> Result<(), Failure> {
    for (nth, step) in steps.iter().enumerate() {
        let key = format!("endpoints:{nonce}:{nth}");
        match step {
            Step::Create(role) => create(client, origin, (*role, &key), done, say).await?,
            Step::Change { found, why } => {
                let change = Change {
                    url: Some(format!("{origin}{PATH}")).filter(|url| *url != found.url),
                    events: (!drift::same_events(found)).then(|| found.role.events()),
                    enable: !found.enabled,
                    metadata: Vec::new(),
                };
                at_stripe::update(client, (&found.id, found.form), &change, &key).await?;
                say(format!(
                    "changed   {}  {}: {}",
                    found.id,
                    found.role.says(),
                    why.join(", ")
                ));
            }
            Step::Retire { found, why } => {
                let change = Change {
                    metadata: vec![(NOTE_RETIRING.to_owned(), "yes".to_owned())],
                    ..Change::default()
                };
                at_stripe::update(client, (&found.id, found.form), &change, &key).await?;
                say(format!("retiring  {}  {}: {why}", found.id, found.role.says()));
            }
            Step::Delete { found, why } => {
                at_stripe::delete(client, (&found.id, found.form)).await?;
                done.gone.extend(found.fingerprint.clone());
                say(format!("deleted   {}  {}: {why}", found.id, found.role.says()));
            }
        }
    }
    Ok(())
}

/// Makes one, and then notes on it by which its secret is known again. Without that note a later run makes it
/// anew, since nobody was told the secret.
async fn create(
    client: &Client,
    origin: &str,
    (role, key): (Role, &str),
    done: &mut Done,
    say: &mut dyn FnMut(String),
) -> Result<(), Failure> {
    let new = NewEndpoint {
        url: format!("{origin}{PATH}"),
        events: role.events(),
        thin: role == Role::Thin,
        connect: role == Role::Accounts,
        description: format!("psa-pay: {}", role.says()),
        metadata: vec![(NOTE_ROLE.to_owned(), role.word().to_owned())],
    };
    let (made, secret) = at_stripe::create(client, &new, key).await?;
    let noted = Change {
        metadata: vec![(NOTE_SECRET.to_owned(), fingerprint(&secret))],
        ..Change::default()
    };
    let (id, says, told) = (&made.id, role.says(), secret.expose());
    say(format!("made      {id}  {says}, which sign with {told}"));
    done.told.push(Told { role, secret });
    let key = format!("{key}:note");
    at_stripe::update(client, (&made.id, made.form), &noted, &key).await?;
    Ok(())
}
