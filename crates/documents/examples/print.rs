//! Makes sample documents of every kind in every language, writes them into a folder, and says how long each
//! takes: `cargo run --release -p documents --example print -- FOLDER [FONT-FOLDER]`.

use std::path::Path;
use std::time::{Duration, Instant};

use documents::papers::{
    Account, CreditNote, Entry, Frame, Invoice, Method, PaidInvoice, Party, Receipt, Refund, Seller, State,
    Statement, What,
};
use documents::{Logo, Paper, Printer};
use domain::business::PageSize;
use domain::invoice::{Line, Quantity, TaxRate, totals};
use domain::language::Language;
use domain::seal::Day;
use domain::{Currency, Money};

const TIMES: u32 = 50;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the folder to write to");
    let fonts = arguments.next();
    let printer = match fonts {
        Some(folder) => Printer::with_folder(Path::new(&folder)).expect("the fonts can be read"),
        None => Printer::own(),
    };
    println!("{} fonts from the folder", printer.fonts_from_folder());
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (name, paper) in papers() {
        let bytes = printer.print(&paper).expect("it is printed");
        let path = Path::new(&folder).join(format!("{name}.pdf"));
        std::fs::write(path, &bytes).expect("it is written");
        let (took, slowest) = measure(|| printer.print(&paper).map(|bytes| bytes.len()));
        let kilobytes = bytes.len() / 1024;
        println!("{name}: {kilobytes} KB, {took:?} in the middle, {slowest:?} at most");
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn measure<T>(mut work: impl FnMut() -> T) -> (Duration, Duration) {
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        std::hint::black_box(work());
        times.push(begun.elapsed());
    }
    times.sort();
    let last = times.len() - 1;
    (times[last / 2], times[last])
}

fn papers() -> Vec<(String, Paper)> {
    let mut papers = Vec::new();
    for language in Language::ALL {
        let word = language.word();
        let invoice = invoice(language, 5, State::Open);
        papers.push((format!("invoice-{word}"), Paper::Invoice(Box::new(invoice))));
        papers.push((
            format!("credit-note-{word}"),
            Paper::CreditNote(Box::new(credit_note(language))),
        ));
        papers.push((
            format!("receipt-{word}"),
            Paper::Receipt(Box::new(receipt(language))),
        ));
        papers.push((
            format!("statement-{word}"),
            Paper::Statement(Box::new(statement(language))),
        ));
    }
    for (name, lines, state) in [
        ("invoice-60-lines", 60, State::Open),
        ("invoice-1000-lines", 1000, State::Open),
        ("invoice-void", 3, State::Void),
        ("invoice-draft", 3, State::Draft),
        ("invoice-paid", 14, State::Paid),
    ] {
        let paper = invoice(Language::En, lines, state);
        papers.push((name.to_owned(), Paper::Invoice(Box::new(paper))));
    }
    for lines in 12..24 {
        let paper = invoice(Language::En, lines, State::Open);
        papers.push((format!("break-{lines}"), Paper::Invoice(Box::new(paper))));
    }
    let mut foreign = invoice(Language::En, 3, State::Open);
    foreign.frame.client = Party {
        name: "株式会社山田商店 (שלום עולם)".to_owned(),
        address: vec!["東京都".to_owned(), "شركة النور للتقنية".to_owned()],
        ..Party::default()
    };
    foreign.frame.seller.page = PageSize::Letter;
    foreign.frame.seller.logo = None;
    foreign.frame.test = true;
    foreign.memo = Some("Αθήνα, Москва, Łódź, Đà Nẵng \u{1f600}".to_owned());
    papers.push(("foreign".to_owned(), Paper::Invoice(Box::new(foreign))));
    papers
}

fn logo() -> Option<Logo> {
    let bytes = std::fs::read(std::env::var("LOGO").ok()?).ok()?;
    Logo::from_upload(&bytes).ok()
}

fn frame(language: Language) -> Frame {
    let text = |text: &str| Some(text.to_owned());
    Frame {
        language,
        seller: Seller {
            name: "Northwind Managed IT".to_owned(),
            address: vec!["42 Harbour Street".to_owned(), "Portland, OR 97204".to_owned()],
            tax_id: text("US 12-3456789"),
            email: text("billing@northwind.example"),
            phone: text("+1 503 555 0100"),
            footer: text("Northwind Managed IT LLC \u{b7} Registered in Oregon \u{b7} Net 30 days"),
            bank_details: text("First Harbour Bank\nIBAN DE89 3704 0044 0532 0130 00\nBIC COBADEFFXXX"),
            cheque_details: text("Payable to Northwind Managed IT LLC, sent to the address above"),
            logo: logo(),
            page: PageSize::A4,
        },
        client: Party {
            name: "Bäckerei Hofmann KG".to_owned(),
            tax_id: text("DE 987 654 321"),
            email: text("buchhaltung@hofmann.example"),
            ..Party::default()
        },
        test: false,
    }
}

