//! Sheets as a PDF: tagged after PDF/UA-1, with the fonts' used glyphs embedded. The same sheets give the
//! same bytes.

use std::num::NonZeroU16;

use krilla::Document;
use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, ListNumbering, Node as TreeNode, SpanTag,
    TableHeaderScope, Tag, TagGroup, TagKind, TagTree,
};
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Data, SerializeSettings};

use crate::Trouble;
use crate::fonts::{Face, Fonts};
use crate::geometry::{Mp, em, extent, points};
use crate::shaping::{Piece, Shaped};
use crate::sheets::{Ink, Item, Meaning, Node, Role, Sheets, Style, What};

const FIRST_LEVEL: NonZeroU16 = NonZeroU16::MIN;

/// Writes the PDF.
///
/// # Errors
/// [`Trouble`] for what only a mistake in the program can bring about.
pub fn write(fonts: &Fonts, sheets: &Sheets) -> Result<Vec<u8>, Trouble> {
    match attempt(fonts, sheets, true) {
        // A text that breaks a rule of PDF/UA is still to be paid: without that label, but tagged all the
        // same.
        Err(KrillaError::Validation(_)) => attempt(fonts, sheets, false),
        other => other,
    }
    .map_err(|error| Trouble(error.to_string()))
}

fn settings(accessible: bool) -> SerializeSettings {
    let builder = ConfigurationBuilder::new();
    let configuration = match accessible {
        true => builder.with_accessibility_validator(Accessibility::UA1).finish(),
        false => builder.finish(),
    };
    SerializeSettings {
        configuration: configuration.unwrap_or_default(),
        ..SerializeSettings::default()
    }
}

fn attempt(fonts: &Fonts, sheets: &Sheets, accessible: bool) -> Result<Vec<u8>, KrillaError> {
    let mut document = Document::new_with(settings(accessible));
    // What stands on the pages of each part, in the order in which it was drawn.
    let mut leaves: Vec<Vec<Identifier>> = vec![Vec::new(); sheets.parts.len()];
    let (width, height) = extent(sheets.size);
    for items in &sheets.pages {
        let Some(page) = PageSettings::from_wh(points(width), points(height)) else {
            continue;
        };
        let mut page = document.start_page_with(page);
        let mut surface = page.surface();
        for item in items {
            draw(&mut surface, fonts, item, &mut leaves);
        }
        surface.finish();
        for item in items {
            if let (Role::Of(node), Some(annotation)) = (item.role, target(item)) {
                leaves[node.0].push(page.add_tagged_annotation(annotation));
            }
        }
        page.finish();
    }
    let mut tree = TagTree::new().with_lang(Some(sheets.language.to_owned()));
    for root in &sheets.roots {
        if let Some(group) = group(sheets, *root, &mut leaves) {
            tree.push(group);
        }
    }
    document.set_tag_tree(tree);
    document.set_outline(outline(sheets));
    document.set_metadata(
        Metadata::new()
            .title(sheets.title.clone())
            .authors(vec![sheets.author.clone()])
            .language(sheets.language.to_owned())
            .creator("psa-pay".to_owned()),
    );
    document.finish()
}

fn outline(sheets: &Sheets) -> Outline {
    let mut outline = Outline::new();
    for (heading, page, y) in &sheets.headings {
        let at = Point::from_xy(0.0, points(*y));
        outline.push_child(OutlineNode::new(heading.clone(), XyzDestination::new(*page, at)));
    }
    outline
}

/// The part with all that is in it; `None` where nothing is.
fn group(sheets: &Sheets, node: Node, leaves: &mut [Vec<Identifier>]) -> Option<TagGroup> {
    let part = &sheets.parts[node.0];
    let mut group = TagGroup::new(tag(&part.meaning));
    for leaf in std::mem::take(&mut leaves[node.0]) {
        group.push(leaf);
    }
    for child in &part.parts {
        if let Some(child) = self::group(sheets, *child, leaves) {
            group.push(TreeNode::Group(child));
        }
    }
    // An empty cell keeps the cells behind it in their columns.
    let holds_place = matches!(part.meaning, Meaning::Cell | Meaning::ColumnHead);
    (holds_place || !group.children.is_empty()).then_some(group)
}

