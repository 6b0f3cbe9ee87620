//! The page as a payer gets it: one panel for each state, nothing of the invoice's texts read as HTML, and no
//! more than the policy allows.

use domain::Currency;

use super::forwarding::{Form, Sent, Wrong};
use super::notices::Fresh;
use super::*;

const HOSTILE: &str = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;";

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("usd").unwrap())
}

fn day(text: &str) -> Option<Day> {
    Day::parse(text)
}

fn checkout(text: &str) -> Checkout {
    Checkout {
        publishable_key: text.to_owned(),
        stripe_account: text.to_owned(),
        script_url: text.to_owned(),
        pay_url: text.to_owned(),
        check_url: text.to_owned(),
        methods: "card",
        billing_email: Some(text.to_owned()),
        page_token: "1763900000000-0-0".to_owned(),
        work: None,
    }
}

fn receipt(text: &str) -> Receipt {
    Receipt {
        paid_at: Some(Timestamp::from_ms(1_795_598_042_000)),
        brand: Some(text.to_owned()),
        last4: Some(text.to_owned()),
        amount: usd(123_450),
        given_back: usd(0),
        taken_back: usd(0),
        by_credit: usd(0),
    }
}

/// A view whose every text is `text`.
/// All of it at once, with everything wrong.
fn forwarding(text: &str) -> Forwarding {
    let wrong = Wrong {
        field: Some("name"),
        sentence: text.to_owned(),
    };
    Forwarding {
        by: Some(text.to_owned()),
        sent: vec![Sent {
            name: text.to_owned(),
            address: text.to_owned(),
            on: Day::parse("2026-11-24").unwrap(),
            over: true,
        }],
        form: Some(Form {
            url: "/pay/x/forward".to_owned(),
            page_token: text.to_owned(),
            name: text.to_owned(),
            email: text.to_owned(),
            wrong: Some(wrong),
        }),
    }
}

fn view(text: &str, state: PanelState) -> View {
    View {
        language: Language::En,
        mode: Mode::Test,
        seller: Seller {
            name: text.to_owned(),
            support_email: Some(text.to_owned()),
            logo_url: None,
            details: vec![text.to_owned()],
            bank_details: Some(text.to_owned()),
            cheque_details: Some(text.to_owned()),
        },
        client_name: text.to_owned(),
        client_details: vec![text.to_owned()],
        number: text.to_owned(),
        memo: Some(text.to_owned()),
        issued_on: day("2026-11-23"),
        due_on: day("2026-12-07"),
        lines: vec![Line {
            description: text.to_owned(),
            quantity: text.to_owned(),
            unit_price: usd(100),
            tax_rate: Some(text.to_owned()),
            discount: Some(Off {
                label: text.to_owned(),
                amount: usd(-100),
            }),
            amount: usd(123_450),
        }],
        subtotal: usd(123_450),
        discount: Some(Off {
            label: text.to_owned(),
            amount: usd(-100),
        }),
        taxes: vec![Tax {
            label: text.to_owned(),
            amount: usd(0),
        }],
        total: usd(123_450),
        paid: usd(0),
        credited: usd(0),
        due: usd(123_450),
        choice: Choice::default(),
        under_way: None,
        pdf_url: "/pay/x/invoice.pdf".to_owned(),
        receipts: Vec::new(),
        panel_url: text.to_owned(),
        forwarding: forwarding(text),
        state,
    }
}

fn states(text: &str) -> [(PanelState, &'static str, &'static str); 8] {
    [
        (PanelState::Pay(checkout(text)), "pay:123450:usd", "Amount due"),
        (
            PanelState::Continue(checkout(text)),
            "continue:123450:usd",
            "Payment not completed",
        ),
        (
            PanelState::InProgress,
            "in_progress:123450:usd",
            "Payment in progress",
        ),
        (PanelState::Paid(receipt(text)), "paid:123450:usd:x", "Paid"),
        (PanelState::Void, "void:123450:usd", "Invoice voided"),
        (
            PanelState::Unavailable,
            "unavailable:123450:usd",
            "Online payment is not available",
        ),
        (PanelState::Silent, "silent:123450:usd", "Temporarily unavailable"),
        (
            PanelState::TooSmall(usd(50)),
            "too_small:123450:usd",
            "Too small to pay by card",
        ),
    ]
}

