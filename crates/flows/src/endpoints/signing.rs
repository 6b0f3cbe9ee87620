//! Whether the secrets by which endpoints sign are configured, each under the kind of events that it signs.

use stripe::Secret;

use super::drift::{Found, Role};
use super::fingerprint;

/// What is known of the webhook secrets, by their fingerprints.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// Those of the configuration at hand for snapshots.
    pub snapshot: Vec<String>,
    /// Those of the configuration at hand for thin events.
    pub thin: Vec<String>,
    /// Those that every instance that lives takes: what is retiring goes when its successor's is among
    /// them.
    pub taken_by_all: Vec<String>,
    /// Those that some instance takes which lives; none while nobody knows which instances there are.
    pub taken_by_some: Option<Vec<String>>,
}

/// Whether the secret by which an endpoint signs is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// It is, where it belongs.
    Known,
    /// It is, among the secrets of the other kind: whatever is signed by it is refused.
    OtherKind,
    /// It is not.
    Unknown,
    /// A person made the endpoint, so that nobody can tell; there are as many secrets as it takes.
    Untold,
    /// A person made the endpoint, and there are fewer secrets than such endpoints.
    TooFew,
}

impl Signing {
    /// Whether events are refused for it.
    pub const fn is_wrong(self) -> bool {
        match self {
            Signing::OtherKind | Signing::Unknown | Signing::TooFew => true,
            Signing::Known | Signing::Untold => false,
        }
    }

    /// In a few words.
    pub const fn says(self) -> &'static str {
        match self {
            Signing::Known => "its secret is configured",
            Signing::OtherKind => "its secret stands in the wrong variable, so that its events are refused",
            Signing::Unknown => "its secret is not configured, so that its events are refused",
            Signing::Untold => "whether its secret is configured cannot be told",
            Signing::TooFew => "fewer secrets are configured than there are endpoints without our note",
        }
    }
}

impl Secrets {
    /// Those of a configuration.
    pub fn of(snapshot: &[Secret], thin: &[Secret]) -> Secrets {
        Secrets {
            snapshot: snapshot.iter().map(fingerprint).collect(),
            thin: thin.iter().map(fingerprint).collect(),
            ..Secrets::default()
        }
    }

    /// Those of the kind that an endpoint signs, and those of the other kind.
    fn of_role(&self, role: Role) -> (&[String], &[String]) {
        match role {
            Role::Thin => (&self.thin, &self.snapshot),
            Role::Platform | Role::Accounts => (&self.snapshot, &self.thin),
        }
    }

    /// Whether an endpoint's secret is configured, of `all` that there are.
    pub fn signing(&self, found: &Found, all: &[Found]) -> Signing {
        let (right, wrong) = self.of_role(found.role);
        let Some(print) = &found.fingerprint else {
            return self.untold(found.role, all);
        };
        match (right.contains(print), wrong.contains(print)) {
            (true, _) => Signing::Known,
            (false, true) => Signing::OtherKind,
            (false, false) => Signing::Unknown,
        }
    }

    /// Secrets that belong to no endpoint whose secret is noted may be those of endpoints without a note.
    fn untold(&self, role: Role, all: &[Found]) -> Signing {
        let (right, _) = self.of_role(role);
        let noted = |print: &String| all.iter().any(|one| one.fingerprint.as_ref() == Some(print));
        let free = right.iter().filter(|print| !noted(print)).count();
        let is_thin = role == Role::Thin;
        let of_kind = |one: &&Found| (one.role == Role::Thin) == is_thin && !one.retiring;
        let untold = all.iter().filter(of_kind).filter(|one| one.is_untold());
        match untold.count() > free {
            true => Signing::TooFew,
            false => Signing::Untold,
        }
    }

    /// Whether an endpoint may sign by a secret that somebody takes: then it is not taken away from them.
    pub(super) fn may_be_in_use(&self, found: &Found) -> bool {
        let (Some(print), Some(taken)) = (&found.fingerprint, &self.taken_by_some) else {
            return true;
        };
        self.snapshot.contains(print) || self.thin.contains(print) || taken.contains(print)
    }

    /// Whether some instance that lives takes an endpoint's secret.
    pub(super) fn is_taken(&self, found: &Found) -> bool {
        let taken = self.taken_by_some.iter().flatten();
        found
            .fingerprint
            .as_ref()
            .is_some_and(|print| taken.into_iter().any(|one| one == print))
    }
}
