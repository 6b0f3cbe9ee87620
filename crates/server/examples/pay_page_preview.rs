//! Writes the pay page in each of its states to `target/preview/`, with realistic invoices, for looking at
//! and for screenshots: `cargo run --example pay_page_preview`. A stand-in for Stripe.js draws an empty box.

use std::error::Error;
use std::fs;
use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use domain::language::Language;
use domain::seal::Day;
use domain::{Currency, Mode, Money, Refusal, Timestamp};
use server::assets;
use server::pay::page::choice::Choice;
use server::pay::page::forwarding::Forwarding;
use server::pay::page::{Checkout, Line, PanelState, Receipt, Seller, Tax, View, notices, page, panel};
use tower::ServiceExt;

const FOLDER: &str = "target/preview";

/// Just enough of Stripe.js for the page to think that a card form is there.
const STAND_IN: &str = "\
window.Stripe = function () {
  return {
    elements: function () {
      return {
        create: function () {
          let ready = function () {};
          return {
            on: function (name, callback) { if (name === 'ready') ready = callback; },
            mount: function (place) {
              const box = document.createElement('div');
              box.className = 'stand-in';
              document.querySelector(place).append(box);
              setTimeout(ready, 20);
            },
            unmount: function () {},
            destroy: function () {},
          };
        },
        update: function () {},
      };
    },
  };
};
";

