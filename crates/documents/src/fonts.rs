//! The fonts that documents are set in: our own for Latin, Greek and Cyrillic, and those of a folder for
//! other scripts. A font is tried before it is used, so that a broken one is left out instead of breaking
//! documents.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use harfrust::{Direction, FontRef, GlyphBuffer, Script, ShapeOptions, ShapePlan, ShaperData, UnicodeBuffer};
use krilla::text::Font;
use skrifa::MetadataProvider;
use skrifa::attribute::Weight as FontWeight;

/// Most files of a folder that are read: the scripts of the world are some dozens of fonts.
const FILES_MAX: usize = 100;
/// Largest file that is read: the fonts for Chinese, Japanese and Korean are the largest, of some 20 MB.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

const REGULAR: &[u8] = include_bytes!("../fonts/NotoSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/NotoSans-Bold.ttf");

/// How heavy a text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// For reading.
    Regular,
    /// For headings and sums.
    Bold,
}

/// One font, ready to shape text and to be embedded.
pub struct Face {
    bytes: Arc<Vec<u8>>,
    /// As it is embedded.
    pub font: Font,
    shaper: ShaperData,
    /// How text is shaped in each direction and script; making one takes longer than shaping a word.
    plans: Mutex<Vec<(Direction, Script, Arc<ShapePlan>)>>,
    /// Units of the font in an em.
    pub units_per_em: i64,
    weight: Weight,
    /// The characters that it has, as ranges in order.
    has: Vec<(u32, u32)>,
}

impl Face {
    /// `None` for bytes that are no font which can be shaped and embedded.
    fn read(bytes: Arc<Vec<u8>>) -> Option<Face> {
        let (shaper, has, units_per_em, weight) = {
            let font = FontRef::from_index(&bytes, 0).ok()?;
            let weight = match font.attributes().weight >= FontWeight::SEMI_BOLD {
                true => Weight::Bold,
                false => Weight::Regular,
            };
            let shaper = ShaperData::new(&font);
            let units = i64::from(shaper.shaper(&font).build().units_per_em());
            (shaper, covered(&font), units, weight)
        };
        if units_per_em <= 0 || has.is_empty() {
            return None;
        }
        Some(Face {
            font: Font::new(bytes.clone().into(), 0)?,
            bytes,
            shaper,
            plans: Mutex::default(),
            units_per_em,
            weight,
            has,
        })
    }

    /// Whether the font has a glyph for this character.
    pub fn has(&self, c: char) -> bool {
        let c = u32::from(c);
        let after = self.has.partition_point(|(first, _)| *first <= c);
        after > 0 && self.has.get(after - 1).is_some_and(|(_, last)| c <= *last)
    }

    /// Shapes text of one direction and script.
    pub fn shape(&self, text: &str, direction: Direction) -> Option<GlyphBuffer> {
        let font = FontRef::from_index(&self.bytes, 0).ok()?;
        let shaper = self.shaper.shaper(&font).build();
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.set_direction(direction);
        buffer.guess_segment_properties();
        let script = buffer.script();
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let known = plans
            .iter()
            .find(|(of, for_script, _)| *of == direction && *for_script == script);
        let plan = match known {
            Some((_, _, plan)) => plan.clone(),
            None => {
                let plan = Arc::new(ShapePlan::new(&shaper, direction, Some(script), None, &[]));
                plans.push((direction, script, plan.clone()));
                plan
            }
        };
        drop(plans);
        Some(shaper.shape(buffer, ShapeOptions::new().plan(Some(&plan))))
    }

    fn any_char(&self) -> Option<char> {
        let chars = self.has.iter().flat_map(|(first, last)| *first..=*last);
        chars.filter_map(char::from_u32).find(|c| c.is_alphabetic())
    }
}

/// The characters of a font that stand for a glyph, as ranges in order.
fn covered(font: &FontRef<'_>) -> Vec<(u32, u32)> {
    let mut chars: Vec<u32> = font
        .charmap()
        .mappings()
        .filter(|(_, glyph)| glyph.to_u32() != 0)
        .map(|(c, _)| c)
        .collect();
    chars.sort_unstable();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for c in chars {
        match ranges.last_mut() {
            Some((_, last)) if c <= last.saturating_add(1) => *last = c,
            Some(_) | None => ranges.push((c, c)),
        }
    }
    ranges
}

/// A file of the folder that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: &'static str,
}

/// All fonts, ours first.
pub struct Fonts {
    faces: Vec<Face>,
    /// The files of the folder that are not used.
    pub left_out: Vec<LeftOut>,
}

impl Fonts {
    /// Our own fonts.
    pub fn own() -> Fonts {
        let own = |bytes: &[u8]| Face::read(Arc::new(bytes.to_vec())).expect("our own fonts are fonts");
        Fonts {
            faces: vec![own(REGULAR), own(BOLD)],
            left_out: Vec::new(),
        }
    }

    /// Adds the fonts of a folder.
    pub fn add_folder(&mut self, folder: &Path) -> io::Result<()> {
        for path in files(folder)? {
            match read_file(&path)? {
                Ok(face) => self.faces.push(face),
                Err(reason) => self.left_out.push(LeftOut { path, reason }),
            }
        }
        Ok(())
    }

    /// How many fonts the folder brought.
    pub fn folders_count(&self) -> usize {
        self.faces.len() - 2
    }

    /// A font by the number that [`Fonts::find`] gave.
    pub fn face(&self, number: usize) -> &Face {
        &self.faces[number]
    }

    /// The font for a character: ours where it has it, else the first of the folder, of this weight if there
    /// is one.
    pub fn find(&self, c: char, weight: Weight) -> Option<usize> {
        let fits = |face: &Face, same: bool| (face.weight == weight) == same && face.has(c);
        let first = |same| self.faces.iter().position(|face| fits(face, same));
        first(true).or_else(|| first(false))
    }
}

/// The font files of a folder in the order of their names, so that the same folder gives the same documents.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ending = ending.map(str::to_ascii_lowercase);
        if matches!(ending.as_deref(), Some("ttf" | "otf" | "ttc")) {
            files.push(path);
        }
    }
    files.sort();
    files.truncate(FILES_MAX);
    Ok(files)
}

fn read_file(path: &Path) -> io::Result<Result<Face, &'static str>> {
    if std::fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Ok(Err("it is larger than 64 MiB"));
    }
    let bytes = Arc::new(std::fs::read(path)?);
    let face = std::panic::catch_unwind(|| Face::read(bytes)).ok().flatten();
    let Some(face) = face else {
        return Ok(Err("it is no font that can be read"));
    };
    Ok(match face.any_char() {
        None => Err("it has no letters"),
        Some(c) if crate::pdf::embeds(&face, c) => Ok(face),
        Some(_) => Err("it may not be embedded, or cannot be"),
    })
}
