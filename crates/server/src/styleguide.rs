//! `/styleguide` of the demo: every part that pages are made of, with what an MSP really has in it. Nothing
//! here belongs to anybody and no form of it leads anywhere.

use domain::Mode;
use maud::{Markup, html};

use crate::html::{
    Ask, Check, Choice, Column, Errors, Field, Frame, Group, Input, Offer, Pages, Place, Tone, Viewer, badge,
    button, check, choices, copy_field, danger_button, dialog_link, empty, facts, field, form, link_button,
    notice, page, pages, primary_button, qr_code, recovery_codes, select, step, summary, table, title,
};

/// Where the forms of this page lead: to itself.
const HERE: &str = "/styleguide";

/// `GET /styleguide`
pub async fn show() -> Markup {
    let viewer = Viewer {
        name: "Dana Whitfield".to_owned(),
        role: "Owner",
        company: "Northwind IT Services".to_owned(),
        mode: Mode::Test,
        csrf: String::new(),
        places: Place::ALL.to_vec(),
    };
    let frame = Frame {
        title: "Parts of pages",
        place: Place::Home,
        script: None,
    };
    let actions = html! {
        (link_button("Export", HERE, ""))
        (link_button("New invoice", HERE, "primary"))
    };
    let about = "Everything that the pages are made of, with what a service provider has in it.";
    let content = html! {
        (title("Parts of pages", about, &actions))
        (specimen("Type", &type_scale()))
        (specimen("Colours", &colours()))
        (specimen("Buttons", &buttons()))
        (specimen("Badges", &badges()))
        (specimen("Notices", &notices()))
        (specimen("A form", &filled_in()))
        (specimen("A form with errors", &with_errors()))
        (specimen("Boxes to tick", &boxes()))
        (specimen("A table", &invoices()))
        (specimen("Facts", &invoice_facts()))
        (specimen("Steps", &steps()))
        (specimen("Nothing yet", &nothing_yet()))
        (specimen("Shown once", &shown_once()))
        (specimen("A question", &question()))
    };
    page(&frame, &viewer, &content)
}

fn specimen(name: &str, content: &Markup) -> Markup {
    html! {
        section .specimen {
            h2 { (name) }
            (content)
        }
    }
}

fn type_scale() -> Markup {
    html! {
        div .stack {
            p .type-2xl { "$12,480.00 outstanding" }
            p .type-xl { "Invoice NIT-2026-0412" }
            p .type-l { "Managed workplace, November 2026" }
            p { "Harbor Dental Group owes $1,482.90 for 14 seats, due on 18 December 2026." }
            p .type-s.soft { "Sent to accounts@harbordental.example on 27 November 2026, 09:14 UTC" }
            p .type-xs.soft { "All times are UTC." }
            p { code { "acct_1QwT7hNorthwind" } }
        }
    }
}

fn colours() -> Markup {
    let all = [
        ("ground", "Ground"),
        ("sheet", "Sheet"),
        ("sunken", "Sunken"),
        ("accent", "Accent"),
        ("accent-ground", "Accent, quiet"),
        ("good", "Good"),
        ("alert", "To be looked at"),
        ("bad", "Bad"),
        ("calm", "Calm"),
        ("danger", "Final"),
        ("test", "Test mode"),
    ];
    html! {
        ul .swatches { @for (class, name) in all { li .(class) { (name) } } }
    }
}

fn buttons() -> Markup {
    html! {
        form .actions action=(HERE) {
            (primary_button("Send invoice"))
            (button("Save draft"))
            (danger_button("Void invoice"))
            (link_button("Open in Stripe", HERE, "plain"))
            button .btn.primary type="button" disabled { "Refund $200.00" }
        }
    }
}

fn badges() -> Markup {
    html! {
        div .actions {
            (badge(Tone::Good, "Paid"))
            (badge(Tone::Busy, "Processing"))
            (badge(Tone::Alert, "Due in 3 days"))
            (badge(Tone::Bad, "Declined"))
            (badge(Tone::Calm, "Draft"))
        }
    }
}

