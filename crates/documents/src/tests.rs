//! The documents as they are laid out and written: pages, sums, tags, marks, and what happens with too much.

use domain::business::PageSize;
use domain::invoice::{Line, Quantity, TaxRate, totals};
use domain::language::Language;
use domain::seal::Day;
use domain::{Currency, Money};

use crate::papers::*;
use crate::sheets::{Item, Meaning, Role, Sheets, What as Shown};
use crate::{Paper, Printer, geometry};

fn frame() -> Frame {
    Frame {
        language: Language::En,
        seller: Seller {
            name: "Northwind Managed IT".to_owned(),
            address: vec!["42 Harbour Street".to_owned()],
            footer: Some("Registered in Oregon".to_owned()),
            bank_details: Some("IBAN DE89 3704 0044 0532 0130 00".to_owned()),
            ..Seller::default()
        },
        client: Party {
            name: "Bäckerei Hofmann KG".to_owned(),
            ..Party::default()
        },
        test: false,
    }
}

fn invoice(count: usize) -> Invoice {
    let usd = Currency::parse("usd").unwrap();
    let rate = TaxRate::from_thousandths_of_percent(8_875).unwrap();
    let line = |at: usize| {
        let what = if at.is_multiple_of(3) {
            "Hours on site, ".repeat(10)
        } else {
            "Backup".to_owned()
        };
        let quantity = Quantity::parse("2.5").unwrap();
        Line::new(
            &format!("Line {at} {what}"),
            quantity,
            Money::new(1_000, usd),
            rate,
        )
        .unwrap()
    };
    let lines: Vec<Line> = (1..=count).map(line).collect();
    let sums = totals(&lines[..count.min(500)], None, usd).unwrap();
    Invoice {
        frame: frame(),
        number: Some("INV-0042".to_owned()),
        issued_on: Day::parse("2026-11-26"),
        due_on: Day::parse("2026-12-26"),
        memo: None,
        currency: usd,
        subtotal_minor: sums.subtotal_minor,
        discount: None,
        discount_minor: 0,
        taxes: sums.taxes,
        total_minor: sums.total.minor(),
        credited_minor: 0,
        paid_minor: 0,
        owed_minor: sums.total.minor(),
        state: State::Open,
        pay_link: Some("https://pay.example.com/pay/abc".to_owned()),
        lines,
    }
}

fn sheets(printer: &Printer, invoice: Invoice) -> Sheets {
    printer.sheets(&Paper::Invoice(Box::new(invoice)))
}

fn text(item: &Item) -> Option<String> {
    match &item.what {
        Shown::Text(text, _) => Some(text.pieces.iter().map(|piece| piece.text.as_str()).collect()),
        Shown::Fill { .. }
        | Shown::Across(..)
        | Shown::Logo { .. }
        | Shown::Code { .. }
        | Shown::Target { .. } => None,
    }
}

fn texts(page: &[Item]) -> Vec<String> {
    page.iter().filter_map(text).collect()
}

/// How many rows of lines stand on a page.
fn rows(page: &[Item]) -> usize {
    texts(page)
        .iter()
        .filter(|text| text.starts_with("Line "))
        .count()
}

#[test]
fn a_long_invoice_repeats_its_heading_and_keeps_its_sums_with_lines() {
    let printer = Printer::own();
    let mut several = 0;
    for count in (1..=5).chain(12..=30).chain([60, 200]) {
        let sheets = sheets(&printer, invoice(count));
        let on: Vec<usize> = sheets.pages.iter().map(|page| rows(page)).collect();
        assert_eq!(on.iter().sum::<usize>(), count);
        for (page, lines) in sheets.pages.iter().zip(&on) {
            let heads = texts(page).iter().filter(|text| *text == "Description").count();
            assert_eq!(heads, usize::from(*lines > 0), "{count} lines");
        }
        let page_of = |wanted: &str| {
            let found = sheets
                .pages
                .iter()
                .position(|page| texts(page).iter().any(|text| text == wanted));
            found.unwrap_or_else(|| panic!("{wanted} of {count} lines"))
        };
        let sums = page_of("Subtotal");
        assert_eq!(
            [page_of("Total"), page_of("Tax 8.875%")],
            [sums, sums],
            "{count} lines"
        );
        assert!(
            on[sums] >= count.min(2),
            "{count} lines: sums beside {} of them",
            on[sums]
        );
        several += usize::from(sheets.pages.len() > 1);
    }
    assert!(several > 10, "{several}");
}

