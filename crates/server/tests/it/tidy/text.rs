//! Rules for every file, whatever its language: names, sizes, marks of unfinished work, places, secrets.

use super::File;
use super::source::words;

/// What a file may weigh, in bytes: git keeps every version of it for ever.
const SIZE_MAX: u64 = 200 * 1024;
/// Screenshots of the documentation may weigh more.
const SCREENSHOT_SIZE_MAX: u64 = 400 * 1024;

/// Files and folders that are called after nothing.
const EMPTY_NAMES: [&str; 8] = [
    "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils",
];

/// Marks that something is missing, in two parts so that this file has none.
const UNFINISHED: [&str; 4] = [
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
];

/// Paths that exist on one machine only, and where a registry was reached from there.
const PLACES: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("../sha", "red"),
    concat!(".lib", "rary"),
    concat!("\"reso", "lved\":"),
];

/// No file called after nothing, and none too heavy.
pub fn names_and_sizes(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for part in file.path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            if EMPTY_NAMES.contains(&stem) {
                findings.push(file.line(1, &format!("\"{part}\" does not say what is in it")));
            }
        }
        if let Some(max) = size_max(file)
            && file.size > max
        {
            findings.push(file.line(1, &format!("{} KB, at most {} KB", file.size / 1024, max / 1024)));
        }
    }
    findings
}

/// Fonts, lock files and test data are as large as they are.
fn size_max(file: &File) -> Option<u64> {
    let ends_in = |endings: &[&str]| endings.iter().any(|ending| file.path.ends_with(ending));
    if ends_in(&[".woff2", ".ttf", ".otf", "Cargo.lock", "package-lock.json"])
        || file.path.contains("/tests/data/")
    {
        None
    } else if file.path.starts_with("docs/") && ends_in(&[".png"]) {
        Some(SCREENSHOT_SIZE_MAX)
    } else {
        Some(SIZE_MAX)
    }
}

/// Nothing says of itself that it is not done.
pub fn unfinished(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, text) in texts(files) {
        for mark in UNFINISHED {
            // A mark that ends in `!` is followed by a bracket, never by a name.
            let found = words(text, mark);
            findings.extend(found.map(|at| file.at(at, &format!("{mark}: finish it or write an issue"))));
        }
    }
    findings
}

/// Nothing names a place that a stranger does not have.
pub fn places(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, text) in texts(files) {
        for place in PLACES {
            let found = text.match_indices(place);
            findings.extend(found.map(|(at, _)| file.at(at, &format!("{place} exists on one machine only"))));
        }
    }
    findings
}

/// Nothing has the shape of a real secret: other people's scanners look for the same.
pub fn secrets(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, text) in texts(files) {
        for at in secret_shapes(text) {
            findings.push(file.at(at, "shaped like a real secret; write an obviously fake one"));
        }
    }
    findings
}

fn secret_shapes(text: &str) -> impl Iterator<Item = usize> + '_ {
    const SHAPES: [(&str, usize); 4] = [
        ("sk_live_", 16),
        ("rk_live_", 16),
        ("pk_live_", 16),
        ("whsec_", 24),
    ];
    SHAPES.into_iter().flat_map(move |(prefix, length_min)| {
        text.match_indices(prefix).map(|(at, _)| at).filter(move |at| {
            let tail = text[at + prefix.len()..].bytes();
            tail.take_while(u8::is_ascii_alphanumeric).count() >= length_min
        })
    })
}

fn texts(files: &[File]) -> impl Iterator<Item = (&File, &str)> {
    files
        .iter()
        .filter_map(|file| Some((file, file.text.as_deref()?)))
}
