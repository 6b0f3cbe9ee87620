//! The second factor: an authenticator is shown its seed, confirmed by a code, and taken away again. Each
//! code is good once; recovery codes stand in for a lost one.

use domain::person::Refused;
use domain::{Timestamp, totp};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::users::User;
use store::{Tx, recovery_codes, sessions, users};
use stripe::Secret;

use super::authenticator::Seed;
use super::{Line, Seen, told};
use crate::{App, By, Failure};

/// How many recovery codes somebody gets.
pub const RECOVERY_CODES: u32 = 10;
/// Letters of a recovery code: five bits each, 120 in all.
const LETTERS: u32 = 24;
/// Crockford's base 32, in which nothing looks like something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What an authenticator is set up with; shown once.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The seed in base 32, to be typed.
    pub seed: Secret,
    /// The same as an address, to be read from a picture.
    pub uri: Secret,
}

/// What somebody showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// A code of the authenticator.
    Code,
    /// A recovery code.
    Recovery,
}

impl Factor {
    /// As the audit log spells it.
    pub const fn word(self) -> &'static str {
        match self {
            Factor::Code => "code",
            Factor::Recovery => "recovery_code",
        }
    }
}

/// Shows a new seed, which counts once [`confirm`] has seen a code of it. Asking again gives another one.
///
/// # Errors
/// [`Refused::SecondFactorThere`], [`Refused::StepUpNeeded`].
pub async fn begin(app: &App, by: &By, seen: &Seen) -> Result<Enrolment, Failure> {
    has_shown(app, seen)?;
    let seed = Seed::fresh(app);
    let user = &seen.user;
    let sealed = seed.seal(app, (&user.tenant, &user.id), app.clock.random())?;
    let (moment, inner, by, read) = (app.moment(), app.clone(), seen.by(by), user.clone());
    let begun = app.db.write(move |tx| {
        let mut user = users::get(tx, &read.tenant, &read.id)?.ok_or(Refused::SessionEnded)?;
        if user.has_second_factor() {
            return Err(Refused::SecondFactorThere.into());
        }
        user.totp_pending = Some(sealed.clone());
        super::store(tx, &user)?;
        Line::new("person.second_factor_begun", &user).note(tx, &inner, &by, moment)
    });
    begun.await?;
    Ok(Enrolment {
        seed: seed.base32(),
        uri: seed.uri(&user.email),
    })
}

