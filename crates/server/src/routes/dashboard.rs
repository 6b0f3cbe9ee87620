//! The pages behind the login. What somebody at an open screen of another must not do is asked for with a
//! fresh proof of who they are.

use domain::Permission::{
    ClientsRead, ClientsWrite, ConnectRead, ConnectWrite, CreditsRead, CreditsWrite, DisputesRead,
    DisputesWrite, InvoicesRead, InvoicesWrite, KeysRead, KeysWrite, MailsWrite, OfflinePaymentsWrite,
    PaymentsRead, PayoutsRead, PeopleRead, PeopleWrite, RefundsWrite, ReportsRead, SettingsRead,
    SettingsWrite,
};

use super::Who::{AnyPerson, Operator, Person};
use super::{Route, get, post};
use crate::dashboard::console::{
    audit, breaks, configuration, event, fee_rule, fee_statement, fees, inbox, jobs, replays,
};
use crate::dashboard::{
    account, account_mails, account_security, api_keys, client, client_credit, client_money, clients,
    dispute, dispute_answer, dispute_settle, disputes, files, given_up, home, invoice, invoice_acts,
    invoice_form, invoice_links, invoices, invoices_send, money_back, new_api_key, offline, operator,
    payments, payout, payouts, sessions, settings_business, settings_invoices, settings_mails,
    settings_payments, stripe, users,
};

/// What people see and do once they are logged in.
pub fn all() -> Vec<Route> {
    let mut all = of_ones_own();
    all.extend(of_clients());
    all.extend(of_invoices());
    all.extend(of_payments());
    all.extend(of_offline_payments());
    all.extend(of_lists());
    all.extend(of_disputes());
    all.extend(of_settings());
    all.extend(of_the_business());
    all.extend(of_users());
    all.extend(of_the_operator());
    all.extend(of_the_console());
    all
}

fn of_ones_own() -> Vec<Route> {
    vec![
        get("/", AnyPerson, home::show),
        get("/account", AnyPerson, account::show),
        post("/account/name", AnyPerson, account::rename),
        post("/account/language", AnyPerson, account_mails::speak),
        post("/account/alerts", AnyPerson, account_mails::choose),
        post("/account/email", AnyPerson, account::ask_for_email).stepped_up(),
        post("/account/password", AnyPerson, account::change_password).stepped_up(),
        get(
            "/account/recovery-codes",
            AnyPerson,
            account_security::ask_for_codes,
        ),
        post("/account/recovery-codes", AnyPerson, account_security::make_codes).stepped_up(),
        get(
            "/account/second-factor/remove",
            AnyPerson,
            account_security::ask_to_remove,
        ),
        post(
            "/account/second-factor/remove",
            AnyPerson,
            account_security::remove,
        )
        .stepped_up(),
        get("/account/sessions", AnyPerson, sessions::list),
        get("/account/sessions/{id}/end", AnyPerson, sessions::ask),
        post("/account/sessions/{id}/end", AnyPerson, sessions::end),
        post("/account/sessions/end-others", AnyPerson, sessions::end_others),
    ]
}

fn of_clients() -> Vec<Route> {
    vec![
        get("/clients", Person(ClientsRead), clients::list),
        post("/clients", Person(ClientsWrite), clients::create),
        get("/clients/new", Person(ClientsWrite), clients::new),
        get("/clients/{id}", Person(ClientsRead), client::show),
        post("/clients/{id}", Person(ClientsWrite), clients::save),
        get(
            "/clients/{id}/statement.pdf",
            Person(ReportsRead),
            client_money::statement_pdf,
        ),
        get("/clients/{id}/credit", Person(CreditsRead), client_credit::show),
        get("/clients/{id}/edit", Person(ClientsWrite), clients::change),
    ]
}

fn of_invoices() -> Vec<Route> {
    vec![
        get("/invoices", Person(InvoicesRead), invoices::list),
        post("/invoices", Person(InvoicesWrite), invoice_form::create),
        get("/invoices/new", Person(InvoicesWrite), invoice_form::new),
        post("/invoices/totals", Person(InvoicesWrite), invoice_form::preview),
        get("/invoices/{id}", Person(InvoicesRead), invoice::show),
        post("/invoices/{id}", Person(InvoicesWrite), invoice_form::save),
        get(
            "/invoices/{id}/credit",
            Person(CreditsWrite),
            given_up::ask_credit,
        ),
        post("/invoices/{id}/credit", Person(CreditsWrite), given_up::credit),
        get("/invoices/{id}/edit", Person(InvoicesWrite), invoice_form::edit),
        post(
            "/invoices/{id}/finalize",
            Person(InvoicesWrite),
            invoice_acts::finalize,
        ),
        get(
            "/invoices/{id}/invoice.pdf",
            Person(InvoicesRead),
            payments::invoice,
        ),
        post(
            "/invoices/{id}/links",
            Person(InvoicesWrite),
            invoice_links::create,
        ),
        get(
            "/invoices/{id}/links/new",
            Person(InvoicesWrite),
            invoice_links::new,
        ),
        get(
            "/invoices/{id}/links/{link}/revoke",
            Person(InvoicesWrite),
            invoice_links::ask_to_revoke,
        ),
        post(
            "/invoices/{id}/links/{link}/revoke",
            Person(InvoicesWrite),
            invoice_links::revoke,
        ),
        get("/invoices/{id}/panel", Person(InvoicesRead), invoice::panel),
        get(
            "/invoices/{id}/send",
            Person(MailsWrite),
            invoice_acts::ask_to_send,
        ),
        post("/invoices/{id}/send", Person(MailsWrite), invoice_acts::send),
        get(
            "/invoices/{id}/use-credit",
            Person(CreditsWrite),
            given_up::ask_to_use,
        ),
        post(
            "/invoices/{id}/use-credit",
            Person(CreditsWrite),
            given_up::use_credit,
        ),
        get(
            "/invoices/{id}/void",
            Person(InvoicesWrite),
            invoice_acts::ask_to_void,
        ),
        post("/invoices/{id}/void", Person(InvoicesWrite), invoice_acts::void),
    ]
}

