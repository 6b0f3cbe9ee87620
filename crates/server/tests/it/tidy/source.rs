//! A Rust file taken apart just enough for the rules: its code without comments and literals, its string
//! literals, and the same code without what only tests see. Offsets and lines are those of the file.

use std::ops::Range;

/// One string literal and where its text begins.
#[derive(Debug)]
pub struct Literal {
    pub offset: usize,
    pub text: String,
}

/// A Rust file's parts.
#[derive(Debug)]
pub struct Source {
    /// The code; comments and the insides of literals are blanks.
    pub code: String,
    /// The same without items under `#[cfg(test)]`; empty for a file of tests.
    pub product: String,
    /// Every string literal, in order.
    pub literals: Vec<Literal>,
}

/// Takes a file apart. `test_file` says that all of it is for tests.
pub fn parse(text: &str, test_file: bool) -> Source {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        code: text.as_bytes().to_vec(),
        literals: Vec::new(),
    };
    scan.run();
    let literals = scan
        .literals
        .iter()
        .map(|range| Literal {
            offset: range.start,
            text: text[range.clone()].to_owned(),
        })
        .collect();
    let code = String::from_utf8(scan.code).expect("whole characters were blanked");
    let product = if test_file {
        String::new()
    } else {
        without_tests(&code)
    };
    Source {
        code,
        product,
        literals,
    }
}

/// The places of `word` in `code` that are not part of a longer name.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !code[..at].ends_with(is_name_char) && !code[at + word.len()..].starts_with(is_name_char)
    })
}

/// Whether a name may contain this character.
pub fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The end of the bracket that opens at `open`, just behind its closing one.
pub fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Where the item that begins at `from` ends: behind its `;` or its body.
pub fn item_end(code: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = code.as_bytes().get(at) {
        match byte {
            b'(' | b'[' => at = closing(code, at),
            b'{' => return closing(code, at),
            b';' => return at + 1,
            _ => at += 1,
        }
    }
    code.len()
}

fn without_tests(code: &str) -> String {
    let mut product = code.as_bytes().to_vec();
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        let mut item = start + attribute.len();
        // Further attributes of the same item.
        while code[item..].trim_start().starts_with("#[") {
            item = closing(code, item + code[item..].find('[').expect("just seen"));
        }
        blank(&mut product, start..item_end(code, item));
    }
    String::from_utf8(product).expect("whole characters were blanked")
}

fn blank(bytes: &mut [u8], range: Range<usize>) {
    for byte in &mut bytes[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// One pass over the bytes of a file.
struct Scan<'a> {
    bytes: &'a [u8],
    code: Vec<u8>,
    literals: Vec<Range<usize>>,
}

impl Scan<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            at = match rest {
                [b'/', b'/', ..] => self.comment(at, self.end_of_line(at)),
                [b'/', b'*', ..] => self.comment(at, self.end_of_block_comment(at)),
                [b'"', ..] => self.string(at + 1),
                [b'\'', ..] => self.character_or_lifetime(at),
                [b'r', b'"' | b'#', ..] if !self.in_a_name(at) => self.raw_string(at),
                [b'b' | b'c', b'r', b'"' | b'#', ..] if !self.in_a_name(at) => self.raw_string(at + 1),
                _ => at + 1,
            };
        }
    }

    fn in_a_name(&self, at: usize) -> bool {
        at > 0 && (self.bytes[at - 1].is_ascii_alphanumeric() || self.bytes[at - 1] == b'_')
    }

    fn comment(&mut self, from: usize, to: usize) -> usize {
        blank(&mut self.code, from..to);
        to
    }

    fn end_of_line(&self, at: usize) -> usize {
        self.bytes[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.bytes.len(), |length| at + length)
    }

    fn end_of_block_comment(&self, from: usize) -> usize {
        let mut depth = 0;
        let mut at = from;
        while at < self.bytes.len() {
            match &self.bytes[at..] {
                [b'/', b'*', ..] => {
                    depth += 1;
                    at += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        return at;
                    }
                }
                _ => at += 1,
            }
        }
        at
    }

    /// From behind the opening quote; answers the place behind the closing one.
    fn string(&mut self, from: usize) -> usize {
        let mut at = from;
        while at < self.bytes.len() && self.bytes[at] != b'"' {
            at += if self.bytes[at] == b'\\' { 2 } else { 1 };
        }
        self.literal(from..at.min(self.bytes.len()), 1)
    }

    fn raw_string(&mut self, r: usize) -> usize {
        let hashes = self.bytes[r + 1..]
            .iter()
            .take_while(|byte| **byte == b'#')
            .count();
        let from = r + 1 + hashes + 1;
        if self.bytes.get(from - 1) != Some(&b'"') {
            // A raw name, such as `r#type`.
            return from - 1;
        }
        let end: Vec<u8> = [b'"'].into_iter().chain(vec![b'#'; hashes]).collect();
        let length = self.bytes[from..]
            .windows(end.len())
            .position(|window| window == end);
        self.literal(
            from..length.map_or(self.bytes.len(), |length| from + length),
            end.len(),
        )
    }

    fn literal(&mut self, range: Range<usize>, closing: usize) -> usize {
        blank(&mut self.code, range.clone());
        self.literals.push(range.clone());
        range.end + closing
    }

    /// `'x'`, `'\n'` and `'é'` are blanked; of `'static` only the quote is passed.
    fn character_or_lifetime(&mut self, at: usize) -> usize {
        let rest = &self.bytes[at + 1..];
        let length = match rest {
            [b'\\', ..] => rest
                .iter()
                .skip(2)
                .position(|byte| *byte == b'\'')
                .map(|length| length + 2),
            [first, ..] if *first >= 0x80 => rest.iter().take(5).position(|byte| *byte == b'\''),
            [_, b'\'', ..] => Some(1),
            _ => None,
        };
        let Some(length) = length else { return at + 1 };
        blank(&mut self.code, at + 1..at + 1 + length);
        at + 1 + length + 1
    }
}