/// The seed that [`begin`] showed, to show it once more after a wrong code.
///
/// # Errors
/// When the key fails. One that cannot be read is none, and another is shown.
pub fn pending(app: &App, user: &User) -> Result<Option<Enrolment>, Failure> {
    let Some(sealed) = &user.totp_pending else {
        return Ok(None);
    };
    let seed = match Seed::open(app, &user.tenant, &user.id, sealed) {
        Ok(seed) => seed,
        Err(Failure::Refused(_)) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    Ok(Some(Enrolment {
        seed: seed.base32(),
        uri: seed.uri(&user.email),
    }))
}

/// Whoever sits at an open screen of somebody else, or has their cookie, does not make themselves a second
/// factor: it would let them confirm all that follows.
fn has_shown(app: &App, seen: &Seen) -> Result<(), Refused> {
    let shown = seen.is_stepped_up(app.clock.now());
    shown.then_some(()).ok_or(Refused::StepUpNeeded)
}

/// Takes the authenticator on, as it shows the right code: answers the recovery codes, once, and what the
/// session's cookie holds from now on. All other sessions end.
///
/// # Errors
/// [`Refused::Code`], [`Refused::SecondFactorThere`], [`Refused::SessionEnded`], [`Refused::StepUpNeeded`].
pub async fn confirm(app: &App, by: &By, seen: &Seen, code: &str) -> Result<(Vec<Secret>, Secret), Failure> {
    has_shown(app, seen)?;
    let code = totp::typed(code).ok_or(Refused::Code)?;
    let (codes, hashes) = fresh_codes(app);
    let (moment, inner, by, read) = (app.moment(), app.clone(), seen.by(by), seen.clone());
    let cookie = super::secret(app);
    let hash = super::hash(cookie.expose());
    let confirmed = app.db.write(move |tx| {
        let mut user = users::get(tx, &read.user.tenant, &read.user.id)?.ok_or(Refused::SessionEnded)?;
        if user.has_second_factor() {
            return Err(Refused::SecondFactorThere.into());
        }
        let sealed = user.totp_pending.take().ok_or(Refused::Code)?;
        let seed = Seed::open(&inner, &user.tenant, &user.id, &sealed)?;
        let step = seed.step_of(&code, moment.at, None)?.ok_or(Refused::Code)?;
        user.totp_seed = Some(sealed);
        user.totp_step = Some(step);
        user.totp_at = Some(moment.at);
        super::store(tx, &user)?;
        recovery_codes::replace(tx, &user.tenant, &user.id, &hashes, moment.at)?;
        sessions::revoke_all(tx, &user.tenant, &user.id, Some(&read.session.id), moment.at)?;
        if !sessions::renew(tx, &read.session, &hash, read.session.stepped_up_at, moment.at)? {
            return Err(Refused::SessionEnded.into());
        }
        Line::new("person.second_factor_set", &user).note(tx, &inner, &by, moment)?;
        told::tell(tx, &user, told::News::SecondFactorSet, moment)
    });
    confirmed.await?;
    Ok((codes, cookie))
}

/// Takes the authenticator away, with the recovery codes. Who needs one has to set up another before anything
/// else.
///
/// # Errors
/// [`Refused::SessionEnded`].
pub async fn remove(app: &App, by: &By, seen: &Seen) -> Result<(), Failure> {
    let (moment, inner, by, read) = (app.moment(), app.clone(), seen.by(by), seen.user.clone());
    let removed = app.db.write(move |tx| {
        let mut user = users::get(tx, &read.tenant, &read.id)?.ok_or(Refused::SessionEnded)?;
        without(tx, &inner, &by, &mut user, moment)
    });
    removed.await
}

/// Takes somebody's authenticator away.
pub(super) fn without(
    tx: &mut Tx,
    app: &App,
    by: &By,
    user: &mut User,
    moment: crate::Moment,
) -> Result<(), Failure> {
    let pending = user.totp_pending.take();
    if !user.has_second_factor() {
        return match pending {
            Some(_) => super::store(tx, user),
            None => Ok(()),
        };
    }
    user.totp_seed = None;
    user.totp_step = None;
    user.totp_at = None;
    super::store(tx, user)?;
    recovery_codes::replace(tx, &user.tenant, &user.id, &[], moment.at)?;
    Line::new("person.second_factor_removed", user).note(tx, app, by, moment)?;
    told::tell(tx, user, told::News::SecondFactorRemoved, moment)
}

/// New recovery codes in place of all earlier ones.
///
/// # Errors
/// [`Refused::SecondFactorNeeded`] without an authenticator.
pub async fn new_recovery_codes(app: &App, by: &By, seen: &Seen) -> Result<Vec<Secret>, Failure> {
    let (codes, hashes) = fresh_codes(app);
    let (moment, inner, by, read) = (app.moment(), app.clone(), seen.by(by), seen.user.clone());
    let made = app.db.write(move |tx| {
        let user = users::get(tx, &read.tenant, &read.id)?.ok_or(Refused::SessionEnded)?;
        if !user.has_second_factor() {
            return Err(Refused::SecondFactorNeeded.into());
        }
        recovery_codes::replace(tx, &user.tenant, &user.id, &hashes, moment.at)?;
        let line = Line::new("person.recovery_codes_made", &user);
        line.after(json!({"codes": RECOVERY_CODES}))
            .note(tx, &inner, &by, moment)?;
        told::tell(tx, &user, told::News::RecoveryCodes, moment)
    });
    made.await?;
    Ok(codes)
}

/// Uses up what somebody typed as their second factor, if it is right.
pub(super) fn take(
    tx: &mut Tx,
    app: &App,
    user: &User,
    text: &str,
    moment: crate::Moment,
) -> Result<Option<Factor>, Failure> {
    let Some(sealed) = &user.totp_seed else {
        return Ok(None);
    };
    if let Some(code) = totp::typed(text) {
        let seed = Seed::open(app, &user.tenant, &user.id, sealed)?;
        let Some(step) = seed.step_of(&code, moment.at, user.totp_step)? else {
            return Ok(None);
        };
        // A seed that was sealed under an earlier key is sealed anew, so that the earlier one can go.
        let sealed = match Seed::is_current(app, sealed)? {
            true => sealed.clone(),
            false => seed.seal(app, (&user.tenant, &user.id), app.clock.random())?,
        };
        let taken = users::take_step(tx, &user.tenant, &user.id, (step, &sealed))?;
        return Ok(taken.then_some(Factor::Code));
    }
    let Some(hash) = recovery_hash(text) else {
        return Ok(None);
    };
    if !recovery_codes::take(tx, &user.tenant, &user.id, &hash, moment.at)? {
        return Ok(None);
    }
    told::tell(tx, user, told::News::RecoveryCodeUsed, moment)?;
    Ok(Some(Factor::Recovery))
}

/// When somebody's recovery codes run out: how many are left.
///
/// # Errors
/// When the database fails.
pub async fn recovery_codes_left(app: &App, user: &User) -> Result<i64, Failure> {
    let (tenant, id) = (user.tenant.clone(), user.id.clone());
    Ok(app
        .db
        .read(move |tx| recovery_codes::left(tx, &tenant, &id))
        .await?)
}

/// Since when somebody has a second factor.
pub fn since(user: &User) -> Option<Timestamp> {
    user.totp_at
}

/// Codes, and what is kept of them.
fn fresh_codes(app: &App) -> (Vec<Secret>, Vec<String>) {
    let codes = (0..RECOVERY_CODES).map(|_| {
        let bits = app.clock.random();
        let letters = (0..LETTERS).map(|place| {
            let index = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
            char::from(ALPHABET[index])
        });
        letters.collect::<String>()
    });
    let shown = |letters: &String| {
        let groups: Vec<String> = letters
            .as_bytes()
            .chunks(4)
            .map(|group| group.iter().map(|byte| char::from(*byte)).collect())
            .collect();
        Secret::new(groups.join("-"))
    };
    codes
        .map(|letters| (shown(&letters), hex::encode(Sha256::digest(letters.as_bytes()))))
        .unzip()
}

/// What is kept of a recovery code as somebody typed it; nothing for what has not its letters.
fn recovery_hash(text: &str) -> Option<String> {
    let letters: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .take(32)
        .collect();
    let right = letters.len() == usize::try_from(LETTERS).ok()?
        && letters.bytes().all(|byte| ALPHABET.contains(&byte));
    right.then(|| hex::encode(Sha256::digest(letters.as_bytes())))
}
