//! Every route: verb, address, who may use it, and what answers. A route that is not in this table does not
//! exist, so none can be without an owner, and a test can ask every one of them with the wrong key.

mod dashboard;
mod documents;
mod money_back;
mod offline;
mod people;

use axum::handler::Handler;
use axum::http::{Method, StatusCode, header};
use axum::routing::{MethodFilter, MethodRouter, on};
use domain::Permission;
use domain::Permission::{
    AuditRead, BreaksRead, BreaksWrite, ClientsRead, ClientsWrite, ConnectRead, ConnectWrite, EventsRead,
    EventsReplay, FeesRead, InvoicesRead, InvoicesWrite, KeysRead, KeysWrite, MailsRead, MailsWrite,
    PaymentsRead, PaymentsWrite, PayoutsRead, ReportsRead, ReportsRun, SettingsRead, SettingsWrite,
    SubscriptionsRead,
};

use crate::api::{
    audit, breaks, clients, connect as api_connect, connect_oauth, external_objects, fee_statements, fees,
    invoice_mails, invoices, keys, mail_settings, mails, pay_links, payments, payouts, platform,
    public_invoices, reports, settings, subscriptions, tenants, webhook_events,
};
use crate::pay::{self, checkout};
use crate::problem::Problem;
use crate::router::Site;
use crate::{connect, demo_mail, health, metrics, openapi, stripe_webhook, styleguide};

/// Who may use a route. `access.rs` finds out, before the handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever has an API key with this permission.
    Key(Permission),
    /// Whoever has an API key with this permission, or the very key that the address names.
    KeyItselfOr(Permission),
    /// The operator, by a platform key.
    Platform,
    /// Somebody of a tenant who is logged in, by a role that has this permission.
    Person(Permission),
    /// The operator who is logged in.
    Operator,
    /// Anybody who is logged in: their own account.
    AnyPerson,
    /// Whoever is logged in, also without the second factor that their role needs: to set it up, or to leave.
    Entering,
    /// A browser at a page before the login. Its forms are bound to it.
    Visitor,
    /// Whoever has the pay link that the address names; the handler opens it.
    Payer,
    /// Whoever comes back from Stripe's form with a state, or has the cookie that was given for one; the
    /// handler takes it.
    Returning,
    /// Stripe, by its signature under the body; the handler checks it.
    Stripe,
    /// Whoever has `METRICS_TOKEN`; without that variable the address does not exist.
    Metrics,
    /// Anybody: nothing of any tenant is told.
    Anybody,
}

impl Who {
    /// Whether it is a browser with the cookies of people, and its answers are pages.
    pub const fn is_of_people(self) -> bool {
        match self {
            Who::Person(_) | Who::Operator | Who::AnyPerson | Who::Entering | Who::Visitor => true,
            Who::Key(_)
            | Who::KeyItselfOr(_)
            | Who::Platform
            | Who::Payer
            | Who::Returning
            | Who::Stripe
            | Who::Metrics
            | Who::Anybody => false,
        }
    }
}

/// One verb of one address.
pub struct Route {
    /// The verb. `GET` answers `HEAD` too, but where reading has an effect.
    pub method: Method,
    /// The address, with `{id}` or `{link}` for what varies.
    pub path: &'static str,
    /// Who may use it.
    pub who: Who,
    /// Whether an `Idempotency-Key` must be sent: where money moves. It may be on every other route of a
    /// key.
    pub moves_money: bool,
    /// Whether it is so sensitive that the person must have shown who they are a short time ago.
    pub stepped_up: bool,
    /// What answers.
    pub handler: MethodRouter<Site>,
}

impl Route {
    fn moving_money(mut self) -> Route {
        self.moves_money = true;
        self
    }

    /// For what somebody at an open screen of another must not do: keys, people, passwords, accounts.
    fn stepped_up(mut self) -> Route {
        self.stepped_up = true;
        self
    }
}

/// Every route but the files under `/assets/` and [`of_the_demo`].
pub fn all() -> Vec<Route> {
    let mut all = of_invoices();
    all.extend(money_back::all());
    all.extend(documents::all());
    all.extend(offline::all());
    all.extend(of_payers_and_stripe());
    all.extend(of_mails());
    all.extend(of_books());
    all.extend(of_the_operator());
    all.extend(people::all());
    all.extend(dashboard::all());
    all
}