fn tag(meaning: &Meaning) -> TagKind {
    let second_level = FIRST_LEVEL.saturating_add(1);
    match meaning {
        Meaning::Title(title) => Tag::Hn(FIRST_LEVEL, Some(title.clone())).into(),
        Meaning::Heading(heading) => Tag::Hn(second_level, Some(heading.clone())).into(),
        Meaning::Paragraph => Tag::P.into(),
        Meaning::List => Tag::L(ListNumbering::None).into(),
        Meaning::Item => Tag::LI.into(),
        Meaning::Label => Tag::Lbl.into(),
        Meaning::Value => Tag::LBody.into(),
        Meaning::Table => Tag::Table.into(),
        Meaning::TableHead => Tag::THead.into(),
        Meaning::TableBody => Tag::TBody.into(),
        Meaning::Row => Tag::TR.into(),
        Meaning::ColumnHead => Tag::TH(TableHeaderScope::Column).into(),
        Meaning::RowHead => Tag::TH(TableHeaderScope::Row).into(),
        Meaning::Cell => Tag::TD.into(),
        Meaning::Figure(tells) => Tag::Figure(Some(tells.clone())).into(),
        Meaning::Link => Tag::Link.into(),
    }
}

fn draw(surface: &mut Surface<'_>, fonts: &Fonts, item: &Item, leaves: &mut [Vec<Identifier>]) {
    match &item.what {
        What::Text(text, style) => {
            let mut x = item.x;
            for piece in &text.pieces {
                within(
                    surface,
                    item.role,
                    leaves,
                    piece.stands_for.as_deref(),
                    |surface| {
                        glyphs(surface, fonts, piece, *style, x, item.y);
                    },
                );
                x += piece.width(style.size);
            }
        }
        What::Fill { width, height, ink } => within(surface, item.role, leaves, None, |surface| {
            fill(surface, item.x, item.y, (*width, *height), *ink);
        }),
        What::Across(text, style) => within(surface, item.role, leaves, None, |surface| {
            across(surface, fonts, text, *style, (item.x, item.y));
        }),
        What::Logo { logo, width, height } => within(surface, item.role, leaves, None, |surface| {
            let image = Image::from_png(Data::from(logo.png().clone()), true);
            let size = Size::from_wh(points(*width), points(*height));
            if let (Ok(image), Some(size)) = (image, size) {
                surface.push_transform(&Transform::from_translate(points(item.x), points(item.y)));
                surface.draw_image(image, size);
                surface.pop();
            }
        }),
        What::Code { code, side } => within(surface, item.role, leaves, None, |surface| {
            fill(surface, item.x, item.y, (*side, *side), Ink(255, 255, 255));
            let mut path = PathBuilder::new();
            let at = |modules: i64| modules * side / code.side;
            for (left, top, count) in &code.dark {
                let (x, y) = (item.x + at(*left), item.y + at(*top));
                let (right, bottom) = (item.x + at(left + count), item.y + at(top + 1));
                if let Some(rect) = rect(x, y, (right - x, bottom - y)) {
                    path.push_rect(rect);
                }
            }
            surface.set_fill(Some(paint(Ink(0, 0, 0))));
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }),
        What::Target { .. } => {}
    }
}

