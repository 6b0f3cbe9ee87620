//! Billing: the catalog of products and prices, what is taken off and put on, and invoices.

use std::sync::Arc;

use crate::error::ApiError;
use crate::event::Cause;
use crate::payment_intent::PaymentIntent;
use crate::routes::Handler::{One, Plain, Two};
use crate::routes::Route;
use crate::state::{Row, Space, State};

use invoice::Invoice;

pub mod billed;
pub mod calendar;
pub mod collecting;
pub mod coupon;
pub mod credit_note;
pub mod credit_notes;
pub mod decimal;
pub mod discount;
pub mod finalization;
pub mod given_back;
pub mod invoice;
pub mod invoice_form;
pub mod invoice_item;
pub mod invoice_items;
pub mod invoice_lines;
pub mod invoice_payment;
pub mod invoice_preview;
pub mod invoices;
pub mod invoicing;
pub mod item_cost;
pub mod line;
pub mod period;
pub mod plan;
pub mod price;
pub mod price_form;
pub mod prices;
pub mod product;
pub mod promotion_code;
pub mod refusal;
pub mod subscribing;
pub mod subscription;
pub mod subscription_asked;
pub mod subscription_change;
pub mod subscription_first;
pub mod subscription_form;
pub mod subscription_item;
pub mod subscription_items;
pub mod subscription_lines;
pub mod subscription_pay;
pub mod subscription_phases;
pub mod subscription_retries;
pub mod subscription_schedule;
pub mod subscription_schedules;
pub mod subscription_wakes;
pub mod subscriptions;
pub mod tax_code;
pub mod tax_rate;
pub mod test_clock;
pub mod totals;

/// A kind of object that can be deleted; its row stays for what refers to it.
pub trait Deletable: Row {
    /// Whether it was.
    fn is_deleted(&self) -> bool;
}

/// A row of the space that was not deleted.
///
/// # Errors
/// 404 `resource_missing`, blaming `param`.
pub fn living<T: Deletable>(state: &State, space: &Space, id: &str, param: &str) -> Result<Arc<T>, ApiError> {
    let row = state.get_for::<T>(space, id, param)?;
    if row.is_deleted() {
        Err(ApiError::no_such(T::NOUN, id, param))
    } else {
        Ok(row)
    }
}

/// The same for a row that a parameter names, and not the path.
///
/// # Errors
/// 400 `resource_missing`, blaming `param`.
pub fn referred<T: Deletable>(
    state: &State,
    space: &Space,
    id: &str,
    param: &str,
) -> Result<Arc<T>, ApiError> {
    living(state, space, id, param).map_err(|error| error.status(400))
}

/// 400 `resource_already_exists`: the id that was chosen is another's.
fn taken(what: &str, param: &str) -> ApiError {
    ApiError::invalid(format!("{what} already exists."))
        .code("resource_already_exists")
        .param(param)
}

/// The routes of subscription schedules.
pub static SCHEDULES: &[Route] = &[
    Route::post(
        "/v1/subscription_schedules",
        "subscription_schedule",
        Plain(subscription_schedules::create),
    ),
    Route::get(
        "/v1/subscription_schedules",
        "list of subscription_schedule",
        Plain(subscription_schedules::list),
    ),
    Route::get(
        "/v1/subscription_schedules/{}",
        "subscription_schedule",
        One(subscription_schedules::retrieve),
    ),
    Route::post(
        "/v1/subscription_schedules/{}",
        "subscription_schedule",
        One(subscription_schedules::update),
    ),
    Route::post(
        "/v1/subscription_schedules/{}/cancel",
        "subscription_schedule",
        One(subscription_schedules::cancel),
    ),
    Route::post(
        "/v1/subscription_schedules/{}/release",
        "subscription_schedule",
        One(subscription_schedules::release),
    ),
];

/// The routes of test clocks.
pub static CLOCKS: &[Route] = &[
    Route::post(
        "/v1/test_helpers/test_clocks",
        "test_helpers.test_clock",
        Plain(test_clock::create),
    ),
    Route::get(
        "/v1/test_helpers/test_clocks",
        "list of test_helpers.test_clock",
        Plain(test_clock::list),
    ),
    Route::get(
        "/v1/test_helpers/test_clocks/{}",
        "test_helpers.test_clock",
        One(test_clock::retrieve),
    ),
    Route::delete(
        "/v1/test_helpers/test_clocks/{}",
        "test_helpers.test_clock",
        One(test_clock::delete),
    ),
    Route::post(
        "/v1/test_helpers/test_clocks/{}/advance",
        "test_helpers.test_clock",
        One(test_clock::advance),
    ),
];

