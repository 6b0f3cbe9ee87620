//! From text to glyphs: which font has which characters, both directions of writing, and where lines break.
//! What no font has is shown as `[?]` and remembered, so that the document can say what is missing.

use std::ops::Range;

use harfrust::Direction;
use unicode_bidi::{Level, ParagraphBidiInfo};
use unicode_script::{Script, UnicodeScript};

use crate::fonts::{Fonts, Weight};
use crate::geometry::Mp;

/// What stands for characters that no font has.
const MISSING: &str = "[?]";

/// A glyph; lengths in the font's units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glyph {
    pub id: u32,
    /// The bytes of the piece's text that it shows.
    pub range: Range<usize>,
    pub advance: i64,
    pub x_offset: i64,
    pub y_offset: i64,
}

/// Glyphs of one font, from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The font's number.
    pub face: usize,
    pub text: String,
    pub glyphs: Vec<Glyph>,
    /// What it stands for, if that is not its text.
    pub stands_for: Option<String>,
    units: i64,
    units_per_em: i64,
}

impl Piece {
    /// How wide it is in this size.
    pub fn width(&self, size: Mp) -> Mp {
        self.units * size / self.units_per_em
    }
}

/// A line of text, ready to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shaped {
    pub pieces: Vec<Piece>,
}

impl Shaped {
    /// How wide it is in this size.
    pub fn width(&self, size: Mp) -> Mp {
        self.pieces.iter().map(|piece| piece.width(size)).sum()
    }

    /// The scripts of the characters that no font has.
    pub fn missing(&self) -> impl Iterator<Item = Script> + '_ {
        let missing = self.pieces.iter().filter_map(|piece| piece.stands_for.as_deref());
        missing.flat_map(str::chars).map(|c| c.script())
    }
}

/// Shapes a line.
pub fn shape(fonts: &Fonts, text: &str, weight: Weight) -> Shaped {
    let text: String = text.chars().filter(|c| is_shown(*c)).collect();
    let mut pieces = Vec::new();
    if text.is_ascii() {
        shape_run(fonts, &text, weight, Direction::LeftToRight, &mut pieces);
        return Shaped { pieces };
    }
    let bidi = ParagraphBidiInfo::new(&text, None);
    let (levels, runs) = bidi.visual_runs(0..text.len());
    for run in runs {
        let level = levels.get(run.start).copied().unwrap_or(Level::ltr());
        let direction = match level.is_rtl() {
            true => Direction::RightToLeft,
            false => Direction::LeftToRight,
        };
        shape_run(fonts, &text[run], weight, direction, &mut pieces);
    }
    Shaped { pieces }
}

/// Characters that would have no place on paper: control characters, and marks that only tell the direction.
fn is_shown(c: char) -> bool {
    let invisible = matches!(c,
        '\u{ad}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}');
    !c.is_control() && !invisible
}

/// A run of one direction: cut where font or script change, and shaped piece by piece.
fn shape_run(fonts: &Fonts, text: &str, weight: Weight, direction: Direction, pieces: &mut Vec<Piece>) {
    let mut spans: Vec<(Range<usize>, Option<usize>, Script)> = Vec::new();
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let script = c.script();
        let joins = matches!(script, Script::Common | Script::Inherited);
        if let Some((range, face, of)) = spans.last_mut() {
            let has = face.is_none_or(|face| fonts.face(face).has(c));
            // A blank or a mark goes with what is before it, where that font has it.
            let same_face = *face == fonts.find(c, weight) || (script == Script::Inherited && has);
            if same_face && (joins || *of == script || matches!(*of, Script::Common | Script::Inherited)) {
                range.end = end;
                if !joins {
                    *of = script;
                }
                continue;
            }
        }
        spans.push((at..end, fonts.find(c, weight), script));
    }
    if direction == Direction::RightToLeft {
        spans.reverse();
    }
    for (range, face, _) in spans {
        let text = &text[range];
        match face {
            Some(face) => pieces.extend(shape_piece(fonts, face, text, direction)),
            None => pieces.extend(stand_in(fonts, text, weight)),
        }
    }
}

