//! What Stripe says: a thin client for the calls this product makes, webhook signatures and event
//! envelopes. Only the fields we read are typed, every one of them tolerantly. This crate knows nothing of
//! invoices, tenants or our database, and holds no policy: what an answer means for money is decided by its
//! caller.

pub mod account_id;
pub mod account_links;
pub mod accounts;
pub mod application_fees;
pub mod balance_transactions;
pub mod billing_invoices;
pub mod charges;
pub mod client;
pub mod confirmation_tokens;
pub mod customers;
pub mod disputes;
pub mod error;
pub mod events;
pub mod fee_refunds;
pub mod files;
pub mod form;
pub mod gate;
pub mod oauth;
pub mod object;
pub mod payment_intents;
pub mod payment_method_domains;
pub mod payouts;
pub mod refunds;
mod retry;
pub mod secret;
pub mod signature;
pub mod subscriptions;
pub mod transport;
pub mod webhook_endpoints;

pub use account_id::AccountId;
pub use account_links::AccountLink;
pub use accounts::Account;
pub use application_fees::ApplicationFee;
pub use balance_transactions::BalanceTransaction;
pub use billing_invoices::BillingInvoice;
pub use charges::Charge;
pub use client::{API_VERSION, Answer, Client, NowMs, Write};
pub use confirmation_tokens::ConfirmationToken;
pub use customers::Customer;
pub use disputes::Dispute;
pub use error::{CallError, Decline, Rejection, Unknown, Unreadable};
pub use fee_refunds::FeeRefund;
pub use files::File;
pub use gate::Gate;
pub use object::{Expandable, Page};
pub use payment_intents::{IntentStatus, PaymentIntent};
pub use payment_method_domains::PaymentMethodDomain;
pub use payouts::Payout;
pub use refunds::Refund;
pub use secret::Secret;
pub use subscriptions::Subscription;
pub use transport::{BoxFuture, HttpRequest, HttpResponse, Https, Method, NoAnswer, Transport};
pub use webhook_endpoints::WebhookEndpoint;