fn of_payments() -> Vec<Route> {
    vec![
        get("/payments", Person(PaymentsRead), payments::list),
        get("/payments/{id}", Person(PaymentsRead), payments::show),
        get(
            "/payments/{id}/receipt.pdf",
            Person(PaymentsRead),
            payments::receipt,
        ),
        get(
            "/payments/{id}/refund",
            Person(RefundsWrite),
            money_back::ask_refund,
        ),
        post("/payments/{id}/refund", Person(RefundsWrite), money_back::refund).stepped_up(),
        get("/payouts", Person(PayoutsRead), payouts::list),
        get("/payouts/{id}", Person(PayoutsRead), payout::show),
    ]
}

fn of_lists() -> Vec<Route> {
    vec![
        get("/invoices.csv", Person(InvoicesRead), files::invoices),
        get("/invoices/send", Person(MailsWrite), invoices_send::review),
        post("/invoices/send", Person(MailsWrite), invoices_send::send),
        get("/invoices/sent", Person(MailsWrite), invoices_send::sent),
        get("/payments.csv", Person(PaymentsRead), files::payments),
        get("/payouts.csv", Person(PayoutsRead), files::payouts),
    ]
}

fn of_offline_payments() -> Vec<Route> {
    vec![
        get(
            "/invoices/{id}/record-payment",
            Person(OfflinePaymentsWrite),
            offline::ask,
        ),
        post(
            "/invoices/{id}/record-payment",
            Person(OfflinePaymentsWrite),
            offline::record,
        )
        .stepped_up(),
        get(
            "/invoices/{id}/recorded/{payment}/reverse",
            Person(OfflinePaymentsWrite),
            offline::ask_to_reverse,
        ),
        post(
            "/invoices/{id}/recorded/{payment}/reverse",
            Person(OfflinePaymentsWrite),
            offline::reverse,
        )
        .stepped_up(),
        get(
            "/credit-notes/{id}/credit-note.pdf",
            Person(CreditsRead),
            payments::credit_note,
        ),
    ]
}

fn of_disputes() -> Vec<Route> {
    let answers = Person(DisputesWrite);
    vec![
        get("/disputes", Person(DisputesRead), disputes::list),
        get("/disputes/{id}", Person(DisputesRead), dispute::show),
        get("/disputes/{id}/accept", answers, dispute_answer::ask_to_accept),
        post("/disputes/{id}/accept", answers, dispute_answer::accept).stepped_up(),
        get("/disputes/{id}/evidence", answers, dispute_answer::write),
        post("/disputes/{id}/evidence", answers, dispute_answer::save),
        get("/disputes/{id}/settle", answers, dispute_settle::ask),
        post("/disputes/{id}/settle", answers, dispute_settle::settle),
        get("/disputes/{id}/submit", answers, dispute_answer::review),
        post("/disputes/{id}/submit", answers, dispute_answer::submit),
    ]
}

fn of_settings() -> Vec<Route> {
    vec![
        get("/settings/api-keys", Person(KeysRead), api_keys::list),
        post("/settings/api-keys", Person(KeysWrite), new_api_key::create).stepped_up(),
        get("/settings/api-keys/new", Person(KeysWrite), new_api_key::new),
        get("/settings/api-keys/{id}/revoke", Person(KeysWrite), api_keys::ask),
        post(
            "/settings/api-keys/{id}/revoke",
            Person(KeysWrite),
            api_keys::revoke,
        )
        .stepped_up(),
        get("/settings/stripe", Person(ConnectRead), stripe::show),
        get("/settings/stripe/panel", Person(ConnectRead), stripe::show_panel),
        post("/settings/stripe/account", Person(ConnectWrite), stripe::create).stepped_up(),
        post(
            "/settings/stripe/again",
            Person(ConnectWrite),
            stripe::connect_again,
        )
        .stepped_up(),
        post("/settings/stripe/continue", Person(ConnectWrite), stripe::go_on),
        get(
            "/settings/stripe/disconnect",
            Person(ConnectWrite),
            stripe::ask_to_disconnect,
        ),
        post(
            "/settings/stripe/disconnect",
            Person(ConnectWrite),
            stripe::disconnect,
        )
        .stepped_up(),
        post(
            "/settings/stripe/existing",
            Person(ConnectWrite),
            stripe::existing,
        )
        .stepped_up(),
    ]
}

