//! Which fields of which kind of object can be searched, and what a row holds in them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::billing::invoice::Invoice;
use crate::billing::price::Price;
use crate::billing::product::Product;
use crate::billing::subscription::Subscription;
use crate::charge::Charge;
use crate::customer::Customer;
use crate::payment_intent::PaymentIntent;
use crate::state::{Object, Row, State};

/// What kind of value a field holds, and so which operators it takes.
#[derive(Clone, Copy)]
pub enum Field {
    /// Compared as a number.
    Number,
    /// Compared as a whole, letters in either case.
    Token,
    /// The same, and a part of it may be asked for.
    Text,
}

use Field::{Number, Text, Token};

/// What a row holds in a field.
pub enum Found<'a> {
    /// Nothing: `null`.
    Nothing,
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
}

impl<'a> Found<'a> {
    /// A text that is there.
    pub fn text(text: &'a str) -> Found<'a> {
        Found::Text(Cow::Borrowed(text))
    }

    fn maybe(text: Option<&'a String>) -> Found<'a> {
        text.map_or(Found::Nothing, |text| Found::text(text))
    }
}

/// A kind of object that can be searched.
pub trait Searched: Row {
    /// Its fields, besides the metadata.
    const FIELDS: &'static [(&'static str, Field)];

    /// The caller's notes.
    fn notes(&self) -> &BTreeMap<String, String>;

    /// What it holds in one of [`Searched::FIELDS`].
    fn found(&self, state: &State, field: &str) -> Found<'_>;

    /// Whether it was deleted, so that no search finds it.
    fn gone(&self) -> bool {
        false
    }

    /// The row, where an object is one of this kind.
    fn of(object: &Object) -> Option<&Self>;
}

/// What the shown object holds at a dotted path, for the fields that are seldom asked for.
fn shown<T: Row>(state: &State, row: &T, field: &str) -> Found<'static> {
    let shown = row.shown(state);
    let mut value = Some(&shown);
    for part in field.split('.') {
        value = value.and_then(|value| value.get(part));
    }
    match value {
        Some(Value::String(text)) => Found::Text(Cow::Owned(text.clone())),
        Some(Value::Number(number)) => number.as_i64().map_or(Found::Nothing, Found::Number),
        Some(Value::Bool(flag)) => Found::Flag(*flag),
        Some(Value::Object(object)) => match object.get("id").and_then(Value::as_str) {
            Some(id) => Found::Text(Cow::Owned(id.to_owned())),
            None => Found::Nothing,
        },
        _ => Found::Nothing,
    }
}

impl Searched for PaymentIntent {
    const FIELDS: &'static [(&'static str, Field)] = &[
        ("amount", Number),
        ("created", Number),
        ("currency", Token),
        ("customer", Token),
        ("status", Token),
    ];

    fn notes(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn found(&self, state: &State, field: &str) -> Found<'_> {
        match field {
            "amount" => Found::Number(self.amount),
            "created" => Found::Number(self.created),
            "currency" => Found::text(&self.currency),
            "customer" => Found::maybe(self.customer.as_ref()),
            "status" => Found::text(self.status.as_str()),
            other => shown(state, self, other),
        }
    }

    fn of(object: &Object) -> Option<&PaymentIntent> {
        match object {
            Object::PaymentIntent(row) => Some(Arc::as_ref(row)),
            _ => None,
        }
    }
}

impl Searched for Charge {
    const FIELDS: &'static [(&'static str, Field)] = &[
        ("amount", Number),
        ("billing_details.address.postal_code", Token),
        ("created", Number),
        ("currency", Token),
        ("customer", Token),
        ("disputed", Token),
        ("payment_method_details.card.brand", Token),
        ("payment_method_details.card.exp_month", Number),
        ("payment_method_details.card.exp_year", Number),
        ("payment_method_details.card.fingerprint", Token),
        ("payment_method_details.card.last4", Token),
        ("payment_method_details.us_bank_account.fingerprint", Token),
        ("payment_method_details.us_bank_account.last4", Token),
        ("payment_method_details.sepa_debit.fingerprint", Token),
        ("payment_method_details.sepa_debit.last4", Token),
        ("refunded", Token),
        ("status", Token),
    ];

    fn notes(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn found(&self, state: &State, field: &str) -> Found<'_> {
        match field {
            "amount" => Found::Number(self.amount),
            "created" => Found::Number(self.created),
            "currency" => Found::text(&self.currency),
            "customer" => Found::maybe(self.customer.as_ref()),
            "disputed" => Found::Flag(self.disputed),
            other => shown(state, self, other),
        }
    }

    fn of(object: &Object) -> Option<&Charge> {
        match object {
            Object::Charge(row) => Some(Arc::as_ref(row)),
            _ => None,
        }
    }
}