/// What only the demo has.
pub fn of_the_demo() -> Vec<Route> {
    vec![
        get("/demo/mail", Who::Anybody, demo_mail::list),
        get("/demo/mail/{id}", Who::Anybody, demo_mail::show),
        get("/demo/mail-attachment/{id}", Who::Anybody, demo_mail::attachment),
        get("/demo/mail-html/{id}", Who::Anybody, demo_mail::as_html),
        get("/styleguide", Who::Anybody, styleguide::show),
    ]
}

/// What the operator looks at and does, over all tenants.
fn of_the_operator() -> Vec<Route> {
    use Who::Platform;
    vec![
        get("/api/platform/audit", Platform, platform::audit),
        get("/api/platform/fee-rules", Platform, fees::list_all),
        post("/api/platform/fee-rules", Platform, fees::create),
        get("/api/platform/fee-rules/preview", Platform, fees::preview_of_any),
        get("/api/platform/reconciliation-breaks", Platform, breaks::list_all),
        post(
            "/api/platform/reconciliation-breaks/{id}/resolve",
            Platform,
            breaks::resolve_any,
        ),
        get("/api/platform/reports/fees", Platform, fee_statements::of_any),
        get("/api/platform/seals", Platform, platform::seals),
        get(
            "/api/platform/subscriptions",
            Platform,
            subscriptions::list_of_platform,
        ),
        get(
            "/api/platform/subscriptions/{id}",
            Platform,
            subscriptions::get_of_platform,
        ),
        get(
            "/api/platform/webhook-events",
            Platform,
            webhook_events::list_of_all,
        ),
        get(
            "/api/platform/webhook-events/{id}",
            Platform,
            webhook_events::get_anybodys,
        ),
        post(
            "/api/platform/webhook-events/{id}/replay",
            Platform,
            webhook_events::replay_anybodys,
        ),
        post(
            "/api/platform/webhook-events/replay",
            Platform,
            webhook_events::replay_many_of_all,
        ),
        post("/api/tenants", Platform, tenants::create),
        get("/api/tenants", Platform, tenants::list),
        get("/api/tenants/{id}", Platform, tenants::get),
        post("/api/tenants/{id}/close", Platform, tenants::close),
        post("/api/tenants/{id}/keys", Platform, tenants::create_key),
        post("/api/tenants/{id}/resume", Platform, tenants::resume),
        post(
            "/api/tenants/{id}/stripe-customer",
            Platform,
            tenants::link_customer,
        ),
        post("/api/tenants/{id}/suspend", Platform, tenants::suspend),
    ]
}

/// What a tenant's software does with invoices, keys and payments.
fn of_invoices() -> Vec<Route> {
    use Who::{Key, KeyItselfOr};
    vec![
        get("/api/audit", Key(AuditRead), audit::list),
        post("/api/clients", Key(ClientsWrite), clients::create),
        get("/api/clients", Key(ClientsRead), clients::list),
        put("/api/clients/{id}", Key(ClientsWrite), clients::edit),
        get("/api/clients/{id}", Key(ClientsRead), clients::get),
        get("/api/external-objects", Key(PaymentsRead), external_objects::list),
        get("/api/fee-rules", Key(FeesRead), fees::list),
        get("/api/fee-rules/preview", Key(FeesRead), fees::preview),
        post("/api/invoices", Key(InvoicesWrite), invoices::create),
        get("/api/invoices", Key(InvoicesRead), invoices::list),
        get("/api/invoices/{id}", Key(InvoicesRead), invoices::get),
        put("/api/invoices/{id}", Key(InvoicesWrite), invoices::edit),
        post(
            "/api/invoices/{id}/finalize",
            Key(InvoicesWrite),
            invoices::finalize,
        ),
        post("/api/invoices/{id}/void", Key(InvoicesWrite), invoices::void),
        post(
            "/api/invoices/{id}/pay-link",
            Key(InvoicesWrite),
            invoices::pay_link,
        ),
        post(
            "/api/invoices/{id}/payment-intent",
            Key(PaymentsWrite),
            invoices::payment_intent,
        )
        .moving_money(),
        post("/api/keys", Key(KeysWrite), keys::create),
        get("/api/keys", Key(KeysRead), keys::list),
        delete("/api/keys/{id}", KeyItselfOr(KeysWrite), keys::revoke),
        get("/api/payments", Key(PaymentsRead), payments::list),
        get("/api/payments/{id}", Key(PaymentsRead), payments::get),
        get("/api/reports/fees", Key(FeesRead), fee_statements::of_tenant),
        get("/api/settings/payments", Key(SettingsRead), settings::get),
        put("/api/settings/payments", Key(SettingsWrite), settings::put),
        get("/api/subscriptions", Key(SubscriptionsRead), subscriptions::list),
        get(
            "/api/subscriptions/{id}",
            Key(SubscriptionsRead),
            subscriptions::get,
        ),
        get("/api/webhook-events", Key(EventsRead), webhook_events::list),
        get("/api/webhook-events/{id}", Key(EventsRead), webhook_events::get),
        post(
            "/api/webhook-events/{id}/replay",
            Key(EventsReplay),
            webhook_events::replay,
        ),
        post(
            "/api/webhook-events/replay",
            Key(EventsReplay),
            webhook_events::replay_many,
        ),
        get("/api/reconciliation-breaks", Key(BreaksRead), breaks::list),
        post(
            "/api/reconciliation-breaks/{id}/resolve",
            Key(BreaksWrite),
            breaks::resolve,
        ),
    ]
}

