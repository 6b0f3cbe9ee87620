//! The product's tests through its outer surface: HTTP, the browser, the SDK, and the rules of the code.
//! Each behaviour test is written once and runs on SQLite and on PostgreSQL.

#[macro_use]
#[allow(dead_code, reason = "shared with the store's tests, which use all of it")]
#[path = "../../../store/tests/it/engines.rs"]
mod engines;

/// Whether `engines` gives databases with all tables: here nobody asks how they come about.
const MIGRATED: bool = true;

mod accessibility;
mod address;
mod audit;
mod bad_forms;
mod bad_input;
mod bank_debits;
mod bookkeeping;
mod breaks;
mod browser;
mod card_testing;
mod catalogue;
mod cli_triggers;
mod commit_lost;
mod connect_pages;
mod connecting;
mod consents;
mod credits;
mod crowds;
mod dashboard;
mod database_gone;
mod demo;
mod desk;
mod disconnect;
mod dispute_files;
mod disputed_refunds;
mod disputes;
mod documents;
mod event_order;
mod exchanged;
mod fee_rules;
mod foreign_ids;
mod headers;
mod hostile_text;
mod idempotency;
mod inbox;
mod ingress;
mod integrator;
mod invariants;
mod invoices;
mod journey;
mod keys;
mod kill;
mod left_out;
mod limits;
mod links;
mod lists;
mod mails;
mod metamorphic;
mod metrics;
mod missed_events;
mod modes;
mod oauth;
mod operator;
mod overturned;
mod own_shop;
mod parts;
mod pay_choice;
mod pay_language;
mod pay_links;
mod pay_page;
mod paying;
mod payouts;
mod people;
mod person;
mod platform;
mod program;
mod reconciling;
mod recorded_events;
mod refunds;
mod reliability;
mod replay;
mod reports;
mod retention;
mod seals;
mod secrets;
mod silence;
mod slow_clients;
mod stale_pages;
mod subscriptions;
mod thin_events;
mod thin_money;
mod three_d_secure;
mod tidy;
mod town;
mod tying_out;
mod webhook_events;
mod webhooks;
