//! Forms with a file, `multipart/form-data` (RFC 7578), as browsers send them: read from a body that is here
//! in whole, whose length the route has bounded.

use axum::http::{HeaderMap, header};

/// Parts of a form at most; more are passed over.
const PARTS_MAX: usize = 50;
/// A boundary has at most so many characters (RFC 2046).
const BOUNDARY_MAX: usize = 70;

/// One part of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The field.
    pub name: &'a str,
    /// What the file is called where it comes from; none for a field that is no file.
    pub file_name: Option<&'a str>,
    /// What stands in it.
    pub bytes: &'a [u8],
}

/// The parts of a body, in the order of the form; none where it is no such form.
pub fn parts<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary")
            .then(|| value.trim_matches('"'))
    })?;
    if boundary.is_empty() || boundary.len() > BOUNDARY_MAX {
        return None;
    }
    let mark = format!("--{boundary}");
    let mut found = Vec::new();
    // What stands before the first boundary is nobody's.
    let mut rest = body.get(find(body, mark.as_bytes())? + mark.len()..)?;
    while found.len() < PARTS_MAX && rest.starts_with(b"\r\n") {
        let part = rest.get(2..)?;
        let end = find(part, format!("\r\n{mark}").as_bytes())?;
        found.extend(part_of(part.get(..end)?));
        rest = part.get(end + 2 + mark.len()..)?;
    }
    Some(found)
}

/// The first place of a text in bytes.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn part_of(part: &[u8]) -> Option<Part<'_>> {
    let end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(part.get(..end)?).ok()?;
    let says = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some(Part {
        name: parameter(says, "name")?,
        file_name: parameter(says, "filename"),
        bytes: part.get(end + 4..)?,
    })
}

/// A quoted parameter: browsers write quotes within it as `%22`, so that it ends at the next one.
fn parameter<'a>(says: &'a str, wanted: &str) -> Option<&'a str> {
    let before = format!("; {wanted}=\"");
    let (_, rest) = says.split_once(&before)?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(kind: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        headers
    }

    #[test]
    fn a_form_with_a_file_is_read() {
        let body = b"--XyZ\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nabc\r\n--XyZ\r\n\
            Content-Disposition: form-data; name=\"logo\"; filename=\"a %22b.png\"\r\n\
            Content-Type: image/png\r\n\r\n\x89PNG\r\n--XyQ\r\n\r\n--XyZ--\r\n";
        let parts = parts(&headers("multipart/form-data; boundary=XyZ"), body).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (parts[0].name, parts[0].file_name, parts[0].bytes),
            ("csrf_token", None, &b"abc"[..])
        );
        assert_eq!((parts[1].name, parts[1].file_name), ("logo", Some("a %22b.png")));
        assert_eq!(parts[1].bytes, b"\x89PNG\r\n--XyQ\r\n");
    }

    #[test]
    fn what_is_no_such_form_has_no_parts() {
        let body = b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--";
        for kind in [
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=X",
            "multipart/form-data; boundary=Y",
        ] {
            assert_eq!(parts(&headers(kind), body), None, "{kind}");
        }
        let kind = headers("multipart/form-data; boundary=\"X\"");
        assert_eq!(parts(&kind, body).unwrap().len(), 1);
        for end in 0..body.len() - 5 {
            // A body that breaks off anywhere has no half part.
            assert!(parts(&kind, &body[..end]).unwrap_or_default().is_empty(), "{end}");
        }
    }
}
