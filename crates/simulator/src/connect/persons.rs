//! What requests do to the persons of an account.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::account::Account;
use crate::accounts;
use crate::api::Ctx;
use crate::connect::person::{Person, find};
use crate::connect::tell;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::State;

/// No account has more.
const COUNT_MAX: usize = 100;

/// `POST /v1/accounts/{id}/persons`.
pub fn create(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    let old = accounts::writable(state, ctx, id, "person")?;
    let mut person = Person::new(String::new(), state.now_s());
    person.update(params, &old.country)?;
    check_roles(&old, &person)?;
    if old.persons.len() >= COUNT_MAX {
        return Err(ApiError::invalid(format!(
            "An account has at most {COUNT_MAX} persons."
        )));
    }
    person.id = state.id("person_1", 23);
    let id = person.id.clone();
    let mut account = Account::clone(&old);
    account.persons.push(Arc::new(person));
    let account = tell::reviewed(state, &ctx.cause, &old, account);
    Ok(account.render_person(find(&account.persons, &id)?))
}

/// An account has one representative.
fn check_roles(account: &Account, person: &Person) -> Result<(), ApiError> {
    let other = |known: &Arc<Person>| known.is("representative") && known.id != person.id;
    if person.is("representative") && account.persons.iter().any(other) {
        return Err(ApiError::invalid(
            "You cannot add a representative to an account that has one already. Update that person instead.",
        )
        .param("relationship[representative]"));
    }
    Ok(())
}

/// `GET /v1/accounts/{id}/persons/{id}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    account: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let account = accounts::visible(state, ctx, account)?;
    Ok(account.render_person(find(&account.persons, id)?))
}

/// `POST /v1/accounts/{id}/persons/{id}`.
pub fn update(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    account: &str,
    id: &str,
) -> Result<Value, ApiError> {
    let old = accounts::writable(state, ctx, account, "person")?;
    let before = find(&old.persons, id)?;
    let mut person = Person::clone(before);
    person.update(params, &old.country)?;
    check_roles(&old, &person)?;
    if person.verdict() != before.verdict() {
        // What was wrong was given anew: it is looked at again.
        person.failed = None;
    }
    let mut account = Account::clone(&old);
    if let Some(place) = account.persons.iter_mut().find(|known| known.id == id) {
        *place = Arc::new(person);
    }
    let account = tell::reviewed(state, &ctx.cause, &old, account);
    Ok(account.render_person(find(&account.persons, id)?))
}

/// `DELETE /v1/accounts/{id}/persons/{id}`: never the one who opened the account.
pub fn delete(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    account: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let old = accounts::writable(state, ctx, account, "person")?;
    if find(&old.persons, id)?.is("representative") {
        return Err(ApiError::invalid(
            "You cannot delete the person who represents the account. Update this person instead.",
        ));
    }
    let mut account = Account::clone(&old);
    account.persons.retain(|known| known.id != id);
    tell::reviewed(state, &ctx.cause, &old, account);
    Ok(json!({ "id": id, "object": "person", "deleted": true }))
}

/// `GET /v1/accounts/{id}/persons`, by `relationship[…]`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, account: &str) -> Result<Value, ApiError> {
    let account = accounts::visible(state, ctx, account)?;
    let mut wanted: Vec<(&str, bool)> = Vec::new();
    if let Some(mut relationship) = params.map("relationship")? {
        for role in [
            "authorizer",
            "director",
            "executive",
            "legal_guardian",
            "owner",
            "representative",
        ] {
            wanted.extend(relationship.boolean(role)?.map(|holds| (role, holds)));
        }
        relationship.finish()?;
    }
    let fits = |person: &&Arc<Person>| wanted.iter().all(|(role, holds)| person.is(role) == *holds);
    let all = account
        .persons
        .iter()
        .rev()
        .filter(fits)
        .map(|person| account.render_person(person));
    let url = format!("/v1/accounts/{}/persons", account.id);
    crate::connect::page(params, &all.collect::<Vec<Value>>(), &url)
}