fn notices() -> Markup {
    html! {
        div .stack {
            (notice(Tone::Good, "", &html! {
                p { "Invoice NIT-2026-0412 was sent to Harbor Dental Group." }
            }))
            (notice(Tone::Alert, "Stripe asks for more details", &html! {
                p { "Give them by 12 December 2026, before it stops payouts to your bank account." }
                div .actions { (link_button("Continue with Stripe", HERE, "")) }
            }))
            (notice(Tone::Bad, "The refund failed", &html! {
                p { "The bank of Lakeside Architects LLP sent $330.00 back. It is owed to them again." }
            }))
            (notice(Tone::Busy, "", &html! {
                p { "Prairie Veterinary Clinic's bank transfer of $137.87 takes up to four days." }
            }))
            (notice(Tone::Calm, "", &html! {
                p { "You look at test data. Real invoices are in live mode." }
            }))
        }
    }
}

const TERMS: &[Offer<'_>] = &[
    Offer {
        value: "14",
        label: "14 days",
        hint: "",
    },
    Offer {
        value: "30",
        label: "30 days",
        hint: "",
    },
];

const ROLES: &[Offer<'_>] = &[
    Offer {
        value: "admin",
        label: "Administrator",
        hint: "Everything but giving the tenant away.",
    },
    Offer {
        value: "billing",
        label: "Billing",
        hint: "Invoices, payments and refunds; no keys and no users.",
    },
    Offer {
        value: "viewer",
        label: "Viewer",
        hint: "Reads, and changes nothing.",
    },
];

fn client_fields(name: &str, email: &str, errors: &Errors) -> Markup {
    html! {
        (field(&Field { name: "name", label: "Client", value: name, max: 120, ..Field::default() }, errors))
        (field(&Field { name: "email", label: "E-mail for invoices", value: email, input: Input::Email,
            hint: "Invoices and reminders go there.", ..Field::default() }, errors))
    }
}

fn filled_in() -> Markup {
    let none = Errors::none();
    form(
        HERE,
        "",
        &html! {
            (client_fields("Harbor Dental Group", "accounts@harbordental.example", &none))
            (select(&Choice { name: "terms", label: "Payment terms", hint: "", options: TERMS, chosen: "30" },
                &none))
            (field(&Field { name: "note", label: "Note on invoices", input: Input::Lines, optional: true,
                value: "Thank you for your business.", ..Field::default() }, &none))
            (choices(&Choice { name: "role", label: "Role", hint: "What the person may do.", options: ROLES,
                chosen: "billing" }, &none))
            div .actions { (primary_button("Save client")) (link_button("Cancel", HERE, "plain")) }
        },
    )
}

fn with_errors() -> Markup {
    let mut errors = Errors::none();
    errors.add("client-name", "Enter the client's name.");
    errors.add(
        "code",
        "The code has six digits. Enter the one that your app shows now.",
    );
    let name = Field {
        name: "client-name",
        label: "Client",
        ..Field::default()
    };
    let code = Field {
        name: "code",
        label: "Code from your app",
        value: "12345",
        input: Input::Digits,
        autocomplete: "one-time-code",
        ..Field::default()
    };
    html! {
        div .stack {
            // Not focused here: a page of parts begins at its top.
            div inert { (summary(&errors)) }
            (form(HERE, "", &html! {
                (field(&name, &errors))
                (field(&code, &errors))
                div .actions { (primary_button("Continue")) }
            }))
        }
    }
}

fn boxes() -> Markup {
    let offer = |value, label| Check {
        name: "permissions",
        option: Offer {
            value,
            label,
            hint: "",
        },
        ticked: value == "invoices:read",
    };
    let group = Group {
        title: "Invoices",
        boxes: vec![
            offer("invoices:read", "Read invoices"),
            offer("invoices:write", "Draft and send invoices"),
        ],
        first: 0,
    };
    let terms = Offer {
        value: "yes",
        label: "Send reminders",
        hint: "Three, five and ten days after the due date.",
    };
    html! {
        form action=(HERE) {
            (group.show())
            fieldset .check-group {
                legend { "Reminders" }
                (check(&Check { name: "reminders", option: terms, ticked: true }))
            }
        }
    }
}

