//! `psa-pay webhooks setup`, `list` and `rotate`: the endpoints at Stripe, made, repaired and given new
//! secrets. A secret is printed on standard output alone: at once when Stripe has told it, and at the end
//! within its line for the configuration.

use clap::Args;
use domain::Mode;
use flows::Clock;
use flows::endpoints::{
    self, AtStripe, Done, Role, Secrets, Signing, Standing, Step, compare, drift, fingerprint,
};
use flows::running::{self, Running};
use store::Db;
use store::db::Options;
use stripe::{Client, Secret};

use crate::clock::SystemClock;
use crate::config::{ApiBase, Config, KeySet};
use crate::ping::Answer;
use crate::{instance, ping, start};

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
    at_stripe: AtStripe,
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
        let at_stripe = endpoints::read_all(&client, origin)
            .await
            .map_err(|failure| failure.to_string())?;
        Ok(Desk {
            config,
            mode,
            client,
            origin,
            at_stripe,
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

    fn known(&self) -> Secrets {
        let of = |keys: &KeySet| Secrets::of(&keys.webhook_secrets, &keys.webhook_secrets_thin);
        self.keys().map(of).unwrap_or_default()
    }

    /// Which instances live, as they say themselves in the database.
    async fn running(&self) -> Result<Vec<Running>, String> {
        if instance::sqlite_file(self.config).is_some_and(|file| !file.exists()) {
            // Nothing has run yet.
            return Ok(Vec::new());
        }
        let options = Options {
            refuse_unsafe: false,
            beside: true,
            ..start::options(self.config)
        };
        let unread = |why: String| format!("the database does not say which instances run: {why}");
        let db = Db::open(self.config.database_url.expose(), options).await;
        let db = db.map_err(|error| unread(error.to_string()))?;
        let living = running::living(&db, SystemClock::default().now()).await;
        db.close().await;
        living.map_err(|failure| unread(failure.to_string()))
    }

    /// What is known of the secrets, and which of them the public address did not take, with what it
    /// answered. What all take is asked of it as well, and only when it matters: a row in the database is no
    /// proof that the address leads to whoever wrote it.
    async fn known_secrets(&self, living: Option<&[Running]>) -> (Secrets, Vec<Untaken>) {
        let mut untaken = Vec::new();
        let mut secrets = Secrets {
            taken_by_some: living.map(|living| living.iter().flat_map(|one| one.secrets.clone()).collect()),
            ..self.known()
        };
        if !self.at_stripe.found.iter().any(|one| one.retiring) {
            return (secrets, untaken);
        }
        for secret in self.secrets() {
            let print = fingerprint(&secret);
            if !living.is_some_and(|living| running::all_take(living, &print)) {
                continue;
            }
            let why = match ping::send(self.config, &secret).await {
                Ok(Answer::Taken(_)) => {
                    secrets.taken_by_all.push(print);
                    continue;
                }
                Ok(Answer::Refused) => "it does not know the secret".to_owned(),
                Ok(Answer::Other(status)) => format!("it answers {status}, and not as psa-pay does"),
                Err(why) => format!("it does not answer: {why}"),
            };
            untaken.push(Untaken { print, why });
        }
        (secrets, untaken)
    }

    /// Names what an old secret is still needed for: a successor that is not there or not configured, an
    /// instance that runs without it, the public address that does not take it.
    fn waiting_for(&self, living: &[Running], untaken: &[Untaken], say: &mut dyn FnMut(String)) {
        let known = self.known();
        let found = &self.at_stripe.found;
        for old in found.iter().filter(|one| one.retiring) {
            let next = found.iter().find(|one| one.role == old.role && !one.retiring);
            let (id, role) = (&old.id, old.role.says());
            let why = match next.map(|next| (next, next.fingerprint.as_ref())) {
                None => "it has no successor yet: run `psa-pay webhooks rotate` again".to_owned(),
                Some((next, None)) => format!(
                    "the secret of its successor {} was not noted: run `psa-pay webhooks rotate` again",
                    next.id
                ),
                Some((next, Some(print))) => {
                    let needed = known.snapshot.iter().chain(&known.thin).any(|one| one == print);
                    let refused = untaken.iter().find(|one| one.print == *print);
                    match (needed, refused) {
                        (false, _) => format!(
                            "the secret of its successor {} is not in this configuration: put it there, as \
                             it was printed when that one came to be",
                            next.id
                        ),
                        (true, Some(refused)) => format!(
                            "{} does not take the secret of its successor {}: {}",
                            self.origin, next.id, refused.why
                        ),
                        (true, None) => continue,
                    }
                }
            };
            say(format!("WAITING   {id}  {role}: {why}"));
        }
        let known: Vec<String> = self.secrets().iter().map(fingerprint).collect();
        let now = SystemClock::default().now();
        for one in living {
            let lacking = known.iter().filter(|print| !running::takes(one, print)).count();
            if lacking > 0 {
                let age_s = now.seconds() - one.seen_at.seconds();
                say(format!(
                    "WAITING   instance {} of version {}, seen {age_s} s ago, runs without {lacking} of the \
                     configured secrets",
                    one.id, one.version
                ));
            }
        }
        if living.is_empty() {
            say("WAITING   no instance has said within two minutes that it runs".to_owned());
        }
    }

    async fn change(&self, steps: &[Step], say: &mut dyn FnMut(String)) -> Result<(), String> {
        self.at_stripe.has_room(steps)?;
        let mut done = Done::default();
        let nonce = format!("{:032x}", SystemClock::default().random());
        let run = (steps, nonce.as_str());
        let came = endpoints::carry_out(&self.client, self.origin, run, &mut done, say).await;
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

    /// Endpoints whose secrets are not configured, or not where they belong: a person has to put them there,
    /// or have new ones made. Answers how many of them are refused for it.
    fn unknown(&self, standing: &[Standing], say: &mut dyn FnMut(String)) -> usize {
        let mut refused = 0;
        for one in standing.iter().filter(|one| !one.retiring) {
            let Some(signing) = one.signing.filter(|signing| *signing != Signing::Known) else {
                continue;
            };
            refused += usize::from(signing.is_wrong());
            let (says, remedy) = about_secret(self.mode, one.role, signing);
            let role = one.role.says();
            say(format!("SECRET    {}  {role}: {says}. {remedy}", one.id));
        }
        refused
    }
}

/// A secret that every instance takes, as they say, and the public address does not.
struct Untaken {
    print: String,
    why: String,
}

/// What is to be said of an endpoint's secret, and what to do.
pub fn about_secret(mode: Mode, role: Role, signing: Signing) -> (String, String) {
    let (label, word) = (mode.label(), mode.word());
    let snapshot = format!("STRIPE_{label}_WEBHOOK_SECRET");
    let thin = format!("{snapshot}_THIN");
    let (own, other) = match role {
        Role::Thin => (thin, snapshot),
        Role::Platform | Role::Accounts => (snapshot, thin),
    };
    match signing {
        Signing::Known => ("its secret is configured".to_owned(), String::new()),
        Signing::OtherKind => (
            format!("its secret stands in the wrong variable, {other}, so that its events are refused"),
            format!("Move it from {other} to {own}, and restart a server that was started with it there"),
        ),
        Signing::Unknown => (
            "its secret is not configured".to_owned(),
            format!(
                "Put the line in place that was printed when it was made, or delete it in Stripe's dashboard \
                 and run `psa-pay webhooks setup --mode {word}`"
            ),
        ),
        Signing::Untold => (
            format!(
                "whether its secret is configured cannot be told, as it does not carry our note: {own} may \
                 hold it"
            ),
            format!(
                "Compare it with the one in Stripe's dashboard, or delete the endpoint there and run \
                 `psa-pay webhooks setup --mode {word}`"
            ),
        ),
        Signing::TooFew => (
            format!("{own} holds fewer secrets than there are endpoints without our note, so one is missing"),
            format!(
                "Run `psa-pay webhooks setup --mode {word}`, which makes one whose secret is known, or add \
                 the missing one from Stripe's dashboard"
            ),
        ),
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
    // What nobody can tell keeps every endpoint that may be needed.
    let living = desk.running().await.ok();
    let (secrets, _) = desk.known_secrets(living.as_deref()).await;
    let (standing, steps) = compare(desk.origin, &desk.at_stripe.found, &secrets);
    if steps.is_empty() {
        say(format!(
            "Nothing to change: three endpoints in {} mode send to {}.",
            desk.mode.label(),
            desk.origin
        ));
    }
    desk.change(&steps, say).await?;
    // What is renewed gets a secret that is told above.
    let made = |role: Role| {
        let made = |step: &Step| matches!(step, Step::Create(of) if *of == role);
        steps.iter().any(made)
    };
    let standing: Vec<Standing> = standing.into_iter().filter(|one| !made(one.role)).collect();
    let lacking = desk.unknown(&standing, say);
    let told = steps.iter().any(|step| matches!(step, Step::Create(_)));
    if told || lacking > 0 {
        say(left_to_do(desk.mode, told, lacking));
    }
    let wrongly = |one: &&Standing| one.signing == Some(Signing::OtherKind) && !one.retiring;
    match standing.iter().filter(wrongly).count() {
        0 => Ok(()),
        count => Err(format!("{count} secrets stand in the wrong variable")),
    }
}

/// Says how the endpoints stand; fails while one differs from what it has to be.
///
/// # Errors
/// How many differ, or why Stripe was not asked.
pub async fn list(config: &Config, which: &Which, say: &mut dyn FnMut(String)) -> Result<(), String> {
    let desk = Desk::open(config, which).await?;
    let (standing, _) = compare(desk.origin, &desk.at_stripe.found, &desk.known());
    for one in &standing {
        say(line(desk.mode, one));
    }
    let refused = desk.unknown(&standing, say);
    match (
        standing.iter().filter(|one| !one.wrong.is_empty()).count(),
        refused,
    ) {
        (0, 0) => Ok(()),
        (0, count) => Err(format!(
            "{count} sign with a secret that is not configured where it belongs"
        )),
        (count, _) => Err(format!("{count} differ: `psa-pay webhooks setup` repairs them")),
    }
}

/// What a person has to do yet. The endpoints are right, so that the command is; events are not believed.
fn left_to_do(mode: Mode, told: bool, lacking: usize) -> String {
    let what = match (told, lacking) {
        (true, 0) => "the secrets of the new endpoints are not configured yet".to_owned(),
        (true, count) => {
            format!("the secrets of the new endpoints, and {count} more, are not configured yet")
        }
        (false, count) => format!("{count} secrets are not configured where they belong"),
    };
    format!(
        "LEFT      {what}: put them into the configuration of every instance, and restart it. Until then the \
         events that they sign are refused, and `psa-pay webhooks list --mode {mode}` and `psa-pay doctor` \
         fail",
        mode = mode.word()
    )
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

/// Gives all three new secrets. The old ones go on signing until `finish`, which looks first whether every
/// instance that lives takes the new ones, and whether the public address leads to one that does.
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
    if !finish {
        let steps = drift::roll(desk.origin, &desk.at_stripe.found, &desk.known())?;
        desk.change(&steps, say).await?;
        say("Old and new secrets are both good until `psa-pay webhooks rotate --finish`.".to_owned());
        return Ok(());
    }
    if !desk.at_stripe.found.iter().any(|one| one.retiring) {
        say("No rotation is under way.".to_owned());
        return Ok(());
    }
    let living = desk.running().await?;
    let (secrets, untaken) = desk.known_secrets(Some(&living)).await;
    let (standing, steps) = compare(desk.origin, &desk.at_stripe.found, &secrets);
    let ends: Vec<Step> = steps
        .into_iter()
        .filter(|step| matches!(step, Step::Delete { found, .. } if found.retiring))
        .collect();
    let left = standing.iter().filter(|one| one.retiring).count() - ends.len();
    desk.change(&ends, say).await?;
    if left == 0 {
        return Ok(());
    }
    desk.waiting_for(&living, &untaken, say);
    Err(format!(
        "{left} old secrets are still needed: not every instance of {} takes their successors yet, for what \
         is named above. Put the new ones into the configuration of each, restart them, and run this again",
        desk.origin
    ))
}