fn of_the_business() -> Vec<Route> {
    let (reads, writes) = (Person(SettingsRead), Person(SettingsWrite));
    vec![
        get("/settings/business", reads, settings_business::show),
        post("/settings/business", writes, settings_business::save),
        post("/settings/business/logo", writes, settings_business::upload),
        get("/settings/business/logo.png", reads, settings_business::logo),
        get(
            "/settings/business/logo/remove",
            writes,
            settings_business::ask_to_remove,
        ),
        post(
            "/settings/business/logo/remove",
            writes,
            settings_business::remove,
        ),
        get("/settings/invoices", reads, settings_invoices::show),
        post("/settings/invoices", writes, settings_invoices::save),
        get("/settings/mails", reads, settings_mails::show),
        post("/settings/mails", writes, settings_mails::save),
        get("/settings/payments", reads, settings_payments::show),
        post("/settings/payments", writes, settings_payments::save),
    ]
}

fn of_users() -> Vec<Route> {
    vec![
        get("/settings/users", Person(PeopleRead), users::list),
        post("/settings/users", Person(PeopleWrite), users::invite).stepped_up(),
        get("/settings/users/new", Person(PeopleWrite), users::new),
        get("/settings/users/{id}", Person(PeopleRead), users::show),
        get(
            "/settings/users/{id}/clear-second-factor",
            Person(PeopleWrite),
            users::ask_to_clear,
        ),
        post(
            "/settings/users/{id}/clear-second-factor",
            Person(PeopleWrite),
            users::clear,
        )
        .stepped_up(),
        get(
            "/settings/users/{id}/disable",
            Person(PeopleWrite),
            users::ask_to_disable,
        ),
        post(
            "/settings/users/{id}/disable",
            Person(PeopleWrite),
            users::disable,
        )
        .stepped_up(),
        post("/settings/users/{id}/enable", Person(PeopleWrite), users::enable).stepped_up(),
        post(
            "/settings/users/{id}/invite",
            Person(PeopleWrite),
            users::invite_again,
        )
        .stepped_up(),
        post(
            "/settings/users/{id}/role",
            Person(PeopleWrite),
            users::change_role,
        )
        .stepped_up(),
    ]
}

fn of_the_operator() -> Vec<Route> {
    vec![
        get("/operator", Operator, operator::list),
        post("/operator/tenants", Operator, operator::create),
        get("/operator/tenants/new", Operator, operator::new),
        get("/operator/tenants/{id}", Operator, operator::one),
        get("/operator/tenants/{id}/close", Operator, operator::ask_to_close),
        post("/operator/tenants/{id}/close", Operator, operator::close).stepped_up(),
        post("/operator/tenants/{id}/invite", Operator, operator::invite).stepped_up(),
        post("/operator/tenants/{id}/resume", Operator, operator::resume).stepped_up(),
        get(
            "/operator/tenants/{id}/suspend",
            Operator,
            operator::ask_to_suspend,
        ),
        post("/operator/tenants/{id}/suspend", Operator, operator::suspend).stepped_up(),
    ]
}

/// What the operator sees of everybody, and does about it. Replaying changes nothing that was applied, and a
/// difference that is called dealt with moves no money; a fee rule does, from then on.
fn of_the_console() -> Vec<Route> {
    vec![
        get("/operator/audit", Operator, audit::list),
        get("/operator/breaks", Operator, breaks::list),
        get("/operator/breaks/{id}", Operator, breaks::show_one),
        post("/operator/breaks/{id}/resolve", Operator, breaks::resolve),
        get("/operator/configuration", Operator, configuration::show),
        get("/operator/fees", Operator, fees::show),
        get("/operator/fees/new", Operator, fee_rule::new),
        post("/operator/fees/preview", Operator, fee_rule::preview),
        post("/operator/fees/rules", Operator, fee_rule::add).stepped_up(),
        get("/operator/fees/statement", Operator, fee_statement::show),
        get("/operator/fees/statement.csv", Operator, fee_statement::csv),
        get("/operator/fees/statement.pdf", Operator, fee_statement::pdf),
        get("/operator/inbox", Operator, inbox::list),
        get("/operator/inbox/replay", Operator, replays::review),
        post("/operator/inbox/replay", Operator, replays::replay_them),
        get("/operator/inbox/replays/{at}", Operator, replays::progress),
        get("/operator/inbox/{id}", Operator, event::show),
        post("/operator/inbox/{id}/replay", Operator, event::replay_it),
        get("/operator/jobs", Operator, jobs::show),
    ]
}
