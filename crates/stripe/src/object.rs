//! How Stripe's objects are read out of JSON: field by field, missing and null alike, unknown values kept,
//! ids whether expanded or not. Only what a caller cannot do without is required.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Unreadable;

/// A reference to another object: always its id, and the object itself when it was expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expandable<T> {
    /// The object's id.
    pub id: String,
    /// The object, if the request asked for it.
    pub object: Option<Box<T>>,
}

/// One page of a list, newest first. Lists lag behind writes by a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The objects of this page.
    pub data: Vec<T>,
    /// Whether more follow: ask again with `starting_after` the last id.
    pub has_more: bool,
}

/// The most objects Stripe puts on one page.
pub const PAGE_MAX: u32 = 100;

/// Reads the text of an object; anything but a JSON object is unreadable.
pub(crate) fn parse(body: &str) -> Result<Value, Unreadable> {
    match serde_json::from_str::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(Unreadable("not a JSON object".to_owned())),
        Err(error) => Err(Unreadable(format!("not JSON: {error}"))),
    }
}

/// Checks that this is the kind of object that was asked for.
pub(crate) fn require_kind(value: &Value, kind: &str) -> Result<(), Unreadable> {
    match value.get("object").and_then(Value::as_str) {
        Some(found) if found == kind => Ok(()),
        Some(found) => Err(Unreadable(format!("`{found}` instead of `{kind}`"))),
        None => Err(Unreadable(format!("no `object` in what should be a `{kind}`"))),
    }
}

pub(crate) fn require_text(value: &Value, name: &str) -> Result<String, Unreadable> {
    text(value, name).ok_or_else(|| Unreadable(format!("no text in `{name}`")))
}

pub(crate) fn require_int(value: &Value, name: &str) -> Result<i64, Unreadable> {
    int(value, name).ok_or_else(|| Unreadable(format!("no whole number in `{name}`")))
}

/// The greatest amount that Stripe takes, in minor units, is of twelve digits; what is beyond is no amount.
const AMOUNT_MAX: i64 = 999_999_999_999;

/// An amount in minor units: none where there is none, and unreadable where it cannot be one.
pub(crate) fn amount(value: &Value, name: &str) -> Result<Option<i64>, Unreadable> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => require_amount(value, name).map(Some),
    }
}

/// An amount in minor units that has to be there.
pub(crate) fn require_amount(value: &Value, name: &str) -> Result<i64, Unreadable> {
    let amount = require_int(value, name)?;
    match (0..=AMOUNT_MAX).contains(&amount) {
        true => Ok(amount),
        false => Err(Unreadable(format!("`{name}` is no amount"))),
    }
}

pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    storable(value.get(name)?)
}

pub(crate) fn int(value: &Value, name: &str) -> Option<i64> {
    value.get(name)?.as_i64()
}

/// A missing flag reads as false.
pub(crate) fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

pub(crate) fn texts(value: &Value, name: &str) -> Vec<String> {
    let items = value
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    items.iter().filter_map(storable).collect()
}

pub(crate) fn text_map(value: &Value, name: &str) -> BTreeMap<String, String> {
    let Some(Value::Object(map)) = value.get(name) else {
        return BTreeMap::new();
    };
    map.iter()
        .filter_map(|(key, value)| Some((key.clone(), storable(value)?)))
        .collect()
}

/// The id in a field that holds either an id or the expanded object.
pub(crate) fn id_of(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(_) => text(value, name),
        object => text(object, "id"),
    }
}

/// A field that holds either an id or the expanded object. An expanded object that cannot be read keeps its
/// id.
pub(crate) fn expandable<T>(
    value: &Value,
    name: &str,
    read: fn(&Value) -> Result<T, Unreadable>,
) -> Option<Expandable<T>> {
    let id = id_of(value, name)?;
    let object = value
        .get(name)
        .filter(|field| field.is_object())
        .and_then(|field| read(field).ok());
    Some(Expandable {
        id,
        object: object.map(Box::new),
    })
}

/// Reads one page; an object in it that cannot be read makes the page unreadable, because leaving it out
/// would look as if it did not exist.
pub(crate) fn page<T>(
    body: &str,
    read: impl Fn(&Value) -> Result<T, Unreadable>,
) -> Result<Page<T>, Unreadable> {
    let list = parse(body)?;
    let Some(Value::Array(items)) = list.get("data") else {
        return Err(Unreadable("no `data` in what should be a list".to_owned()));
    };
    let data = items.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page {
        data,
        has_more: flag(&list, "has_more"),
    })
}

/// Text that a database can hold. PostgreSQL refuses U+0000, which JSON allows; tenants write some of these
/// fields, and none of them is worth a transaction that fails for ever.
fn storable(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.contains('\0'))
        .map(str::to_owned)
}
