//! The demo's sample data: two MSPs with the clients and invoices that such firms really have.

use domain::invoice::{Line, Quantity, TaxRate};
use domain::{Currency, Money, Scope};
use flows::clients::{self, Details};
use flows::invoicing::{self, Draft};
use flows::{App, By, Failure, pay_links};

use crate::pay::page::format::day_of;

/// Three weeks.
const DUE_IN_MS: i64 = 21 * 24 * 60 * 60 * 1000;

/// An MSP.
pub struct Tenant {
    pub name: &'static str,
    pub support_email: &'static str,
    pub country: &'static str,
    pub currency: &'static str,
    /// Where its payouts go.
    pub bank_account: &'static str,
    /// Thousandths of a percent.
    pub tax_rate: i64,
    pub clients: &'static [Client],
}

/// One of its clients, with one open invoice.
pub struct Client {
    pub name: &'static str,
    pub email: &'static str,
    pub memo: &'static str,
    pub lines: &'static [(&'static str, &'static str, i64)],
}

/// An MSP that has just signed up and has no Stripe account yet.
pub const NEWCOMER: &str = "Bluebird Networks";

/// Description, quantity, unit price in minor units.
pub const TENANTS: &[Tenant] = &[
    Tenant {
        name: "Northwind IT Services",
        support_email: "billing@northwind-it.example",
        country: "US",
        currency: "usd",
        bank_account: "000123456789",
        tax_rate: 8_875,
        clients: &[
            Client {
                name: "Harbor Dental Group",
                email: "accounts@harbordental.example",
                memo: "Managed services for November 2026. Thank you for your business.",
                lines: &[
                    ("Managed workplace, per seat", "14", 6_500),
                    ("Microsoft 365 Business Premium, per user", "14", 2_200),
                    ("On-site support, hours", "3.25", 14_500),
                    ("Firewall rental FortiGate 60F", "1", 4_900),
                ],
            },
            Client {
                name: "Lakeside Architects LLP",
                email: "office@lakeside-arch.example",
                memo: "Server migration, first instalment.",
                lines: &[
                    ("Server migration to Azure, project hours", "22.5", 16_500),
                    ("Backup storage, 2 TB", "1", 7_900),
                ],
            },
            Client {
                name: "Prairie Veterinary Clinic",
                email: "manager@prairievet.example",
                memo: "Remote support in October 2026.",
                lines: &[("Remote support, hours", "1.333", 9_500)],
            },
        ],
    },
    Tenant {
        name: "Alpenblick Systemhaus GmbH",
        support_email: "buchhaltung@alpenblick.example",
        country: "DE",
        currency: "eur",
        bank_account: "DE89370400440532013000",
        tax_rate: 19_000,
        clients: &[
            Client {
                name: "Bäckerei Hofmann KG",
                email: "info@baeckerei-hofmann.example",
                memo: "Wartungsvertrag November 2026",
                lines: &[
                    ("Managed Workplace, je Arbeitsplatz", "6", 5_900),
                    ("Managed Firewall, Monatspauschale", "1", 8_900),
                    ("Fernwartung, Stunden", "2.75", 9_800),
                ],
            },
            Client {
                name: "Kanzlei Dr. Weiß & Partner",
                email: "kanzlei@weiss-partner.example",
                memo: "DATEV-Umstellung, Abschlag 1",
                lines: &[
                    ("DATEV-Umstellung, Projektstunden", "16.5", 12_500),
                    ("Lizenz Exchange Online Plan 1", "9", 370),
                ],
            },
        ],
    },
];

/// Adds a client with its finalized invoice and pay link, through the same flows as the API.
pub async fn add(app: &App, scope: &Scope, by: &By, tenant: &Tenant, client: &Client) -> Result<(), Failure> {
    let added = clients::add(
        app,
        scope,
        by,
        app.moment(),
        Details::named(client.name, Some(client.email)),
    )
    .await?;
    let currency = Currency::parse(tenant.currency)?;
    let rate = TaxRate::from_thousandths_of_percent(tenant.tax_rate)?;
    let lines = client.lines.iter().map(|(description, quantity, price)| {
        Line::new(
            description,
            Quantity::parse(quantity)?,
            Money::new(*price, currency),
            rate,
        )
    });
    let draft = Draft {
        client_id: added.id,
        currency,
        memo: Some(client.memo.to_owned()),
        due_date: day_of(app.clock.now().plus_ms(DUE_IN_MS)).map(|day| day.to_string()),
        discount: None,
        lines: lines.collect::<Result<_, _>>()?,
    };
    let invoice = invoicing::create(app, scope, by, app.moment(), draft).await?;
    invoicing::finalize(app, scope, by, &invoice.id).await?;
    pay_links::rotate(app, scope, by, &invoice.id, Some(365)).await?;
    Ok(())
}