impl Searched for Customer {
    const FIELDS: &'static [(&'static str, Field)] = &[
        ("created", Number),
        ("email", Text),
        ("name", Text),
        ("phone", Text),
    ];

    fn notes(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn found(&self, state: &State, field: &str) -> Found<'_> {
        match field {
            "created" => Found::Number(self.created),
            "email" => Found::maybe(self.email.as_ref()),
            "name" => Found::maybe(self.name.as_ref()),
            "phone" => Found::maybe(self.phone.as_ref()),
            other => shown(state, self, other),
        }
    }

    fn gone(&self) -> bool {
        self.deleted
    }

    fn of(object: &Object) -> Option<&Customer> {
        match object {
            Object::Customer(row) => Some(Arc::as_ref(row)),
            _ => None,
        }
    }
}

impl Searched for Product {
    const FIELDS: &'static [(&'static str, Field)] = &[
        ("active", Token),
        ("description", Text),
        ("name", Text),
        ("shippable", Token),
        ("url", Text),
    ];

    fn notes(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn found(&self, state: &State, field: &str) -> Found<'_> {
        match field {
            "active" => Found::Flag(self.active),
            "description" => Found::maybe(self.description.as_ref()),
            "name" => Found::text(&self.name),
            "shippable" => self.shippable.map_or(Found::Nothing, Found::Flag),
            "url" => Found::maybe(self.url.as_ref()),
            other => shown(state, self, other),
        }
    }

    fn gone(&self) -> bool {
        self.deleted
    }

    fn of(object: &Object) -> Option<&Product> {
        match object {
            Object::Product(row) => Some(Arc::as_ref(row)),
            _ => None,
        }
    }
}

impl Searched for Price {
    const FIELDS: &'static [(&'static str, Field)] = &[
        ("active", Token),
        ("currency", Token),
        ("lookup_key", Token),
        ("product", Token),
        ("type", Token),
    ];

    fn notes(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn found(&self, state: &State, field: &str) -> Found<'_> {
        match field {
            "active" => Found::Flag(self.active),
            "currency" => Found::text(&self.currency),
            "lookup_key" => Found::maybe(self.lookup_key.as_ref()),
            "product" => Found::text(&self.product),
            other => shown(state, self, other),
        }
    }

    fn gone(&self) -> bool {
        self.deleted
    }

    fn of(object: &Object) -> Option<&Price> {
        match object {
            Object::Price(row) => Some(Arc::as_ref(row)),
            _ => None,
        }
    }
}

impl Searched for Invoice {
    const FIELDS: &'static [(&'static str, Field)] = &[
        ("created", Number),
        ("currency", Token),
        ("customer", Token),
        ("last_finalization_error_code", Token),
        ("last_finalization_error_type", Token),
        ("number", Text),
        ("receipt_number", Text),
        ("status", Token),
        ("subscription", Token),
        ("total", Number),
    ];

    fn notes(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn found(&self, state: &State, field: &str) -> Found<'_> {
        match field {
            "created" => Found::Number(self.created),
            "currency" => Found::text(&self.currency),
            "customer" => Found::text(&self.customer),
            "status" => Found::text(self.status.as_str()),
            "last_finalization_error_code" => shown(state, self, "last_finalization_error.code"),
            "last_finalization_error_type" => shown(state, self, "last_finalization_error.type"),
            "subscription" => shown(state, self, "parent.subscription_details.subscription"),
            other => shown(state, self, other),
        }
    }

    fn gone(&self) -> bool {
        self.deleted
    }

    fn of(object: &Object) -> Option<&Invoice> {
        match object {
            Object::Invoice(row) => Some(Arc::as_ref(row)),
            _ => None,
        }
    }
}

impl Searched for Subscription {
    const FIELDS: &'static [(&'static str, Field)] =
        &[("canceled_at", Number), ("created", Number), ("status", Token)];

    fn notes(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn found(&self, state: &State, field: &str) -> Found<'_> {
        shown(state, self, field)
    }

    fn of(object: &Object) -> Option<&Subscription> {
        match object {
            Object::Subscription(row) => Some(Arc::as_ref(row)),
            _ => None,
        }
    }
}
