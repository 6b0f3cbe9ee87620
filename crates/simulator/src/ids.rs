//! Ids, secrets and tokens. They come from a seed and a counter, so the same seed and the same calls give the
//! same ids, byte for byte. Reads draw request ids from a counter of their own: polling changes no object's
//! id.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How far each counter has come; it is journalled, so that a restart repeats no id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    objects: u64,
    requests: u64,
    deliveries: u64,
}

/// The generator of everything that looks random.
pub struct Ids {
    seed: u64,
    /// Where the counters stand.
    pub position: Position,
}

impl Ids {
    /// A generator at its beginning.
    pub fn new(seed: u64) -> Ids {
        Ids {
            seed,
            position: Position::default(),
        }
    }

    /// An id such as `pi_3…`: the prefix, then `length` letters and digits.
    pub fn id(&mut self, prefix: &str, length: usize) -> String {
        self.position.objects += 1;
        format!(
            "{prefix}{}",
            token(self.seed, "object", self.position.objects, length)
        )
    }

    /// A delivery's number.
    pub fn delivery(&mut self) -> u64 {
        self.position.deliveries += 1;
        self.position.deliveries
    }

    /// A request's id, `req_` and 14 characters.
    pub fn request(&mut self) -> String {
        self.position.requests += 1;
        format!("req_{}", token(self.seed, "request", self.position.requests, 14))
    }
}

/// An id that depends on the seed only, such as the platform's own account.
pub fn fixed(seed: u64, what: &str, prefix: &str, length: usize) -> String {
    format!("{prefix}{}", token(seed, what, 0, length))
}

/// A stand-in for a card's fingerprint: the same number gives the same one, and the number cannot be read
/// back.
pub fn fingerprint(seed: u64, number: &str) -> String {
    token(seed, number, 0, 16)
}

fn token(seed: u64, stream: &str, count: u64, length: usize) -> String {
    let mut text = String::with_capacity(length);
    for block in 0_u64.. {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(stream.as_bytes());
        hash.update(count.to_be_bytes());
        hash.update(block.to_be_bytes());
        for byte in hash.finalize() {
            if text.len() == length {
                return text;
            }
            text.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        }
    }
    text
}