#[test]
fn each_state_shows_exactly_its_panel() {
    for (state, word, title) in states("x") {
        let takes_money = matches!(state, PanelState::Pay(_) | PanelState::Continue(_));
        let ends = matches!(state, PanelState::Paid(_) | PanelState::Void);
        let view = view("x", state);
        let (page, panel) = (page(&view).into_string(), panel(&view).into_string());
        assert!(page.contains(&panel), "{word}");
        assert_eq!(page.matches("id=\"panel\"").count(), 1, "{word}");
        assert_eq!(page.matches("id=\"invoice\"").count(), 1, "{word}");
        assert_eq!(panel.matches("id=\"panel-title\"").count(), 1, "{word}");
        assert!(panel.contains(&format!("data-state=\"{word}\"")), "{panel}");
        assert!(panel.contains(&format!(">{title}</h2>")), "{panel}");
        assert_eq!(panel.contains("<form"), takes_money, "{word}");
        assert_eq!(panel.contains("data-final"), ends, "{word}");
        let titles = states("x")
            .into_iter()
            .filter(|(_, _, title)| panel.contains(&format!(">{title}</h2>")));
        assert_eq!(titles.count(), 1, "{word}");
    }
}

/// The pages about a link that opens nothing.
fn of_seller(language: Language, seller: &Seller, masked: &str) -> [Markup; 4] {
    let fresh = Fresh {
        url: "/pay/x/fresh".to_owned(),
        masked: masked.to_owned(),
    };
    [
        notices::expired(language, Mode::Test, seller, None),
        notices::expired(language, Mode::Test, seller, Some(&fresh)),
        notices::fresh_sent(language, Mode::Test, seller, Some(masked)),
        notices::revoked(language, Mode::Test, seller),
    ]
}

#[test]
fn no_text_becomes_html() {
    for (state, word, _) in states(HOSTILE) {
        let view = view(HOSTILE, state);
        check_escaped(word, &page(&view).into_string());
        check_escaped(word, &panel(&view).into_string());
    }
    for page in of_seller(Language::En, &view(HOSTILE, PanelState::Void).seller, HOSTILE) {
        check_escaped("a notice", &page.into_string());
    }
}

fn check_escaped(word: &str, html: &str) {
    for broken in ["<img", "alert(1)</script>", "\"'>", "<script>"] {
        assert!(!html.contains(broken), "{broken} in {word}: {html}");
    }
    assert!(
        html.contains("&lt;img src=x onerror=alert(2)&gt;&amp;amp;"),
        "{word}"
    );
}

#[test]
fn a_mail_address_stays_one_address() {
    let link = panel::mail_link("a@example.com?bcc=b@example.com&subject=\n%0A\"").into_string();
    assert!(
        link.starts_with("<a href=\"mailto:a@example.com%3Fbcc%3Db@example.com%26subject%3D%0A%250A%22\">")
    );
    let link = panel::mail_link("billing+it@example.com").into_string();
    assert_eq!(
        link,
        "<a href=\"mailto:billing+it@example.com\">billing+it@example.com</a>"
    );
}

/// Without what the script may say.
fn shown(page: &str) -> String {
    let (before, words) = page.split_once("data-words=\"").unwrap();
    format!("{before}{}", words.split_once('"').unwrap().1)
}

#[test]
fn test_mode_is_said_and_live_mode_does_not_mention_it() {
    for (state, word, _) in states("x") {
        let mut view = view("x", state);
        let html = page(&view).into_string();
        assert!(
            html.contains("<strong>TEST MODE</strong> \u{2014} no real money"),
            "{word}"
        );
        view.mode = Mode::Live;
        let html = shown(&page(&view).into_string());
        assert!(!html.to_lowercase().contains("test"), "{word}: {html}");
    }
}

#[test]
fn the_amount_is_the_same_everywhere() {
    let html = panel(&view("x", PanelState::Pay(checkout("x")))).into_string();
    assert!(
        html.contains("data-due=\"123450\" data-offer=\"123450\" data-currency=\"usd\""),
        "{html}"
    );
    assert!(
        html.contains(">Pay $1,234.50</span>") && html.contains(">USD</span>"),
        "{html}"
    );
    let mut other = view("x", PanelState::Pay(checkout("x")));
    other.due = usd(100);
    assert!(panel(&other).into_string().contains("data-state=\"pay:100:usd\""));
}

