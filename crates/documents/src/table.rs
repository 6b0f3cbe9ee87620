//! Tables that go over pages: their heading is repeated, no row is cut in two, and the sums below are never
//! alone on a page.

use crate::fonts::Weight;
use crate::geometry::{Mp, pt};
use crate::letter::{BODY, Letter};
use crate::shaping::{Shaped, shape, wrap};
use crate::sheets::{Ink, Meaning, Node, Role, Style};

const HEAD: Style = Style::plain(8_500).bold().ink(Ink::QUIET);
/// Within a cell.
const PAD_X: Mp = pt(5);
const PAD_Y: Mp = pt(4);
const HAIRLINE: Mp = 500;
/// What a column of text needs at least to be read.
const TEXT_MIN: Mp = pt(90);
/// How many rows stay with the sums below the table.
const ROWS_KEPT: usize = 2;

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    pub kind: Kind,
}

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text that wraps; takes the width that is left.
    Text,
    /// Short text, as wide as it is.
    Word,
    /// Figures, as wide as they are, one below the other.
    Figure,
}

/// A row with a cell for each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub cells: Vec<String>,
    pub strong: bool,
}

/// A sum below a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub label: String,
    pub amount: String,
    pub strong: bool,
}

struct Shape {
    rows: Vec<(Vec<Vec<Shaped>>, bool, Mp)>,
    widths: Vec<Mp>,
}

/// Lays out a table and the sums below it.
pub fn table(letter: &mut Letter<'_>, columns: &[Column], rows: &[Row], sums: &[Sum]) {
    let shape = shape_of(letter, columns, rows);
    let table = letter.sheets.part(None, Meaning::Table);
    let head = letter.sheets.part(Some(table), Meaning::TableHead);
    let first = shape.rows.first().map_or(0, |(_, _, height)| *height);
    letter.need(head_height() + first);
    let head = letter.sheets.part(Some(head), Meaning::Row);
    draw_head(letter, columns, &shape.widths, Some(head));
    let body = letter.sheets.part(Some(table), Meaning::TableBody);
    let kept_from = shape.rows.len().saturating_sub(ROWS_KEPT);
    for (index, (cells, strong, height)) in shape.rows.iter().enumerate() {
        // The last rows go on to the next page together with the sums, where these do not fit here.
        let rest: Mp = shape.rows[index..].iter().map(|(_, _, height)| height).sum();
        let rest = rest + sums_height(sums);
        let with_sums = index == kept_from && index > 0 && letter.fits_a_page(head_height() + rest);
        if !letter.has_room(if with_sums { rest } else { *height }) {
            letter.turn();
            draw_head(letter, columns, &shape.widths, None);
        }
        let row = letter.sheets.part(Some(body), Meaning::Row);
        draw_row(letter, columns, &shape.widths, row, cells, *strong);
        letter.y += height;
        let (left, width) = (letter.left(), letter.width());
        letter
            .sheets
            .fill(left, letter.y - HAIRLINE, (width, HAIRLINE), Ink::LINE);
    }
    self::sums(letter, sums);
}

fn shape_of(letter: &Letter<'_>, columns: &[Column], rows: &[Row]) -> Shape {
    let fonts = letter.fonts;
    let weight = |strong| if strong { Weight::Bold } else { Weight::Regular };
    let mut cells: Vec<Vec<Vec<Shaped>>> = vec![Vec::new(); rows.len()];
    let mut widths: Vec<Mp> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let mut width = shape(fonts, column.title, HEAD.weight).width(HEAD.size);
        for (row, cells) in rows.iter().zip(&mut cells) {
            let text = row.cells.get(at).map_or("", String::as_str);
            match column.kind {
                Kind::Text => cells.push(Vec::new()),
                Kind::Word | Kind::Figure => {
                    let shaped = shape(fonts, text, weight(row.strong));
                    width = width.max(shaped.width(BODY.size));
                    cells.push(vec![shaped]);
                }
            }
        }
        widths.push(match column.kind {
            Kind::Text => 0,
            Kind::Word | Kind::Figure => width + 2 * PAD_X,
        });
    }
    let used: Mp = widths.iter().sum();
    let left = (letter.width() - used).max(TEXT_MIN);
    for (at, column) in columns.iter().enumerate() {
        if column.kind == Kind::Text {
            widths[at] = left;
            for (row, cells) in rows.iter().zip(&mut cells) {
                let text = row.cells.get(at).map_or("", String::as_str);
                cells[at] = wrap(fonts, text, weight(row.strong), BODY.size, left - 2 * PAD_X);
            }
        }
    }
    let height = |cells: &Vec<Vec<Shaped>>| {
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
        BODY.leading() * lines as Mp + 2 * PAD_Y
    };
    let rows = cells.into_iter().zip(rows).map(|(cells, row)| {
        let height = height(&cells);
        (cells, row.strong, height)
    });
    Shape {
        rows: rows.collect(),
        widths,
    }
}

