//! Authenticators: seeds, kept encrypted, and the codes that follow from them (RFC 6238 with SHA-1, six
//! digits and thirty seconds, as all apps have them).

use domain::person::Refused;
use domain::{TenantId, Timestamp, UserId, totp};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use stripe::Secret;
use subtle::ConstantTimeEq;

use crate::{App, Failure};

/// 160 bits, as long as the digest.
const SEED: usize = 20;
/// The first part of a sealed text, so that another way of sealing can follow.
const SEALED: &str = "c20p2";
/// The way of sealing before: without the id of its key.
const SEALED_BEFORE: &str = "c20p1";
/// Bytes of a key's id.
const KEY_ID: usize = 4;

/// What an authenticator is set up with.
#[derive(Clone, Debug)]
pub struct Seed([u8; SEED]);

impl Seed {
    /// A seed that nobody has yet.
    pub fn fresh(app: &App) -> Seed {
        let random = [app.clock.random().to_be_bytes(), app.clock.random().to_be_bytes()].concat();
        let mut seed = [0; SEED];
        seed.iter_mut().zip(random).for_each(|(to, from)| *to = from);
        Seed(seed)
    }

    /// The seed as apps take it, in base 32.
    pub fn base32(&self) -> Secret {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let letters = self.0.chunks(5).flat_map(|chunk| {
            let bits = chunk
                .iter()
                .fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
            (0..8).rev().map(move |place| {
                let index = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
                char::from(ALPHABET[index])
            })
        });
        Secret::new(letters.collect::<String>())
    }

    /// The address that an app reads from a picture: whose seed it is, and the seed.
    pub fn uri(&self, whose: &str) -> Secret {
        let whose: String = whose.bytes().map(escaped).collect();
        let seed = self.base32();
        Secret::new(format!(
            "otpauth://totp/psa-pay:{whose}?secret={}&issuer=psa-pay",
            seed.expose()
        ))
    }

    /// The code of a step.
    ///
    /// # Errors
    /// None that can happen: the digest has its length.
    pub fn code(&self, step: i64) -> Result<String, Failure> {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let digest = hmac::sign(&key, &step.to_be_bytes());
        totp::code(digest.as_ref()).ok_or_else(|| Failure::Bug("SHA-1 has twenty bytes".to_owned()))
    }

    /// The step of a code that is taken now and was not before.
    ///
    /// # Errors
    /// As [`Seed::code`].
    pub fn step_of(
        &self,
        code: &str,
        now: Timestamp,
        last_used: Option<i64>,
    ) -> Result<Option<i64>, Failure> {
        let mut found = None;
        for step in totp::open_steps(now, last_used) {
            let expected = self.code(step)?;
            if bool::from(expected.as_bytes().ct_eq(code.as_bytes())) {
                found = Some(step);
            }
        }
        Ok(found)
    }

