//! Money that goes back, and what others do: refunds here and in Stripe's dashboard, disputes, the tenants'
//! own sales, payouts that do not arrive.

use domain::dispute::Outcome;
use domain::refund::{FeeChoice, Settlement};
use domain::{CreditNoteId, DisputeId, InvoiceId, PaymentId};
use flows::credits::Part;
use flows::disputes;
use flows::refunds::{self, Wanted};
use flows::{Failure, credits};
use serde_json::{Value, json};
use store::Sql;

use crate::executor::run;
use crate::town::{BY, Msp, Town};

/// A payment of which something is left: its tenant's place, and its id.
fn paid(town: &mut Town) -> Option<(usize, PaymentId)> {
    const PAID: Sql = Sql::new(
        "select tenant_id, id from payments where status = 'succeeded' and received > refunded order by id",
    );
    let rows = town.rows(&PAID);
    if rows.is_empty() {
        return None;
    }
    let row = town.dice.pick(&rows);
    let tenant = row.text("tenant_id").unwrap();
    let msp = town
        .msps
        .iter()
        .position(|msp| msp.scope.tenant.as_str() == tenant);
    Some((msp.unwrap(), PaymentId::stored(row.text("id").unwrap())))
}

/// A tenant gives a payment back, or a part of it.
pub fn refund(town: &mut Town) {
    let Some((msp, payment)) = paid(town) else { return };
    let wanted = Wanted {
        payment,
        amount: (town.dice.below(3) > 0).then(|| town.dice.between(100, 4_000)),
        reason: None,
        settlement: *town.dice.pick(&Settlement::ALL),
        fee: *town.dice.pick(&FeeChoice::ALL),
        invoice: None,
        version: None,
    };
    let (app, scope) = (&town.app, &town.msps[msp].scope);
    match run(refunds::request(app, scope, &BY, app.moment(), &wanted)) {
        Ok(_) if wanted.settlement == Settlement::Forgiven => town.count("refunds that forgave"),
        Ok(_) => town.count("refunds after which it is owed again"),
        Err(Failure::Refused(_)) => town.count("refunds that were refused"),
        Err(failure) => panic!("{failure}"),
    }
}

/// The owner of an account gives a payment of ours back in Stripe's dashboard.
pub fn refund_in_dashboard(town: &mut Town) {
    const CHARGES: Sql = Sql::new(
        "select stripe_charge_id as charge, stripe_account_id as account from payments
         where status = 'succeeded' and refunded = 0 and stripe_charge_id is not null order by id",
    );
    let rows = town.rows(&CHARGES);
    if rows.is_empty() {
        return;
    }
    let row = town.dice.pick(&rows);
    let (charge, account) = (row.text("charge").unwrap(), row.text("account").unwrap());
    let there = town.stripe(&account, "GET", &format!("/v1/charges/{charge}"), "");
    let left = there["amount"].as_i64().unwrap() - there["amount_refunded"].as_i64().unwrap();
    if there["disputed"] == true || left < 1 {
        return;
    }
    let amount = town.dice.between(1, left);
    town.control(
        &format!("/_simulator/charges/{charge}/refund"),
        &json!({"amount": amount}),
    );
    town.count("refunds in Stripe's dashboard");
}

/// A sale of a tenant's own shop.
pub fn own_sale(town: &mut Town) {
    let msp = town.dice.below(town.msps.len());
    let Msp {
        account, currency, ..
    } = &town.msps[msp];
    let form = format!(
        "amount={}&currency={}&payment_method=pm_card_visa&confirm=true\
         &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never",
        1_000 + msp * 17,
        currency.code()
    );
    let sold = town.stripe(account, "POST", "/v1/payment_intents", &form);
    assert_eq!(sold["status"], "succeeded", "{sold}");
    town.count("sales of the tenants' own");
}

/// A tenant gives up a part of what an invoice asks for.
pub fn credit_note(town: &mut Town) {
    const OPEN: Sql = Sql::new("select tenant_id, id from invoices where status = 'open' order by id");
    let rows = town.rows(&OPEN);
    if rows.is_empty() {
        return;
    }
    let row = town.dice.pick(&rows);
    let (tenant, id) = (
        row.text("tenant_id").unwrap(),
        InvoiceId::stored(row.text("id").unwrap()),
    );
    let msp = town
        .msps
        .iter()
        .find(|msp| msp.scope.tenant.as_str() == tenant)
        .unwrap();
    let amount = town.dice.between(100, 2_000);
    let (app, why) = (&town.app, "Two workplaces were not delivered.");
    let made = run(credits::note(
        app,
        &msp.scope,
        &BY,
        app.moment(),
        &id,
        &Part::Amount(amount),
        why,
    ));
    let _: Option<CreditNoteId> = match made {
        Ok(note) => {
            town.count("credit notes without money");
            Some(note.id)
        }
        Err(Failure::Refused(_)) => None,
        Err(failure) => panic!("{failure}"),
    };
}

/// The owners answer the disputes that wait for one: well, or badly, or not at all.
pub fn answer_disputes(town: &mut Town) {
    let accounts: Vec<String> = town.msps.iter().map(|msp| msp.account.clone()).collect();
    for account in accounts {
        for dispute in town.list(&account, "/v1/disputes") {
            answer(town, &account, &dispute);
        }
    }
    const UNDECIDED: Sql =
        Sql::new("select tenant_id, id from disputes where settlement = 'undecided' order by id");
    for row in town.rows(&UNDECIDED) {
        let (tenant, id) = (
            row.text("tenant_id").unwrap(),
            DisputeId::stored(row.text("id").unwrap()),
        );
        let outcome = *town.dice.pick(&[Outcome::StillOwed, Outcome::Forgiven]);
        let msp = town
            .msps
            .iter()
            .find(|msp| msp.scope.tenant.as_str() == tenant)
            .unwrap();
        run(disputes::settle(&town.app, &msp.scope, &BY, &id, outcome)).unwrap();
        town.count(match outcome {
            Outcome::StillOwed => "lost disputes after which it is owed again",
            Outcome::Forgiven => "lost disputes that were forgiven",
        });
    }
}

fn answer(town: &mut Town, account: &str, dispute: &Value) {
    if dispute["status"] != "needs_response" || town.dice.below(3) == 0 {
        return;
    }
    let evidence = *town.dice.pick(&["winning_evidence", "losing_evidence"]);
    let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
    let form = format!("evidence[uncategorized_text]={evidence}&submit=true");
    let answered = town.stripe(account, "POST", &path, &form);
    assert!(answered["error"].is_null(), "{answered}");
    town.count("disputes that were answered");
}

/// A bank sends a payout back.
pub fn fail_payout(town: &mut Town) {
    let msp = town.dice.below(town.msps.len());
    let account = town.msps[msp].account.clone();
    let payouts = town.list(&account, "/v1/payouts");
    let Some(last) = payouts
        .last()
        .filter(|last| last["status"] == "paid" || last["status"] == "in_transit")
    else {
        return;
    };
    let path = format!("/_simulator/payouts/{}/fail", last["id"].as_str().unwrap());
    town.control(&path, &json!({"code": "account_closed"}));
    town.count("payouts that failed");
}
