//! Form encoding for Stripe's v1 API: flat `a[b]=c` names in the order given, so that the same parameters
//! are always the same bytes. Also the encoding of one path segment, because ids may come from a browser.

/// Encodes names and values as `application/x-www-form-urlencoded`, in their order. Brackets are escaped
/// too: Stripe accepts both ways, and escaped ones are valid in a body and in a URL.
pub fn encode(params: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in params {
        if !text.is_empty() {
            text.push('&');
        }
        escape(name, &mut text);
        text.push('=');
        escape(value, &mut text);
    }
    text
}

/// `collection/id` with the id escaped, so that no id, whoever sent it, can reach another endpoint. An
/// empty id (which would turn a retrieve into a list) and the dot segments become `_`, which no object is
/// called.
pub fn object_path(collection: &str, id: &str) -> String {
    let mut path = format!("{collection}/");
    match id {
        "" | "." | ".." => path.push('_'),
        _ => escape_segment(id, &mut path),
    }
    path
}

/// One parameter of a request.
pub(crate) fn param(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// Adds a parameter only when there is a value: an empty one would tell Stripe to unset the field.
pub(crate) fn push_optional(params: &mut Vec<(String, String)>, name: &str, value: Option<impl ToString>) {
    if let Some(value) = value {
        params.push(param(name, value));
    }
}

/// Adds `metadata[key]=value` for each pair, in the order given.
pub(crate) fn push_metadata(params: &mut Vec<(String, String)>, metadata: &[(String, String)]) {
    for (key, value) in metadata {
        params.push((format!("metadata[{key}]"), value.clone()));
    }
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => push_percent(byte, out),
        }
    }
}

fn escape_segment(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            _ => push_percent(byte, out),
        }
    }
}

fn push_percent(byte: u8, out: &mut String) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    out.push('%');
    out.push(HEX[usize::from(byte >> 4)]);
    out.push(HEX[usize::from(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_in_order_and_escapes() {
        let params = [
            param("metadata[op id]", "a+b&c=d é"),
            param("amount", 12345),
            param("empty", ""),
        ];
        assert_eq!(
            encode(&params),
            "metadata%5Bop+id%5D=a%2Bb%26c%3Dd+%C3%A9&amount=12345&empty="
        );
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn no_id_leaves_its_collection() {
        for (id, path) in [
            ("pi_3SWdemo", "/v1/x/pi_3SWdemo"),
            ("", "/v1/x/_"),
            (".", "/v1/x/_"),
            ("..", "/v1/x/_"),
            ("../accounts", "/v1/x/..%2Faccounts"),
            ("a?b#c", "/v1/x/a%3Fb%23c"),
            ("a%2e", "/v1/x/a%252e"),
            ("a\\b\r\n", "/v1/x/a%5Cb%0D%0A"),
        ] {
            assert_eq!(object_path("/v1/x", id), path, "{id:?}");
        }
    }
}