fn main() -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(Path::new(FOLDER).join("assets"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    for path in [assets::css_path(), assets::js_path(), assets::icon_path()] {
        let answer =
            runtime.block_on(assets::router::<()>().oneshot(Request::get(path).body(Body::empty())?))?;
        let bytes = runtime.block_on(to_bytes(answer.into_body(), usize::MAX))?;
        fs::write(format!("{FOLDER}{path}"), bytes)?;
    }
    fs::write(Path::new(FOLDER).join("stripe.js"), STAND_IN)?;

    let euro = euro_invoice()?;
    let dollar = dollar_invoice()?;
    let with = |view: &View, state: PanelState| View {
        state,
        ..view.clone()
    };
    let paid = View {
        paid: euro.total,
        due: Money::new(0, euro.total.currency()),
        ..with(&euro, PanelState::Paid(receipt(euro.total)))
    };
    for (name, view) in [
        ("pay-eur", &euro),
        ("pay-usd-live", &dollar),
        ("pay-partly", &partly_paid(&dollar)),
        ("pay-long", &long_invoice()?),
        ("continue", &with(&euro, PanelState::Continue(checkout()))),
        ("in-progress", &with(&euro, PanelState::InProgress)),
        ("paid", &paid),
        ("void", &with(&euro, PanelState::Void)),
        ("unavailable", &with(&dollar, PanelState::Unavailable)),
        ("silent", &with(&dollar, PanelState::Silent)),
    ] {
        save(name, page(view).into_string())?;
        save(&format!("{name}.panel"), panel(view).into_string())?;
    }
    for language in Language::ALL {
        let named = |name: &str| format!("{name}-{}", language.word());
        let pay = View {
            language,
            ..euro.clone()
        };
        save(&named("pay"), page(&pay).into_string())?;
        let expired = notices::expired(language, Mode::Test, &euro.seller, None);
        save(&named("expired"), expired.into_string())?;
        save(&named("not-found"), notices::not_found(language).into_string())?;
    }
    println!("{FOLDER}: open the files in a browser");
    Ok(())
}

/// Addresses are made relative, so that the files also open without a server.
fn save(name: &str, html: String) -> Result<(), Box<dyn Error>> {
    Ok(fs::write(
        format!("{FOLDER}/{name}.html"),
        html.replace("=\"/assets/", "=\"assets/"),
    )?)
}

fn checkout() -> Checkout {
    Checkout {
        publishable_key: "pk_test_psapay_demo".to_owned(),
        stripe_account: "acct_psapay_demo_1".to_owned(),
        script_url: "stripe.js".to_owned(),
        pay_url: "pay".to_owned(),
        check_url: "check".to_owned(),
        methods: "card",
        billing_email: Some("buchhaltung@tischlerei-behrens.example".to_owned()),
        page_token: "1763900000000-0-0".to_owned(),
        work: None,
    }
}

fn receipt(amount: Money) -> Receipt {
    Receipt {
        paid_at: Some(Timestamp::from_ms(1_795_598_042_000)),
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        amount,
        taken_back: Money::new(0, amount.currency()),
        given_back: Money::new(0, amount.currency()),
        by_credit: Money::new(0, amount.currency()),
    }
}

fn line(description: &str, quantity: &str, rate: &str, unit_price: Money, amount_minor: i64) -> Line {
    Line {
        description: description.to_owned(),
        quantity: quantity.to_owned(),
        unit_price,
        tax_rate: (!rate.is_empty()).then(|| rate.to_owned()),
        discount: None,
        amount: Money::new(amount_minor, unit_price.currency()),
    }
}

fn address_and_bank() -> Seller {
    let lines = ["Hafenstraße 12", "20457 Hamburg", "Tax ID DE123456789"];
    Seller {
        details: lines.map(str::to_owned).to_vec(),
        bank_details: Some("Hamburger Sparkasse\nIBAN DE89 3704 0044 0532 0130 00".to_owned()),
        ..Seller::default()
    }
}

fn tax(label: &str, amount: Money) -> Tax {
    Tax {
        label: label.to_owned(),
        amount,
    }
}

fn euro_invoice() -> Result<View, Refusal> {
    let eur = Currency::parse("eur")?;
    let money = |minor| Money::new(minor, eur);
    Ok(View {
        language: Language::En,
        mode: Mode::Test,
        seller: Seller {
            name: "Nordlicht IT-Service GmbH".to_owned(),
            support_email: Some("rechnung@nordlicht-it.example".to_owned()),
            ..address_and_bank()
        },
        client_name: "Tischlerei Behrens & Söhne".to_owned(),
        client_details: vec!["Alte Werft 3".to_owned(), "24103 Kiel".to_owned()],
        number: "NL-2026-0147".to_owned(),
        memo: Some("Services in November 2026.\nThank you for working with us.".to_owned()),
        issued_on: Day::parse("2026-11-23"),
        due_on: Day::parse("2026-12-07"),
        lines: vec![
            line(
                "Managed Workplace, monitored and patched",
                "24",
                "19%",
                money(3_800),
                91_200,
            ),
            line(
                "Microsoft 365 Business Premium, monthly licence",
                "24",
                "19%",
                money(2_060),
                49_440,
            ),
            line(
                "Firewall rental, Sophos XGS 2100",
                "1",
                "19%",
                money(14_900),
                14_900,
            ),
            line("On-site technician, hours", "3.5", "19%", money(11_500), 40_250),
            line(
                "Printed handbook for staff, copies",
                "12",
                "7%",
                money(890),
                10_680,
            ),
        ],
        subtotal: money(206_470),
        discount: None,
        taxes: vec![tax("VAT 7%", money(748)), tax("VAT 19%", money(37_200))],
        total: money(244_418),
        paid: money(0),
        credited: money(0),
        choice: Choice::default(),
        under_way: None,
        due: money(244_418),
        pdf_url: "#".to_owned(),
        receipts: Vec::new(),
        panel_url: "pay-eur.panel.html".to_owned(),
        forwarding: Forwarding::default(),
        state: PanelState::Pay(checkout()),
    })
}

fn dollar_invoice() -> Result<View, Refusal> {
    let usd = Currency::parse("usd")?;
    let money = |minor| Money::new(minor, usd);
    Ok(View {
        language: Language::En,
        mode: Mode::Live,
        seller: Seller {
            name: "Blue Ridge Managed IT".to_owned(),
            ..Seller::default()
        },
        client_name: "Harbor Dental Group".to_owned(),
        client_details: Vec::new(),
        number: "BR-10482".to_owned(),
        memo: None,
        issued_on: Day::parse("2026-11-01"),
        due_on: Day::parse("2026-11-30"),
        lines: vec![
            line(
                "Managed services, per workstation",
                "18",
                "",
                money(4_500),
                81_000,
            ),
            line("Remote hours beyond contract", "2.75", "", money(15_000), 41_250),
        ],
        subtotal: money(122_250),
        discount: None,
        taxes: Vec::new(),
        total: money(122_250),
        paid: money(0),
        credited: money(0),
        choice: Choice::default(),
        under_way: None,
        due: money(122_250),
        pdf_url: "#".to_owned(),
        receipts: Vec::new(),
        panel_url: "pay-usd-live.panel.html".to_owned(),
        forwarding: Forwarding::default(),
        state: PanelState::Pay(checkout()),
    })
}

fn partly_paid(view: &View) -> View {
    let minor = |minor| Money::new(minor, view.total.currency());
    View {
        paid: minor(50_000),
        due: minor(72_250),
        pdf_url: "#".to_owned(),
        receipts: Vec::new(),
        panel_url: "pay-partly.panel.html".to_owned(),
        ..view.clone()
    }
}

/// Long words, a large amount, a currency without a symbol, many lines.
fn long_invoice() -> Result<View, Refusal> {
    let chf = Currency::parse("chf")?;
    let money = |minor| Money::new(minor, chf);
    let name =
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft mbH & Co. KG";
    let text = "Virtual server with 16 cores, 128 GB memory and 4 TB of mirrored storage, host \
                production-database-primary-with-a-very-long-name.example.internal, December 2026";
    Ok(View {
        client_name: name.to_owned(),
        client_details: Vec::new(),
        seller: Seller {
            name: name.to_owned(),
            support_email: Some(format!("{}@example.com", "accounts".repeat(6))),
            ..Seller::default()
        },
        number: "2026-GESAMTRECHNUNG-0000004711-B".to_owned(),
        lines: (0..14)
            .map(|_| line(text, "1234.125", "8.1%", money(71_414), 88_133_803))
            .collect(),
        subtotal: money(99_999_999),
        discount: None,
        taxes: vec![Tax {
            label: "VAT 8.1%".to_owned(),
            amount: money(8_100_000),
        }],
        total: money(99_999_999),
        due: money(99_999_999),
        pdf_url: "#".to_owned(),
        receipts: Vec::new(),
        panel_url: "pay-long.panel.html".to_owned(),
        ..euro_invoice()?
    })
}