fn stand_in(fonts: &Fonts, text: &str, weight: Weight) -> Option<Piece> {
    let face = fonts.find('?', weight)?;
    let mut piece = shape_piece(fonts, face, MISSING, Direction::LeftToRight)?;
    piece.stands_for = Some(text.to_owned());
    Some(piece)
}

fn shape_piece(fonts: &Fonts, face_number: usize, text: &str, direction: Direction) -> Option<Piece> {
    let face = fonts.face(face_number);
    let shaped = face.shape(text, direction)?;
    let (infos, positions) = (shaped.glyph_infos(), shaped.glyph_positions());
    // The clusters in the order of the text, with its end: where one begins, the one before it ends.
    let mut starts: Vec<usize> = infos.iter().map(|info| byte(info.cluster)).collect();
    starts.push(text.len());
    starts.sort_unstable();
    starts.dedup();
    let end_of = |start: usize| {
        let after = starts.partition_point(|other| *other <= start);
        starts.get(after).copied().unwrap_or(text.len())
    };
    let glyph = |(info, position): (&harfrust::GlyphInfo, &harfrust::GlyphPosition)| {
        let start = byte(info.cluster);
        Glyph {
            id: info.glyph_id,
            range: start..end_of(start),
            advance: i64::from(position.x_advance),
            x_offset: i64::from(position.x_offset),
            y_offset: i64::from(position.y_offset),
        }
    };
    let glyphs: Vec<Glyph> = infos.iter().zip(positions).map(glyph).collect();
    Some(Piece {
        face: face_number,
        text: text.to_owned(),
        units: glyphs.iter().map(|glyph| glyph.advance).sum(),
        units_per_em: face.units_per_em,
        glyphs,
        stands_for: None,
    })
}

fn byte(cluster: u32) -> usize {
    usize::try_from(cluster).unwrap_or(usize::MAX)
}

/// Breaks text into lines that are at most this wide, at blanks, between characters of Chinese and Japanese,
/// and within a word where it does not fit by itself. Line breaks of the text are kept.
pub fn wrap(fonts: &Fonts, text: &str, weight: Weight, size: Mp, width: Mp) -> Vec<Shaped> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let whole = shape(fonts, line, weight);
        if whole.width(size) <= width {
            lines.push(whole);
        } else {
            lines.extend(broken(fonts, line, weight, size, width));
        }
    }
    lines
}

fn broken(fonts: &Fonts, text: &str, weight: Weight, size: Mp, width: Mp) -> Vec<Shaped> {
    let measure = |text: &str| shape(fonts, text, weight).width(size);
    let mut lines: Vec<String> = vec![String::new()];
    let mut used = 0;
    for chunk in chunks(text) {
        let wide = measure(chunk);
        if used + measure(chunk.trim_end()) > width && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        if measure(chunk.trim_end()) > width {
            for c in chunk.chars() {
                let wide = measure(c.encode_utf8(&mut [0; 4]));
                if used + wide > width && used > 0 && c.script() != Script::Inherited {
                    lines.push(String::new());
                    used = 0;
                }
                append(&mut lines, c.encode_utf8(&mut [0; 4]));
                used += wide;
            }
        } else {
            append(&mut lines, chunk);
            used += wide;
        }
    }
    let shaped = lines.iter().map(|line| shape(fonts, line.trim_end(), weight));
    shaped.collect()
}

fn append(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

/// The text in parts between which a line may break.
fn chunks(text: &str) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let blank = before.is_some_and(|before| before.is_whitespace() && before != '\u{a0}');
        let after_blank = blank && !c.is_whitespace();
        let ideographic = is_ideographic(c) && !is_closing(c) && before.is_some_and(is_ideographic);
        if (after_blank || ideographic) && at > start {
            chunks.push(&text[start..at]);
            start = at;
        }
        before = Some(c);
    }
    chunks.push(&text[start..]);
    chunks
}

fn is_ideographic(c: char) -> bool {
    matches!(
        c.script(),
        Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo
    ) || is_closing(c)
}

/// What does not begin a line.
fn is_closing(c: char) -> bool {
    matches!(
        c,
        '\u{3001}' | '\u{3002}' | '\u{300d}' | '\u{300f}' | '\u{30fc}' | '\u{ff0c}' | '\u{ff09}'
    )
}

#[cfg(test)]
mod tests;
