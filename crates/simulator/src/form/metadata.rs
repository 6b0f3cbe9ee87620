//! The caller's notes on an object: `metadata[key]=value`.

use std::collections::BTreeMap;

use super::{Node, Params, key};
use crate::error::ApiError;

const PAIRS_MAX: usize = 50;
const KEY_MAX: usize = 40;
const VALUE_MAX: usize = 500;

impl Params {
    /// Changes to the metadata: a key set to an empty text is taken away, and so are all by `metadata=`.
    ///
    /// # Errors
    /// 400 for more or longer pairs than Stripe keeps.
    pub fn metadata(&mut self) -> Result<MetadataUpdate, ApiError> {
        self.metadata_named("metadata")
    }

    /// The same under another name, such as `invoice_metadata`.
    ///
    /// # Errors
    /// As [`Params::metadata`].
    pub fn metadata_named(&mut self, name: &str) -> Result<MetadataUpdate, ApiError> {
        let map = match self.map.remove(&key(name)) {
            None => return Ok(MetadataUpdate::default()),
            Some(Node::Text(text)) if text.is_empty() => {
                return Ok(MetadataUpdate {
                    clear: true,
                    pairs: BTreeMap::new(),
                });
            }
            Some(Node::Text(_)) => return Err(ApiError::invalid("Invalid object").param(name)),
            Some(Node::Map(map)) => map,
        };
        let mut pairs = BTreeMap::new();
        for (key, node) in map {
            let key = key.text();
            let value = self.leaf(name, node)?;
            check_metadata(&key, &value)?;
            pairs.insert(key, value);
        }
        Ok(MetadataUpdate { clear: false, pairs })
    }
}

/// What a request says of an object's metadata.
#[derive(Clone, Debug, Default)]
pub struct MetadataUpdate {
    clear: bool,
    pairs: BTreeMap<String, String>,
}

impl MetadataUpdate {
    /// Carries the update out.
    ///
    /// # Errors
    /// 400 when more than 50 pairs would be left.
    pub fn apply(self, metadata: &mut BTreeMap<String, String>) -> Result<(), ApiError> {
        if self.clear {
            metadata.clear();
        }
        for (key, value) in self.pairs {
            if value.is_empty() {
                metadata.remove(&key);
            } else {
                metadata.insert(key, value);
            }
        }
        if metadata.len() > PAIRS_MAX {
            let message = format!("Metadata can have at most {PAIRS_MAX} keys.");
            return Err(ApiError::invalid(message).param("metadata"));
        }
        Ok(())
    }

    /// The metadata of a new object.
    ///
    /// # Errors
    /// As [`MetadataUpdate::apply`].
    pub fn fresh(self) -> Result<BTreeMap<String, String>, ApiError> {
        let mut metadata = BTreeMap::new();
        self.apply(&mut metadata)?;
        Ok(metadata)
    }
}

fn check_metadata(key: &str, value: &str) -> Result<(), ApiError> {
    let complaint = if key.is_empty() || key.chars().count() > KEY_MAX {
        format!("Metadata keys must have 1 to {KEY_MAX} characters.")
    } else if value.chars().count() > VALUE_MAX {
        format!("Metadata values can have up to {VALUE_MAX} characters, but you passed in a longer one.")
    } else {
        return Ok(());
    };
    let key: String = key.chars().take(KEY_MAX).collect();
    Err(ApiError::invalid(complaint).param(format!("metadata[{key}]")))
}
