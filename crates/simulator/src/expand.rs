//! `expand[]`: replaces ids in a rendered object by the objects they name. The paths are checked before the
//! request does anything, so that a wrong one changes nothing.

use serde_json::Value;

use crate::error::ApiError;
use crate::form::Params;
use crate::payments::sources;
use crate::state::{Object, Space, State};

/// Stripe expands at most this deep.
const DEPTH_MAX: usize = 4;

/// The paths of a request.
#[derive(Debug, Default)]
pub struct Expansion {
    kind: &'static str,
    paths: Vec<Vec<String>>,
}

impl Expansion {
    /// Takes `expand[]` from the parameters; `kind` is what the request answers with, such as `charge`, or a
    /// list of it.
    ///
    /// # Errors
    /// 400 for a path that leads nowhere or too deep.
    pub fn read(params: &mut Params, kind: &'static str) -> Result<Expansion, ApiError> {
        // A search counts all that it finds when it is asked to, and so reads the paths itself.
        let texts = if kind.starts_with("search of ") {
            params.clone().texts("expand")?
        } else {
            params.texts("expand")?
        };
        let texts = texts.unwrap_or_default();
        let paths: Vec<Vec<String>> = texts
            .iter()
            .map(|text| text.split('.').map(str::to_owned).collect())
            .collect();
        for (path, text) in paths.iter().zip(&texts) {
            if path.len() > DEPTH_MAX {
                let message =
                    format!("You cannot expand more than {DEPTH_MAX} levels of a property. Property: {text}");
                return Err(ApiError::invalid(message).code("property_expansion_max_depth"));
            }
            check(kind, path, text)?;
        }
        Ok(Expansion { kind, paths })
    }

    /// Carries it out on a rendered answer.
    pub fn apply(&self, state: &State, space: &Space, answer: &mut Value) {
        for path in &self.paths {
            expand(state, space, answer, self.kind, path);
        }
    }
}

/// What a path leads to at once in a kind of object: how many of its parts that takes, and the kind there.
fn leads_to(kind: &str, path: &[String]) -> Option<(usize, &'static str)> {
    Object::expands(kind)
        .into_iter()
        .find(|(field, _)| {
            let mut parts = path.iter();
            field
                .split('.')
                .all(|part| parts.next().is_some_and(|given| given == part))
        })
        .map(|(field, leads_to)| (field.split('.').count(), leads_to))
}

/// As with Stripe, only where a path sets out is checked: `customer.foo` is taken and leads nowhere.
fn check(kind: &str, path: &[String], text: &str) -> Result<(), ApiError> {
    let Some(first) = path.first() else { return Ok(()) };
    let listed = kind
        .strip_prefix("list of ")
        .or_else(|| kind.strip_prefix("search of "));
    match listed {
        Some(listed) if first == "data" => check(listed, &path[1..], text),
        Some(_) if first == "total_count" && path.len() == 1 => Ok(()),
        Some(_) => Err(wrong(text, true)),
        None if leads_to(kind, path).is_some() => Ok(()),
        None => Err(wrong(text, false)),
    }
}

fn wrong(path: &str, of_list: bool) -> ApiError {
    let path: String = path.chars().take(80).collect();
    let mut message = format!("This property cannot be expanded ({path}).");
    if of_list {
        message.push_str(&format!(" You may want to try expanding 'data.{path}' instead."));
    }
    ApiError::invalid(message)
}

/// Expands a path in a value of a kind.
fn expand(state: &State, space: &Space, value: &mut Value, kind: &str, path: &[String]) {
    if let Value::Array(items) = value {
        for item in items {
            expand(state, space, item, kind, path);
        }
        return;
    }
    if path.is_empty() {
        return;
    }
    let listed = kind
        .strip_prefix("list of ")
        .or_else(|| kind.strip_prefix("search of "));
    if let Some(listed) = listed {
        if let Some(data) = value.get_mut("data") {
            expand(state, space, data, listed, &path[1..]);
        }
        return;
    }
    // Of `any` kind was what the path was checked against; now it is known which.
    let kind = value["object"].as_str().unwrap_or(kind).to_owned();
    let Some((taken, target)) = leads_to(&kind, path) else {
        return;
    };
    let (fields, rest) = path.split_at(taken);
    include(state, space, value, &kind, fields);
    each(value, fields, &mut |inner| {
        replace(state, space, inner, target);
        expand(state, space, inner, target, rest);
    });
}

/// What lies at the end of some fields, in each element where a list is on the way.
fn each(value: &mut Value, fields: &[String], found: &mut impl FnMut(&mut Value)) {
    let Some((first, rest)) = fields.split_first() else {
        return found(value);
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, fields, found)),
        other => {
            if let Some(inner) = other.get_mut(first) {
                each(inner, rest, found);
            }
        }
    }
}

/// Puts the object in the place of its id, or the objects in the places of their ids.
fn replace(state: &State, space: &Space, value: &mut Value, target: &str) {
    if let Value::Array(items) = value {
        for item in items {
            replace(state, space, item, target);
        }
        return;
    }
    // A source is a card or a bank account as the older API shows them.
    if target == "source" {
        let shown = value.as_str().and_then(|id| sources::shown(state, space, id));
        *value = shown.unwrap_or_else(|| value.take());
        return;
    }
    let found = value
        .as_str()
        .and_then(|id| Object::find(state, space, target, id));
    if let Some(object) = found {
        *value = object.shown(state);
    }
}

/// Puts a field in place that is shown only when it is expanded.
fn include(state: &State, space: &Space, value: &mut Value, kind: &str, fields: &[String]) {
    let [field] = fields else { return };
    if value.get(field).is_some_and(|there| !there.is_null()) {
        return;
    }
    let found = value["id"]
        .as_str()
        .and_then(|id| Object::find(state, space, kind, id));
    let included = found.and_then(|object| object.included(state, field));
    if let (Some(included), Value::Object(map)) = (included, value) {
        map.insert(field.clone(), included);
    }
}
