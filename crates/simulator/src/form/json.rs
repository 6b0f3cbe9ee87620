//! The parameters of v2, which come as JSON: an object is a map, a list a map by number, and null takes away
//! as an empty text does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{COUNT_MAX, DEPTH_MAX, Key, Node, Params, key};
use crate::error::ApiError;

impl Params {
    /// Adds the fields of a JSON object.
    ///
    /// # Errors
    /// 400 for what is no JSON object, or too deep or too large.
    pub fn add_json(&mut self, text: &[u8]) -> Result<(), ApiError> {
        let value: Value = serde_json::from_slice(text)
            .map_err(|error| ApiError::invalid(format!("The request body is not valid JSON: {error}")))?;
        let Value::Object(fields) = value else {
            return Err(ApiError::invalid("The request body must be a JSON object."));
        };
        let mut count = 0;
        for (name, value) in fields {
            self.map.insert(key(&name), node(value, 1, &mut count)?);
        }
        Ok(())
    }
}

fn node(value: Value, depth: usize, count: &mut usize) -> Result<Node, ApiError> {
    *count += 1;
    if depth > DEPTH_MAX || *count > COUNT_MAX {
        return Err(ApiError::invalid("The request body is too deep or too large."));
    }
    Ok(match value {
        Value::Null => Node::Text(String::new()),
        Value::Bool(truth) => Node::Text(truth.to_string()),
        Value::Number(number) => Node::Text(number.to_string()),
        Value::String(text) => Node::Text(text),
        Value::Array(items) if items.is_empty() => Node::Text(String::new()),
        Value::Array(items) => {
            let numbered = (0_u32..).zip(items);
            let nodes = numbered.map(|(at, item)| Ok((Key::Number(at), node(item, depth + 1, count)?)));
            Node::Map(nodes.collect::<Result<BTreeMap<Key, Node>, ApiError>>()?)
        }
        Value::Object(fields) => {
            let nodes = fields
                .into_iter()
                .map(|(name, value)| Ok((key(&name), node(value, depth + 1, count)?)));
            Node::Map(nodes.collect::<Result<BTreeMap<Key, Node>, ApiError>>()?)
        }
    })
}
