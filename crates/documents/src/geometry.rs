//! Lengths on paper. They are whole thousandths of a point, so that the same document is laid out the same
//! everywhere; only what is written into the PDF is turned into its decimal numbers.

use domain::business::PageSize;

/// A length in thousandths of a point: 1 mm is 2835.
pub type Mp = i64;

/// A whole number of points.
pub const fn pt(points: i64) -> Mp {
    points * 1000
}

/// Width and height of a sheet.
pub const fn extent(size: PageSize) -> (Mp, Mp) {
    match size {
        PageSize::A4 => (595_276, 841_890),
        PageSize::Letter => (pt(612), pt(792)),
    }
}

/// A length as a PDF writes it.
#[expect(
    clippy::float_arithmetic,
    reason = "a PDF's lengths are decimal numbers; no money is in them"
)]
pub fn points(length: Mp) -> f32 {
    // Lengths on paper are below 16 million, which a 32-bit float holds exactly.
    length as f32 / 1000.0
}

/// A share of a font's em as a PDF writes it.
#[expect(
    clippy::float_arithmetic,
    reason = "a PDF's lengths are decimal numbers; no money is in them"
)]
pub fn em(units: i64, units_per_em: i64) -> f32 {
    units as f32 / units_per_em as f32
}
