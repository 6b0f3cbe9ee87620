//! An invoice: what it holds and how it looks. What becomes of it is in `invoicing`, what requests do to it
//! in `invoices`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Deletable;
use super::decimal::Decimal;
use super::discount::Discount;
use super::finalization::Unfinalized;
use super::invoice_payment::{self, InvoicePayment};
use super::line::{self, Line, Tax};
use super::tax_rate::TaxRate;
use super::totals::Totals;
use crate::address::{Address, Shipping};
use crate::payment_intent::{PaymentIntent, TransferData};
use crate::state::{Shown, Space, State};

/// An invoice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Invoice {
    /// `in_1…`; of a preview `upcoming_in_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Where it stands.
    pub status: Status,
    /// Why it was made, such as `manual` or `subscription_cycle`.
    pub billing_reason: String,
    /// How it is paid.
    pub collection: Collection,
    /// The customer.
    pub customer: String,
    /// The customer's details, as they were when it was finalized.
    pub payer: Box<Payer>,
    /// The account that bills.
    pub issuer: Issuer,
    /// Currency.
    pub currency: String,
    /// What it is for.
    pub lines: Arc<Vec<Line>>,
    /// What that comes to.
    pub totals: Box<Totals>,
    /// Discounts of the whole.
    pub discounts: Vec<Arc<Discount>>,
    /// The tax rates of lines that have none.
    pub default_tax_rates: Vec<Arc<TaxRate>>,
    /// The customer's balance before it, in minor units.
    pub starting_balance: i64,
    /// The customer's balance after it; `None` for a draft.
    pub ending_balance: Option<i64>,
    /// What is to be paid, in minor units.
    pub amount_due: i64,
    /// What was paid.
    pub amount_paid: i64,
    /// Whether it was paid in another way than by Stripe.
    pub paid_out_of_band: bool,
    /// What credit notes took off it before it was paid.
    pub credited_before: i64,
    /// What credit notes gave back after it was paid.
    pub credited_after: i64,
    /// How many credit notes it has.
    pub credit_notes: u32,
    /// How often it was tried to be paid.
    pub attempt_count: u32,
    /// Whether it was tried at all.
    pub attempted: bool,
    /// Whether it goes on by itself.
    pub auto_advance: bool,
    /// When it is finalized by itself, in seconds.
    pub finalizes_at: Option<i64>,
    /// When it is tried next, in seconds.
    pub next_attempt: Option<i64>,
    /// When it is due, in seconds.
    pub due_date: Option<i64>,
    /// How many days after it is finalized it is due.
    pub days_until_due: Option<i64>,
    /// From when it counts, in seconds, when that is not when it was finalized.
    pub effective_at: Option<i64>,
    /// The card that pays it.
    pub default_payment_method: Option<String>,
    /// The payment methods it may be paid by; `None` is those of the settings.
    pub payment_method_types: Option<Vec<String>>,
    /// What it is called, such as `ABCD1234-0001`.
    pub number: Option<String>,
    /// The subscription that it bills.
    pub subscription: Option<Box<Subscribed>>,
    /// What it bills the usage of, from and to, in seconds.
    pub period: (i64, i64),
    /// Its payments; the first is its own.
    pub payments: Vec<String>,
    /// The payment intent that it is paid by.
    pub intent: Option<String>,
    /// The platform's share, in minor units.
    pub application_fee_amount: Option<i64>,
    /// The same as a percentage of what is paid.
    pub application_fee_percent: Option<Decimal>,
    /// The account that the payment is settled for.
    pub on_behalf_of: Option<String>,
    /// Where the money goes on to.
    pub transfer_data: Option<TransferData>,
    /// The caller's description.
    pub description: Option<String>,
    /// What stands on the card's statement.
    pub statement_descriptor: Option<String>,
    /// What stands at its foot.
    pub footer: Option<String>,
    /// Names and values at its head.
    pub custom_fields: Vec<(String, String)>,
    /// How it is laid out; `None` for those of subscriptions.
    pub rendering: Option<Rendering>,
    /// Where goods go.
    pub shipping: Option<Box<Shipping>>,
    /// Whether Stripe was asked to work out taxes.
    pub automatic_tax: bool,
    /// When it was finalized, in seconds.
    pub finalized_at: Option<i64>,
    /// Why it could not be finalized by itself.
    #[serde(default)]
    pub unfinalized: Option<Box<Unfinalized>>,
    /// When it was paid, in seconds.
    pub paid_at: Option<i64>,
    /// When it was voided, in seconds.
    pub voided_at: Option<i64>,
    /// When it was given up, in seconds.
    pub uncollectible_at: Option<i64>,
    /// The test clock that its customer lives by.
    pub test_clock: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can still be changed.
    #[default]
    Draft,
    /// It is to be paid.
    Open,
    /// It is paid. Final.
    Paid,
    /// It is given up, and may be paid all the same.
    Uncollectible,
    /// It counts for nothing. Final.
    Void,
}

impl Status {
    /// In Stripe's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Open => "open",
            Status::Paid => "paid",
            Status::Uncollectible => "uncollectible",
            Status::Void => "void",
        }
    }
}

