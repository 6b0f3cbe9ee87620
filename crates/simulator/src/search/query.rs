//! Stripe's query language: clauses such as `amount>1000` or `-metadata["key"]:null`, all joined by `AND` (or
//! by nothing), or all by `OR`.

use super::fields::{Field, Found, Searched};
use crate::error::ApiError;
use crate::state::State;

/// Stripe takes this many clauses.
const CLAUSES_MAX: usize = 10;
/// A shorter part of a text is no substring to search for.
const SUBSTRING_MIN: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Is,
    Holds,
    Above,
    AtLeast,
    Below,
    AtMost,
}

const OPERATORS: [(&str, Operator); 6] = [
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    (">", Operator::Above),
    ("<", Operator::Below),
    ("~", Operator::Holds),
    (":", Operator::Is),
];

struct Clause {
    negated: bool,
    field: String,
    /// Of `metadata["key"]`.
    key: Option<String>,
    operator: Operator,
    /// `None` is `null`.
    value: Option<String>,
    /// The value in lower case, as texts are compared.
    folded: String,
    /// The value as a number.
    number: Option<i64>,
}

/// A query.
pub struct Query {
    clauses: Vec<Clause>,
    any: bool,
}

fn unreadable() -> ApiError {
    ApiError::invalid(
        "We were unable to parse your search query. Try using the format `metadata[\"key\"]:\"value\"` to \
         query for metadata or key:\"value\" to query for other fields.",
    )
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 without a code, as Stripe refuses what it cannot read, for what is no query.
    pub fn parse(text: &str) -> Result<Query, ApiError> {
        let mut rest = text.trim();
        let mut clauses = Vec::new();
        let mut any = None;
        while !rest.is_empty() {
            if !clauses.is_empty()
                && let Some((or, after)) = joint(rest)
            {
                if any.is_some_and(|any| any != or) {
                    return Err(unreadable());
                }
                any = Some(or);
                rest = after;
            } else if !clauses.is_empty() {
                if any == Some(true) {
                    return Err(unreadable());
                }
                any = Some(false);
            }
            let (clause, after) = clause(rest).ok_or_else(unreadable)?;
            clauses.push(clause);
            if !after.is_empty() && !after.starts_with(char::is_whitespace) {
                return Err(unreadable());
            }
            rest = after.trim_start();
        }
        if clauses.len() > CLAUSES_MAX {
            return Err(ApiError::invalid(format!(
                "Your search query has too many clauses: at most {CLAUSES_MAX} can be combined."
            )));
        }
        if clauses.is_empty() {
            return Err(unreadable());
        }
        Ok(Query {
            clauses,
            any: any == Some(true),
        })
    }

    /// Whether a kind of object can be searched so.
    ///
    /// # Errors
    /// 400 without a code for a field or an operator that is not supported.
    pub fn check<T: Searched>(&self) -> Result<(), ApiError> {
        for clause in &self.clauses {
            let known = T::FIELDS.iter().find(|(name, _)| *name == clause.field);
            let kind = match known {
                _ if clause.field == "metadata" && clause.key.is_some() => Field::Token,
                Some((_, kind)) if clause.key.is_none() => *kind,
                _ => return Err(unsupported(&clause.field, T::PATH)),
            };
            clause.check(kind)?;
        }
        Ok(())
    }

    /// Whether a row is what is searched for.
    pub fn finds<T: Searched>(&self, state: &State, row: &T) -> bool {
        if row.gone() {
            return false;
        }
        if self.any {
            self.clauses.iter().any(|clause| clause.finds(state, row))
        } else {
            self.clauses.iter().all(|clause| clause.finds(state, row))
        }
    }
}

fn unsupported(field: &str, path: &str) -> ApiError {
    let field: String = field.chars().take(80).collect();
    let anchor = path.replace('_', "-");
    ApiError::invalid(format!(
        "Field `{field}` is an unsupported search field for resource `{path}`. See \
         http://stripe.com/docs/search#query-fields-for-{anchor} for a list of supported fields."
    ))
}

