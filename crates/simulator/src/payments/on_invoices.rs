//! What a customer wants written on its invoices: fields of its own, a last line, and how tax is shown.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::form::Params;

/// What is written on a customer's invoices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnInvoices {
    /// Names and values, in order.
    pub custom_fields: Option<Vec<(String, String)>>,
    /// The last line.
    pub footer: Option<String>,
    /// `exclude_tax` or `include_inclusive_tax`.
    pub amount_tax_display: Option<String>,
    /// The template that they look like.
    pub template: Option<String>,
}

impl OnInvoices {
    /// Reads `invoice_settings[…]` but for the payment method.
    ///
    /// # Errors
    /// 400 for a malformed parameter.
    pub fn read(&mut self, settings: &mut Params) -> Result<(), ApiError> {
        if let Some(fields) = settings.maps("custom_fields")? {
            let mut read = Vec::with_capacity(fields.len());
            for mut field in fields {
                read.push((field.required("name")?, field.required("value")?));
                field.finish()?;
            }
            self.custom_fields = Some(read).filter(|fields| !fields.is_empty());
        }
        settings.update("footer")?.apply(&mut self.footer);
        if let Some(mut options) = settings.map("rendering_options")? {
            let display = ["exclude_tax", "include_inclusive_tax"];
            if let Some(word) = options.choice("amount_tax_display", &display)? {
                self.amount_tax_display = Some(word.to_owned());
            }
            options.update("template")?.apply(&mut self.template);
            options.finish()?;
        }
        Ok(())
    }

    /// The fields as Stripe writes them.
    pub fn custom_fields(&self) -> Option<Vec<Value>> {
        let fields = self.custom_fields.as_ref()?;
        let field = |(name, value): &(String, String)| json!({ "name": name, "value": value });
        Some(fields.iter().map(field).collect())
    }

    /// The options as Stripe writes them.
    pub fn rendering_options(&self) -> Option<Value> {
        (self.amount_tax_display.is_some() || self.template.is_some())
            .then(|| json!({ "amount_tax_display": self.amount_tax_display, "template": self.template }))
    }
}