/// How an invoice is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// By the customer's card.
    #[default]
    ChargeAutomatically,
    /// By the customer, who gets it by mail.
    SendInvoice,
}

/// The customer's details.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Payer {
    /// Address.
    pub address: Option<Address>,
    /// Email.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// Where goods go.
    pub shipping: Option<Shipping>,
    /// `none`, `exempt` or `reverse`.
    pub tax_exempt: String,
}

/// The account that bills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// Two-letter country.
    pub country: String,
    /// Name.
    pub name: Option<String>,
    /// The platform, on a connected account.
    pub application: Option<String>,
}

/// The subscription that an invoice bills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// The subscription.
    pub id: String,
    /// Its notes, as they were then.
    pub metadata: BTreeMap<String, String>,
    /// The card that pays it, where the invoice has none of its own.
    pub payment_method: Option<String>,
}

/// How an invoice is laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendering {
    /// `exclude_tax` or `include_inclusive_tax`.
    pub tax_display: Option<String>,
    /// `a4`, `auto` or `letter`.
    pub page_size: Option<String>,
}

impl Invoice {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "invoice", "deleted": true });
        }
        let mut invoice = self.render_amounts();
        for part in [self.render_payer(), self.render_terms(), self.render_course()] {
            if let (Value::Object(fields), Value::Object(part)) = (&mut invoice, part) {
                fields.extend(part);
            }
        }
        invoice
    }

    fn render_amounts(&self) -> Value {
        let totals = &self.totals;
        json!({
            "id": self.id, "object": "invoice", "amount_due": self.amount_due, "amount_overpaid": 0,
            "amount_paid": self.amount_paid, "amount_remaining": self.amount_remaining(),
            "amount_shipping": 0, "created": self.created, "currency": self.currency,
            "default_tax_rates": self.default_tax_rates.iter().map(|rate| rate.render()).collect::<Vec<_>>(),
            "discounts": self.discounts.iter().map(|discount| &discount.id).collect::<Vec<_>>(),
            "ending_balance": self.ending_balance, "lines": self.render_lines(),
            "post_payment_credit_notes_amount": self.credited_after,
            "pre_payment_credit_notes_amount": self.credited_before,
            "shipping_cost": null, "starting_balance": self.starting_balance, "subtotal": totals.subtotal,
            "subtotal_excluding_tax": totals.subtotal_without_tax, "total": totals.total,
            "total_discount_amounts": line::render_off(&totals.off),
            "total_excluding_tax": totals.total_without_tax,
            "total_pretax_credit_amounts": line::render_pretax(&totals.off),
            "total_taxes": totals.taxes.iter().map(Tax::render).collect::<Vec<_>>(),
        })
    }

    /// What remains to be paid, in minor units.
    pub fn amount_remaining(&self) -> i64 {
        if self.paid_out_of_band || self.status == Status::Void && self.amount_paid == 0 {
            return if self.paid_out_of_band { 0 } else { self.amount_due };
        }
        (self.amount_due - self.amount_paid).max(0)
    }

    fn render_lines(&self) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .take(LINES_SHOWN)
            .map(|line| line.render(&self.id, self.space.livemode))
            .collect();
        json!({
            "object": "list", "data": lines, "has_more": self.lines.len() > LINES_SHOWN,
            "total_count": self.lines.len(), "url": format!("/v1/invoices/{}/lines", self.id),
        })
    }

    fn render_payer(&self) -> Value {
        let payer = &self.payer;
        json!({
            "customer": self.customer, "customer_account": null,
            "customer_address": payer.address.as_ref().map(Address::render),
            "customer_email": payer.email, "customer_name": payer.name, "customer_phone": payer.phone,
            "customer_shipping": payer.shipping.as_ref().map(Shipping::render),
            "customer_tax_exempt": payer.tax_exempt, "customer_tax_ids": [],
            "account_country": self.issuer.country, "account_name": self.issuer.name,
            "account_tax_ids": null, "application": self.issuer.application,
        })
    }

    fn render_terms(&self) -> Value {
        let fields: Option<Vec<Value>> = (!self.custom_fields.is_empty()).then(|| {
            let field = |(name, value): &(String, String)| json!({ "name": name, "value": value });
            self.custom_fields.iter().map(field).collect()
        });
        let rendering = self.rendering.as_ref().map(|rendering| {
            json!({
                "amount_tax_display": rendering.tax_display,
                "pdf": { "page_size": self.page_size(rendering) }, "template": null,
                "template_version": null,
            })
        });
        json!({
            "automatic_tax": {
                "disabled_reason": null, "enabled": self.automatic_tax,
                "liability": self.automatic_tax.then(|| json!({ "type": "self" })),
                "provider": self.automatic_tax.then_some("stripe"),
                "status": self.automatic_tax.then_some("complete"),
            },
            "billing_reason": self.billing_reason, "collection_method": self.collection,
            "custom_fields": fields, "default_payment_method": self.default_payment_method,
            "default_source": null, "description": self.description, "due_date": self.due_date,
            "footer": self.footer, "from_invoice": null, "issuer": { "type": "self" },
            "livemode": self.space.livemode, "metadata": self.metadata, "on_behalf_of": self.on_behalf_of,
            "parent": self.parent(),
            "payment_settings": {
                "default_mandate": null, "payment_method_options": null,
                "payment_method_types": self.payment_method_types,
            },
            "period_end": self.period.1, "period_start": self.period.0, "rendering": rendering,
            "shipping_details": self.shipping.as_ref().map(|shipping| shipping.render()),
            "statement_descriptor": self.statement_descriptor,
            // Stripe's samples still have the key; what it held is in `parent`.
            "subscription": null, "test_clock": self.test_clock,
        })
    }

    /// What is left to the settings is settled when it is finalized.
    fn page_size<'a>(&self, rendering: &'a Rendering) -> &'a str {
        match rendering.page_size.as_deref() {
            Some(size) if size != "auto" => size,
            _ if self.status == Status::Draft => "auto",
            _ => "letter",
        }
    }

    fn parent(&self) -> Value {
        let Some(subscribed) = &self.subscription else {
            return Value::Null;
        };
        json!({
            "quote_details": null,
            "subscription_details": {
                "metadata": subscribed.metadata, "subscription": line::made(&subscribed.id),
            },
            "type": "subscription_details",
        })
    }

    fn render_course(&self) -> Value {
        let hosted = self.number.as_ref().map(|_| self.page());
        json!({
            "attempt_count": self.attempt_count, "attempted": self.attempted,
            "auto_advance": self.auto_advance && !self.is_over(),
            "automatically_finalizes_at": self.finalizes_at,
            "effective_at": self.effective_at.or(self.finalized_at),
            "hosted_invoice_url":
                hosted.as_ref().map(|page| format!("https://invoice.stripe.com/i/{page}?s=ap")),
            "invoice_pdf":
                hosted.as_ref().map(|page| format!("https://pay.stripe.com/invoice/{page}/pdf?s=ap")),
            "last_finalization_error": self.unfinalized.as_ref().map(|error| error.render()),
            "latest_revision": null,
            "next_payment_attempt": self.next_attempt, "number": self.number, "receipt_number": null,
            "status": self.status,
            "status_transitions": {
                "finalized_at": self.finalized_at, "marked_uncollectible_at": self.uncollectible_at,
                "paid_at": self.paid_at, "voided_at": self.voided_at,
            },
            "webhooks_delivered_at": self.created,
        })
    }

    fn page(&self) -> String {
        let account = self.space.account.as_deref().unwrap_or("acct_platform");
        let mode = if self.space.livemode { "live" } else { "test" };
        format!("{account}/{mode}_{}", hex::encode(&self.id))
    }

    /// Whether nothing is to be paid any more.
    pub fn is_over(&self) -> bool {
        matches!(self.status, Status::Paid | Status::Void | Status::Uncollectible)
    }

    /// What its charge says it is for.
    pub fn purpose(&self) -> String {
        match self.billing_reason.as_str() {
            "subscription_create" => "Subscription creation".into(),
            "subscription_update" | "subscription_cycle" | "subscription_threshold" | "subscription" => {
                "Subscription update".into()
            }
            _ => "Payment for Invoice".into(),
        }
    }

    /// The platform's share of what is to be paid, in minor units.
    pub fn application_fee(&self) -> Option<i64> {
        let percent = self
            .application_fee_percent
            .map(|percent| percent.percent_of(self.amount_due));
        self.application_fee_amount
            .or(percent)
            .map(|fee| fee.min(self.amount_due))
            .filter(|fee| *fee > 0)
    }
}

