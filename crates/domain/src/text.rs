//! Text that people are shown: what must not be in it, because it shows as something else than it says.

/// Reads text that a person typed: trimmed, of 1 to `most` characters that can be seen, without control
/// characters (line breaks where `lines` allows them) and without those that turn the direction of writing,
/// which make `\u{202e}gnp.exe` look like `exe.png`. `None` when it is not like that.
pub fn shown(text: &str, most: usize, lines: bool) -> Option<String> {
    let text = text.trim();
    let visible = text.chars().any(|c| !is_invisible(c) && !c.is_whitespace());
    let refused = |c: char| turns_direction(c) || (c.is_control() && !(lines && c == '\n'));
    (visible && text.chars().count() <= most && !text.chars().any(refused)).then(|| text.to_owned())
}

/// Text as it is pasted from a page, a letter or a table: blanks of every kind become plain ones, line breaks
/// of every kind one, and what cannot be seen between the letters goes.
pub fn pasted(text: &str) -> String {
    let plain = |c: char| match c {
        '\t' | '\u{a0}' | '\u{202f}' | '\u{2007}' => Some(' '),
        '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => Some('\n'),
        c if is_invisible(c) => None,
        c => Some(c),
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter_map(plain).collect()
}

const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_becomes_plain() {
        for (text, plain) in [
            ("a\tb\u{a0}c", "a b c"),
            ("one\r\ntwo\rthree\u{2028}four", "one\ntwo\nthree\nfour"),
            ("soft\u{ad}ware\u{200b}\u{feff}", "software"),
            ("\u{202e}x", "\u{202e}x"),
            (
                "Bäckerei \u{201c}Hofmann\u{201d}",
                "Bäckerei \u{201c}Hofmann\u{201d}",
            ),
        ] {
            assert_eq!(pasted(text), plain);
        }
    }

    #[test]
    fn text_says_what_it_shows() {
        assert_eq!(
            shown("  Bäckerei Hofmann KG ", 500, false).as_deref(),
            Some("Bäckerei Hofmann KG")
        );
        assert_eq!(shown("שלום عالم", 500, false).as_deref(), Some("שלום عالم"));
        assert_eq!(shown("one\ntwo", 500, true).as_deref(), Some("one\ntwo"));
        for text in [
            "",
            "  ",
            "one\ntwo",
            "a\0b",
            "a\u{7}",
            "\u{202e}gnp.exe",
            "\u{200b}\u{feff}",
            "abcdef",
        ] {
            assert_eq!(shown(text, 5, false), None, "{text:?}");
        }
    }
}