fn invoice(language: Language, count: usize, state: State) -> Invoice {
    let eur = Currency::parse("eur").expect("a currency");
    let line = |at: usize| {
        let (what, price, rate) = match at % 4 {
            0 => (
                "Managed workstation, monthly: monitoring, patches, antivirus",
                4_900,
                19_000,
            ),
            1 => ("Microsoft 365 Business Premium", 2_080, 19_000),
            2 => (
                "Backup of file server, 2 TB, kept for 90 days, with a test of the restore every quarter \
                   and a written report",
                12_900,
                7_000,
            ),
            _ => ("Hours on site", 11_500, 0),
        };
        let quantity = Quantity::parse(if at % 4 == 3 { "2.5" } else { "12" }).expect("a quantity");
        let rate = TaxRate::from_thousandths_of_percent(rate).expect("a rate");
        let description = format!("{}. {what}", at + 1);
        Line::new(&description, quantity, Money::new(price, eur), rate).expect("a line")
    };
    let lines: Vec<Line> = (0..count).map(line).collect();
    let sums = totals(&lines[..count.min(500)], None, eur).expect("sums");
    let paid = match state {
        State::Paid => sums.total.minor(),
        State::Open | State::Draft | State::Void => 0,
    };
    Invoice {
        frame: frame(language),
        number: (state != State::Draft).then(|| "INV-0042".to_owned()),
        issued_on: Day::parse("2026-11-26"),
        due_on: Day::parse("2026-12-26"),
        memo: Some("Thank you for your business.".to_owned()),
        currency: eur,
        subtotal_minor: sums.subtotal_minor,
        discount: None,
        discount_minor: 0,
        taxes: sums.taxes,
        total_minor: sums.total.minor(),
        credited_minor: 0,
        paid_minor: paid,
        owed_minor: sums.total.minor() - paid,
        state,
        pay_link: Some(
            "https://pay.northwind.example/pay/01jdq2v7m8ks3x9w4n6e5t0abc0123456789abcdef0123456789abcdef"
                .to_owned(),
        ),
        lines,
    }
}

fn credit_note(language: Language) -> CreditNote {
    CreditNote {
        frame: frame(language),
        number: "CN-0003".to_owned(),
        issued_on: Day::parse("2026-11-27").expect("a day"),
        invoice_number: "INV-0042".to_owned(),
        reason: "Two workstations were returned in October".to_owned(),
        currency: Currency::parse("eur").expect("a currency"),
        subtotal_minor: 9_800,
        tax_minor: 1_862,
        total_minor: 11_662,
        to_invoice_minor: 10_000,
        to_credit_minor: 1_662,
    }
}

fn receipt(language: Language) -> Receipt {
    let paid = |number: &str, amount_minor| PaidInvoice {
        number: number.to_owned(),
        amount_minor,
        discount_minor: 0,
    };
    Receipt {
        frame: frame(language),
        number: "pay_01jdq2v7m8ks3x9w4n6e5t0abc".to_owned(),
        paid_on: Day::parse("2026-11-27").expect("a day"),
        method: Some(Method {
            brand: "visa".to_owned(),
            last4: Some("4242".to_owned()),
        }),
        currency: Currency::parse("usd").expect("a currency"),
        amount_minor: 150_000,
        invoices: vec![paid("INV-0042", 100_000), paid("INV-0043", 50_000)],
        to_credit_minor: 0,
        refunds: vec![Refund {
            on: Day::parse("2026-11-30").expect("a day"),
            amount_minor: 20_000,
        }],
    }
}

fn statement(language: Language) -> Statement {
    let entry = |at: i64| {
        let (what, reference, amount_minor) = match at % 3 {
            0 => (What::Invoice, format!("INV-{at:04}"), 120_000),
            1 => (What::Payment, "Visa 4242".to_owned(), -100_000),
            _ => (What::CreditNote, format!("CN-{at:04}"), -5_000),
        };
        Entry {
            on: Day::parse(&format!("2026-11-{:02}", 1 + at % 28)).expect("a day"),
            what,
            reference,
            amount_minor,
        }
    };
    Statement {
        frame: frame(language),
        from: Day::parse("2026-11-01").expect("a day"),
        to: Day::parse("2026-11-30").expect("a day"),
        accounts: vec![Account {
            currency: Currency::parse("usd").expect("a currency"),
            opening_minor: 50_000,
            entries: (0..40).map(entry).collect(),
            by_age_minor: [100_000, 45_000, 0, 0, 5_000],
        }],
    }
}
