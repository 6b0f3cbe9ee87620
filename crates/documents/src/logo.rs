//! A logo as it is stored: whatever picture was uploaded is decoded within limits, made smaller, and written
//! anew as PNG, so that nothing of the uploaded bytes is ever sent to anybody.

use std::io::Cursor;
use std::sync::Arc;

use png::{BitDepth, ColorType, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Most bytes of an upload.
pub const BYTES_MAX: usize = 1024 * 1024;
/// Most pixels of an upload.
pub const PIXELS_MAX: u64 = 4_000_000;
/// The longest side of an upload.
const SIDE_MAX: u32 = 20_000;
/// What is kept of it: enough for print at 300 dots per inch. Without any compression it is below 1 MiB.
const KEPT_WIDTH_MAX: u32 = 720;
const KEPT_HEIGHT_MAX: u32 = 320;

/// Why a picture is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nothing was sent.
    Empty,
    /// More than 1 MiB.
    TooManyBytes,
    /// More than four million pixels.
    TooManyPixels,
    /// SVG, which may hold scripts.
    Svg,
    /// Neither PNG nor JPEG, or a broken one.
    NoPicture,
}

impl Refused {
    /// What is wrong with it, and what would be right.
    pub const fn problem(self) -> &'static str {
        match self {
            Refused::Empty => "must not be empty: send the bytes of a PNG or JPEG file",
            Refused::TooManyBytes => "must be at most 1 MiB: save it smaller",
            Refused::TooManyPixels => {
                "must have at most 4 million pixels: a logo of 1,000 by 400 pixels is plenty"
            }
            Refused::Svg => "must be a PNG or JPEG file, not SVG: export it as PNG",
            Refused::NoPicture => "must be a PNG or JPEG file that can be read",
        }
    }
}

/// A logo, as PNG of our own writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    png: Arc<Vec<u8>>,
    width: u32,
    height: u32,
}

/// Eight bits each of red, green, blue and opacity.
struct Pixels {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

impl Logo {
    /// Makes a logo of an uploaded picture.
    ///
    /// # Errors
    /// [`Refused`] for anything but a PNG or JPEG within the limits.
    pub fn from_upload(bytes: &[u8]) -> Result<Logo, Refused> {
        if bytes.is_empty() {
            return Err(Refused::Empty);
        }
        if bytes.len() > BYTES_MAX {
            return Err(Refused::TooManyBytes);
        }
        // The decoders are safe, and still a picture that is made to break one must break nothing else.
        let decoded = std::panic::catch_unwind(|| decode(bytes));
        let pixels = decoded.unwrap_or(Err(Refused::NoPicture))?;
        Logo::of(&smaller(pixels)).ok_or(Refused::NoPicture)
    }

    /// A logo that was stored by [`Logo::png`].
    pub fn stored(png: Vec<u8>) -> Option<Logo> {
        let reader = png::Decoder::new(Cursor::new(&png)).read_info().ok()?;
        let (width, height) = reader.info().size();
        Some(Logo {
            png: Arc::new(png),
            width,
            height,
        })
    }

    /// The bytes of its file.
    pub fn png(&self) -> &Arc<Vec<u8>> {
        &self.png
    }

    /// Width and height in pixels.
    pub const fn extent(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn of(pixels: &Pixels) -> Option<Logo> {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, pixels.width, pixels.height);
        encoder.set_color(ColorType::Rgba);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&pixels.rgba).ok()?;
        writer.finish().ok()?;
        Some(Logo {
            png: Arc::new(png),
            width: pixels.width,
            height: pixels.height,
        })
    }
}

fn decode(bytes: &[u8]) -> Result<Pixels, Refused> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        decode_png(bytes)
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        decode_jpeg(bytes)
    } else if looks_like_svg(bytes) {
        Err(Refused::Svg)
    } else {
        Err(Refused::NoPicture)
    }
}

fn looks_like_svg(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).to_ascii_lowercase();
    start
        .trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t'])
        .starts_with('<')
        && start.contains("<svg")
}

/// The size is looked at before anything is unpacked.
fn fits(width: u32, height: u32) -> Result<(), Refused> {
    if width == 0 || height == 0 {
        return Err(Refused::NoPicture);
    }
    let pixels = u64::from(width) * u64::from(height);
    match width <= SIDE_MAX && height <= SIDE_MAX && pixels <= PIXELS_MAX {
        true => Ok(()),
        false => Err(Refused::TooManyPixels),
    }
}

