//! Reading a request's parameters: `a[b]=x`, `a[0]=x`, `a[]=x`, raw or percent-encoded. A parameter that no
//! one took is an unknown one, so a handler reads all it knows, then calls [`Params::finish`], then acts.

use std::collections::BTreeMap;

use crate::error::ApiError;

mod json;
pub mod metadata;
mod multipart;

/// More parameters than any request of Stripe's has.
const COUNT_MAX: usize = 1_000;
const DEPTH_MAX: usize = 8;
/// Stripe refuses texts longer than this.
const TEXT_MAX: usize = 5_000;
/// The largest number that every reader of JSON takes for what it is; no amount or time is near it, so that
/// what is reckoned with them stays in bounds.
const INTEGER_MAX: u64 = (1 << 53) - 1;
/// How much of a wrong value is said back.
const SHOWN_MAX: usize = 200;

/// A value or a map of values; a list is a map whose keys are numbers.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Map(BTreeMap<Key, Node>),
}

/// Numbers sort as numbers, so that `a[10]` comes after `a[9]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(u32),
    Name(String),
}

/// The parameters of a request, or of one of its maps.
#[derive(Clone, Debug, Default)]
pub struct Params {
    prefix: String,
    map: BTreeMap<Key, Node>,
}

/// What an update says of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update<T> {
    /// Nothing: it stays.
    Keep,
    /// An empty text: it is taken away.
    Clear,
    /// The new value.
    Set(T),
}

impl<T> Update<T> {
    /// Carries the update out.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Update::Keep => {}
            Update::Clear => *field = None,
            Update::Set(value) => *field = Some(value),
        }
    }
}