impl Clause {
    fn check(&self, kind: Field) -> Result<(), ApiError> {
        let field = &self.field;
        let compares = !matches!(self.operator, Operator::Is | Operator::Holds);
        let wrong = match kind {
            _ if self.value.is_none() && self.operator != Operator::Is => {
                format!("Field `{field}` can only be compared with null by `:`.")
            }
            Field::Number if self.operator == Operator::Holds => {
                format!("Field `{field}` does not support substring matching.")
            }
            Field::Number if self.value.is_some() && self.number.is_none() => {
                format!("Field `{field}` is a number and has to be compared with one.")
            }
            Field::Token if self.operator == Operator::Holds => {
                format!("Field `{field}` does not support substring matching.")
            }
            Field::Token | Field::Text if compares => {
                format!("Field `{field}` does not support numeric comparators.")
            }
            Field::Text
                if self.operator == Operator::Holds && self.folded.chars().count() < SUBSTRING_MIN =>
            {
                format!("Substring matching of `{field}` needs at least {SUBSTRING_MIN} characters.")
            }
            Field::Number | Field::Token | Field::Text => return Ok(()),
        };
        Err(ApiError::invalid(wrong))
    }

    fn finds<T: Searched>(&self, state: &State, row: &T) -> bool {
        let found = match &self.key {
            Some(key) => row
                .notes()
                .get(key)
                .map_or(Found::Nothing, |note| Found::text(note)),
            None => row.found(state, &self.field),
        };
        self.fits(&found) != self.negated
    }

    fn fits(&self, found: &Found<'_>) -> bool {
        if self.value.is_none() {
            return matches!(found, Found::Nothing);
        }
        match found {
            Found::Nothing => false,
            Found::Text(text) if self.operator == Operator::Holds => {
                text.to_lowercase().contains(&self.folded)
            }
            Found::Text(text) => text.to_lowercase() == self.folded,
            Found::Flag(flag) => self.folded == if *flag { "true" } else { "false" },
            Found::Number(number) => self.number.is_some_and(|wanted| match self.operator {
                Operator::Is | Operator::Holds => *number == wanted,
                Operator::Above => *number > wanted,
                Operator::AtLeast => *number >= wanted,
                Operator::Below => *number < wanted,
                Operator::AtMost => *number <= wanted,
            }),
        }
    }
}

/// `AND` or `OR` (true) at the beginning, and what comes after.
fn joint(text: &str) -> Option<(bool, &str)> {
    let (word, rest) = text.split_once(char::is_whitespace)?;
    let or = match word.to_ascii_lowercase().as_str() {
        "and" => false,
        "or" => true,
        _ => return None,
    };
    Some((or, rest.trim_start()))
}

/// The first clause, and what comes after.
fn clause(text: &str) -> Option<(Clause, &str)> {
    let (negated, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')?;
    let (field, rest) = text.split_at(end);
    if field.is_empty() {
        return None;
    }
    let (key, rest) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (key, rest) = quoted(rest)?;
            (Some(key), rest.strip_prefix(']')?)
        }
        None => (None, rest),
    };
    let (sign, operator) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    let (value, rest) = value(&rest[sign.len()..])?;
    let folded = value.as_deref().unwrap_or_default().to_lowercase();
    let clause = Clause {
        negated,
        field: field.to_owned(),
        key,
        operator: *operator,
        number: folded.parse().ok(),
        folded,
        value,
    };
    Some((clause, rest))
}

/// A value: quoted, or a bare word or number, of which `null` is none.
fn value(text: &str) -> Option<(Option<String>, &str)> {
    if text.starts_with(['"', '\'']) {
        let (value, rest) = quoted(text)?;
        return Some((Some(value), rest));
    }
    let bare = |c: char| c.is_alphanumeric() || "_-.@+".contains(c);
    let (word, rest) = text.split_at(text.find(|c| !bare(c)).unwrap_or(text.len()));
    match word {
        "" => None,
        null if null.eq_ignore_ascii_case("null") => Some((None, rest)),
        word => Some((Some(word.to_owned()), rest)),
    }
}

/// A text between quotes of either kind, in which a backslash keeps the next character.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut inner = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => {
                inner.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            c if c == quote => return Some((inner, &text[at + 1..])),
            c => inner.push(c),
        }
    }
    None
}
