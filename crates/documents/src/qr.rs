//! The QR code that opens the pay page: as rectangles, so that it is sharp in every size.

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of the quiet zone around a code, which scanners need.
const QUIET: i32 = 4;

/// A QR code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// Modules on a side, the quiet zone included.
    pub side: i64,
    /// Dark stretches: left, top and how many modules to the right.
    pub dark: Vec<(i64, i64, i64)>,
}

impl Qr {
    /// The code of an address; `None` for one that is longer than a code can hold.
    pub fn of(address: &str) -> Option<Qr> {
        let code = QrCode::encode_text(address, QrCodeEcc::Medium).ok()?;
        let size = code.size();
        let mut dark = Vec::new();
        for y in 0..size {
            let mut begins = None;
            for x in 0..=size {
                match (x < size && code.get_module(x, y), begins) {
                    (true, None) => begins = Some(x),
                    (false, Some(from)) => {
                        let (left, top) = (from + QUIET, y + QUIET);
                        dark.push((left.into(), top.into(), (x - from).into()));
                        begins = None;
                    }
                    (true, Some(_)) | (false, None) => {}
                }
            }
        }
        Some(Qr {
            side: (size + 2 * QUIET).into(),
            dark,
        })
    }
}