#[test]
fn nothing_stands_outside_of_the_paper_or_over_its_foot() {
    let printer = Printer::own();
    let mut hostile = invoice(3);
    hostile.frame.seller.name = "Wide".repeat(50);
    hostile.frame.seller.address = vec!["W".repeat(100); 6];
    hostile.frame.seller.bank_details = Some("W".repeat(600));
    hostile.frame.seller.cheque_details = Some("to the order of\n".repeat(8));
    hostile.frame.seller.footer = Some("f".repeat(600));
    hostile.frame.client.name = "C".repeat(200);
    hostile.memo = Some("word ".repeat(400));
    hostile.number = Some("N".repeat(60));
    hostile.currency = Currency::parse("idr").unwrap();
    for line in &mut hostile.lines {
        line.description = "x".repeat(500);
        line.unit_price_minor = 999_999_999_999;
        line.amount_minor = 999_999_999_999;
    }
    for size in PageSize::ALL {
        hostile.frame.seller.page = size;
        let (width, height) = geometry::extent(size);
        let sheets = sheets(&printer, hostile.clone());
        for item in sheets.pages.iter().flatten() {
            let Shown::Text(shown, style) = &item.what else {
                continue;
            };
            let right = item.x + shown.width(style.size);
            assert!(item.x >= 0 && right <= width, "{:?}", text(item));
            let foot = item.role == Role::PageFooter;
            let bottom = if foot { height } else { height - geometry::pt(40) };
            assert!(item.y > 0 && item.y < bottom, "{:?} at {}", text(item), item.y);
        }
    }
}

#[test]
fn the_same_paper_gives_the_same_bytes_and_another_gives_others() {
    let paper = |count| Paper::Invoice(Box::new(invoice(count)));
    let bytes = Printer::own().print(&paper(3)).unwrap();
    assert_eq!(Printer::own().print(&paper(3)).unwrap(), bytes);
    assert_ne!(Printer::own().print(&paper(4)).unwrap(), bytes);
}

#[test]
fn the_pdf_is_tagged_after_pdf_ua() {
    let bytes = Printer::own()
        .print(&Paper::Invoice(Box::new(invoice(60))))
        .unwrap();
    let holds = |needle: &str| {
        bytes
            .windows(needle.len())
            .any(|bytes| bytes == needle.as_bytes())
    };
    for needle in [
        "/StructTreeRoot",
        "/Marked true",
        "/Lang(en)",
        "pdfuaid:part",
        "/DisplayDocTitle true",
    ] {
        assert!(holds(needle), "{needle}");
    }
    assert!(holds("Invoice INV-0042"));
}

#[test]
fn tables_have_headings_and_pictures_say_what_they_show() {
    let sheets = sheets(&Printer::own(), invoice(60));
    let count =
        |wanted: fn(&Meaning) -> bool| sheets.parts.iter().filter(|part| wanted(&part.meaning)).count();
    // Once, although the heading is drawn on every page.
    assert_eq!(count(|meaning| *meaning == Meaning::ColumnHead), 5);
    assert_eq!(count(|meaning| *meaning == Meaning::Cell), 60 * 5 + 4);
    assert_eq!(
        count(|meaning| matches!(meaning, Meaning::Title(title) if title == "Invoice INV-0042")),
        1
    );
    assert_eq!(
        count(|meaning| matches!(meaning, Meaning::Figure(tells) if tells.contains("QR"))),
        1
    );
    // Everything on a page either belongs to a part or is said to be only of the page.
    let roles = sheets
        .pages
        .iter()
        .flatten()
        .filter(|item| matches!(item.role, Role::Of(_)));
    assert!(roles.count() > 300);
}

#[test]
fn what_no_font_has_is_noted_once_at_the_end() {
    let mut foreign = invoice(1);
    foreign.frame.client.name = "山田商店 \u{1f600}".to_owned();
    let sheets = sheets(&Printer::own(), foreign.clone());
    let all: Vec<String> = sheets.pages.iter().flat_map(|page| texts(page)).collect();
    let notes: Vec<&String> = all
        .iter()
        .filter(|text| text.contains("no font on this server"))
        .collect();
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("(Han, symbols)") || notes[0].contains("(symbols, Han)"),
        "{}",
        notes[0]
    );
    let plain = self::sheets(&Printer::own(), invoice(1));
    assert!(plain.missing.is_empty());
    // What the characters were stays in the file, for whoever searches or listens.
    assert!(Printer::own().print(&Paper::Invoice(Box::new(foreign))).is_ok());
}

