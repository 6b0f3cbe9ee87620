//! `SECRET_KEY`, and what it was before: while it is rolled, links and pages of before go on working.

use std::sync::Arc;

use stripe::Secret;

use crate::App;

/// The installation's keys. Links are derived from the newest, and known by all.
#[derive(Clone, Debug)]
pub struct Keys {
    newest: Secret,
    former: Arc<[Secret]>,
}

impl Keys {
    /// What new links are derived from.
    pub fn newest(&self) -> &Secret {
        &self.newest
    }

    /// All of them, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.newest).chain(self.former.iter())
    }
}

impl App {
    /// `SECRET_KEY` and those before it, to be taken into a transaction.
    pub fn keys(&self) -> Keys {
        Keys {
            newest: self.link_key.clone(),
            former: Arc::clone(&self.former_keys),
        }
    }
}
