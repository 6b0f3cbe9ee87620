//! Reading variables: each once, with the checks that hold for all of them, and every error kept.

use super::{ConfigError, Problem};

/// What became of a variable. `Wrong` has been recorded, so that it is not called missing as well.
pub enum Given<T> {
    /// Not set.
    Absent,
    /// Set, and refused.
    Wrong,
    /// Set, and right.
    Value(T),
}

/// The environment, and all that is wrong with it so far.
pub struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// In the order in which they were found.
    pub errors: Vec<ConfigError>,
}

impl<'a> Variables<'a> {
    /// Nothing is read yet.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Variables<'a> {
        Variables {
            lookup,
            errors: Vec::new(),
        }
    }

    /// Records an error; `None` so that a parser can end with it.
    pub fn refuse<T>(&mut self, variable: &'static str, problem: Problem) -> Option<T> {
        self.errors.push(ConfigError { variable, problem });
        None
    }

    /// Whether the variable is set, be it right or wrong.
    pub fn is_set(&self, variable: &'static str) -> bool {
        (self.lookup)(variable).is_some()
    }

    /// A value that may have spaces inside, such as a path.
    pub fn text(&mut self, variable: &'static str) -> Given<String> {
        self.checked(variable, |text| text.trim() != text, is_placeholder)
    }

    /// A name and an address in angle brackets, which mark no placeholder here.
    pub fn mailbox(&mut self, variable: &'static str) -> Given<String> {
        let placeholder = |text: &str| is_placeholder(&text.replace(['<', '>'], ""));
        self.checked(variable, |text| text.trim() != text, placeholder)
    }

    /// A value without any white space.
    pub fn word(&mut self, variable: &'static str) -> Given<String> {
        self.checked(
            variable,
            |text| text.contains(char::is_whitespace),
            is_placeholder,
        )
    }

    /// Text of several lines, such as a certificate.
    pub fn lines(&mut self, variable: &'static str) -> Given<String> {
        self.checked(variable, |_| false, is_placeholder)
    }

    fn checked(
        &mut self,
        variable: &'static str,
        spaced: fn(&str) -> bool,
        placeholder: fn(&str) -> bool,
    ) -> Given<String> {
        let Some(text) = (self.lookup)(variable) else {
            return Given::Absent;
        };
        let problem = if text.trim().is_empty() {
            Problem::Empty
        } else if placeholder(&text) {
            Problem::Placeholder
        } else if spaced(&text) {
            Problem::WhiteSpace
        } else {
            return Given::Value(text);
        };
        self.errors.push(ConfigError { variable, problem });
        Given::Wrong
    }
}

/// `whsec_REPLACE_WITH_…`, `sk_test_...`, `<your key>`, `pk_test_xxx`. Three x stand in one real key of a few
/// thousand, so they count only where nothing follows them, and four anywhere.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["replace_with", "...", "…", "<", "xxxx"]
        .iter()
        .any(|mark| lower.contains(mark))
        || lower.ends_with("xxx")
}