/// What goes out by mail, to whom, and by which links.
fn of_mails() -> Vec<Route> {
    use Who::{Key, Platform};
    vec![
        get(
            "/api/clients/{id}/mail",
            Key(ClientsRead),
            mail_settings::of_client,
        ),
        put(
            "/api/clients/{id}/mail",
            Key(ClientsWrite),
            mail_settings::put_of_client,
        ),
        get("/api/invoices/{id}/links", Key(InvoicesRead), pay_links::list),
        post("/api/invoices/{id}/links", Key(InvoicesWrite), pay_links::create),
        post(
            "/api/invoices/{id}/links/{link}/revoke",
            Key(InvoicesWrite),
            pay_links::revoke,
        ),
        get("/api/invoices/{id}/mails", Key(MailsRead), invoice_mails::list),
        post(
            "/api/invoices/{id}/promise",
            Key(MailsWrite),
            invoice_mails::promise,
        ),
        get(
            "/api/invoices/{id}/recipients",
            Key(MailsRead),
            invoice_mails::recipients,
        ),
        post("/api/invoices/{id}/send", Key(MailsWrite), invoice_mails::send),
        get("/api/mails", Key(MailsRead), mails::list),
        get("/api/mails/{id}", Key(MailsRead), mails::get),
        post("/api/mails/{id}/retry", Key(MailsWrite), mails::retry),
        get("/api/settings/mail", Key(SettingsRead), mail_settings::get),
        put("/api/settings/mail", Key(SettingsWrite), mail_settings::put),
        get("/api/platform/mails", Platform, mails::list_of_all),
        get("/api/platform/mails/{id}", Platform, mails::get_anybodys),
        post("/api/platform/mails/{id}/bounced", Platform, mails::bounced),
        post("/api/platform/mails/{id}/retry", Platform, mails::retry_anybodys),
    ]
}

/// Payouts and the books, of a tenant and, for the operator, of anybody.
fn of_books() -> Vec<Route> {
    use Who::{Key, Platform};
    vec![
        get("/api/payouts", Key(PayoutsRead), payouts::list),
        get("/api/payouts/{id}", Key(PayoutsRead), payouts::get),
        get("/api/reports/statement", Key(ReportsRead), reports::statement),
        get("/api/reports/tie-out", Key(ReportsRead), reports::tie_out),
        post("/api/reports/tie-out", Key(ReportsRun), reports::compare_now),
        get(
            "/api/reports/trial-balance",
            Key(ReportsRead),
            reports::trial_balance,
        ),
        get("/api/platform/payouts", Platform, payouts::list_of_platform),
        get("/api/platform/payouts/{id}", Platform, payouts::get_of_platform),
        get(
            "/api/platform/reports/statement",
            Platform,
            reports::statement_of_any,
        ),
        get("/api/platform/reports/tie-out", Platform, reports::tie_out_of_any),
        post(
            "/api/platform/reports/tie-out",
            Platform,
            reports::compare_now_any,
        ),
        get(
            "/api/platform/reports/trial-balance",
            Platform,
            reports::trial_balance_of_any,
        ),
    ]
}

