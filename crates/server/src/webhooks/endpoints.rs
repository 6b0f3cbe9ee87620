//! `psa-pay webhooks setup`, `list` and `rotate`: the endpoints at Stripe, made, repaired and given new
//! secrets. A secret is printed once, on standard output, as a line for the configuration, and nowhere else.

use clap::Args;
use domain::Mode;
use flows::Clock;
use flows::endpoints::{self, Done, Found, Role, Standing, Step, compare, drift, fingerprint};
use stripe::{Client, Secret};

use crate::clock::SystemClock;
use crate::config::{ApiBase, Config, KeySet};
use crate::{ping, start};

/// Which mode's endpoints.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// test or live; without it what STRIPE_MODE says.
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
}

impl Which {
    fn mode(&self, config: &Config) -> Result<Mode, String> {
        match self.mode.as_deref() {
            None => Ok(config.mode),
            Some("test") => Ok(Mode::Test),
            Some("live") => Ok(Mode::Live),
            Some(_) => Err("--mode must be test or live".to_owned()),
        }
    }
}

/// Everything that the three commands start from.
struct Desk<'a> {
    config: &'a Config,
    mode: Mode,
    client: Client,
    origin: &'a str,
    found: Vec<Found>,
}

impl<'a> Desk<'a> {
    async fn open(config: &'a Config, which: &Which) -> Result<Desk<'a>, String> {
        let mode = which.mode(config)?;
        let client = start::client(config, mode)?;
        let origin = config.public_url.origin();
        if config.stripe_api_base == ApiBase::Stripe && config.public_url.is_loopback() {
            return Err(format!(
                "PUBLIC_URL is {origin}, which Stripe cannot reach: set it to the public address"
            ));
        }
        let found = endpoints::read_with(&client, origin)
            .await
            .map_err(|failure| failure.to_string())?;
        Ok(Desk {
            config,
            mode,
            client,
            origin,
            found,
        })
    }

    fn keys(&self) -> Option<&KeySet> {
        self.config.keys(self.mode)
    }

    fn secrets(&self) -> Vec<Secret> {
        let keys = self.keys();
        let all = |keys: &KeySet| [keys.webhook_secrets.clone(), keys.webhook_secrets_thin.clone()].concat();
        keys.map(all).unwrap_or_default()
    }

    fn known(&self) -> Vec<String> {
        self.secrets().iter().map(fingerprint).collect()
    }

    /// Fingerprints of the configured secrets that the running server takes. Only asked when it matters.
    async fn in_use(&self) -> Vec<String> {
        if !self.found.iter().any(|one| one.retiring) {
            return Vec::new();
        }
        let mut used = Vec::new();
        for secret in self.secrets() {
            if ping::send(self.config, &secret).await == Ok(200) {
                used.push(fingerprint(&secret));
            }
        }
        used
    }

    async fn change(&self, steps: &[Step], say: &mut dyn FnMut(String)) -> Result<(), String> {
        let mut done = Done::default();
        let nonce = format!("{:032x}", SystemClock::default().random());
        let came = endpoints::carry_out(&self.client, self.origin, steps, &nonce, &mut done).await;
        done.lines.iter().for_each(|line| say(line.clone()));
        self.tell(&done, say);
        came.map_err(|failure| format!("{failure}; what is listed above was done, so run this again"))
    }

    /// The lines of the configuration that are other now.
    fn tell(&self, done: &Done, say: &mut dyn FnMut(String)) {
        let label = self.mode.label();
        let none = Vec::new();
        let configured = self.keys().map_or((&none, &none), |keys| {
            (&keys.webhook_secrets, &keys.webhook_secrets_thin)
        });
        let thin = |role: Role| role == Role::Thin;
        for (name, configured, of_thin) in [
            (format!("STRIPE_{label}_WEBHOOK_SECRET"), configured.0, false),
            (format!("STRIPE_{label}_WEBHOOK_SECRET_THIN"), configured.1, true),
        ] {
            let told = done.told.iter().filter(|told| thin(told.role) == of_thin);
            let told: Vec<&str> = told.map(|told| told.secret.expose()).collect();
            let gone = |secret: &&Secret| done.gone.contains(&fingerprint(secret));
            let kept: Vec<&Secret> = configured.iter().filter(|secret| !gone(secret)).collect();
            if told.is_empty() && kept.len() == configured.len() {
                continue;
            }
            let all = kept.iter().map(|secret| secret.expose()).chain(told);
            let list = all.collect::<Vec<&str>>().join(",");
            if told_of(&done.told, of_thin) {
                say("Put this line into the configuration, and restart the server:".to_owned());
            } else {
                say("This line of the configuration has one secret less:".to_owned());
            }
            say(format!("{name}={list}"));
        }
    }

    /// Endpoints whose secrets are not configured: a person has to put them there, or have new ones made.
    fn unknown(&self, standing: &[Standing], say: &mut dyn FnMut(String)) {
        for one in standing.iter().filter(|one| one.secret_known == Some(false)) {
            say(format!(
                "SECRET    {}  {}: its secret is not configured. Put the line in place that was printed when \
                 it was made, or delete it in Stripe's dashboard and run `psa-pay webhooks setup`",
                one.id,
                one.role.says()
            ));
        }
    }
}

/// Whether something new is told of this kind.
fn told_of(told: &[endpoints::Told], of_thin: bool) -> bool {
    told.iter().any(|told| (told.role == Role::Thin) == of_thin)
}

/// Makes what is missing and repairs what differs; run again it changes nothing.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn setup(config: &Config, which: &Which, say: &mut dyn FnMut(String)) -> Result<(), String> {
    let desk = Desk::open(config, which).await?;
    let known = desk.known();
    let (standing, steps) = compare(desk.origin, &desk.found, &known, &desk.in_use().await);
    if steps.is_empty() {
        say(format!(
            "Nothing to change: three endpoints in {} mode send to {}.",
            desk.mode.label(),
            desk.origin
        ));
    }
    desk.change(&steps, say).await?;
    desk.unknown(&standing, say);
    Ok(())
}

