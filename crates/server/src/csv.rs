//! Lines of files for spreadsheets (RFC 4180). A text that a spreadsheet would take for a formula gets an
//! apostrophe before it, so that nothing in such a file is ever carried out.

/// A line with its end.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    let mut line = cells.join(",");
    line.push('\n');
    line
}

fn cell(text: &str) -> String {
    let text = match is_formula(text) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// What begins like a formula and is no number.
fn is_formula(text: &str) -> bool {
    let begins = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let number = text.strip_prefix('-').unwrap_or(text);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    begins && !is_number
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn nothing_in_a_file_is_carried_out_and_every_cell_stays_one() {
        for (cells, expected) in [
            (vec!["INV-1", "12.50"], "INV-1,12.50\n"),
            (vec!["-12.50", "-3"], "-12.50,-3\n"),
            (
                vec!["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3"],
                "'=1+1,'+cmd|' /C calc'!A0,'@SUM(A1),'-2+3\n",
            ),
            (vec!["\t=1", "a\r\nb"], "'\t=1,\"a\r\nb\"\n"),
            (vec!["Smith, \"Ann\""], "\"Smith, \"\"Ann\"\"\"\n"),
            (vec![""], "\n"),
        ] {
            assert_eq!(line(cells), expected);
        }
    }
}
