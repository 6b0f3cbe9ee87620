//! The routes of documents, and of what they say of the tenant.

use domain::Permission::{CreditsRead, InvoicesRead, PaymentsRead, ReportsRead, SettingsRead, SettingsWrite};

use super::{Route, Who, delete, get, put};
use crate::api::{business, documents, invoice_settings};
use crate::pay::papers;

/// Documents, and what they say of the tenant.
pub fn all() -> Vec<Route> {
    use Who::{Key, Payer};
    vec![
        get(
            "/api/clients/{id}/statement.pdf",
            Key(ReportsRead),
            documents::statement,
        ),
        get(
            "/api/credit-notes/{id}/pdf",
            Key(CreditsRead),
            documents::credit_note,
        ),
        get("/api/invoices/{id}/pdf", Key(InvoicesRead), documents::invoice),
        get(
            "/api/payments/{id}/receipt.pdf",
            Key(PaymentsRead),
            documents::receipt,
        ),
        get("/api/settings/business", Key(SettingsRead), business::get),
        put("/api/settings/business", Key(SettingsWrite), business::put),
        get("/api/settings/invoices", Key(SettingsRead), invoice_settings::get),
        put(
            "/api/settings/invoices",
            Key(SettingsWrite),
            invoice_settings::put,
        ),
        put("/api/settings/logo", Key(SettingsWrite), business::put_logo),
        delete("/api/settings/logo", Key(SettingsWrite), business::delete_logo),
        get("/pay/{link}/invoice.pdf", Payer, papers::invoice),
        get("/pay/{link}/logo", Payer, papers::logo),
        get("/pay/{link}/receipts/{file}", Payer, papers::receipt),
    ]
}
