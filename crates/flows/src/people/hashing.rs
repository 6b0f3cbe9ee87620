//! How passwords are kept: Argon2id with a salt of its own for each, and its parameters beside it, as a
//! line in the PHC format. Where the work is done is a port, because it takes memory and time on purpose.

use std::pin::Pin;

use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64Unpadded, Encoding};
use stripe::Secret;
use subtle::ConstantTimeEq;

use crate::{App, Failure};

/// Bytes of a salt and of a hash.
const SALT: usize = 16;
const HASH: usize = 32;

/// What hashing one password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// The least that OWASP recommends of Argon2id: some 20 to 30 ms of one core.
pub const COST: Cost = Cost {
    memory_kib: 19 * 1024,
    passes: 2,
    lanes: 1,
};

/// A piece of work.
#[derive(Clone, Debug)]
pub enum Work {
    /// Hash a password that was chosen.
    Hash {
        /// The password.
        password: Secret,
        /// What makes its hash unlike that of the same password elsewhere.
        salt: [u8; SALT],
    },
    /// Compare a password with a hash.
    Verify {
        /// The password.
        password: Secret,
        /// The line that [`Work::Hash`] answered once.
        hash: String,
    },
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The line to keep.
    Hashed(String),
    /// It is the password; whether its hash costs something else than new ones do.
    Right {
        /// It is to be hashed again.
        outdated: bool,
    },
    /// It is not the password.
    Wrong,
}

/// Work that is under way.
pub type Working<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Failure>> + Send + 'a>>;

/// Where passwords are hashed: in the server by a few threads of their own, elsewhere on the spot.
pub trait Hashing: Send + Sync {
    /// Does the work, or refuses it as [`domain::person::Refused::LoginBusy`] when too much waits already.
    fn run(&self, work: Work) -> Working<'_>;

    /// Whether more would be refused now, so that nothing is begun for it.
    fn is_full(&self) -> bool {
        false
    }
}

/// On the spot.
#[derive(Clone, Copy, Debug)]
pub struct Inline(pub Cost);

impl Hashing for Inline {
    fn run(&self, work: Work) -> Working<'_> {
        let cost = self.0;
        Box::pin(async move { work.carry_out(cost) })
    }
}

impl Work {
    /// Does the work, where new hashes cost this much.
    ///
    /// # Errors
    /// [`Failure::Bug`] for parameters that Argon2 does not take, and for a stored line that is none.
    pub fn carry_out(self, cost: Cost) -> Result<Outcome, Failure> {
        match self {
            Work::Hash { password, salt } => {
                let hash = derive(&password, &salt, cost)?;
                Ok(Outcome::Hashed(line(cost, &salt, &hash)))
            }
            Work::Verify { password, hash } => {
                let stored = parse(&hash).ok_or_else(|| bug("a stored password hash cannot be read"))?;
                let found = derive(&password, &stored.salt, stored.cost)?;
                Ok(match bool::from(found.ct_eq(&stored.hash)) {
                    true => Outcome::Right {
                        outdated: stored.cost != cost,
                    },
                    false => Outcome::Wrong,
                })
            }
        }
    }
}

/// Hashes a password.
pub(super) async fn hash(app: &App, password: &Secret) -> Result<String, Failure> {
    let work = Work::Hash {
        password: password.clone(),
        salt: app.clock.random().to_be_bytes(),
    };
    match app.hashing.run(work).await? {
        Outcome::Hashed(line) => Ok(line),
        Outcome::Right { .. } | Outcome::Wrong => Err(bug("hashing answered what verifying does")),
    }
}

/// Whether a password is the one of a hash, if there is one; it takes the same time if there is none.
pub(super) async fn verify(app: &App, password: &Secret, hash: Option<&str>) -> Result<Outcome, Failure> {
    match hash {
        Some(hash) => {
            let work = Work::Verify {
                password: password.clone(),
                hash: hash.to_owned(),
            };
            app.hashing.run(work).await
        }
        None => self::hash(app, password).await.map(|_| Outcome::Wrong),
    }
}

struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

fn derive(password: &Secret, salt: &[u8], cost: Cost) -> Result<[u8; HASH], Failure> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(HASH))
        .map_err(|_| bug("Argon2 does not take its parameters"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; HASH];
    argon2
        .hash_password_into(password.expose().as_bytes(), salt, &mut hash)
        .map_err(|_| bug("Argon2 does not take a password or its salt"))?;
    Ok(hash)
}

