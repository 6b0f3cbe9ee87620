//! Multipart forms, in which files are uploaded. A file becomes a map of what is known of it; its bytes are
//! not kept.

use sha2::{Digest as _, Sha256};

use super::{Params, insert, path};
use crate::error::ApiError;
use crate::money::file;

/// More parts than any form of Stripe's has.
const PARTS_MAX: usize = 20;

impl Params {
    /// Adds the parts of a multipart form of this content type.
    ///
    /// # Errors
    /// 400 for what is none.
    pub fn add_multipart(&mut self, content_type: &str, body: &[u8]) -> Result<(), ApiError> {
        let broken = || ApiError::invalid("Invalid request (check that your POST body is a multipart form).");
        let boundary = parameter(content_type, "boundary").ok_or_else(broken)?;
        let line = format!("\r\n--{boundary}");
        // The first boundary has no line before it.
        let mut rest = body.strip_prefix(&line.as_bytes()[2..]).ok_or_else(broken)?;
        for _ in 0..PARTS_MAX {
            if rest.starts_with(b"--") {
                return Ok(());
            }
            let part = rest.strip_prefix(b"\r\n").ok_or_else(broken)?;
            let end = find(part, line.as_bytes()).ok_or_else(broken)?;
            let head = find(&part[..end], b"\r\n\r\n").ok_or_else(broken)?;
            let (text, content) = (&part[..head], &part[head + 4..end]);
            self.add_part(&String::from_utf8_lossy(text), content)?;
            rest = &part[end + line.len()..];
        }
        Err(ApiError::invalid("Too many parameters."))
    }

    fn add_part(&mut self, head: &str, content: &[u8]) -> Result<(), ApiError> {
        let about = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))
            .unwrap_or_default();
        let name = parameter(about, "name").unwrap_or_default();
        let mut add = |name: &str, value: String| {
            insert(&mut self.map, &path(name)?, value)
                .ok_or_else(|| ApiError::invalid(format!("Invalid parameters: {name}")).param(name))
        };
        let Some(filename) = parameter(about, "filename") else {
            if name == "file" || name.starts_with("file[") {
                return Err(ApiError::invalid("Invalid file: it has no name").param("file"));
            }
            return add(&name, String::from_utf8_lossy(content).into_owned());
        };
        add(&format!("{name}[filename]"), filename)?;
        add(&format!("{name}[format]"), file::format(content).to_owned())?;
        add(&format!("{name}[size]"), content.len().to_string())?;
        add(&format!("{name}[sha256]"), hex::encode(Sha256::digest(content)))
    }
}

/// A parameter of a header, with or without quotation marks.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (key.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then(|| value.to_owned())
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}