/// Draws something as what it is: a piece of the text, which is read, or an artifact of the page.
fn within(
    surface: &mut Surface<'_>,
    role: Role,
    leaves: &mut [Vec<Identifier>],
    actual_text: Option<&str>,
    draw: impl FnOnce(&mut Surface<'_>),
) {
    let artifact = |kind| ContentTag::Artifact(Artifact::with_kind(kind));
    let tag = match role {
        Role::Of(_) if actual_text.is_some() => {
            ContentTag::Span(SpanTag::empty().with_actual_text(actual_text))
        }
        Role::Of(_) => ContentTag::Other,
        Role::PageHeader => artifact(ArtifactType::Header),
        Role::PageFooter => artifact(ArtifactType::Footer),
        Role::Watermark => artifact(ArtifactType::Watermark),
        Role::Ornament => artifact(ArtifactType::Layout),
    };
    let identifier = surface.start_tagged(tag);
    draw(surface);
    surface.end_tagged();
    if let Role::Of(node) = role {
        leaves[node.0].push(identifier);
    }
}

fn glyphs(surface: &mut Surface<'_>, fonts: &Fonts, piece: &Piece, style: Style, x: Mp, y: Mp) {
    let face = fonts.face(piece.face);
    let drawn = glyphs_of(face, piece);
    surface.set_fill(Some(paint(style.ink)));
    let at = Point::from_xy(points(x), points(y));
    surface.draw_glyphs(
        at,
        &drawn,
        face.font.clone(),
        &piece.text,
        points(style.size),
        false,
    );
}

fn glyphs_of(face: &Face, piece: &Piece) -> Vec<KrillaGlyph> {
    let share = |units| em(units, face.units_per_em);
    let glyph = |glyph: &crate::shaping::Glyph| {
        KrillaGlyph::new(
            GlyphId::new(glyph.id),
            share(glyph.advance),
            share(glyph.x_offset),
            share(glyph.y_offset),
            0.0,
            glyph.range.clone(),
            None,
        )
    };
    piece.glyphs.iter().map(glyph).collect()
}

/// The diagonal of a page of paper is that much steeper than its width.
const DEGREES: f32 = -50.0;

fn across(surface: &mut Surface<'_>, fonts: &Fonts, text: &Shaped, style: Style, (x, y): (Mp, Mp)) {
    surface.push_transform(&Transform::from_rotate_at(DEGREES, points(x), points(y)));
    let mut left = x - text.width(style.size) / 2;
    for piece in &text.pieces {
        glyphs(surface, fonts, piece, style, left, y + style.size * 36 / 100);
        left += piece.width(style.size);
    }
    surface.pop();
}

fn fill(surface: &mut Surface<'_>, x: Mp, y: Mp, extent: (Mp, Mp), ink: Ink) {
    let mut path = PathBuilder::new();
    if let Some(rect) = rect(x, y, extent) {
        path.push_rect(rect);
    }
    surface.set_fill(Some(paint(ink)));
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn rect(x: Mp, y: Mp, (width, height): (Mp, Mp)) -> Option<Rect> {
    Rect::from_ltrb(points(x), points(y), points(x + width), points(y + height))
}

fn paint(Ink(red, green, blue): Ink) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        ..Fill::default()
    }
}

fn target(item: &Item) -> Option<Annotation> {
    let What::Target {
        width,
        height,
        url,
        tells,
    } = &item.what
    else {
        return None;
    };
    let target = Target::Action(Action::Link(LinkAction::new(url.clone())));
    let link = LinkAnnotation::new(rect(item.x, item.y, (*width, *height))?, target);
    Some(Annotation::new_link(link, Some(tells.clone())))
}

/// Whether a document in which this font is used can be written.
pub fn embeds(face: &Face, c: char) -> bool {
    let text = c.to_string();
    let shaped = face.shape(&text, harfrust::Direction::LeftToRight);
    let id = shaped.map(|shaped| shaped.glyph_infos().first().map(|info| info.glyph_id));
    let Some(Some(id)) = id else { return false };
    let font = face.font.clone();
    let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let mut document = Document::new_with(settings(false));
        let mut page = document.start_page();
        let mut surface = page.surface();
        let glyph = KrillaGlyph::new(GlyphId::new(id), 1.0, 0.0, 0.0, 0.0, 0..text.len(), None);
        surface.draw_glyphs(Point::from_xy(0.0, 10.0), &[glyph], font, &text, 10.0, false);
        surface.finish();
        page.finish();
        document.finish().is_ok()
    }));
    written.unwrap_or(false)
}