/// Says how the endpoints stand; fails while one differs from what it has to be.
///
/// # Errors
/// How many differ, or why Stripe was not asked.
pub async fn list(config: &Config, which: &Which, say: &mut dyn FnMut(String)) -> Result<(), String> {
    let desk = Desk::open(config, which).await?;
    let (standing, _) = compare(desk.origin, &desk.found, &desk.known(), &[]);
    for one in &standing {
        say(line(desk.mode, one));
    }
    desk.unknown(&standing, say);
    match standing.iter().filter(|one| !one.wrong.is_empty()).count() {
        0 => Ok(()),
        count => Err(format!("{count} differ: `psa-pay webhooks setup` repairs them")),
    }
}

fn line(mode: Mode, one: &Standing) -> String {
    let id = if one.id.is_empty() { "-" } else { &one.id };
    let word = match (one.retiring, one.wrong.is_empty()) {
        (true, _) => "RETIRING",
        (false, true) => "ok",
        (false, false) => "DIFFERS",
    };
    let line = format!("{word:<9} {}  {id}  {}", mode.label(), one.role.says());
    match one.wrong.as_slice() {
        [] => line,
        wrong => format!("{line}: {}", wrong.join(", ")),
    }
}

/// Gives all three new secrets. The old ones go on signing until `finish`, which asks the running server
/// first whether it takes the new ones.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn rotate(
    config: &Config,
    which: &Which,
    finish: bool,
    say: &mut dyn FnMut(String),
) -> Result<(), String> {
    let desk = Desk::open(config, which).await?;
    let known = desk.known();
    if !finish {
        let steps = drift::roll(desk.origin, &desk.found, &known)?;
        desk.change(&steps, say).await?;
        say("Old and new secrets are both good until `psa-pay webhooks rotate --finish`.".to_owned());
        return Ok(());
    }
    let (standing, steps) = compare(desk.origin, &desk.found, &known, &desk.in_use().await);
    if !standing.iter().any(|one| one.retiring) {
        say("No rotation is under way.".to_owned());
        return Ok(());
    }
    let ends: Vec<Step> = steps
        .into_iter()
        .filter(|step| matches!(step, Step::Delete { found, .. } if found.retiring))
        .collect();
    let left = standing.iter().filter(|one| one.retiring).count() - ends.len();
    desk.change(&ends, say).await?;
    match left {
        0 => Ok(()),
        left => Err(format!(
            "{left} old secrets are still needed: the server at {} does not take their successors yet. Put \
             the new ones into the configuration, restart it, and run this again",
            desk.origin
        )),
    }
}