/// The routes of the catalog.
pub static CATALOG: &[Route] = &[
    Route::post("/v1/products", "product", Plain(product::create)),
    Route::get("/v1/products", "list of product", Plain(product::list)),
    Route::get("/v1/products/{}", "product", One(product::retrieve)),
    Route::post("/v1/products/{}", "product", One(product::update)),
    Route::delete("/v1/products/{}", "product", One(product::delete)),
    Route::post("/v1/prices", "price", Plain(prices::create)),
    Route::get("/v1/prices", "list of price", Plain(prices::list)),
    Route::get("/v1/prices/{}", "price", One(prices::retrieve)),
    Route::post("/v1/prices/{}", "price", One(prices::update)),
    Route::post("/v1/plans", "plan", Plain(plan::create)),
    Route::get("/v1/plans", "list of plan", Plain(plan::list)),
    Route::get("/v1/plans/{}", "plan", One(plan::retrieve)),
    Route::post("/v1/plans/{}", "plan", One(plan::update)),
    Route::delete("/v1/plans/{}", "plan", One(plan::delete)),
    Route::post("/v1/coupons", "coupon", Plain(coupon::create)),
    Route::get("/v1/coupons", "list of coupon", Plain(coupon::list)),
    Route::get("/v1/coupons/{}", "coupon", One(coupon::retrieve)),
    Route::post("/v1/coupons/{}", "coupon", One(coupon::update)),
    Route::delete("/v1/coupons/{}", "coupon", One(coupon::delete)),
    Route::post(
        "/v1/promotion_codes",
        "promotion_code",
        Plain(promotion_code::create),
    ),
    Route::get(
        "/v1/promotion_codes",
        "list of promotion_code",
        Plain(promotion_code::list),
    ),
    Route::get(
        "/v1/promotion_codes/{}",
        "promotion_code",
        One(promotion_code::retrieve),
    ),
    Route::post(
        "/v1/promotion_codes/{}",
        "promotion_code",
        One(promotion_code::update),
    ),
    Route::post("/v1/tax_rates", "tax_rate", Plain(tax_rate::create)),
    Route::get("/v1/tax_rates", "list of tax_rate", Plain(tax_rate::list)),
    Route::get("/v1/tax_rates/{}", "tax_rate", One(tax_rate::retrieve)),
    Route::post("/v1/tax_rates/{}", "tax_rate", One(tax_rate::update)),
    Route::get("/v1/tax_codes", "list of tax_code", Plain(tax_code::list)),
    Route::get("/v1/tax_codes/{}", "tax_code", One(tax_code::retrieve)),
];

/// The payer of an invoice confirmed, authenticated or failed: the intent is as that left it.
pub fn intent_changed(state: &mut State, cause: &Cause, intent: &Arc<PaymentIntent>) {
    let invoice = intent.invoice.as_deref();
    if let Some(Ok(invoice)) = invoice.map(|id| state.get::<Invoice>(&intent.space, id)) {
        collecting::settle(state, cause, &invoice, intent);
    }
}