#[test]
fn a_receipt_shows_what_is_known() {
    let known = Receipt {
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        ..receipt("x")
    };
    let html = panel(&view("x", PanelState::Paid(known))).into_string();
    assert!(
        html.contains("Visa ending in 4242") && html.contains("25 November 2026, 09:14 UTC"),
        "{html}"
    );
    assert!(html.contains("$1,234.50\u{a0}USD"), "{html}");
    let unknown = Receipt {
        paid_at: None,
        brand: None,
        last4: None,
        amount: usd(1),
        ..receipt("x")
    };
    let html = panel(&view("x", PanelState::Paid(unknown))).into_string();
    assert!(
        !html.contains("Method") && !html.contains("Date") && html.contains("$0.01"),
        "{html}"
    );
}

#[test]
fn pages_without_an_invoice_show_none() {
    let seller = Seller {
        name: "Nordlicht IT".to_owned(),
        ..Seller::default()
    };
    let of_nobody = [
        notices::not_found(Language::En),
        notices::busy(Language::En),
        notices::trouble(Language::En),
    ];
    let own = of_seller(Language::En, &seller, "j***@client.example");
    for html in own.into_iter().chain(of_nobody).map(Markup::into_string) {
        assert!(
            !html.contains("id=\"invoice\"") && !html.contains("<script"),
            "{html}"
        );
    }
    assert!(
        notices::expired(Language::En, Mode::Test, &seller, None)
            .into_string()
            .contains("Nordlicht IT")
    );
}

#[test]
fn nothing_inline_and_nothing_from_elsewhere() {
    for (state, word, _) in states("x") {
        let html = page(&view("x", state)).into_string();
        for inline in [" style=", "<style", " onclick=", "javascript:", "<script>", "//"] {
            assert!(!html.contains(inline), "{inline} in {word}: {html}");
        }
    }
}

#[test]
fn lines_without_tax_have_no_tax_column() {
    let mut view = view("x", PanelState::InProgress);
    assert!(page(&view).into_string().contains(">Tax</th>"));
    view.lines[0].tax_rate = None;
    view.taxes.clear();
    let html = page(&view).into_string();
    assert!(
        !html.contains(">Tax</th>") && html.contains("x × $1.00</span>"),
        "{html}"
    );
}

#[test]
fn every_state_and_notice_is_said_in_every_language_with_its_amounts_and_days() {
    let written = [
        ("$1,234.50 USD", "Due 7 December 2026", "7 December 2026"),
        ("1.234,50 USD", "Fällig am 7. Dezember 2026", "7. Dezember 2026"),
        (
            "1\u{202f}234,50 USD",
            "Échéance le 7 décembre 2026",
            "7 décembre 2026",
        ),
        (
            "1234,50 USD",
            "Vence el 7 de diciembre de 2026",
            "7 de diciembre de 2026",
        ),
    ];
    for (language, (amount, due, day)) in Language::ALL.into_iter().zip(written) {
        let seller = Seller::default();
        let of_nobody = [
            notices::not_found(language),
            notices::busy(language),
            notices::trouble(language),
        ];
        let notices = of_seller(language, &seller, "x").into_iter().chain(of_nobody);
        let lang = format!("<html lang=\"{}\">", language.word());
        for page in notices {
            assert!(page.into_string().contains(&lang));
        }
        for (state, word, english) in states("x") {
            let pays = matches!(state, PanelState::Pay(_));
            let view = View {
                language,
                ..view("x", state)
            };
            let (page, panel) = (page(&view).into_string(), panel(&view).into_string());
            let amount = amount.replace(' ', "\u{a0}");
            assert!(
                page.contains(&lang) && page.contains(&amount) && page.contains(day),
                "{page}"
            );
            assert_eq!(panel.contains(due), pays, "{word} {panel}");
            // English and French call a date alike, no heading.
            let said = panel.contains(&format!(">{english}</h2>"));
            assert_eq!(said, language == Language::En, "{word}: {panel}");
            for other in Language::ALL {
                assert!(page.contains(&format!("href=\"?language={}\"", other.word())));
            }
            assert_eq!(page.matches("aria-current").count(), 1);
        }
    }
}
