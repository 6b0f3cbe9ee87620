//! What all documents share: the head with logo, title and addresses, text that flows over pages, and the
//! foot with page numbers.

use std::sync::Arc;

use crate::fonts::{Fonts, Weight};
use crate::geometry::{Mp, extent, pt};
use crate::papers::Frame;
use crate::qr::Qr;
use crate::shaping::{Shaped, shape, wrap};
use crate::sheets::{Ink, Item, Meaning, Node, Role, Sheets, Style, What};
use crate::words::{self, Words};

/// From the edges of the paper to the text.
const SIDE: Mp = pt(50);
const TOP: Mp = pt(44);
/// Where the text of a further page begins, below its running head.
const TOP_AGAIN: Mp = pt(72);
const FOOT: Mp = pt(30);
const LOGO_WIDTH_MAX: Mp = pt(190);
const LOGO_HEIGHT_MAX: Mp = pt(58);
/// Most lines of what a tenant writes under every page.
const FOOT_LINES_MAX: usize = 4;

const TITLE: Style = Style::plain(pt(22)).bold();
const NAME: Style = Style::plain(pt(15)).bold();
pub const BODY: Style = Style::plain(9_500);
const LABEL: Style = Style::plain(8_000).ink(Ink::QUIET);
const SMALL: Style = Style::plain(7_500).ink(Ink::QUIET);
const HEADING: Style = Style::plain(pt(11)).bold();

/// A document that is being laid out.
pub struct Letter<'a> {
    pub fonts: &'a Fonts,
    pub words: &'static Words,
    pub sheets: Sheets,
    /// Down to where the last page is used.
    pub y: Mp,
    frame: &'a Frame,
    /// What further pages begin with.
    again: String,
    foot: Vec<Shaped>,
}

