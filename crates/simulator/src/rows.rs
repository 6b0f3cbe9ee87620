//! The kinds of objects: each is a typed row with a table of its own and one line in the list below, which
//! says what it is called and where it is read.

use crate::account::Account;
use crate::application_fee::ApplicationFee;
use crate::balance::BalanceTransaction;
use crate::billing::coupon::Coupon;
use crate::billing::credit_note::CreditNote;
use crate::billing::discount::Discount;
use crate::billing::invoice::Invoice;
use crate::billing::invoice_item::InvoiceItem;
use crate::billing::invoice_payment::InvoicePayment;
use crate::billing::promotion_code::PromotionCode;
use crate::billing::subscription::Subscription;
use crate::billing::subscription_item::SubscriptionItem;
use crate::billing::subscription_schedule::SubscriptionSchedule;
use crate::billing::{plan::Plan, price::Price, product::Product};
use crate::billing::{tax_rate::TaxRate, test_clock::TestClock};
use crate::charge::Charge;
use crate::confirmation_token::ConfirmationToken;
use crate::connect::account_link::AccountLink;
use crate::connect::domain::{ApplePayDomain, PaymentMethodDomain};
use crate::connect::oauth::{OauthCode, OauthToken};
use crate::connect::redirect_uris::RedirectUris;
use crate::customer::Customer;
use crate::event::Event;
use crate::money::dispute::Dispute;
use crate::money::fee_refund::FeeRefund;
use crate::money::file::File;
use crate::money::fraud_warning::FraudWarning;
use crate::money::refund::Refund;
use crate::money::reversal::Reversal;
use crate::money::transfer::Transfer;
use crate::payment_intent::PaymentIntent;
use crate::payment_method::PaymentMethod;
use crate::payments::cash::CashTransaction;
use crate::payments::customer_balance::CustomerBalanceTransaction;
use crate::payments::ephemeral_key::EphemeralKey;
use crate::payments::mandate::Mandate;
use crate::payments::setup_attempt::SetupAttempt;
use crate::payments::setup_intent::SetupIntent;
use crate::payments::sources::CustomerBank;
use crate::payments::tax_id::TaxId;
use crate::payments::token::Token;
use crate::payouts::balance_settings::BalanceSettings;
use crate::payouts::payout::Payout;
use crate::payouts::topup::Topup;
use crate::state::{Space, State};
use crate::table::Table;
use crate::webhook_endpoint::WebhookEndpoint;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How an object looks to those who know only that it is one. What it shows depends on the row alone (and on
/// the time), never on other rows: an event shares the row and shows the object as it was.
pub trait Shown {
    /// The fields that `expand` may follow, dotted where they lie in maps, and the kind of object each leads
    /// to: `list of …` for a list, `any` where any kind may be named.
    const EXPANDS: &'static [(&'static str, &'static str)] = &[];
    /// Whether the caller may choose the id, which is then unique in its space only.
    const CHOSEN_ID: bool = false;
    /// Whether the platform holds it for its accounts, which may see it all the same.
    const OF_PLATFORM: bool = false;

    /// As Stripe writes it.
    fn shown(&self, state: &State) -> Value;

    /// A field that is only shown when it is expanded, such as a charge's refunds.
    fn included(&self, _state: &State, _field: &str) -> Option<Value> {
        None
    }

    /// Where it is read when that is not its collection and its id.
    fn url(&self) -> Option<String> {
        None
    }
}

/// A kind of object: what it is called and where its rows are.
pub trait Row: Shown + Sized + 'static {
    /// What `object` says.
    const OBJECT: &'static str;
    /// The collection it is read from, such as `charges`.
    const PATH: &'static str;
    /// What `No such …` calls it.
    const NOUN: &'static str;
    /// The parameter that a wrong id in the path is blamed on.
    const PARAM: &'static str;
    /// The id, unique over all spaces unless the caller chose it.
    fn id(&self) -> &str;
    /// Where it lives.
    fn space(&self) -> &Space;
    /// Its table.
    fn table(state: &State) -> &Table<Self>;
    /// Its table, to be changed.
    fn table_mut(state: &mut State) -> &mut Table<Self>;
    /// The row as anything that holds any kind of row.
    fn object(row: Arc<Self>) -> Object;
}

/// An object without a table, as an event tells of it: a balance, an application, what was deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Its id; empty when it has none.
    pub id: String,
    /// What `object` says.
    pub object: String,
    /// Where it is read; empty when it cannot be.
    pub url: String,
    /// Where it happened.
    pub space: Space,
    /// It, as JSON text.
    pub text: String,
}

