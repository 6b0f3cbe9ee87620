//! Stripe's own sample of every object, and what one of ours lacks beside it.

use serde_json::Value;

/// The keys of the sample of a kind that an object lacks, maps inside included; where ours is null nothing is
/// inside.
pub fn lacks(kind: &str, object: &Value) -> Vec<String> {
    let samples: Value = serde_json::from_str(include_str!("../data/fixtures3.json")).unwrap();
    let mut sample = samples[kind].clone();
    assert!(sample.is_object(), "there is no sample of a {kind}");
    // The sample shows another kind of method, and an event of another object.
    for (place, key) in [("payment_method_preview", "us_bank_account"), ("data", "object")] {
        if let Some(inner) = sample.get_mut(place).and_then(Value::as_object_mut) {
            inner.remove(key);
        }
    }
    let mut found = Vec::new();
    compare(&sample, object, kind, &mut found);
    found
}

fn compare(sample: &Value, object: &Value, path: &str, found: &mut Vec<String>) {
    match (sample, object) {
        (Value::Object(sample), Value::Object(object)) => {
            for (key, value) in sample {
                match object.get(key) {
                    None => found.push(format!("{path}.{key}")),
                    Some(inner) if key != "metadata" => {
                        compare(value, inner, &format!("{path}.{key}"), found);
                    }
                    Some(_) => {}
                }
            }
        }
        (Value::Array(sample), Value::Array(object)) => {
            if let (Some(sample), Some(object)) = (sample.first(), object.first()) {
                compare(sample, object, &format!("{path}[0]"), found);
            }
        }
        _ => {}
    }
}
