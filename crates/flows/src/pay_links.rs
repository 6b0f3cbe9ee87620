//! Pay links: the public, unguessable addresses of one invoice, one for each recipient. The token is derived,
//! never stored.

mod forward;
mod fresh;
mod on_file;
mod recipients;

use domain::invoice::InvoiceState;
use domain::pay_link::{LinkKind, LinkState, Refused};
use domain::{InvoiceId, LinkId, Refusal, Scope, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::invoices::Invoice;
use store::pay_links::PayLink;
use store::{Tx, invoices, pay_links};
use stripe::Secret;
use subtle::ConstantTimeEq;

use crate::audit::{self, Entry};
use crate::{App, By, Failure, Keys, Moment};
pub use forward::{Approver, forward, forwarded_by};
pub use fresh::fresh;
pub use on_file::on_file;
pub(crate) use recipients::{MAILED_DAYS, for_mail};
pub use recipients::{NewCopy, make, revoke};

/// How long a link is valid unless the tenant says otherwise.
pub const LIFETIME_DAYS: i64 = 30;
/// The longest lifetime that can be asked for.
pub const LIFETIME_DAYS_MAX: i64 = 366;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// An id's 26 characters without their prefix.
const ID_CHARS: usize = 26;
/// 160 bits of the HMAC, in hex.
const MAC_CHARS: usize = 40;
/// Tokens of so many generations back are still told apart from guesses, so that their holder reads "this
/// link was replaced" rather than "not found".
const GENERATIONS_BACK: i64 = 16;

/// The moment at which a link that lives for so many days runs out.
///
/// # Errors
/// [`Refusal::InvalidField`] for the days.
fn expiry(moment: Moment, lifetime_days: Option<i64>) -> Result<Timestamp, Refusal> {
    let days = lifetime_days.unwrap_or(LIFETIME_DAYS);
    if !(1..=LIFETIME_DAYS_MAX).contains(&days) {
        let problem = format!("must be 1 to {LIFETIME_DAYS_MAX} days");
        return Err(Refusal::invalid("expires_in_days", problem));
    }
    Ok(moment.at.plus_ms(days.saturating_mul(DAY_MS)))
}

/// A link and the token that opens it.
#[derive(Clone, Debug)]
pub struct IssuedLink {
    /// The secret part of the address; shown to the tenant, never logged.
    pub token: String,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// The link's id and generation, from which the token is derived.
    pub derived_from: (LinkId, i64),
}

/// Makes the invoice's shared pay link, or rotates it: the old address stops working at once.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::InvoiceDraft`], or [`Refusal::InvalidField`] for the lifetime.
pub async fn rotate(
    app: &App,
    scope: &Scope,
    by: &By,
    invoice: &InvoiceId,
    lifetime_days: Option<i64>,
) -> Result<IssuedLink, Failure> {
    let moment = app.moment();
    let expires_at = expiry(moment, lifetime_days)?;
    let id = LinkId::new(moment.at, moment.random(0));
    let wanted = PayLink::new(scope, id, invoice, LinkKind::Shared, [moment.at, expires_at]);
    let by = by.clone();
    let link = app
        .db
        .write(move |tx| {
            let invoice = invoices::get(tx, &wanted.scope, &wanted.invoice_id)?.ok_or(Refusal::NotFound)?;
            refuse_what_nobody_sees(&invoice)?;
            let before = pay_links::shared(tx, &wanted.scope, &wanted.invoice_id)?;
            let link = pay_links::rotate(tx, &wanted)?;
            let entry = Entry {
                action: "pay_link.rotated",
                subject: wanted.invoice_id.as_str(),
                before: before.as_ref().map(noted),
                after: Some(noted(&link)),
            };
            audit::note(tx, Some(&wanted.scope), &by, moment, &entry)?;
            Ok::<_, Failure>(link)
        })
        .await?;
    let token = token(&app.link_key, &link)?;
    Ok(IssuedLink {
        token,
        expires_at: link.expires_at,
        derived_from: (link.id, link.generation),
    })
}

/// Nobody is given a link to what is not sent yet, or was taken back.
fn refuse_what_nobody_sees(invoice: &Invoice) -> Result<(), Refusal> {
    match invoice.status {
        InvoiceState::Draft => Err(Refusal::InvoiceDraft),
        InvoiceState::Void => Err(Refusal::InvoiceVoid),
        InvoiceState::Open | InvoiceState::Processing | InvoiceState::Paid => Ok(()),
    }
}

/// What the audit log keeps of a link; its token follows from these only with the installation's key.
fn noted(link: &PayLink) -> String {
    let json = serde_json::json!({
        "id": link.id.as_str(),
        "kind": link.kind.word(),
        "generation": link.generation,
        "expires_at": link.expires_at.ms(),
    });
    json.to_string()
}

/// What a token from outside turned out to be.
#[derive(Clone, Debug)]
pub enum Opened {
    /// The link in force.
    Valid(PayLink),
    /// A true link that was replaced or has run out.
    Expired(PayLink),
    /// A true link that the tenant took back.
    Revoked(PayLink),
}

/// Finds the link that a token opens, within a transaction: under `SECRET_KEY`, or one of those before it.
///
/// # Errors
/// [`Refusal::NotFound`] for anything that was never a link: malformed, guessed, or of another installation.
pub fn open(tx: &mut Tx, keys: &Keys, token: &str, now: Timestamp) -> Result<Opened, Failure> {
    let (id, mac) = split(token)?;
    let Some(link) = pay_links::get(tx, &id)? else {
        // As much work as for a link that is there, so that the time of an answer tells nothing.
        let expected = mac_of(keys.newest(), &id, 1)?;
        std::hint::black_box(expected.as_bytes().ct_eq(mac.as_bytes()));
        return Err(Refusal::NotFound.into());
    };
    let oldest = link.generation.saturating_sub(GENERATIONS_BACK).max(1);
    for key in keys.all() {
        for generation in (oldest..=link.generation).rev() {
            let expected = mac_of(key, &link.id, generation)?;
            if bool::from(expected.as_bytes().ct_eq(mac.as_bytes())) {
                return Ok(match link.state(now) {
                    LinkState::Revoked => Opened::Revoked(link),
                    LinkState::InForce if generation == link.generation => Opened::Valid(link),
                    LinkState::InForce | LinkState::Expired => Opened::Expired(link),
                });
            }
        }
    }
    Err(Refusal::NotFound.into())
}

/// As [`open`], for the commands that only a link in force may give.
///
/// # Errors
/// [`Refusal::LinkExpired`], [`Refused::Revoked`] and [`Refusal::NotFound`].
pub fn open_valid(tx: &mut Tx, keys: &Keys, token: &str, now: Timestamp) -> Result<PayLink, Failure> {
    match open(tx, keys, token, now)? {
        Opened::Valid(link) => Ok(link),
        Opened::Expired(_) => Err(Refusal::LinkExpired.into()),
        Opened::Revoked(_) => Err(Refusal::from(Refused::Revoked).into()),
    }
}

/// Looks closer together than this are one.
const VIEW_MS: i64 = 60_000;

/// Notes that the payer looked at the page of a link, which a bank may ask for if the payment is disputed. No
/// look is lost to the payer where that fails.
pub async fn viewed(app: &App, link: &PayLink) {
    let now = app.clock.now();
    let not_since = now.plus_ms(-VIEW_MS);
    if link.views.last_at.is_some_and(|last_at| last_at > not_since) {
        return;
    }
    let (link, id) = (link.clone(), link.id.clone());
    let noted = app
        .db
        .write(move |tx| pay_links::view(tx, &link, now, not_since))
        .await;
    if let Err(error) = noted {
        tracing::warn!(link = %id, %error, "a look at a pay page was not noted");
    }
}

/// The token of a link: its id and HMAC(key, id, generation).
pub fn token(key: &Secret, link: &PayLink) -> Result<String, Failure> {
    token_of(key, &link.id, link.generation)
}

/// The token of a link in one of its generations, whether it still opens the link or not.
///
/// # Errors
/// Never but for a mistake in the program.
pub fn token_of(key: &Secret, id: &LinkId, generation: i64) -> Result<String, Failure> {
    let chars = id.as_str().trim_start_matches("lnk_");
    Ok(format!("{chars}{}", mac_of(key, id, generation)?))
}

fn split(token: &str) -> Result<(LinkId, &str), Refusal> {
    if token.len() != ID_CHARS + MAC_CHARS || !token.is_ascii() {
        return Err(Refusal::NotFound);
    }
    let (id, mac) = token.split_at(ID_CHARS);
    Ok((LinkId::parse(&format!("lnk_{id}"))?, mac))
}

fn mac_of(key: &Secret, id: &LinkId, generation: i64) -> Result<String, Failure> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .map_err(|_| Failure::Bug("HMAC takes keys of any length".to_owned()))?;
    mac.update(format!("pay_link:{id}:{generation}").as_bytes());
    let mut text = hex::encode(mac.finalize().into_bytes());
    text.truncate(MAC_CHARS);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::pay_link::LinkKind;
    use domain::{InvoiceId, LinkId, Mode, Scope, TenantId, Timestamp};
    use store::pay_links::PayLink;
    use stripe::Secret;

    use super::{ID_CHARS, MAC_CHARS, token};

    /// Links as they are made: one after the other, thousands within a millisecond, and their rotations.
    fn link(nth: u32) -> PayLink {
        let at = Timestamp::from_ms(1_763_900_000_000 + i64::from(nth / 5_000));
        let scope = Scope {
            tenant: TenantId::platform(),
            mode: Mode::Live,
        };
        let id = LinkId::new(at, u128::from(nth / 4));
        let made = PayLink::new(&scope, id, &InvoiceId::new(at, 0), LinkKind::Shared, [at, at]);
        PayLink {
            generation: i64::from(nth % 4) + 1,
            ..made
        }
    }

    /// What a guesser has to hit: no two of a million are the same, and no bit leans to a side by more than
    /// five standard deviations, although the ids that they belong to count up.
    #[test]
    fn a_million_tokens_differ_and_their_bits_are_balanced() {
        const TOKENS: u32 = 1_000_000;
        let key = Secret::new("a secret key of a test, long enough for it");
        let mut seen = HashSet::with_capacity(1_000_000);
        // How often each hex digit stands at each place.
        let mut digits = [[0_u32; 16]; MAC_CHARS];
        for nth in 0..TOKENS {
            let token = token(&key, &link(nth)).unwrap();
            let secret = token.split_at(ID_CHARS).1;
            assert_eq!(secret.len(), MAC_CHARS);
            // 64 of the 160 bits are enough to tell a million of them apart.
            let bits = u64::from_str_radix(&secret[..16], 16).unwrap();
            assert!(seen.insert(bits), "two tokens share 64 bits: {token}");
            for (place, byte) in secret.bytes().enumerate() {
                digits[place][usize::from(if byte < b'a' {
                    byte - b'0'
                } else {
                    byte - b'a' + 10
                })] += 1;
            }
        }
        let deviation = 500;
        for (place, counts) in digits.iter().enumerate() {
            for bit in 0..4 {
                let set = (0..16).filter(|digit| digit >> bit & 1 == 1);
                let ones: u32 = set.map(|digit| counts[digit]).sum();
                let off = ones.abs_diff(TOKENS / 2);
                assert!(
                    off < 5 * deviation,
                    "digit {place}, bit {bit} is set in {ones} of {TOKENS}"
                );
            }
        }
    }
}
