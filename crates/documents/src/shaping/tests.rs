//! Fonts, directions and line breaks.

use std::path::Path;

use super::*;

fn with_folder() -> Fonts {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fonts");
    let mut fonts = Fonts::own();
    fonts.add_folder(&folder).unwrap();
    fonts
}

fn texts(lines: &[Shaped]) -> Vec<String> {
    let text = |line: &Shaped| line.pieces.iter().map(|piece| piece.text.as_str()).collect();
    lines.iter().map(text).collect()
}

#[test]
fn our_own_fonts_have_latin_greek_and_cyrillic() {
    let fonts = Fonts::own();
    for text in [
        "Łódź, Đà Nẵng, İstanbul",
        "Αθήνα, Ἀθῆναι",
        "Москва, Київ, Ђорђе",
        "€ £ ₹ ₺ \u{2212}\u{2013}\u{2014}…",
    ] {
        for weight in [Weight::Regular, Weight::Bold] {
            let shaped = shape(&fonts, text, weight);
            assert_eq!(shaped.missing().count(), 0, "{text}");
            assert!(shaped.width(10_000) > 30_000, "{text}");
            for piece in &shaped.pieces {
                assert!(piece.glyphs.iter().all(|glyph| glyph.id != 0), "{text}");
            }
        }
    }
}

#[test]
fn what_no_font_has_is_said_and_remembered() {
    let shaped = shape(&Fonts::own(), "Yamada 山田商店 GmbH", Weight::Bold);
    assert_eq!(texts(std::slice::from_ref(&shaped)), ["Yamada [?] GmbH"]);
    let stands_for: Vec<&str> = shaped
        .pieces
        .iter()
        .filter_map(|piece| piece.stands_for.as_deref())
        .collect();
    assert_eq!(stands_for, ["山田商店"]);
    assert!(shaped.missing().all(|script| script == Script::Han));
}

#[test]
fn a_folder_brings_other_scripts_and_hebrew_goes_from_right_to_left() {
    let fonts = with_folder();
    assert_eq!(fonts.folders_count(), 3, "{:?}", fonts.left_out);
    for text in ["山田商店", "שלום עולם", "شركة النور"] {
        assert_eq!(shape(&fonts, text, Weight::Bold).missing().count(), 0, "{text}");
    }
    let shaped = shape(&fonts, "A שלום B", Weight::Regular);
    let hebrew = shaped
        .pieces
        .iter()
        .find(|piece| piece.text.contains('ש'))
        .unwrap();
    let starts: Vec<usize> = hebrew.glyphs.iter().map(|glyph| glyph.range.start).collect();
    assert!(starts.is_sorted_by(|a, b| a >= b), "{starts:?}");
    // Arabic letters take the forms that join them: other glyphs than each by itself.
    let joined = shape(&fonts, "النور", Weight::Regular);
    let alone = shape(&fonts, "ن", Weight::Regular);
    let alone = alone.pieces[0].glyphs[0].id;
    assert!(joined.pieces[0].glyphs.iter().all(|glyph| glyph.id != alone));
}

#[test]
fn a_file_that_is_no_font_is_left_out_and_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/broken-fonts");
    let mut fonts = Fonts::own();
    fonts.add_folder(&folder).unwrap();
    assert_eq!(fonts.folders_count(), 0);
    let left_out: Vec<&str> = fonts.left_out.iter().map(|file| file.reason).collect();
    assert_eq!(left_out, ["it is no font that can be read"; 2]);
    assert!(Fonts::own().add_folder(&folder.join("nowhere")).is_err());
}

#[test]
fn lines_break_at_blanks_between_ideographs_and_in_words_that_are_too_long() {
    let fonts = with_folder();
    let lines = |text: &str, width| texts(&wrap(&fonts, text, Weight::Regular, 10_000, width));
    assert_eq!(lines("one two three", 45_000), ["one two", "three"]);
    assert_eq!(lines("one\ntwo", 45_000), ["one", "two"]);
    assert_eq!(lines("", 45_000), [""]);
    assert_eq!(lines("no\u{a0}break here", 52_000), ["no\u{a0}break", "here"]);
    assert_eq!(lines("東京都東京都", 31_000), ["東京都", "東京都"]);
    let long = "x".repeat(40);
    let broken = wrap(&fonts, &long, Weight::Regular, 10_000, 50_000);
    assert!(broken.len() > 3);
    assert!(broken.iter().all(|line| line.width(10_000) <= 50_000));
    assert_eq!(texts(&broken).concat(), long);
}

#[test]
fn characters_that_have_no_place_on_paper_are_left_out() {
    let shaped = shape(
        &Fonts::own(),
        "a\u{0}b\u{7}c\u{202e}d\u{200b}e\u{feff}f\u{ad}g",
        Weight::Regular,
    );
    assert_eq!(texts(&[shaped]), ["abcdefg"]);
}
