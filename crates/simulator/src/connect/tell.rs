//! What happens to an account and who hears of it: its standing is said anew, it is stored, and its changes
//! and those of its parts are told in events.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::account::{Account, Block};
use crate::connect::person::Person;
use crate::connect::{capability, requirements, v2};
use crate::event::{self, Cause};
use crate::payouts::automatic;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Space, State, Told};

/// How long Stripe takes to verify an account.
const VERIFY_MS: i64 = 3_000;

/// Says anew where a changed account stands, stores it and tells of it; Stripe begins to verify one that has
/// said all. The old one of a new account is the blank one.
pub fn reviewed(state: &mut State, cause: &Cause, old: &Account, mut account: Account) -> Arc<Account> {
    if let Some(text) = account.statement_descriptor().filter(|_| account.is_collected()) {
        if account.takes_payments()
            && account
                .settings
                .text("card_payments.statement_descriptor_prefix")
                .is_none()
        {
            let prefix: String = text.chars().take(10).collect();
            account.settings.set(
                "card_payments.statement_descriptor_prefix",
                prefix.trim().to_owned(),
            );
        }
        account.settings.set("payments.statement_descriptor", text);
    }
    if requirements::review(&mut account) {
        if account.persons.iter().any(|person| person.at_once()) {
            requirements::decide(&mut account);
        } else {
            schedule::after(
                state,
                VERIFY_MS,
                Step::Verify {
                    account: account.id.clone(),
                },
            );
        }
    }
    changed(state, cause, old, account)
}

/// Stores a changed account and tells of it and of its parts.
pub fn changed(state: &mut State, cause: &Cause, old: &Account, account: Account) -> Arc<Account> {
    let account = state.put(account);
    automatic::reconsider(state, old, &account);
    tell_persons(state, cause, old, &account);
    tell_banks(state, cause, old, &account);
    capabilities(state, cause, old, &account);
    let previous = event::previous(&old.render(), &account.render());
    if previous.is_some() && !old.id.is_empty() {
        event::emit(
            state,
            cause,
            "account.updated",
            Object::Account(Arc::clone(&account)),
            previous,
        );
        v2::tell(state, cause, "v2.core.account.updated", &account, None);
        if old.standing != account.standing {
            v2::tell(
                state,
                cause,
                "v2.core.account[requirements].updated",
                &account,
                None,
            );
        }
    }
    account
}

fn tell_persons(state: &mut State, cause: &Cause, old: &Account, account: &Account) {
    let url = |person: &Person| format!("/v1/accounts/{}/persons/{}", account.id, person.id);
    for person in &account.persons {
        let new = account.render_person(person);
        let told = part(state, account, &person.id, "person", url(person), &new);
        match old.persons.iter().find(|known| known.id == person.id) {
            None => event::emit(state, cause, "person.created", told, None),
            Some(known) => {
                let previous = event::previous(&old.render_person(known), &new);
                if previous.is_some() {
                    event::emit(state, cause, "person.updated", told, previous);
                }
            }
        }
    }
    for person in &old.persons {
        if account.persons.iter().all(|known| known.id != person.id) {
            let told = part(
                state,
                account,
                &person.id,
                "person",
                url(person),
                &old.render_person(person),
            );
            event::emit(state, cause, "person.deleted", told, None);
        }
    }
}

fn tell_banks(state: &mut State, cause: &Cause, old: &Account, account: &Account) {
    for bank in &account.banks {
        let new = bank.render(&account.id);
        let told = part(state, account, &bank.id, bank.object(), String::new(), &new);
        match old.banks.iter().find(|known| known.id == bank.id) {
            None => event::emit(state, cause, "account.external_account.created", told, None),
            Some(known) => {
                let previous = event::previous(&known.render(&account.id), &new);
                if previous.is_some() {
                    event::emit(state, cause, "account.external_account.updated", told, previous);
                }
            }
        }
    }
    for bank in &old.banks {
        if account.banks.iter().all(|known| known.id != bank.id) {
            let gone = bank.render(&account.id);
            let told = part(state, account, &bank.id, bank.object(), String::new(), &gone);
            event::emit(state, cause, "account.external_account.deleted", told, None);
        }
    }
}

/// A part of an account as an event tells of it.
pub fn part(state: &State, account: &Account, id: &str, object: &str, url: String, shown: &Value) -> Object {
    Object::Told(Arc::new(Told {
        id: id.to_owned(),
        object: object.to_owned(),
        url,
        space: account.own_space(state),
        text: shown.to_string(),
    }))
}

/// The verification of an account ends.
pub fn verify(state: &mut State, id: &str) {
    let Some(old) = Account::table(state).anywhere(id).cloned() else {
        return;
    };
    let mut account = Account::clone(&old);
    requirements::decide(&mut account);
    changed(state, &Cause::default(), &old, account);
}

/// The account of a space took a card: Stripe's test cards for Connect block it.
pub fn took_card(state: &mut State, space: &Space, test: &str) {
    let block = match test {
        "connectRequirements" => Block::Requirements,
        "connectChargeBlock" => Block::Charges,
        "connectPayoutBlock" => Block::Payouts,
        _ => return,
    };
    took_test_card(state, space, block);
}

/// The account of a space took a test card that blocks it in some way. The platform's own does not mind.
pub fn took_test_card(state: &mut State, space: &Space, block: Block) {
    let Some(old) = space
        .account
        .as_deref()
        .and_then(|id| Account::table(state).anywhere(id))
        .cloned()
    else {
        return;
    };
    let mut account = Account::clone(&old);
    account.blocks.push((block, state.now_s()));
    account.apply_blocks();
    changed(state, &Cause::default(), &old, account);
}

/// Tells of each capability whose status changed.
pub fn capabilities(state: &mut State, cause: &Cause, old: &Account, account: &Account) {
    let names = old.capabilities.keys().chain(account.capabilities.keys());
    let mut changed: Vec<&String> = names
        .filter(|name| old.capabilities.get(*name) != account.capabilities.get(*name))
        .collect();
    changed.sort();
    changed.dedup();
    for name in changed {
        let shown = capability::render(account, name);
        let url = format!("/v1/accounts/{}/capabilities/{name}", account.id);
        let told = part(state, account, name, "capability", url, &shown);
        let previous = if old.id.is_empty() {
            Some(json!({ "requested": false, "requested_at": null, "status": "unrequested" }).to_string())
        } else {
            event::previous(&capability::render(old, name), &shown)
        };
        event::emit(state, cause, "capability.updated", told, previous);
    }
}

/// Tells that the platform got or lost access to an account.
pub fn application(state: &mut State, cause: &Cause, kind: &'static str, account: &Account) {
    let application = state.settings.application.clone();
    let shown = json!({
        "id": application, "object": "application", "name": state.settings.platform_name,
    });
    let told = part(state, account, &application, "application", String::new(), &shown);
    event::emit(state, cause, kind, told, None);
}

/// The owner of an account came back from a link of v2.
pub fn returned(state: &mut State, account: &Account) {
    let data = json!({
        "account_id": account.id, "configurations": account.configured, "use_case": "account_onboarding",
    });
    v2::emit(
        state,
        &Cause::default(),
        "v2.core.account_link.returned",
        ("v2.core.account_link", "", String::new()),
        account.space.livemode,
        Some(data.to_string()),
    );
}
