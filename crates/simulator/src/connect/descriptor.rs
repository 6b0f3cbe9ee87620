//! What may stand on a payer's statement, and what it is called after.

use crate::error::ApiError;

/// What may stand on a statement: 5 to 22 characters (a prefix 2 to 10), one of them a letter.
///
/// # Errors
/// 400 naming the parameter.
pub fn check(text: &str, param: &str) -> Result<(), ApiError> {
    let lengths = if param.contains("prefix") { 2..=10 } else { 5..=22 };
    let complaint = if !lengths.contains(&text.chars().count()) {
        format!(
            "The statement descriptor must be at least {} and at most {} characters.",
            lengths.start(),
            lengths.end()
        )
    } else if text.contains(['<', '>', '\\', '\'', '"', '*']) {
        "The statement descriptor cannot contain any of <, >, \\, ', \", *.".to_owned()
    } else if param.contains("kana")
        || param.contains("kanji")
        || text.chars().any(|c| c.is_ascii_alphabetic())
    {
        return Ok(());
    } else {
        "The statement descriptor must contain at least one alphabetic character.".to_owned()
    };
    Err(ApiError::invalid(complaint).param(param))
}

/// The host of a web address that may lack its scheme.
pub fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or(rest);
    host.trim_start_matches("www.").to_owned()
}