/// The routes of invoices.
pub static INVOICES: &[Route] = &[
    Route::post("/v1/invoiceitems", "invoiceitem", Plain(invoice_items::create)),
    Route::get(
        "/v1/invoiceitems",
        "list of invoiceitem",
        Plain(invoice_items::list),
    ),
    Route::get("/v1/invoiceitems/{}", "invoiceitem", One(invoice_items::retrieve)),
    Route::post("/v1/invoiceitems/{}", "invoiceitem", One(invoice_items::update)),
    Route::delete("/v1/invoiceitems/{}", "invoiceitem", One(invoice_items::delete)),
    Route::post("/v1/invoices", "invoice", Plain(invoices::create)),
    Route::get("/v1/invoices", "list of invoice", Plain(invoices::list)),
    Route::post(
        "/v1/invoices/create_preview",
        "invoice",
        Plain(invoice_preview::create),
    ),
    Route::get("/v1/invoices/{}", "invoice", One(invoices::retrieve)),
    Route::post("/v1/invoices/{}", "invoice", One(invoices::update)),
    Route::delete("/v1/invoices/{}", "invoice", One(invoices::delete)),
    Route::post("/v1/invoices/{}/finalize", "invoice", One(invoices::finalize)),
    Route::post("/v1/invoices/{}/pay", "invoice", One(invoices::pay)),
    Route::post("/v1/invoices/{}/send", "invoice", One(invoices::send)),
    Route::post("/v1/invoices/{}/void", "invoice", One(invoices::void)),
    Route::post(
        "/v1/invoices/{}/mark_uncollectible",
        "invoice",
        One(invoices::mark_uncollectible),
    ),
    Route::get(
        "/v1/invoices/{}/lines",
        "list of line_item",
        One(invoice_lines::list),
    ),
    Route::post(
        "/v1/invoices/{}/lines/{}",
        "line_item",
        Two(invoice_lines::update),
    ),
    Route::post("/v1/invoices/{}/add_lines", "invoice", One(invoice_lines::add)),
    Route::post(
        "/v1/invoices/{}/update_lines",
        "invoice",
        One(invoice_lines::update_many),
    ),
    Route::post(
        "/v1/invoices/{}/remove_lines",
        "invoice",
        One(invoice_lines::remove),
    ),
    Route::post("/v1/credit_notes", "credit_note", Plain(credit_notes::create)),
    Route::get(
        "/v1/credit_notes",
        "list of credit_note",
        Plain(credit_notes::list),
    ),
    Route::get(
        "/v1/credit_notes/preview",
        "credit_note",
        Plain(credit_notes::preview),
    ),
    Route::get(
        "/v1/credit_notes/preview/lines",
        "list of credit_note_line_item",
        Plain(credit_notes::preview_lines),
    ),
    Route::get("/v1/credit_notes/{}", "credit_note", One(credit_notes::retrieve)),
    Route::post("/v1/credit_notes/{}", "credit_note", One(credit_notes::update)),
    Route::get(
        "/v1/credit_notes/{}/lines",
        "list of credit_note_line_item",
        One(credit_notes::lines),
    ),
    Route::post("/v1/credit_notes/{}/void", "credit_note", One(credit_notes::void)),
    Route::delete(
        "/v1/customers/{}/discount",
        "discount",
        One(billed::delete_discount),
    ),
    Route::get(
        "/v1/invoice_payments",
        "list of invoice_payment",
        Plain(invoice_payment::list),
    ),
    Route::get(
        "/v1/invoice_payments/{}",
        "invoice_payment",
        One(invoice_payment::retrieve),
    ),
];

/// The routes of subscriptions.
pub static SUBSCRIPTIONS: &[Route] = &[
    Route::post("/v1/subscriptions", "subscription", Plain(subscriptions::create)),
    Route::get(
        "/v1/subscriptions",
        "list of subscription",
        Plain(subscriptions::list),
    ),
    Route::get(
        "/v1/subscriptions/{}",
        "subscription",
        One(subscriptions::retrieve),
    ),
    Route::post("/v1/subscriptions/{}", "subscription", One(subscriptions::update)),
    Route::delete("/v1/subscriptions/{}", "subscription", One(subscriptions::cancel)),
    Route::post(
        "/v1/subscriptions/{}/resume",
        "subscription",
        One(subscriptions::resume),
    ),
    Route::delete(
        "/v1/subscriptions/{}/discount",
        "discount",
        One(subscriptions::delete_discount),
    ),
    Route::post(
        "/v1/subscription_items",
        "subscription_item",
        Plain(subscription_items::create),
    ),
    Route::get(
        "/v1/subscription_items",
        "list of subscription_item",
        Plain(subscription_items::list),
    ),
    Route::get(
        "/v1/subscription_items/{}",
        "subscription_item",
        One(subscription_items::retrieve),
    ),
    Route::post(
        "/v1/subscription_items/{}",
        "subscription_item",
        One(subscription_items::update),
    ),
    Route::delete(
        "/v1/subscription_items/{}",
        "subscription_item",
        One(subscription_items::delete),
    ),
];