fn decode_png(bytes: &[u8]) -> Result<Pixels, Refused> {
    let broken = |_| Refused::NoPicture;
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let (width, height) = decoder.read_header_info().map_err(broken)?.size();
    fits(width, height)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().ok_or(Refused::NoPicture)?;
    let mut raw = vec![0; size];
    let frame = reader.next_frame(&mut raw).map_err(broken)?;
    raw.truncate(frame.buffer_size());
    let rgba = match frame.color_type {
        ColorType::Rgba => raw,
        ColorType::Rgb => raw
            .chunks_exact(3)
            .flat_map(|p| [p[0], p[1], p[2], 255])
            .collect(),
        ColorType::GrayscaleAlpha => raw
            .chunks_exact(2)
            .flat_map(|p| [p[0], p[0], p[0], p[1]])
            .collect(),
        ColorType::Grayscale => raw.iter().flat_map(|gray| [*gray, *gray, *gray, 255]).collect(),
        ColorType::Indexed => return Err(Refused::NoPicture),
    };
    Ok(Pixels { width, height, rgba })
}

fn decode_jpeg(bytes: &[u8]) -> Result<Pixels, Refused> {
    let options = DecoderOptions::new_safe().jpeg_set_out_colorspace(ColorSpace::RGBA);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|_| Refused::NoPicture)?;
    let info = decoder.info().ok_or(Refused::NoPicture)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    fits(width, height)?;
    let rgba = decoder.decode().map_err(|_| Refused::NoPicture)?;
    let pixels = Pixels { width, height, rgba };
    match pixels.is_whole() {
        true => Ok(pixels),
        false => Err(Refused::NoPicture),
    }
}

impl Pixels {
    fn is_whole(&self) -> bool {
        let bytes = u64::from(self.width) * u64::from(self.height) * 4;
        u64::try_from(self.rgba.len()) == Ok(bytes)
    }
}

/// Makes the picture fit what is kept: each pixel becomes the mean of those that it replaces, weighed by
/// their opacity.
fn smaller(pixels: Pixels) -> Pixels {
    let Pixels { width, height, rgba } = pixels;
    let (mut to_width, mut to_height) = (width, height);
    if to_width > KEPT_WIDTH_MAX {
        to_height = scaled(to_height, KEPT_WIDTH_MAX, to_width);
        to_width = KEPT_WIDTH_MAX;
    }
    if to_height > KEPT_HEIGHT_MAX {
        to_width = scaled(to_width, KEPT_HEIGHT_MAX, to_height);
        to_height = KEPT_HEIGHT_MAX;
    }
    if (to_width, to_height) == (width, height) {
        return Pixels { width, height, rgba };
    }
    let mut small = Vec::new();
    for y in 0..to_height {
        let rows = stretch(y, height, to_height);
        for x in 0..to_width {
            let columns = stretch(x, width, to_width);
            let mut sums = [0_u64; 3];
            let (mut opacity, mut count) = (0_u64, 0_u64);
            for row in rows.clone() {
                for column in columns.clone() {
                    let at = (row as usize * width as usize + column as usize) * 4;
                    let alpha = u64::from(rgba[at + 3]);
                    for (sum, value) in sums.iter_mut().zip(&rgba[at..at + 3]) {
                        *sum += u64::from(*value) * alpha;
                    }
                    opacity += alpha;
                    count += 1;
                }
            }
            small.extend(sums.map(|sum| byte(sum, opacity)));
            small.push(byte(opacity, count));
        }
    }
    Pixels {
        width: to_width,
        height: to_height,
        rgba: small,
    }
}

fn scaled(side: u32, to: u32, from: u32) -> u32 {
    let scaled = u64::from(side) * u64::from(to) / u64::from(from);
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

/// The pixels of a side of `from` that the pixel `at` of a side of `to` stands for.
fn stretch(at: u32, from: u32, to: u32) -> std::ops::Range<u32> {
    let begin = scaled_down(at, from, to);
    let end = scaled_down(at + 1, from, to).max(begin + 1);
    begin..end
}

fn scaled_down(at: u32, from: u32, to: u32) -> u32 {
    let scaled = u64::from(at) * u64::from(from) / u64::from(to);
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

fn byte(sum: u64, count: u64) -> u8 {
    let mean = (sum + count / 2).checked_div(count).unwrap_or(0);
    u8::try_from(mean).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
