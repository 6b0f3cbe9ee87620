//! Small shapes beside words, so that no state is told by its colour alone. Drawn with attributes only: the
//! pages' policy allows no inline style. All are decoration to who listens.

use maud::{Markup, html};

use super::Tone;

/// The shape of a tone: a check mark, a triangle, a cross, a clock, a ring.
pub fn of_tone(tone: Tone) -> Markup {
    match tone {
        Tone::Good => disc("M4.9 8.3l2.1 2.1 4.1-4.5"),
        Tone::Alert => html! {
            (svg(html! {
                path d="M8 2.2l6.3 11.3H1.7z" fill="none" stroke="currentColor" stroke-width="1.5"
                    stroke-linejoin="round" {}
                path d="M8 6.4v3.4m0 1.6v.2" fill="none" stroke="currentColor" stroke-width="1.5"
                    stroke-linecap="round" {}
            }))
        },
        Tone::Bad => disc("M5.6 5.6l4.8 4.8m0-4.8l-4.8 4.8"),
        Tone::Busy => disc("M8 4.6V8l2.3 1.5"),
        Tone::Calm => svg(html! {
            circle cx="8" cy="8" r="4.2" fill="none" stroke="currentColor" stroke-width="1.5" {}
        }),
    }
}

/// Three lines: the menu.
pub fn menu() -> Markup {
    svg(html! {
        path d="M2 4.5h12M2 8h12M2 11.5h12" fill="none" stroke="currentColor" stroke-width="1.5"
            stroke-linecap="round" {}
    })
}

/// A circle with strokes in it.
fn disc(strokes: &str) -> Markup {
    svg(html! {
        circle cx="8" cy="8" r="6.4" fill="none" stroke="currentColor" stroke-width="1.5" {}
        path d=(strokes) fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"
            stroke-linejoin="round" {}
    })
}

fn svg(inside: Markup) -> Markup {
    html! {
        svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false" { (inside) }
    }
}