macro_rules! rows {
    ($($kind:ident in $table:ident, $object:literal, $path:literal, $noun:literal, $param:literal;)*) => {
        $(impl Row for $kind {
            const OBJECT: &'static str = $object;
            const PATH: &'static str = $path;
            const NOUN: &'static str = $noun;
            const PARAM: &'static str = $param;
            fn id(&self) -> &str {
                &self.id
            }
            fn space(&self) -> &Space {
                &self.space
            }
            fn table(state: &State) -> &Table<Self> {
                &state.tables.$table
            }
            fn table_mut(state: &mut State) -> &mut Table<Self> {
                &mut state.tables.$table
            }
            fn object(row: Arc<Self>) -> Object {
                Object::$kind(row)
            }
        })*

        /// A row of any kind.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "row")]
        pub enum Object {
            /// One without a table.
            Told(Arc<Told>),
            $(#[doc = $noun] $kind(Arc<$kind>),)*
        }

        /// A table for each kind.
        #[derive(Default)]
        pub struct Tables {
            $($table: Table<$kind>,)*
        }

        impl Tables {
            /// Every row of every table, oldest first within a table.
            pub fn objects(&self) -> impl Iterator<Item = Object> + '_ {
                std::iter::empty()$(.chain(self.$table.all().cloned().map(Object::$kind)))*
            }

            /// How many rows of each kind a space has.
            pub fn shelves(&self, space: &Space) -> Vec<(&'static str, usize)> {
                vec![$((<$kind as Row>::OBJECT, self.$table.count_of(space))),*]
            }

            /// The newest rows of a kind in a space.
            pub fn newest(&self, space: &Space, object: &str, most: usize) -> Vec<Object> {
                let mut found = Vec::new();
                $(if object == <$kind as Row>::OBJECT {
                    let rows = self.$table.of(space).rev().take(most).cloned();
                    found.extend(rows.map(Object::$kind));
                })*
                found
            }

            /// How many rows there are of each kind.
            pub fn counts(&self) -> BTreeMap<&'static str, usize> {
                BTreeMap::from([$((stringify!($table), self.$table.all().len())),*])
            }
        }

        impl Object {
            /// Its id.
            pub fn id(&self) -> &str {
                match self {
                    Object::Told(told) => &told.id,
                    $(Object::$kind(row) => &row.id,)*
                }
            }

            /// What `object` says.
            pub fn name(&self) -> &str {
                match self {
                    Object::Told(told) => &told.object,
                    $(Object::$kind(_) => <$kind as Row>::OBJECT,)*
                }
            }

            /// Where it lives.
            pub fn space(&self) -> &Space {
                match self {
                    Object::Told(told) => &told.space,
                    $(Object::$kind(row) => &row.space,)*
                }
            }

            /// Where it is read.
            pub fn url(&self) -> String {
                match self {
                    Object::Told(told) => told.url.clone(),
                    $(Object::$kind(row) => row.url().unwrap_or_else(|| {
                        format!("/v1/{}/{}", <$kind as Row>::PATH, row.id)
                    }),)*
                }
            }

            /// As Stripe writes it.
            pub fn shown(&self, state: &State) -> Value {
                match self {
                    Object::Told(told) => serde_json::from_str(&told.text).unwrap_or_default(),
                    $(Object::$kind(row) => row.shown(state),)*
                }
            }

            /// A field that is only shown when it is expanded.
            pub fn included(&self, state: &State, field: &str) -> Option<Value> {
                match self {
                    Object::Told(_) => None,
                    $(Object::$kind(row) => row.included(state, field),)*
                }
            }

            /// The object of a kind (or of `any`), as far as a space may see it.
            pub fn find(state: &State, space: &Space, kind: &str, id: &str) -> Option<Object> {
                $(if kind == <$kind as Row>::OBJECT || kind == "any" {
                    let table = &state.tables.$table;
                    let own = table.at(space, id);
                    let seen = own.or_else(|| {
                        table.at(&space.platform(), id).filter(|_| <$kind as Shown>::OF_PLATFORM)
                    });
                    if let Some(row) = seen {
                        return Some(Object::$kind(Arc::clone(row)));
                    }
                })*
                None
            }

            /// The object with an id, whatever its space; never one whose id its caller may have chosen.
            pub fn anywhere(state: &State, id: &str) -> Option<Object> {
                $(if !<$kind as Shown>::CHOSEN_ID && let Some(row) = state.tables.$table.anywhere(id) {
                    return Some(Object::$kind(Arc::clone(row)));
                })*
                None
            }

            /// The fields that `expand` may follow in a kind of object.
            pub fn expands(kind: &str) -> Vec<(&'static str, &'static str)> {
                let mut found = Vec::new();
                $(if kind == <$kind as Row>::OBJECT || kind == "any" {
                    found.extend(<$kind as Shown>::EXPANDS);
                })*
                found
            }

            /// Puts the row into its table.
            pub fn store(self, state: &mut State) {
                match self {
                    Object::Told(_) => {}
                    $(Object::$kind(row) => state.tables.$table.put(row),)*
                }
            }
        }
    };
}

