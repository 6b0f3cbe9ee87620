//! The routes of money that does not stay: credit, credit notes, refunds and disputes.

use domain::Permission::{CreditsRead, CreditsWrite, DisputesRead, DisputesWrite, RefundsRead, RefundsWrite};

use super::Who::Key;
use super::{Route, get, post, put};
use crate::api::{credits, disputes, refunds};

/// What a tenant's software does where money does not stay.
pub fn all() -> Vec<Route> {
    vec![
        get("/api/clients/{id}/credit", Key(CreditsRead), credits::of_client),
        get(
            "/api/clients/{id}/credit/movements",
            Key(CreditsRead),
            credits::movements,
        ),
        post(
            "/api/clients/{id}/credit/apply",
            Key(CreditsWrite),
            credits::apply,
        )
        .moving_money(),
        get("/api/credit-notes", Key(CreditsRead), credits::list_notes),
        get("/api/credit-notes/{id}", Key(CreditsRead), credits::get_note),
        post("/api/refunds", Key(RefundsWrite), refunds::create).moving_money(),
        get("/api/refunds", Key(RefundsRead), refunds::list),
        get("/api/refunds/{id}", Key(RefundsRead), refunds::get),
        get("/api/disputes", Key(DisputesRead), disputes::list),
        get("/api/disputes/{id}", Key(DisputesRead), disputes::get),
        post("/api/disputes/{id}/accept", Key(DisputesWrite), disputes::accept).moving_money(),
        put(
            "/api/disputes/{id}/evidence",
            Key(DisputesWrite),
            disputes::put_evidence,
        ),
        post(
            "/api/disputes/{id}/evidence/submit",
            Key(DisputesWrite),
            disputes::submit,
        ),
        post("/api/disputes/{id}/files", Key(DisputesWrite), disputes::upload),
        post("/api/disputes/{id}/settle", Key(DisputesWrite), disputes::settle).moving_money(),
        post(
            "/api/invoices/{id}/credit-notes",
            Key(CreditsWrite),
            credits::create_note,
        )
        .moving_money(),
    ]
}
