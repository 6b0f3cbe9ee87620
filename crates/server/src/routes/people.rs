//! The pages of people: logging in and what leads there.

use super::Who::{AnyPerson, Entering, Visitor};
use super::{Route, get, post};
use crate::people::{authenticator, confirm, email, invitation, login, reset, setup};

/// The first start, the login, and the links that people are sent.
pub fn all() -> Vec<Route> {
    vec![
        get("/setup", Visitor, setup::page),
        post("/setup", Visitor, setup::set_up),
        get("/login", Visitor, login::page),
        post("/login", Visitor, login::enter),
        get("/login/second-factor", Visitor, login::second_page),
        post("/login/second-factor", Visitor, login::second),
        get("/login/authenticator", Entering, authenticator::page),
        post("/login/authenticator", Entering, authenticator::confirm).stepped_up(),
        post("/login/authenticator/seed", Entering, authenticator::begin).stepped_up(),
        post("/logout", Entering, login::leave),
        get("/invitation/{token}", Visitor, invitation::page),
        post("/invitation/{token}", Visitor, invitation::accept),
        get("/forgot", Visitor, reset::forgot),
        post("/forgot", Visitor, reset::ask),
        get("/reset/{token}", Visitor, reset::page),
        post("/reset/{token}", Visitor, reset::reset),
        get("/email/{token}", Visitor, email::page),
        post("/email/{token}", AnyPerson, email::take),
        get("/confirm", AnyPerson, confirm::page),
        post("/confirm", AnyPerson, confirm::confirm),
    ]
}