const fn head_height() -> Mp {
    HEAD.leading() + 2 * PAD_Y
}

/// The heading: read once, and on further pages only seen.
fn draw_head(letter: &mut Letter<'_>, columns: &[Column], widths: &[Mp], row: Option<Node>) {
    let (mut x, y) = (letter.left(), letter.y);
    letter
        .sheets
        .fill(x, y, (letter.width(), head_height()), Ink::GROUND);
    for (column, width) in columns.iter().zip(widths) {
        let text = shape(letter.fonts, column.title, HEAD.weight);
        let role = match row {
            Some(row) => Role::Of(letter.sheets.part(Some(row), Meaning::ColumnHead)),
            None => Role::PageHeader,
        };
        match column.kind {
            Kind::Figure => letter
                .sheets
                .line_to(role, x + width - PAD_X, y + PAD_Y, text, HEAD),
            Kind::Text | Kind::Word => letter.sheets.line(role, x + PAD_X, y + PAD_Y, text, HEAD),
        }
        x += width;
    }
    letter.y += head_height();
}

fn draw_row(
    letter: &mut Letter<'_>,
    columns: &[Column],
    widths: &[Mp],
    row: Node,
    cells: &[Vec<Shaped>],
    strong: bool,
) {
    let style = if strong { BODY.bold() } else { BODY };
    let mut x = letter.left();
    for ((column, width), lines) in columns.iter().zip(widths).zip(cells) {
        let cell = letter.sheets.part(Some(row), Meaning::Cell);
        let mut y = letter.y + PAD_Y;
        for line in lines {
            let (role, line) = (Role::Of(cell), line.clone());
            match column.kind {
                Kind::Figure => letter.sheets.line_to(role, x + width - PAD_X, y, line, style),
                Kind::Text | Kind::Word => letter.sheets.line(role, x + PAD_X, y, line, style),
            }
            y += style.leading();
        }
        x += width;
    }
}

const SUM_HEIGHT: Mp = BODY.leading() + pt(5);
const SUMS_WIDTH: Mp = pt(250);
const SUMS_ABOVE: Mp = pt(6);

fn sums_height(sums: &[Sum]) -> Mp {
    match sums.len() {
        0 => 0,
        count => SUMS_ABOVE + SUM_HEIGHT * count as Mp,
    }
}

/// Sums, on the right and on one page if they fit on one.
pub fn sums(letter: &mut Letter<'_>, sums: &[Sum]) {
    if sums.is_empty() {
        return;
    }
    let height = sums_height(sums);
    if letter.fits_a_page(height) {
        letter.need(height);
    }
    letter.y += SUMS_ABOVE;
    let table = letter.sheets.part(None, Meaning::Table);
    let body = letter.sheets.part(Some(table), Meaning::TableBody);
    let right = letter.right() - PAD_X;
    for sum in sums {
        letter.need(SUM_HEIGHT);
        let style = if sum.strong { BODY.bold() } else { BODY };
        let amount = shape(letter.fonts, &sum.amount, style.weight);
        let room = SUMS_WIDTH - amount.width(style.size) - pt(10);
        let label = crate::sheets::Sheets::shortened(letter.fonts, &sum.label, style, room);
        let row = letter.sheets.part(Some(body), Meaning::Row);
        let (x, y) = (letter.right() - SUMS_WIDTH, letter.y);
        if sum.strong {
            letter.sheets.fill(x, y, (SUMS_WIDTH, HAIRLINE), Ink::TEXT);
        }
        let node = letter.sheets.part(Some(row), Meaning::RowHead);
        letter.sheets.line(Role::Of(node), x, y + pt(2), label, style);
        let node = letter.sheets.part(Some(row), Meaning::Cell);
        letter
            .sheets
            .line_to(Role::Of(node), right, y + pt(2), amount, style);
        letter.y += SUM_HEIGHT;
    }
}