impl Params {
    /// Parses a query or a form.
    ///
    /// # Errors
    /// 400 when a name is used as a value and as a map at once, or there is too much of anything.
    pub fn parse(text: &[u8]) -> Result<Params, ApiError> {
        let mut params = Params::default();
        for (count, pair) in text
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
            .enumerate()
        {
            if count >= COUNT_MAX {
                return Err(ApiError::invalid("Too many parameters."));
            }
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &pair[..0]),
            };
            let (name, value) = (decode(name)?, decode(value)?);
            let path = path(&name)?;
            insert(&mut params.map, &path, value)
                .ok_or_else(|| ApiError::invalid(format!("Invalid parameters: {name}")).param(name))?;
        }
        Ok(params)
    }

    /// All of it in one order, so that two ways to write the same parameters come to the same text.
    pub fn canonical(&self) -> String {
        let pairs = self.map.iter().map(|(key, node)| (key.text(), node.value()));
        serde_json::Value::Object(pairs.collect()).to_string()
    }

    /// The name of a parameter as the caller wrote it, such as `card[number]`.
    pub fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}[{name}]", self.prefix)
        }
    }

    /// Puts a map back, without what was taken from it.
    pub fn put(&mut self, name: &str, map: Params) {
        if map.map.is_empty() {
            self.map.remove(&key(name));
        } else {
            self.map.insert(key(name), Node::Map(map.map));
        }
    }

    /// Whether the parameter is there, whatever it holds.
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(&key(name))
    }

    /// A text; an empty one counts as not given.
    ///
    /// # Errors
    /// 400 when it is a map or too long.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        Ok(match self.update(name)? {
            Update::Set(text) => Some(text),
            Update::Keep | Update::Clear => None,
        })
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// `parameter_missing` or `parameter_invalid_empty`.
    pub fn required(&mut self, name: &str) -> Result<String, ApiError> {
        match self.update(name)? {
            Update::Set(text) => Ok(text),
            Update::Keep => Err(ApiError::missing(&self.name(name))),
            Update::Clear => Err(self.empty(name)),
        }
    }

    /// A text that an update may set or take away.
    ///
    /// # Errors
    /// As [`Params::text`].
    pub fn update(&mut self, name: &str) -> Result<Update<String>, ApiError> {
        match self.map.remove(&key(name)) {
            None => Ok(Update::Keep),
            Some(map @ Node::Map(_)) => Err(self.not_text(name, &map)),
            Some(Node::Text(text)) if text.is_empty() => Ok(Update::Clear),
            Some(Node::Text(text)) if text.chars().count() > TEXT_MAX => Err(ApiError::invalid(format!(
                "Invalid string: it must be at most {TEXT_MAX} characters"
            ))
            .param(self.name(name))),
            Some(Node::Text(text)) => Ok(Update::Set(text)),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// `parameter_invalid_integer`: Stripe takes no fractions.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let number = text
            .parse()
            .ok()
            .filter(|number: &i64| number.unsigned_abs() <= INTEGER_MAX);
        number.map(Some).ok_or_else(|| {
            ApiError::invalid(format!(
                "Invalid integer: {}",
                text.chars().take(40).collect::<String>()
            ))
            .code("parameter_invalid_integer")
            .param(self.name(name))
        })
    }

    /// An amount of money that moves: a whole number from 1.
    ///
    /// # Errors
    /// 400 `parameter_invalid_integer` for anything else.
    pub fn positive(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.integer(name)? {
            Some(number) if number < 1 => Err(ApiError::below_one(&self.name(name))),
            number => Ok(number),
        }
    }

    /// A truth value.
    ///
    /// # Errors
    /// 400 for anything but `true` and `false`.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => {
                let other: String = other.chars().take(40).collect();
                Err(ApiError::invalid(format!("Invalid boolean: {other}")).param(self.name(name)))
            }
        }
    }

    /// One of some words.
    ///
    /// # Errors
    /// 400 naming the words.
    pub fn choice(&mut self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Some(word)),
            None => Err(ApiError::invalid(format!(
                "Invalid {}: must be one of {}",
                self.name(name),
                either(words)
            ))
            .param(self.name(name))),
        }
    }

    /// One of some words, which must be there.
    ///
    /// # Errors
    /// As [`Params::required`] and [`Params::choice`].
    pub fn required_choice(&mut self, name: &str, words: &[&'static str]) -> Result<&'static str, ApiError> {
        if self.clone().text(name)?.is_none() {
            self.required(name)?;
        }
        self.choice(name, words)?
            .ok_or_else(|| ApiError::missing(&self.name(name)))
    }

    /// The names that were not taken yet.
    pub fn names(&self) -> Vec<String> {
        self.map.keys().map(Key::text).collect()
    }

    /// A list of texts; `None` when it is not there.
    ///
    /// # Errors
    /// 400 when it is no list.
    pub fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        match self.map.remove(&key(name)) {
            None => Ok(None),
            Some(Node::Text(text)) if text.is_empty() => Ok(Some(Vec::new())),
            Some(Node::Map(map)) if map.keys().all(|key| matches!(key, Key::Number(_))) => map
                .into_values()
                .map(|node| self.leaf(name, node))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(ApiError::invalid("Invalid array").param(self.name(name))),
        }
    }

    /// A map, whose own parameters are read in turn; an empty text counts as not given.
    ///
    /// # Errors
    /// 400 when it is a text.
    pub fn map(&mut self, name: &str) -> Result<Option<Params>, ApiError> {
        match self.map.remove(&key(name)) {
            None => Ok(None),
            Some(Node::Text(text)) if text.is_empty() => Ok(None),
            Some(Node::Text(_)) => Err(ApiError::invalid("Invalid object").param(self.name(name))),
            Some(Node::Map(map)) => Ok(Some(Params {
                prefix: self.name(name),
                map,
            })),
        }
    }

    /// A list of maps, such as `items[0][price]`; `None` when it is not there, empty for an empty text.
    ///
    /// # Errors
    /// 400 when it is no list of maps.
    pub fn maps(&mut self, name: &str) -> Result<Option<Vec<Params>>, ApiError> {
        let list = match self.map.remove(&key(name)) {
            None => return Ok(None),
            Some(Node::Text(text)) if text.is_empty() => return Ok(Some(Vec::new())),
            Some(Node::Map(map)) if map.keys().all(|key| matches!(key, Key::Number(_))) => map,
            Some(_) => return Err(ApiError::invalid("Invalid array").param(self.name(name))),
        };
        let prefix = self.name(name);
        list.into_iter()
            .map(|(at, node)| match node {
                Node::Map(map) => Ok(Params {
                    prefix: format!("{prefix}[{}]", at.text()),
                    map,
                }),
                Node::Text(_) => Err(ApiError::invalid("Invalid object").param(prefix.clone())),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// All is read.
    ///
    /// # Errors
    /// `parameter_unknown` for what nobody took.
    pub fn finish(self) -> Result<(), ApiError> {
        let names: Vec<String> = self.map.keys().map(|left| self.name(&left.text())).collect();
        let Some(first) = names.first() else { return Ok(()) };
        let several = if names.len() > 1 { "s" } else { "" };
        let all: String = names.join(", ").chars().take(SHOWN_MAX).collect();
        Err(
            ApiError::invalid(format!("Received unknown parameter{several}: {all}"))
                .code("parameter_unknown")
                .param(first),
        )
    }

    /// `parameter_invalid_empty`.
    pub fn empty(&self, name: &str) -> ApiError {
        let name = self.name(name);
        ApiError::invalid(format!(
            "You passed an empty string for '{name}'. We assume empty values are an attempt to unset a \
             parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or \
             supply a non-empty value."
        ))
        .code("parameter_invalid_empty")
        .param(name)
    }

    fn leaf(&self, name: &str, node: Node) -> Result<String, ApiError> {
        match node {
            Node::Text(text) => Ok(text),
            map @ Node::Map(_) => Err(self.not_text(name, &map)),
        }
    }

    fn not_text(&self, name: &str, node: &Node) -> ApiError {
        let shown: String = node.value().to_string().chars().take(SHOWN_MAX).collect();
        ApiError::invalid(format!("Invalid string: {shown}")).param(self.name(name))
    }
}

impl Key {
    fn text(&self) -> String {
        match self {
            Key::Number(number) => number.to_string(),
            Key::Name(name) => name.clone(),
        }
    }
}

impl Node {
    fn value(&self) -> serde_json::Value {
        match self {
            Node::Text(text) => text.as_str().into(),
            Node::Map(map) => {
                let pairs = map.iter().map(|(key, node)| (key.text(), node.value()));
                serde_json::Value::Object(pairs.collect())
            }
        }
    }
}

/// `a, b, or c`.
fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, other] => format!("{one} or {other}"),
        [most @ .., last] => format!("{}, or {last}", most.join(", ")),
    }
}