// Kind in its table; then `object`, the collection, what `No such …` says, and whom a wrong id is
// blamed on.
rows! {
    Account in accounts, "account", "accounts", "account", "account";
    Customer in customers, "customer", "customers", "customer", "id";
    PaymentMethod in payment_methods, "payment_method", "payment_methods", "PaymentMethod", "payment_method";
    ConfirmationToken in confirmation_tokens, "confirmation_token", "confirmation_tokens",
        "confirmation_token", "confirmation_token";
    PaymentIntent in payment_intents, "payment_intent", "payment_intents", "payment_intent", "intent";
    CustomerBank in customer_banks, "bank_account", "bank_accounts", "source", "id";
    CustomerBalanceTransaction in customer_balance_transactions, "customer_balance_transaction",
        "customer_balance_transactions", "customer balance transaction", "id";
    TaxId in tax_ids, "tax_id", "tax_ids", "tax ID", "id";
    Token in tokens, "token", "tokens", "token", "token";
    CashTransaction in cash_transactions, "customer_cash_balance_transaction",
        "customer_cash_balance_transactions", "customer cash balance transaction", "id";
    EphemeralKey in ephemeral_keys, "ephemeral_key", "ephemeral_keys", "ephemeral key", "key";
    Mandate in mandates, "mandate", "mandates", "mandate", "mandate";
    SetupIntent in setup_intents, "setup_intent", "setup_intents", "setupintent", "intent";
    SetupAttempt in setup_attempts, "setup_attempt", "setup_attempts", "setup attempt", "id";
    Charge in charges, "charge", "charges", "charge", "id";
    BalanceTransaction in balance_transactions, "balance_transaction", "balance_transactions",
        "balance transaction", "id";
    ApplicationFee in application_fees, "application_fee", "application_fees", "application fee", "id";
    Refund in refunds, "refund", "refunds", "refund", "refund";
    FeeRefund in fee_refunds, "fee_refund", "application_fees", "fee refund", "id";
    Transfer in transfers, "transfer", "transfers", "transfer", "transfer";
    Reversal in reversals, "transfer_reversal", "transfers", "transfer reversal", "id";
    Dispute in disputes, "dispute", "disputes", "dispute", "id";
    File in files, "file", "files", "file upload", "file";
    FraudWarning in fraud_warnings, "radar.early_fraud_warning", "radar/early_fraud_warnings",
        "early fraud warning", "early_fraud_warning";
    Payout in payouts, "payout", "payouts", "payout", "payout";
    Topup in topups, "topup", "topups", "topup", "topup";
    BalanceSettings in balance_settings, "balance_settings", "balance_settings", "balance settings", "id";
    WebhookEndpoint in webhook_endpoints, "webhook_endpoint", "webhook_endpoints", "webhook endpoint",
        "webhook_endpoint";
    Product in products, "product", "products", "product", "id";
    Price in prices, "price", "prices", "price", "price";
    Plan in plans, "plan", "plans", "plan", "plan";
    Coupon in coupons, "coupon", "coupons", "coupon", "coupon";
    PromotionCode in promotion_codes, "promotion_code", "promotion_codes", "promotion code",
        "promotion_code";
    TaxRate in tax_rates, "tax_rate", "tax_rates", "tax rate", "tax_rate";
    InvoiceItem in invoice_items, "invoiceitem", "invoiceitems", "invoiceitem", "invoiceitem";
    Invoice in invoices, "invoice", "invoices", "invoice", "invoice";
    CreditNote in credit_notes, "credit_note", "credit_notes", "credit note", "id";
    InvoicePayment in invoice_payments, "invoice_payment", "invoice_payments", "invoice_payment",
        "invoice_payment";
    Subscription in subscriptions, "subscription", "subscriptions", "subscription", "id";
    SubscriptionItem in subscription_items, "subscription_item", "subscription_items",
        "subscription_item", "item";
    Discount in discounts, "discount", "discounts", "discount", "discount";
    AccountLink in account_links, "account_link", "account_links", "account link", "id";
    OauthCode in oauth_codes, "oauth_code", "oauth_codes", "authorization code", "code";
    OauthToken in oauth_tokens, "oauth_token", "oauth_tokens", "token", "token";
    RedirectUris in redirect_uris, "oauth_redirect_uris", "oauth_redirect_uris", "redirect URIs", "id";
    PaymentMethodDomain in payment_method_domains, "payment_method_domain", "payment_method_domains",
        "payment method domain", "payment_method_domain";
    ApplePayDomain in apple_pay_domains, "apple_pay_domain", "apple_pay/domains", "apple pay domain",
        "domain";
    SubscriptionSchedule in subscription_schedules, "subscription_schedule", "subscription_schedules",
        "subscription schedule", "schedule";
    TestClock in test_clocks, "test_helpers.test_clock", "test_helpers/test_clocks", "test clock",
        "test_clock";
    Event in events, "event", "events", "event", "id";
}
