//! A text as a QR code: one picture of squares, black on white in both themes, since cameras expect that.

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

/// The empty edge that readers need, in squares.
const QUIET: i32 = 4;

/// The code, with words for who cannot see it. `None` for a text that is longer than any code holds, nearly
/// three thousand characters.
pub fn qr_code(text: &str, words: &str) -> Option<Markup> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size();
    let mut squares = String::new();
    for y in 0..size {
        for x in 0..size {
            if code.get_module(x, y) {
                squares.push_str(&format!("M{},{}h1v1h-1z", x + QUIET, y + QUIET));
            }
        }
    }
    let side = size + 2 * QUIET;
    Some(html! {
        div .qr {
            svg viewBox={ "0 0 " (side) " " (side) } role="img" aria-label=(words)
                shape-rendering="crispEdges"
            {
                path d=(squares) fill="#000" {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_squares_that_readers_look_for() {
        let shown = qr_code(
            "otpauth://totp/psa-pay:ann@northwind.example?secret=ABC",
            "A code",
        )
        .unwrap()
        .0;
        // The corners of the three finder patterns.
        assert!(shown.contains("M4,4h1v1h-1z"), "{shown}");
        assert!(shown.contains("aria-label=\"A code\""));
        assert!(qr_code(&"x".repeat(3000), "too long").is_none());
    }
}
