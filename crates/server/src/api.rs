//! The JSON API: for integrators with an API key, and for the pay page with a link.

pub mod audit;
pub mod breaks;
pub mod business;
pub mod clients;
pub mod connect;
pub mod connect_oauth;
pub mod credits;
pub mod disputes;
pub mod documents;
pub mod external_objects;
pub mod fee_statements;
pub mod fees;
mod input;
pub mod invoice_mails;
pub mod invoice_settings;
pub mod invoices;
pub mod keys;
mod lists;
pub mod mail_settings;
pub mod mails;
pub mod offline_payments;
pub mod pay_links;
pub mod payments;
pub mod payouts;
pub mod platform;
pub mod public_invoices;
pub mod refunds;
pub mod reports;
pub mod settings;
pub mod subscriptions;
pub mod tenants;
pub mod webhook_events;

pub use input::sender;
pub use input::{
    Caller, InPath, InPaths, Input, Object, Page, PageQuery, Platform, Query, Using, Visitor, read_body,
};
