//! What is taken for a logo, and what becomes of it.

use super::*;

const JPEG: &[u8] = include_bytes!("../../tests/data/logo.jpg");

fn png(width: u32, height: u32, color: ColorType, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A file that says it is so large; its pixels are never looked at.
fn only_a_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = png::Encoder::new(&mut bytes, width, height);
    drop(encoder.write_header().unwrap());
    bytes
}

#[test]
fn pictures_are_written_anew_as_png() {
    let logo = Logo::from_upload(JPEG).unwrap();
    assert_eq!(logo.extent(), (120, 60));
    assert!(logo.png().starts_with(b"\x89PNG"));
    let again = Logo::stored(logo.png().to_vec()).unwrap();
    assert_eq!(again, logo);
    for bytes in [
        include_bytes!("../../tests/data/cmyk.jpg").as_slice(),
        include_bytes!("../../tests/data/palette.png"),
        &png(2, 1, ColorType::Grayscale, &[0, 255]),
        &png(2, 1, ColorType::GrayscaleAlpha, &[0, 255, 9, 0]),
        &png(1, 1, ColorType::Rgb, &[1, 2, 3]),
    ] {
        assert!(Logo::from_upload(bytes).is_ok(), "{:?}", &bytes[..20]);
    }
}

#[test]
fn what_is_hidden_behind_a_picture_is_gone() {
    let mut bytes = png(1, 1, ColorType::Rgba, &[1, 2, 3, 4]);
    bytes.extend_from_slice(b"<script>alert(1)</script>");
    let logo = Logo::from_upload(&bytes).unwrap();
    assert!(!logo.png().windows(6).any(|bytes| bytes == b"script"));
}

#[test]
fn large_pictures_become_smaller_and_stay_below_a_megabyte() {
    // Noise, which no compression makes smaller.
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let data: Vec<u8> = (0..900 * 400 * 3).map(|_| noise()).collect();
    let small = smaller(decode(&png(900, 400, ColorType::Rgb, &data)).unwrap());
    let logo = Logo::of(&small).unwrap();
    assert_eq!(logo.extent(), (720, 320));
    assert!(logo.png().len() < BYTES_MAX);
    // A single pixel of colour on nothing keeps its colour.
    let mut dot = vec![0; 1440 * 10 * 4];
    dot[..4].copy_from_slice(&[200, 100, 50, 255]);
    let small = smaller(decode(&png(1440, 10, ColorType::Rgba, &dot)).unwrap());
    assert_eq!((small.width, small.height), (720, 5));
    assert_eq!(small.rgba[..4], [200, 100, 50, 64]);
}

#[test]
fn everything_else_is_refused_with_what_is_wrong() {
    let refused = |bytes: &[u8]| Logo::from_upload(bytes).unwrap_err();
    assert_eq!(refused(b""), Refused::Empty);
    assert_eq!(refused(b"GIF89a..."), Refused::NoPicture);
    assert_eq!(refused(b"not a picture"), Refused::NoPicture);
    let svg = b"\xef\xbb\xbf <?xml version='1.0'?><svg onload='alert(1)'><script>alert(1)</script></svg>";
    assert_eq!(refused(svg), Refused::Svg);
    assert_eq!(refused(&only_a_header(10_000, 5_000)), Refused::TooManyPixels);
    assert_eq!(refused(&only_a_header(2_001, 2_000)), Refused::TooManyPixels);
    assert_eq!(refused(&only_a_header(100, 100)), Refused::NoPicture);
    assert_eq!(refused(&vec![0; BYTES_MAX + 1]), Refused::TooManyBytes);
    assert_eq!(refused(&JPEG[..JPEG.len() / 2]), Refused::NoPicture);
    assert_eq!(refused(&JPEG[..20]), Refused::NoPicture);
}
