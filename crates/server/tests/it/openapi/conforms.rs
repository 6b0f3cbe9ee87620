//! Whether an answer is what the document says of it. Stricter than JSON Schema: a field that is not
//! described is a difference, so that no answer can grow without its description.

use serde_json::Value;

/// In what a value differs from its schema; nothing where it conforms.
pub fn differences(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(document, schema, value, "$", &mut found);
    found
}

fn compare(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        let schema = document.pointer(pointer).unwrap_or_else(|| panic!("{reference}"));
        return compare(document, schema, value, at, found);
    }
    if let Some(all) = schema["anyOf"].as_array() {
        let tries: Vec<Vec<String>> = all
            .iter()
            .map(|schema| {
                let mut found = Vec::new();
                compare(document, schema, value, at, &mut found);
                found
            })
            .collect();
        if !tries.iter().any(Vec::is_empty) {
            found.extend(tries.into_iter().min_by_key(Vec::len).unwrap_or_default());
        }
        return;
    }
    if let Some(word) = schema.get("const")
        && word != value
    {
        found.push(format!("{at} is {value}, not {word}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{at} is {value}, which is none of {words:?}"));
    }
    if !is_of_type(&schema["type"], value) {
        found.push(format!("{at} is {value}, and no {}", schema["type"]));
        return;
    }
    within(document, schema, value, at, found);
}

fn within(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (n, value) in values.iter().enumerate() {
            compare(document, items, value, &format!("{at}[{n}]"), found);
        }
    }
    let Some(fields) = value.as_object().filter(|_| schema.get("type").is_some()) else {
        return;
    };
    for needed in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(needed.as_str().unwrap_or_default()) {
            found.push(format!("{at} has no {needed}"));
        }
    }
    for (name, value) in fields {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(schema), _) => compare(document, schema, value, &at, found),
            (None, Some(schema)) if schema.is_object() => compare(document, schema, value, &at, found),
            (None, _) => found.push(format!("{at} is not described")),
        }
    }
}

fn is_of_type(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| is_of_type(kind, value)),
        Value::String(kind) => match kind.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("no type {other}"),
        },
        _ => true,
    }
}