fn invoices() -> Markup {
    let columns = [
        Column::words("Invoice"),
        Column::words("Client"),
        Column::words("State"),
        Column::words("Due"),
        Column::figures("Amount"),
        Column::words(""),
    ];
    let rows = [
        (
            "NIT-2026-0412",
            "Harbor Dental Group",
            Tone::Good,
            "Paid",
            "18 December 2026",
            "$1,482.90",
        ),
        (
            "NIT-2026-0411",
            "Lakeside Architects LLP",
            Tone::Alert,
            "Due in 3 days",
            "30 November 2026",
            "$4,128.15",
        ),
        (
            "NIT-2026-0410",
            "Prairie Veterinary Clinic",
            Tone::Busy,
            "Processing",
            "24 November 2026",
            "$137.87",
        ),
        (
            "NIT-2026-0409",
            "St. Brendan's Community Health Partnership of the Western Counties",
            Tone::Bad,
            "Overdue by 12 days",
            "15 November 2026",
            "$18,904.00",
        ),
    ];
    let rows = rows.map(|(number, client, tone, state, due, amount)| {
        vec![
            html! { strong .nowrap { (number) } },
            html! { (client) },
            badge(tone, state),
            html! { (due) },
            html! { (amount) },
            html! { div .actions { (dialog_link("Void", number, HERE, "void-invoice")) } },
        ]
    });
    html! {
        (table("Invoices", &columns, &rows))
        (pages(&Pages { shown: "4 of 134 invoices".to_owned(), previous: None, next: Some(HERE.to_owned()) }))
    }
}

fn invoice_facts() -> Markup {
    html! {
        div .card {
            (facts(&[
                ("Client", html! { "Harbor Dental Group" }),
                ("Paid by", html! { "Visa ending in 4242, on 27 November 2026, 09:14 UTC" }),
                ("Amount", html! { "$1,482.90" }),
                ("Fee of the platform", html! { "$44.49 (3%)" }),
                ("Payment", html! { code { "pi_3QwT7hNorthwind0412" } }),
            ]))
        }
    }
}

fn steps() -> Markup {
    html! {
        div .card {
            ol .steps {
                (step(Tone::Good, "Secure your account", "A second factor is set up.", &html! {}))
                (step(Tone::Alert, "Connect Stripe",
                    "Stripe still needs two things before you can take payments.",
                    &link_button("Continue", HERE, "primary")))
                (step(Tone::Calm, "Send the first invoice", "Your clients pay by card on a page of yours.",
                    &html! {}))
            }
        }
    }
}

fn nothing_yet() -> Markup {
    empty(
        "No API keys yet",
        "Your PSA needs one to send invoices here. Make it with no more permissions than it needs.",
        &link_button("Make a key", HERE, "primary"),
    )
}

/// What an authenticator app reads; no secret of anybody's is in it.
const SECOND_FACTOR: &str = "otpauth://totp/psa-pay:dana@northwind-it.example?issuer=psa-pay";

fn shown_once() -> Markup {
    let codes = [
        "7f3a-91cc-2e04-b81d",
        "c02d-44fe-8a17-90be",
        "1e99-b5d3-7c20-4fa6",
        "58d0-e6b1-03fc-a972",
    ];
    let codes: Vec<String> = codes.map(str::to_owned).to_vec();
    html! {
        div .stack {
            (copy_field("pay-link", "https://pay.example.com/pay/7Qm2vX9tLr4KcB1nZs8w"))
            (recovery_codes("codes", &codes))
            @if let Some(code) = qr_code(SECOND_FACTOR, "QR code for an authenticator app") { (code) }
        }
    }
}

fn question() -> Markup {
    let ask = Ask {
        id: "void-invoice",
        title: "Void this invoice?",
        text: "Its pay link stops working, and the number is not used again. This cannot be undone.",
        yes: "Void invoice",
        no: "Keep it",
        action: HERE,
        back: HERE,
        csrf: "",
    };
    html! {
        div .actions { (dialog_link("Void invoice", "", HERE, "void-invoice")) }
        (ask.dialog())
    }
}