fn key(name: &str) -> Key {
    // `01` is a name: as a number it would come back as `1`.
    match name.parse::<u32>() {
        Ok(number) if number.to_string() == name => Key::Number(number),
        _ => Key::Name(name.to_owned()),
    }
}

/// `a[b][0]` as `["a", "b", "0"]`; the empty brackets of `a[]` as an empty part.
fn path(name: &str) -> Result<Vec<&str>, ApiError> {
    let malformed = || {
        ApiError::invalid(format!(
            "Invalid parameter name: {}",
            name.chars().take(80).collect::<String>()
        ))
    };
    let (first, mut rest) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    let mut path = vec![first];
    while !rest.is_empty() {
        let end = rest.find(']').ok_or_else(malformed)?;
        path.push(rest.get(1..end).ok_or_else(malformed)?);
        rest = &rest[end + 1..];
        if !rest.is_empty() && !rest.starts_with('[') {
            return Err(malformed());
        }
    }
    if first.is_empty() || path.len() > DEPTH_MAX {
        Err(malformed())
    } else {
        Ok(path)
    }
}

fn insert(map: &mut BTreeMap<Key, Node>, path: &[&str], value: String) -> Option<()> {
    let (first, rest) = path.split_first()?;
    let at = if first.is_empty() {
        next(map, rest)
    } else {
        key(first)
    };
    if rest.is_empty() {
        if matches!(map.get(&at), Some(Node::Map(_))) {
            return None;
        }
        map.insert(at, Node::Text(value));
        return Some(());
    }
    match map.entry(at).or_insert_with(|| Node::Map(BTreeMap::new())) {
        Node::Map(inner) => insert(inner, rest, value),
        Node::Text(_) => None,
    }
}

/// The place of what comes under empty brackets: in `a[][b]=1&a[][c]=2&a[][b]=3` a map goes on until a name
/// would come twice in it.
fn next(map: &BTreeMap<Key, Node>, rest: &[&str]) -> Key {
    let last = map
        .keys()
        .filter_map(|key| {
            if let Key::Number(number) = key {
                Some(*number)
            } else {
                None
            }
        })
        .max();
    match (last, rest.first()) {
        (Some(last), Some(name)) if !name.is_empty() => match map.get(&Key::Number(last)) {
            Some(Node::Map(inner)) if rest.len() > 1 || !inner.contains_key(&key(name)) => Key::Number(last),
            _ => Key::Number(last.saturating_add(1)),
        },
        (Some(last), _) => Key::Number(last.saturating_add(1)),
        (None, _) => Key::Number(0),
    }
}

/// Percent-decoding, with `+` for a space; anything but UTF-8 is refused.
pub fn decode(text: &[u8]) -> Result<String, ApiError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail
            .get(..2)
            .and_then(|pair| hex::decode(pair).ok())
            .filter(|_| *first == b'%');
        match (first, escaped) {
            (_, Some(decoded)) => {
                bytes.extend(decoded);
                rest = &tail[2..];
            }
            (b'+', None) => {
                bytes.push(b' ');
                rest = tail;
            }
            (other, None) => {
                bytes.push(*other);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| ApiError::invalid("Invalid UTF-8 in the parameters."))
}
