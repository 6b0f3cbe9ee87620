//! The notation of types: `{id: text, email: text | null, lines?: [Line]}`. It is read into JSON Schema, as
//! OpenAPI 3.1 takes it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// The types by name, as they are written.
pub static SCHEMAS: LazyLock<BTreeMap<&'static str, &'static str>> =
    LazyLock::new(|| named(include_str!("schemas.txt")));

fn named(text: &'static str) -> BTreeMap<&'static str, &'static str> {
    let paragraphs = text.split("\n\n").map(str::trim);
    let paragraphs = paragraphs.filter(|paragraph| !paragraph.is_empty() && !paragraph.starts_with('#'));
    let types = paragraphs.map(|paragraph| {
        let split = paragraph.split_once(" = ");
        split.unwrap_or_else(|| panic!("a type is `Name = …`: {paragraph}"))
    });
    types.collect()
}

/// A type as JSON Schema; what is sent takes no field that is not named.
pub fn schema(text: &str, is_sent: bool) -> Value {
    let mut reader = Reader {
        rest: text.trim(),
        is_sent,
    };
    let schema = reader.union();
    assert!(reader.rest.is_empty(), "what is {:?} in {text}?", reader.rest);
    schema
}

struct Reader<'a> {
    rest: &'a str,
    is_sent: bool,
}

impl<'a> Reader<'a> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, mark: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expects(&mut self, mark: char) {
        assert!(self.takes(mark), "{mark:?} is missing before {:?}", self.rest);
    }

    fn word(&mut self) -> &'a str {
        self.skip();
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_of_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn union(&mut self) -> Value {
        let mut all = vec![self.single()];
        while self.takes('|') {
            all.push(self.single());
        }
        match all.len() {
            1 => all.remove(0),
            _ => either(all),
        }
    }

    fn single(&mut self) -> Value {
        if self.takes('\'') {
            let (word, rest) = self.rest.split_once('\'').unwrap_or((self.rest, ""));
            self.rest = rest;
            return json!({"const": word});
        }
        if self.takes('[') {
            let items = self.union();
            self.expects(']');
            return json!({"type": "array", "items": items});
        }
        if self.takes('{') {
            return self.object();
        }
        let name = self.word();
        let bounds = self.bounds(name);
        builtin(name, bounds)
    }

    /// `<1,100>` behind a number or text; `<Client>` behind `Page` is read there.
    fn bounds(&mut self, name: &str) -> Bounds {
        if !self.takes('<') {
            return Bounds::None;
        }
        let bounds = match name {
            "Page" => Bounds::Of(self.union()),
            _ => {
                let least = self.word().parse().unwrap_or_default();
                self.expects(',');
                Bounds::Between(least, self.word().parse().unwrap_or(i64::MAX))
            }
        };
        self.expects('>');
        bounds
    }

    fn object(&mut self) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        while !self.takes('}') {
            if self.takes('*') {
                self.expects(':');
                let values = self.union();
                self.expects('}');
                return json!({"type": "object", "additionalProperties": values});
            }
            if let Some(rest) = self.rest.strip_prefix("...") {
                self.rest = rest;
                let name = self.word();
                let all = schema(
                    SCHEMAS.get(name).unwrap_or_else(|| panic!("no type {name}")),
                    self.is_sent,
                );
                properties.extend(all["properties"].as_object().cloned().unwrap_or_default());
                required.extend(all["required"].as_array().cloned().unwrap_or_default());
            } else {
                let name = self.word();
                let may_be_left_out = self.takes('?');
                self.expects(':');
                properties.insert(name.to_owned(), self.union());
                if !may_be_left_out {
                    required.push(json!(name));
                }
            }
            self.takes(',');
            self.skip();
        }
        let mut object = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            object["required"] = Value::Array(required);
        }
        if self.is_sent {
            object["additionalProperties"] = json!(false);
        }
        object
    }
}

enum Bounds {
    None,
    Between(i64, i64),
    Of(Value),
}

fn builtin(name: &str, bounds: Bounds) -> Value {
    match (name, bounds) {
        ("text", Bounds::Between(least, most)) => {
            json!({"type": "string", "minLength": least, "maxLength": most})
        }
        ("text", _) => json!({"type": "string"}),
        ("day", _) => json!({"type": "string", "format": "date", "description": "A day, `YYYY-MM-DD`."}),
        ("int", Bounds::Between(least, most)) => {
            json!({"type": "integer", "format": "int64", "minimum": least, "maximum": most})
        }
        ("int", _) => json!({"type": "integer", "format": "int64"}),
        ("time", _) => json!({"type": "integer", "format": "int64",
            "description": "Milliseconds since 1970."}),
        ("minor", _) => json!({"type": "integer", "format": "int64",
            "description": "Minor units of the currency."}),
        ("bool", _) => json!({"type": "boolean"}),
        ("null", _) => json!({"type": "null"}),
        ("any", _) => json!({}),
        ("Page", Bounds::Of(items)) => json!({"type": "object", "required": ["data", "has_more"],
            "properties": {"data": {"type": "array", "items": items}, "has_more": {"type": "boolean"}}}),
        (name, _) => {
            assert!(SCHEMAS.contains_key(name), "no type {name:?}");
            json!({"$ref": format!("#/components/schemas/{name}")})
        }
    }
}

/// One of several: words are one list, and what may be null says so beside its type.
fn either(all: Vec<Value>) -> Value {
    if all.iter().all(|one| one.get("const").is_some()) {
        let words: Vec<Value> = all.iter().map(|one| one["const"].clone()).collect();
        return json!({"type": "string", "enum": words});
    }
    if let [one, null] = all.as_slice()
        && *null == json!({"type": "null"})
        && let Some(kind) = one.get("type").and_then(Value::as_str)
    {
        let mut either = one.clone();
        either["type"] = json!([kind, "null"]);
        return either;
    }
    json!({"anyOf": all})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_can_be_read_and_names_types_that_are_there() {
        for (name, text) in SCHEMAS.iter() {
            let read = schema(text, false);
            assert!(read.is_object(), "{name}");
        }
    }

    #[test]
    fn the_notation_is_json_schema() {
        for (text, expected) in [
            ("text | null", json!({"type": ["string", "null"]})),
            ("'a' | 'b'", json!({"type": "string", "enum": ["a", "b"]})),
            (
                "int<1,5>",
                json!({"type": "integer", "format": "int64", "minimum": 1, "maximum": 5}),
            ),
            (
                "[{a: bool}]",
                json!({"type": "array", "items": {"type": "object", "required": ["a"],
                "properties": {"a": {"type": "boolean"}}, "additionalProperties": false}}),
            ),
            (
                "{*: text}",
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
            ),
            (
                "Client | null",
                json!({"anyOf": [{"$ref": "#/components/schemas/Client"}, {"type": "null"}]}),
            ),
        ] {
            assert_eq!(schema(text, true), expected, "{text}");
        }
    }
}