#[test]
fn every_state_shows_what_it_is() {
    let printer = Printer::own();
    let shown = |state, test, owed| {
        let mut invoice = invoice(2);
        invoice.state = state;
        invoice.frame.test = test;
        invoice.owed_minor = owed;
        let sheets = sheets(&printer, invoice);
        let marks = sheets.pages[0].iter().filter_map(|item| match &item.what {
            Shown::Across(text, _) => Some(text.pieces[0].text.clone()),
            _ => None,
        });
        (marks.collect::<Vec<String>>(), texts(&sheets.pages[0]).join("|"))
    };
    let (marks, text) = shown(State::Open, false, 5_444);
    assert!(
        marks.is_empty() && text.contains("54.44\u{a0}USD") && text.contains("How to pay"),
        "{text}"
    );
    assert!(text.contains("Payable by 26 December 2026"));
    let (marks, text) = shown(State::Open, true, 5_444);
    assert!(marks == ["TEST"] && text.contains("TEST MODE"), "{text}");
    let (marks, text) = shown(State::Void, false, 0);
    assert!(
        marks == ["VOID"] && text.contains("withdrawn") && !text.contains("How to pay"),
        "{text}"
    );
    let (marks, text) = shown(State::Draft, true, 0);
    assert!(
        marks == ["TEST \u{b7} DRAFT"] && !text.contains("How to pay"),
        "{text}"
    );
    let (marks, text) = shown(State::Paid, false, 0);
    assert!(
        marks.is_empty() && text.contains("Paid in full") && !text.contains("How to pay"),
        "{text}"
    );
}

fn others(frame: &Frame) -> [Paper; 3] {
    let usd = Currency::parse("usd").unwrap();
    let day = Day::parse("2026-11-30").unwrap();
    let note = CreditNote {
        frame: frame.clone(),
        number: "CN-0001".to_owned(),
        issued_on: day,
        invoice_number: "INV-0042".to_owned(),
        reason: "Agreed on the phone".to_owned(),
        currency: usd,
        subtotal_minor: 1_000,
        tax_minor: 190,
        total_minor: 1_190,
        to_invoice_minor: 1_000,
        to_credit_minor: 190,
    };
    let receipt = Receipt {
        frame: frame.clone(),
        number: "pay_1".to_owned(),
        paid_on: day,
        method: Some(Method {
            brand: "visa".to_owned(),
            last4: Some("4242".to_owned()),
        }),
        currency: usd,
        amount_minor: 2_000,
        invoices: vec![PaidInvoice {
            number: "INV-0042".to_owned(),
            amount_minor: 2_000,
            discount_minor: 250,
        }],
        to_credit_minor: 0,
        refunds: vec![Refund {
            on: day,
            amount_minor: 500,
        }],
    };
    let entry = |what, amount_minor| Entry {
        on: day,
        what,
        reference: "INV-0042".to_owned(),
        amount_minor,
    };
    let statement = Statement {
        frame: frame.clone(),
        from: day,
        to: day,
        accounts: vec![Account {
            currency: usd,
            opening_minor: 10_000,
            entries: vec![entry(What::Invoice, 5_000), entry(What::Payment, -20_000)],
            by_age_minor: [0, 0, 0, 0, 700],
        }],
    };
    [
        Paper::CreditNote(Box::new(note)),
        Paper::Receipt(Box::new(receipt)),
        Paper::Statement(Box::new(statement)),
    ]
}

#[test]
fn every_document_can_be_made_in_every_language() {
    let printer = Printer::own();
    for language in Language::ALL {
        let papers = others(&Frame { language, ..frame() });
        for paper in &papers {
            assert!(printer.print(paper).unwrap().starts_with(b"%PDF-1.7"));
        }
        let shown = papers.map(|paper| texts(&printer.sheets(&paper).pages[0]).join("|"));
        if language == Language::En {
            assert!(shown[0].contains("11.90\u{a0}USD") && shown[0].contains("Added to your credit"));
            assert!(
                shown[1].contains("Visa ending in 4242") && shown[1].contains("$15.00"),
                "{}",
                shown[1]
            );
            assert!(shown[2].contains("\u{2212}50.00\u{a0}USD"), "{}", shown[2]);
            assert!(shown[2].contains("More than 90 days overdue"), "{}", shown[2]);
        }
    }
}

#[test]
fn a_thousand_lines_are_many_pages() {
    let sheets = sheets(&Printer::own(), invoice(1_000));
    assert!(sheets.pages.len() > 30, "{}", sheets.pages.len());
    assert_eq!(sheets.pages.iter().map(|page| rows(page)).sum::<usize>(), 1_000);
}