fn line(cost: Cost, salt: &[u8], hash: &[u8]) -> String {
    let Cost {
        memory_kib,
        passes,
        lanes,
    } = cost;
    let (salt, hash) = (
        Base64Unpadded::encode_string(salt),
        Base64Unpadded::encode_string(hash),
    );
    format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}")
}

fn parse(line: &str) -> Option<Stored> {
    let rest = line.strip_prefix("$argon2id$v=19$")?;
    let [params, salt, hash] = rest.split('$').collect::<Vec<_>>().try_into().ok()?;
    let [memory, passes, lanes] = params.split(',').collect::<Vec<_>>().try_into().ok()?;
    let number = |text: &str, name: &str| text.strip_prefix(name)?.parse().ok();
    Some(Stored {
        cost: Cost {
            memory_kib: number(memory, "m=")?,
            passes: number(passes, "t=")?,
            lanes: number(lanes, "p=")?,
        },
        salt: Base64Unpadded::decode_vec(salt).ok()?,
        hash: Base64Unpadded::decode_vec(hash).ok()?,
    })
}

fn bug(what: &str) -> Failure {
    Failure::Bug(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn hashed(password: &str, salt: [u8; SALT], cost: Cost) -> String {
        let work = Work::Hash {
            password: Secret::new(password),
            salt,
        };
        match work.carry_out(cost).unwrap() {
            Outcome::Hashed(line) => line,
            other => panic!("{other:?}"),
        }
    }

    fn verified(password: &str, hash: &str, cost: Cost) -> Outcome {
        let work = Work::Verify {
            password: Secret::new(password),
            hash: hash.to_owned(),
        };
        work.carry_out(cost).unwrap()
    }

    /// The line that Argon2's own program prints for it: `echo -n "correct horse battery" | argon2
    /// saltsaltsaltsalt -id -k 19456 -t 2 -p 1 -e`.
    #[test]
    fn a_hash_names_argon2id_with_the_recommended_cost_and_its_salt() {
        let line = hashed("correct horse battery", *b"saltsaltsaltsalt", COST);
        let parts: Vec<&str> = line.split('$').collect();
        assert_eq!(
            parts[..5],
            [
                "",
                "argon2id",
                "v=19",
                "m=19456,t=2,p=1",
                "c2FsdHNhbHRzYWx0c2FsdA"
            ]
        );
        assert_eq!(Base64Unpadded::decode_vec(parts[5]).unwrap().len(), HASH);
        assert_eq!(
            verified("correct horse battery", &line, COST),
            Outcome::Right { outdated: false }
        );
        assert_eq!(verified("correct horse battery ", &line, COST), Outcome::Wrong);
    }

    #[test]
    fn every_bit_of_a_password_and_its_salt_counts_and_none_is_cut_off() {
        let long = "x".repeat(127);
        let (a, b) = (format!("{long}a"), format!("{long}b"));
        let line = hashed(&a, [1; SALT], CHEAP);
        assert_eq!(verified(&b, &line, CHEAP), Outcome::Wrong);
        assert_eq!(verified(&a, &line, CHEAP), Outcome::Right { outdated: false });
        assert_ne!(hashed(&a, [2; SALT], CHEAP), line);
        assert_eq!(
            verified("", &hashed("", [1; SALT], CHEAP), CHEAP),
            Outcome::Right { outdated: false }
        );
    }

    #[test]
    fn a_hash_of_another_cost_is_right_and_outdated() {
        let line = hashed("correct horse battery", [3; SALT], CHEAP);
        let dearer = Cost { passes: 2, ..CHEAP };
        assert_eq!(
            verified("correct horse battery", &line, dearer),
            Outcome::Right { outdated: true }
        );
    }

    #[test]
    fn a_line_that_is_none_lets_nobody_in() {
        for hash in [
            "",
            "x",
            "$argon2i$v=19$m=8,t=1,p=1$AA$AA",
            "$argon2id$v=19$m=8,t=1$AA$AA",
        ] {
            let work = Work::Verify {
                password: Secret::new("x"),
                hash: hash.to_owned(),
            };
            assert!(work.carry_out(CHEAP).is_err(), "{hash}");
        }
    }
}
