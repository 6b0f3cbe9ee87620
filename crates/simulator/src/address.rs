//! Names and addresses as customers, cards and shipments carry them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::form::Params;

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// City.
    pub city: Option<String>,
    /// Two-letter country.
    pub country: Option<String>,
    /// Street.
    pub line1: Option<String>,
    /// Apartment.
    pub line2: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// State.
    pub state: Option<String>,
}

impl Address {
    /// Reads an `address[…]` onto what was there.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update(&mut self, mut params: Params) -> Result<(), ApiError> {
        params.update("city")?.apply(&mut self.city);
        params.update("country")?.apply(&mut self.country);
        params.update("line1")?.apply(&mut self.line1);
        params.update("line2")?.apply(&mut self.line2);
        params.update("postal_code")?.apply(&mut self.postal_code);
        params.update("state")?.apply(&mut self.state);
        params.finish()
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "city": self.city, "country": self.country, "line1": self.line1, "line2": self.line2,
            "postal_code": self.postal_code, "state": self.state,
        })
    }
}

/// Who pays: the `billing_details` of a card.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Billing {
    /// Address.
    pub address: Address,
    /// Email.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Phone.
    pub phone: Option<String>,
}

impl Billing {
    /// Reads a `billing_details[…]` onto what was there.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn update(&mut self, mut params: Params) -> Result<(), ApiError> {
        if let Some(address) = params.map("address")? {
            self.address.update(address)?;
        }
        params.update("email")?.apply(&mut self.email);
        params.update("name")?.apply(&mut self.name);
        params.update("phone")?.apply(&mut self.phone);
        params.finish()
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "address": self.address.render(), "email": self.email, "name": self.name, "phone": self.phone,
            "tax_id": null,
        })
    }
}

/// Where goods go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shipping {
    /// Address.
    pub address: Address,
    /// Recipient.
    pub name: Option<String>,
    /// Recipient's phone.
    pub phone: Option<String>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// What the carrier calls it.
    pub tracking_number: Option<String>,
}

impl Shipping {
    /// Reads a `shipping[…]`.
    ///
    /// # Errors
    /// 400 for a malformed or unknown parameter.
    pub fn read(mut params: Params) -> Result<Shipping, ApiError> {
        let mut shipping = Shipping::default();
        if let Some(address) = params.map("address")? {
            shipping.address.update(address)?;
        }
        shipping.name = Some(params.required("name")?);
        shipping.phone = params.text("phone")?;
        shipping.carrier = params.text("carrier")?;
        shipping.tracking_number = params.text("tracking_number")?;
        params.finish()?;
        Ok(shipping)
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "address": self.address.render(), "carrier": self.carrier, "name": self.name, "phone": self.phone,
            "tracking_number": self.tracking_number,
        })
    }
}