/// What payers and account owners do, and all that has to do with Stripe.
fn of_payers_and_stripe() -> Vec<Route> {
    use Who::{Anybody, Key, Metrics, Payer, Returning, Stripe};
    vec![
        get("/api/openapi.json", Anybody, openapi::json),
        get("/api/reference", Anybody, openapi::show),
        get("/api/public/invoices/{link}", Payer, public_invoices::get),
        post("/api/public/invoices/{link}/pay", Payer, public_invoices::pay),
        post("/api/public/invoices/{link}/check", Payer, public_invoices::check),
        post(
            "/api/stripe/connect/account",
            Key(ConnectWrite),
            api_connect::create_account,
        ),
        post(
            "/api/stripe/connect/disconnect",
            Key(ConnectWrite),
            connect_oauth::disconnect,
        ),
        post(
            "/api/stripe/connect/link",
            Key(ConnectWrite),
            api_connect::create_link,
        ),
        get_once(
            "/api/stripe/connect/oauth/authorize",
            Key(ConnectWrite),
            connect_oauth::authorize,
        ),
        get(
            "/api/stripe/connect/status",
            Key(ConnectRead),
            api_connect::status,
        ),
        post("/api/stripe/webhook", Stripe, stripe_webhook::receive),
        post("/connect/continue", Returning, connect::go_on),
        get_once("/connect/oauth/callback", Returning, connect::oauth::callback),
        get_once("/connect/refresh", Returning, connect::again),
        get_once("/connect/return", Returning, connect::came_back),
        get("/connect/status", Returning, connect::status),
        get("/connect/status/panel", Returning, connect::panel),
        get("/pay/{link}", Payer, checkout::page),
        get("/pay/{link}/panel", Payer, checkout::panel),
        get("/pay/{link}/forward", Payer, pay::links::back),
        post("/pay/{link}/forward", Payer, pay::links::forward),
        get("/pay/{link}/fresh", Payer, pay::links::back),
        post("/pay/{link}/fresh", Payer, pay::links::fresh),
        get("/healthz", Anybody, health::alive),
        get("/readyz", Anybody, health::ready),
        get("/metrics", Metrics, metrics::show),
    ]
}

fn get<H, T>(path: &'static str, who: Who, handler: H) -> Route
where
    H: Handler<T, Site>,
    T: 'static,
{
    route(Method::GET, MethodFilter::GET, path, who, handler)
}

/// A `GET` that takes or makes something that is good once. A `HEAD`, as programs send it that only look at
/// an address before somebody follows it, does not reach its handler.
fn get_once<H, T>(path: &'static str, who: Who, handler: H) -> Route
where
    H: Handler<T, Site>,
    T: 'static,
{
    let mut route = get(path, who, handler);
    route.handler = route.handler.head(|| async {
        let detail = "This address is good for one GET, and HEAD would use it up.";
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        ([(header::ALLOW, "GET")], problem)
    });
    route
}

fn post<H, T>(path: &'static str, who: Who, handler: H) -> Route
where
    H: Handler<T, Site>,
    T: 'static,
{
    route(Method::POST, MethodFilter::POST, path, who, handler)
}

fn put<H, T>(path: &'static str, who: Who, handler: H) -> Route
where
    H: Handler<T, Site>,
    T: 'static,
{
    route(Method::PUT, MethodFilter::PUT, path, who, handler)
}

fn delete<H, T>(path: &'static str, who: Who, handler: H) -> Route
where
    H: Handler<T, Site>,
    T: 'static,
{
    route(Method::DELETE, MethodFilter::DELETE, path, who, handler)
}

fn route<H, T>(method: Method, filter: MethodFilter, path: &'static str, who: Who, handler: H) -> Route
where
    H: Handler<T, Site>,
    T: 'static,
{
    let handler = on(filter, handler);
    Route {
        method,
        path,
        who,
        moves_money: false,
        stepped_up: false,
        handler,
    }
}