/// How many of its lines an invoice shows itself; the others are in its list of lines.
const LINES_SHOWN: usize = 10;

impl Shown for Invoice {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("default_payment_method", "payment_method"),
        ("discounts", "discount"),
        ("on_behalf_of", "account"),
        ("parent.subscription_details.subscription", "subscription"),
        ("payments", "list of invoice_payment"),
        ("confirmation_secret", "confirmation_secret"),
        ("lines", "list of line_item"),
        ("total_discount_amounts.discount", "discount"),
        ("test_clock", "test_helpers.test_clock"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn included(&self, state: &State, field: &str) -> Option<Value> {
        match field {
            "payments" => Some(invoice_payment::of_invoice(state, &self.space, &self.payments)),
            "confirmation_secret" => {
                let intent = state
                    .get::<PaymentIntent>(&self.space, self.intent.as_deref()?)
                    .ok()?;
                Some(json!({ "client_secret": intent.client_secret, "type": "payment_intent" }))
            }
            _ => None,
        }
    }
}

impl Deletable for Invoice {
    fn is_deleted(&self) -> bool {
        self.deleted
    }
}

/// The invoice's own payment, while it is open.
pub fn open_payment(state: &State, invoice: &Invoice) -> Option<Arc<InvoicePayment>> {
    invoice
        .payments
        .iter()
        .rev()
        .filter_map(|id| state.get::<InvoicePayment>(&invoice.space, id).ok())
        .find(|payment| payment.status == invoice_payment::Status::Open)
}