    /// The seed as it is stored: encrypted, for this person and no other, with the id of its key. `random` is
    /// used for nothing else.
    ///
    /// # Errors
    /// None that can happen: there is a key, and the text is short.
    pub fn seal(
        &self,
        app: &App,
        (tenant, user): (&TenantId, &UserId),
        random: u128,
    ) -> Result<String, Failure> {
        let mut nonce = [0; NONCE_LEN];
        nonce
            .iter_mut()
            .zip(random.to_le_bytes())
            .for_each(|(to, from)| *to = from);
        let mut text = self.0.to_vec();
        let (id, key) = key(&app.link_key)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(tenant, user), &mut text)
            .map_err(|_| Failure::Bug("a seed could not be encrypted".to_owned()))?;
        Ok(format!(
            "{SEALED}:{id}:{}:{}",
            hex::encode(nonce),
            hex::encode(text)
        ))
    }

    /// Reads what [`Seed::seal`] gave, under `SECRET_KEY` or one of those before it.
    ///
    /// # Errors
    /// [`Refused::FactorUnreadable`] when it was sealed for somebody else, under a key that is not there, or
    /// changed.
    pub fn open(app: &App, tenant: &TenantId, user: &UserId, sealed: &str) -> Result<Seed, Failure> {
        let parts: Vec<&str> = sealed.split(':').collect();
        let (id, nonce, text) = match parts[..] {
            [SEALED, id, nonce, text] => (Some(id), nonce, text),
            [SEALED_BEFORE, nonce, text] => (None, nonce, text),
            _ => return Err(unreadable()),
        };
        let nonce = hex::decode(nonce).ok().and_then(|bytes| bytes.try_into().ok());
        let nonce: [u8; NONCE_LEN] = nonce.ok_or_else(unreadable)?;
        let text = hex::decode(text).map_err(|_| unreadable())?;
        for secret in std::iter::once(&app.link_key).chain(app.former_keys.iter()) {
            let (its_id, key) = key(secret)?;
            if id.is_some_and(|id| id != its_id) {
                continue;
            }
            let nonce = Nonce::assume_unique_for_key(nonce);
            if let Ok(seed) = key.open_in_place(nonce, aad(tenant, user), &mut text.clone()) {
                return <[u8; SEED]>::try_from(&*seed).map(Seed).map_err(|_| unreadable());
            }
        }
        Err(unreadable())
    }

    /// Whether it was sealed under the key that is in use now.
    ///
    /// # Errors
    /// None that can happen.
    pub fn is_current(app: &App, sealed: &str) -> Result<bool, Failure> {
        Ok(sealed.starts_with(&format!("{SEALED}:{}:", key(&app.link_key)?.0)))
    }
}

fn unreadable() -> Failure {
    tracing::error!("the seed of an authenticator cannot be read: was SECRET_KEY replaced?");
    Refused::FactorUnreadable.into()
}

/// The code of a seed in base 32, as an app shows it now; nothing for what is no seed.
pub fn code_of(base32: &str, now: Timestamp) -> Option<String> {
    let mut bits = 0_u128;
    let mut bytes = Vec::new();
    let mut held = 0;
    for letter in base32.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u128::from(value)) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    let seed = Seed(bytes.try_into().ok()?);
    seed.code(totp::step_of(now)).ok()
}

fn escaped(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

/// The key that seeds are encrypted with under a `SECRET_KEY`, and its id, which says nothing of it.
fn key(secret: &Secret) -> Result<(String, LessSafeKey), Failure> {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let derived = hmac::sign(&secret, b"encrypt:totp_seed:1");
    let id = hmac::sign(&secret, b"key_id:totp_seed");
    let key = UnboundKey::new(&CHACHA20_POLY1305, derived.as_ref());
    let key = key.map_err(|_| Failure::Bug("a key of ChaCha20 has 32 bytes".to_owned()))?;
    let id = id.as_ref().get(..KEY_ID).unwrap_or_default();
    Ok((hex::encode(id), LessSafeKey::new(key)))
}

fn aad(tenant: &TenantId, user: &UserId) -> Aad<Vec<u8>> {
    Aad::from(format!("totp_seed|{tenant}|{user}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, with the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let seed = Seed(*b"12345678901234567890");
        assert_eq!(seed.base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_ms(seconds * 1000);
            let step = totp::step_of(now);
            assert_eq!(seed.code(step).unwrap(), code);
            assert_eq!(code_of(seed.base32().expose(), now).as_deref(), Some(code));
            assert_eq!(seed.step_of(code, now, None).unwrap(), Some(step));
            assert_eq!(seed.step_of(code, now, Some(step)).unwrap(), None, "used");
        }
        assert_eq!(code_of("GEZDGNBV", Timestamp::from_ms(0)), None);
        assert_eq!(code_of("not a seed", Timestamp::from_ms(0)), None);
    }

    #[test]
    fn whose_seed_it_is_stands_in_the_address_and_breaks_nothing() {
        let seed = Seed([0; SEED]);
        let uri = seed.uri("a+b@c.example?&#");
        let expected = format!(
            "otpauth://totp/psa-pay:a%2Bb%40c.example%3F%26%23?secret={}&issuer=psa-pay",
            "A".repeat(32)
        );
        assert_eq!(uri.expose(), expected);
    }
}