/// A label and what it says, as `Due date` and `30 November 2026`.
pub type Fact = (&'static str, String);

impl<'a> Letter<'a> {
    /// Begins a document with its head. `number` is what tells it from others of its kind.
    pub fn begin(
        fonts: &'a Fonts,
        frame: &'a Frame,
        title: &str,
        number: Option<&str>,
        facts: &[Fact],
    ) -> Letter<'a> {
        let words = words::of(frame.language);
        let seller = &frame.seller;
        let named = match number {
            Some(number) => format!("{title} {number}"),
            None => title.to_owned(),
        };
        let sheets = Sheets::new(
            seller.page,
            format!("{named} \u{2013} {}", seller.name),
            seller.name.clone(),
            frame.language.word(),
        );
        let mut letter = Letter {
            fonts,
            words,
            y: TOP,
            frame,
            again: format!("{} \u{b7} {named}", seller.name),
            foot: Vec::new(),
            sheets,
        };
        let foot = seller.footer.as_deref().unwrap_or_default();
        if !foot.trim().is_empty() {
            letter.foot = wrap(fonts, foot.trim(), SMALL.weight, SMALL.size, letter.width());
            letter.foot.truncate(FOOT_LINES_MAX);
        }
        letter.head(title, number, &named);
        letter.parties(facts);
        letter
    }

    /// The left edge of the text.
    pub const fn left(&self) -> Mp {
        SIDE
    }

    /// The right edge of the text.
    pub fn right(&self) -> Mp {
        extent(self.sheets.size).0 - SIDE
    }

    /// How wide the text is.
    pub fn width(&self) -> Mp {
        self.right() - SIDE
    }

    /// Down to where the text may go.
    fn bottom(&self) -> Mp {
        let foot: Mp = self.foot.iter().map(|_| SMALL.leading()).sum();
        extent(self.sheets.size).1 - FOOT - SMALL.leading() - foot - pt(14)
    }

    /// Whether this much fits below what is there.
    pub fn has_room(&self, height: Mp) -> bool {
        self.y + height <= self.bottom()
    }

    /// Whether this much fits on a page that is empty.
    pub fn fits_a_page(&self, height: Mp) -> bool {
        TOP_AGAIN + height <= self.bottom()
    }

    /// Goes on to the next page unless this much fits on this one.
    pub fn need(&mut self, height: Mp) {
        if !self.has_room(height) {
            self.turn();
        }
    }

    /// Goes on to the next page.
    pub fn turn(&mut self) {
        self.sheets.pages.push(Vec::new());
        let text = Sheets::shortened(self.fonts, &self.again, SMALL, self.width());
        self.sheets.line(Role::PageHeader, SIDE, TOP, text, SMALL);
        self.y = TOP_AGAIN;
    }

    /// A paragraph, which may go over pages.
    pub fn paragraph(&mut self, text: &str, style: Style) {
        let node = self.sheets.part(None, Meaning::Paragraph);
        for line in wrap(self.fonts, text, style.weight, style.size, self.width()) {
            self.need(style.leading());
            self.sheets.line(Role::Of(node), SIDE, self.y, line, style);
            self.y += style.leading();
        }
    }

    /// A heading, on the same page as `with` of what follows.
    pub fn heading(&mut self, text: &str, with: Mp) {
        self.y += pt(16);
        self.need(HEADING.leading() + pt(4) + with);
        let page = self.sheets.pages.len() - 1;
        self.sheets.headings.push((text.to_owned(), page, self.y));
        let node = self.sheets.part(None, Meaning::Heading(text.to_owned()));
        let line = Sheets::shortened(self.fonts, text, HEADING, self.width());
        self.sheets.line(Role::Of(node), SIDE, self.y, line, HEADING);
        self.y += HEADING.leading() + pt(4);
    }

    /// Logo and title.
    fn head(&mut self, title: &str, number: Option<&str>, named: &str) {
        if self.frame.test {
            let node = self.sheets.part(None, Meaning::Paragraph);
            let style = LABEL.bold().ink(Ink::WARNING);
            let text = shape(self.fonts, self.words.no_real_money, style.weight);
            self.sheets.line(Role::Of(node), SIDE, pt(24), text, style);
        }
        let below = self.seller_shown();
        self.sheets.headings.push((named.to_owned(), 0, TOP));
        let node = self.sheets.part(None, Meaning::Title(named.to_owned()));
        let (right, half) = (self.right(), self.width() / 2);
        let text = Sheets::shortened(self.fonts, title, TITLE, half);
        self.sheets
            .line_to(Role::Of(node), right, TOP - pt(4), text, TITLE);
        let mut y = TOP - pt(4) + TITLE.leading();
        if let Some(number) = number {
            let style = Style::plain(pt(11)).ink(Ink::QUIET);
            let text = Sheets::shortened(self.fonts, number, style, half);
            self.sheets.line_to(Role::Of(node), right, y, text, style);
            y += style.leading();
        }
        self.y = y.max(below) + pt(22);
    }

    /// The logo, or the name where there is none. Answers down to where it goes.
    fn seller_shown(&mut self) -> Mp {
        let seller = &self.frame.seller;
        if let Some(logo) = &seller.logo {
            let (across, down) = logo.extent();
            let (across, down) = (Mp::from(across).max(1), Mp::from(down).max(1));
            let height = (LOGO_WIDTH_MAX * down / across).clamp(1, LOGO_HEIGHT_MAX);
            let width = (height * across / down).clamp(1, LOGO_WIDTH_MAX);
            let node = self.sheets.part(None, Meaning::Figure(seller.name.clone()));
            let logo = logo.clone();
            self.sheets.put(Item {
                x: SIDE,
                y: TOP,
                role: Role::Of(node),
                what: What::Logo { logo, width, height },
            });
            return TOP + height;
        }
        let node = self.sheets.part(None, Meaning::Paragraph);
        let mut y = TOP;
        let lines = wrap(
            self.fonts,
            &seller.name,
            NAME.weight,
            NAME.size,
            self.width() / 2 - pt(10),
        );
        for line in lines.into_iter().take(2) {
            self.sheets.line(Role::Of(node), SIDE, y, line, NAME);
            y += NAME.leading();
        }
        y
    }

    /// Who bills whom, and the facts beside it.
    fn parties(&mut self, facts: &[Fact]) {
        let (frame, top) = (self.frame, self.y);
        let gap = pt(14);
        let (third, narrow) = (self.width() * 36 / 100, self.width() * 28 / 100);
        let seller = &frame.seller;
        let mut from = seller.address.clone();
        let tax_id = |id: &String| format!("{} {id}", self.words.tax_id);
        from.extend(seller.tax_id.as_ref().map(tax_id));
        from.extend(seller.email.clone());
        from.extend(seller.phone.clone());
        let first = self.party(self.words.from, &seller.name, &from, SIDE, third - gap);
        self.y = top;
        let mut to = frame.client.address.clone();
        to.extend(frame.client.tax_id.as_ref().map(tax_id));
        to.extend(frame.client.email.clone());
        let second = self.party(
            self.words.billed_to,
            &frame.client.name,
            &to,
            SIDE + third,
            third - gap,
        );
        self.y = top;
        let list = self.sheets.part(None, Meaning::List);
        for (label, value) in facts {
            self.fact(list, label, value, SIDE + 2 * third, narrow);
        }
        self.y = self.y.max(first).max(second) + pt(12);
    }

    fn party(&mut self, label: &str, name: &str, lines: &[String], x: Mp, width: Mp) -> Mp {
        let node = self.sheets.part(None, Meaning::Paragraph);
        self.text_at(Role::Of(node), label, LABEL, x, width);
        self.text_at(Role::Of(node), name, BODY.bold(), x, width);
        for line in lines {
            self.text_at(Role::Of(node), line, BODY, x, width);
        }
        self.y
    }

    fn fact(&mut self, list: Node, label: &str, value: &str, x: Mp, width: Mp) {
        let item = self.sheets.part(Some(list), Meaning::Item);
        let node = self.sheets.part(Some(item), Meaning::Label);
        self.text_at(Role::Of(node), label, LABEL, x, width);
        let node = self.sheets.part(Some(item), Meaning::Value);
        self.text_at(Role::Of(node), value, BODY.bold(), x, width);
        self.y += pt(4);
    }

    /// Lines of text at `x`, from `y` on down; the caller knows that there is room.
    pub fn text_at(&mut self, role: Role, text: &str, style: Style, x: Mp, width: Mp) {
        for line in wrap(self.fonts, text, style.weight, style.size, width) {
            self.sheets.line(role, x, self.y, line, style);
            self.y += style.leading();
        }
    }

    /// A band with the sum that matters: what it is, and what there is to say of it.
    pub fn band(&mut self, label: &str, amount: Option<&str>, remark: Option<&str>) {
        let label_style = Style::plain(pt(11)).bold();
        let amount_style = Style::plain(pt(16)).bold();
        let height = pt(40);
        self.need(height);
        self.sheets
            .fill(SIDE, self.y, (self.width(), height), Ink::GROUND);
        let node = self.sheets.part(None, Meaning::Paragraph);
        let (x, right) = (SIDE + pt(12), self.right() - pt(12));
        let amount = amount.map(|amount| shape(self.fonts, amount, Weight::Bold));
        let used = amount
            .as_ref()
            .map_or(0, |amount| amount.width(amount_style.size) + pt(12));
        let room = right - x - used;
        let text = Sheets::shortened(self.fonts, label, label_style, room);
        let label_y = self.y + if remark.is_some() { pt(5) } else { pt(12) };
        self.sheets.line(Role::Of(node), x, label_y, text, label_style);
        if let Some(remark) = remark {
            let text = Sheets::shortened(self.fonts, remark, BODY.ink(Ink::QUIET), room);
            self.sheets
                .line(Role::Of(node), x, self.y + pt(20), text, BODY.ink(Ink::QUIET));
        }
        if let Some(amount) = amount {
            self.sheets
                .line_to(Role::Of(node), right, self.y + pt(9), amount, amount_style);
        }
        self.y += height + pt(14);
    }

    /// How to pay: the code and the address of the pay page, and the tenant's bank or cheque details.
    pub fn how_to_pay(&mut self, link: Option<&str>) {
        let seller = &self.frame.seller;
        let by = [
            (self.words.bank_transfer, seller.bank_details.as_deref()),
            (self.words.cheque, seller.cheque_details.as_deref()),
        ];
        let mut ways: Vec<(&str, Vec<Shaped>)> = Vec::new();
        let online = self.width() * 48 / 100;
        let beside = match link {
            Some(_) => self.width() - online - pt(18),
            None => self.width(),
        };
        for (name, details) in by {
            if let Some(details) = details.filter(|details| !details.trim().is_empty()) {
                ways.push((
                    name,
                    wrap(self.fonts, details.trim(), BODY.weight, BODY.size, beside),
                ));
            }
        }
        if ways.is_empty() && link.is_none() {
            return;
        }
        let side = pt(96);
        let block = |lines: &Vec<Shaped>| BODY.leading() * (lines.len() as Mp + 1) + pt(8);
        let details: Mp = ways.iter().map(|(_, lines)| block(lines)).sum();
        self.heading(self.words.how_to_pay, details.max(side));
        let top = self.y;
        let mut below = top;
        if let Some(link) = link {
            below = self.pay_online(link, online, side);
        }
        self.y = top;
        let x = self.right() - beside;
        for (name, lines) in ways {
            let node = self.sheets.part(None, Meaning::Paragraph);
            self.text_at(Role::Of(node), name, BODY.bold(), x, beside);
            for line in lines {
                self.need(BODY.leading());
                self.sheets.line(Role::Of(node), x, self.y, line, BODY);
                self.y += BODY.leading();
            }
            self.y += pt(8);
        }
        self.y = self.y.max(below);
    }

    fn pay_online(&mut self, link: &str, width: Mp, side: Mp) -> Mp {
        let top = self.y;
        let mut x = SIDE;
        if let Some(code) = Qr::of(link) {
            let tells = self.words.code_tells.to_owned();
            let node = self.sheets.part(None, Meaning::Figure(tells));
            let code = Arc::new(code);
            self.sheets.put(Item {
                x,
                y: top,
                role: Role::Of(node),
                what: What::Code { code, side },
            });
            x += side + pt(8);
        }
        let width = SIDE + width - x;
        let node = self.sheets.part(None, Meaning::Paragraph);
        self.text_at(Role::Of(node), self.words.pay_online, BODY.bold(), x, width);
        self.text_at(Role::Of(node), self.words.scan_or_open, LABEL, x, width);
        let node = self.sheets.part(None, Meaning::Link);
        let from = self.y;
        let style = Style::plain(7_500).ink(Ink::LINK);
        self.text_at(Role::Of(node), link, style, x, width);
        self.sheets.put(Item {
            x,
            y: from,
            role: Role::Of(node),
            what: What::Target {
                width,
                height: self.y - from,
                url: link.to_owned(),
                tells: self.words.link_tells.to_owned(),
            },
        });
        self.y.max(top + side)
    }

    /// Ends the document: says what could not be shown, marks and numbers the pages.
    pub fn end(mut self, mark: Option<&str>) -> Sheets {
        if !self.sheets.missing.is_empty() {
            let names = self.sheets.missing.iter().map(|script| match *script {
                "Common" | "Unknown" | "Inherited" => self.words.symbols.to_owned(),
                script => script.replace('_', " "),
            });
            let names: Vec<String> = names.collect();
            let note = self.words.missing.replace("{scripts}", &names.join(", "));
            self.y += pt(12);
            self.paragraph(&note, LABEL);
        }
        let words = [self.frame.test.then_some(self.words.test), mark];
        let across: Vec<&str> = words.into_iter().flatten().collect();
        let across = shape(self.fonts, &across.join(" \u{b7} "), Weight::Bold);
        let pages = self.sheets.pages.len();
        let (page_width, page_height) = extent(self.sheets.size);
        for number in 1..=pages {
            let page = number - 1;
            let text = self.words.page.replace("{page}", &number.to_string());
            let text = shape(
                self.fonts,
                &text.replace("{pages}", &pages.to_string()),
                SMALL.weight,
            );
            let mut items = Vec::new();
            if !across.pieces.is_empty() {
                let wide = across.width(pt(1)).max(1);
                let size = (pt(480) * pt(1) / wide).min(pt(150));
                let style = Style::plain(size).bold().ink(Ink::MARK);
                items.push(Item {
                    x: page_width / 2,
                    y: page_height / 2,
                    role: Role::Watermark,
                    what: What::Across(across.clone(), style),
                });
            }
            items.append(&mut self.sheets.pages[page]);
            let mut y = self.bottom() + pt(14);
            for line in &self.foot {
                items.push(foot_line(SIDE, y, line.clone()));
                y += SMALL.leading();
            }
            // Beside the last line of the foot, where there is room.
            let last = self.foot.last().map_or(0, |line| line.width(SMALL.size));
            let x = page_width - SIDE - text.width(SMALL.size);
            if last > 0 && SIDE + last + pt(16) < x {
                y -= SMALL.leading();
            }
            items.push(foot_line(x, y, text));
            self.sheets.pages[page] = items;
        }
        self.sheets
    }
}

fn foot_line(x: Mp, y: Mp, text: Shaped) -> Item {
    Item {
        x,
        y: y + SMALL.ascent(),
        role: Role::PageFooter,
        what: What::Text(text, SMALL),
    }
}
