//! A document as it is laid out: what stands where on which page, and what it means. Nothing here is PDF yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::business::PageSize;

use crate::fonts::{Fonts, Weight};
use crate::geometry::Mp;
use crate::logo::Logo;
use crate::qr::Qr;
use crate::shaping::{Shaped, shape};

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink(pub u8, pub u8, pub u8);

impl Ink {
    /// For text.
    pub const TEXT: Ink = Ink(0x1b, 0x1f, 0x27);
    /// For what explains other text.
    pub const QUIET: Ink = Ink(0x55, 0x5d, 0x6b);
    /// For hairlines.
    pub const LINE: Ink = Ink(0xd5, 0xd9, 0xe0);
    /// For the ground of a heading of a table.
    pub const GROUND: Ink = Ink(0xf3, 0xf5, 0xf8);
    /// For words across the page.
    pub const MARK: Ink = Ink(0xee, 0xee, 0xf0);
    /// For links.
    pub const LINK: Ink = Ink(0x1d, 0x4e, 0xd8);
    /// For the warning that no real money is meant.
    pub const WARNING: Ink = Ink(0x9a, 0x34, 0x12);
}

/// How text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub size: Mp,
    pub weight: Weight,
    pub ink: Ink,
}

impl Style {
    /// Text of this size.
    pub const fn plain(size: Mp) -> Style {
        Style {
            size,
            weight: Weight::Regular,
            ink: Ink::TEXT,
        }
    }

    pub const fn bold(self) -> Style {
        Style {
            weight: Weight::Bold,
            ..self
        }
    }

    pub const fn ink(self, ink: Ink) -> Style {
        Style { ink, ..self }
    }

    /// From the top of a line to the top of the next.
    pub const fn leading(self) -> Mp {
        self.size * 138 / 100
    }

    /// From the top of a line to where its letters stand.
    pub const fn ascent(self) -> Mp {
        self.size * 107 / 100
    }
}

/// What a part of the document is, for those who have it read to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The document's title.
    Title(String),
    /// The heading of a part.
    Heading(String),
    Paragraph,
    List,
    Item,
    Label,
    Value,
    Table,
    TableHead,
    TableBody,
    Row,
    /// The heading of a column.
    ColumnHead,
    /// The heading of a row.
    RowHead,
    Cell,
    /// A picture, and what it shows.
    Figure(String),
    Link,
}

/// A node of the tree of meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node(pub usize);

/// Whether something belongs to the text, or only to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is read as part of this node.
    Of(Node),
    /// What every page has on top.
    PageHeader,
    /// What every page has at its foot.
    PageFooter,
    /// A word across the page.
    Watermark,
    /// Lines and grounds.
    Ornament,
}

/// Something on a page; `x` and `y` are its left and upper edge, for text the left end of its base line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub x: Mp,
    pub y: Mp,
    pub role: Role,
    pub what: What,
}

/// What stands on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Text(Shaped, Style),
    /// A filled rectangle.
    Fill {
        width: Mp,
        height: Mp,
        ink: Ink,
    },
    /// A word from the lower left to the upper right, around its middle.
    Across(Shaped, Style),
    Logo {
        logo: Logo,
        width: Mp,
        height: Mp,
    },
    Code {
        code: Arc<Qr>,
        side: Mp,
    },
    /// Where a click opens an address.
    Target {
        width: Mp,
        height: Mp,
        url: String,
        tells: String,
    },
}

/// A node and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub meaning: Meaning,
    pub parts: Vec<Node>,
}

/// All pages of a document, and the tree of what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheets {
    pub size: PageSize,
    pub title: String,
    pub author: String,
    pub language: &'static str,
    pub pages: Vec<Vec<Item>>,
    pub parts: Vec<Part>,
    /// The parts that are in no other.
    pub roots: Vec<Node>,
    /// Headings with their page and height on it.
    pub headings: Vec<(String, usize, Mp)>,
    /// The scripts of characters that no font has.
    pub missing: BTreeSet<&'static str>,
}

impl Sheets {
    /// A document with one empty page.
    pub fn new(size: PageSize, title: String, author: String, language: &'static str) -> Sheets {
        Sheets {
            size,
            title,
            author,
            language,
            pages: vec![Vec::new()],
            parts: Vec::new(),
            roots: Vec::new(),
            headings: Vec::new(),
            missing: BTreeSet::new(),
        }
    }

    /// Opens a part, within another or by itself. Parts are read in the order in which they were opened.
    pub fn part(&mut self, within: Option<Node>, meaning: Meaning) -> Node {
        let node = Node(self.parts.len());
        self.parts.push(Part {
            meaning,
            parts: Vec::new(),
        });
        match within {
            Some(parent) => self.parts[parent.0].parts.push(node),
            None => self.roots.push(node),
        }
        node
    }

    /// Puts something on the last page.
    pub fn put(&mut self, item: Item) {
        if let What::Text(text, _) = &item.what {
            self.missing
                .extend(text.missing().map(|script| script.full_name()));
        }
        if let Some(page) = self.pages.last_mut() {
            page.push(item);
        }
    }

    /// Puts a line of text on the last page, its top at `y`.
    pub fn line(&mut self, role: Role, x: Mp, y: Mp, text: Shaped, style: Style) {
        let y = y + style.ascent();
        let what = What::Text(text, style);
        self.put(Item { x, y, role, what });
    }

    /// A line that ends at `right`.
    pub fn line_to(&mut self, role: Role, right: Mp, y: Mp, text: Shaped, style: Style) {
        let x = right - text.width(style.size);
        self.line(role, x, y, text, style);
    }

    /// Puts a filled rectangle on the last page.
    pub fn fill(&mut self, x: Mp, y: Mp, (width, height): (Mp, Mp), ink: Ink) {
        let what = What::Fill { width, height, ink };
        let role = Role::Ornament;
        self.put(Item { x, y, role, what });
    }

    /// The text of a line that is cut off where it would be wider than this.
    pub fn shortened(fonts: &Fonts, text: &str, style: Style, width: Mp) -> Shaped {
        let whole = shape(fonts, text, style.weight);
        if whole.width(style.size) <= width {
            return whole;
        }
        let mut chars: Vec<char> = text.chars().collect();
        loop {
            chars.pop();
            let short: String = chars.iter().collect();
            let short = shape(fonts, &format!("{}…", short.trim_end()), style.weight);
            if chars.is_empty() || short.width(style.size) <= width {
                return short;
            }
        }
    }
}
