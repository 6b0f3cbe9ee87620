//! What is remembered: the database seam and one file per table, each with its SQL beside the function that
//! runs it. It decides nothing; flows do, in `domain`, and carry it out here in one transaction.

pub mod alarms;
pub mod api_keys;
pub mod application_fees;
pub mod audit_log;
pub mod backlog;
pub mod balance_cursors;
pub mod balance_transactions;
pub mod business;
pub mod client_credits;
pub mod client_mail_settings;
pub mod clients;
pub mod connect_states;
pub mod credit_applications;
pub mod credit_movements;
pub mod credit_notes;
pub mod day_sums;
pub mod db;
pub mod dispute_desk;
pub mod dispute_files;
pub mod disputes;
pub mod event_cursors;
pub mod external_objects;
pub mod fee_rules;
pub mod fee_statement;
pub mod followed;
pub mod hurry;
pub mod instance;
pub mod invariants;
pub mod invoice_list;
pub mod invoice_settings;
pub mod invoices;
pub mod ledger;
pub mod ledger_balances;
pub mod lists;
pub mod mail_settings;
pub mod mails;
pub mod migrate;
pub mod offline_payments;
pub mod paid_by;
pub mod pay_links;
pub mod payment_method_domains;
pub mod payment_parts;
pub mod payment_settings;
pub mod payment_version;
pub mod payments;
pub mod payouts;
pub mod person_tokens;
pub mod platform_customers;
pub mod platform_keys;
pub mod rate_limits;
pub mod reconciliation_breaks;
pub mod recovery_codes;
pub mod refunds;
pub mod reminders;
pub mod requests;
pub mod reset_asks;
pub mod running_instances;
pub mod seals;
pub mod sessions;
pub mod state_history;
pub mod stripe_config;
pub mod stripe_operations;
pub mod stripe_webhook_event_archive;
pub mod stripe_webhook_events;
pub mod subscription_lists;
pub mod subscriptions;
pub mod tenants;
pub mod tie_outs;
pub mod users;
mod values;

pub use db::{Db, Error, Sql, Tx, Value};

/// Statements by module.
const STATEMENTS: &[&[&Sql]] = &[
    alarms::ALL,
    api_keys::ALL,
    application_fees::ALL,
    audit_log::ALL,
    backlog::ALL,
    balance_cursors::ALL,
    balance_transactions::ALL,
    business::ALL,
    client_credits::ALL,
    client_mail_settings::ALL,
    clients::ALL,
    connect_states::ALL,
    credit_applications::ALL,
    credit_movements::ALL,
    credit_notes::ALL,
    day_sums::ALL,
    dispute_desk::ALL,
    dispute_files::ALL,
    disputes::ALL,
    disputes::LISTED,
    event_cursors::ALL,
    external_objects::ALL,
    fee_rules::ALL,
    fee_statement::ALL,
    followed::ALL,
    hurry::ALL,
    instance::ALL,
    invoice_list::ALL,
    invoice_settings::ALL,
    invoices::ALL,
    invoices::LISTED,
    ledger::ALL,
    ledger_balances::ALL,
    mail_settings::ALL,
    mails::ALL,
    offline_payments::ALL,
    paid_by::ALL,
    pay_links::ALL,
    payment_method_domains::ALL,
    payment_parts::ALL,
    payment_version::ALL,
    payment_settings::ALL,
    payments::ALL,
    payments::LISTED,
    payouts::ALL,
    person_tokens::ALL,
    platform_customers::ALL,
    platform_keys::ALL,
    rate_limits::ALL,
    reconciliation_breaks::ALL,
    recovery_codes::ALL,
    refunds::ALL,
    refunds::OF_MONEY,
    reminders::ALL,
    requests::ALL,
    reset_asks::ALL,
    running_instances::ALL,
    seals::ALL,
    sessions::ALL,
    state_history::ALL,
    stripe_config::ALL,
    stripe_operations::ALL,
    stripe_operations::CONFIRMED,
    stripe_webhook_event_archive::ALL,
    stripe_webhook_events::ALL,
    stripe_webhook_events::shown::ALL,
    subscription_lists::ALL,
    subscriptions::ALL,
    tenants::ALL,
    tie_outs::ALL,
    users::ALL,
];

/// Every statement of the crate, so that a test can prepare each on both engines.
pub fn statements() -> impl Iterator<Item = &'static Sql> {
    let own = STATEMENTS.iter().copied().flatten().copied();
    own.chain(invariants::statements())
}
