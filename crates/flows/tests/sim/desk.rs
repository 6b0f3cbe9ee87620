//! A tenant's own software where money does not stay: it answers disputes, settles those that were lost,
//! uses what clients have to their credit, and records cheques, some of which bounce.

use std::rc::Rc;

use domain::dispute::Outcome;
use domain::dispute::evidence::{self, Evidence};
use domain::{Currency, DisputeId, InvoiceId, OfflinePaymentId};
use flows::credits::{self, Use};
use flows::disputes;
use flows::offline_payments::{self, Method, Wanted};
use store::Sql;
use store::db::Row;

use crate::dice::Dice;
use crate::instances::request;
use crate::marks::Mark;
use crate::ports::rest;
use crate::stage::{BY, Msp, Stage};
use crate::swarm::DAY_MS;

/// Works for as long as there are faults.
pub async fn run(stage: Rc<Stage>, msp: Rc<Msp>) {
    let mut dice = stage.dice();
    let busy = *dice.pick(&[DAY_MS / 4, DAY_MS, 5 * DAY_MS]);
    loop {
        let wait_ms = dice.between(1_000, busy);
        rest(&stage.shared, wait_ms).await;
        match dice.below(10) {
            0..=2 => answer(&stage, &msp, &mut dice).await,
            3 => accept(&stage, &msp, &mut dice).await,
            4..=5 => settle(&stage, &msp, &mut dice).await,
            6..=7 => set_off(&stage, &msp, &mut dice).await,
            8 => record(&stage, &msp, &mut dice).await,
            _ => take_back(&stage, &msp, &mut dice).await,
        }
    }
}

/// One of the tenant's disputes.
fn one(stage: &Stage, msp: &Msp, dice: &mut Dice, fits: impl Fn(&Row) -> bool) -> Option<DisputeId> {
    const DISPUTES: Sql =
        Sql::new("select tenant_id, livemode, id, status, settlement from disputes order by id");
    let ours = |row: &Row| {
        row.text("tenant_id").unwrap() == msp.scope.tenant.as_str()
            && row.int("livemode").unwrap() == i64::from(msp.livemode())
    };
    let fitting: Vec<DisputeId> = stage
        .rows(&DISPUTES)
        .iter()
        .filter(|row| ours(row) && fits(row))
        .map(|row| DisputeId::stored(row.text("id").unwrap()))
        .collect();
    (!fitting.is_empty()).then(|| dice.pick(&fitting).clone())
}

fn waits(row: &Row) -> bool {
    row.text("status").unwrap().ends_with("needs_response")
}

fn said(dice: &mut Dice) -> Evidence {
    let text = *dice.pick(&[
        "It was delivered.",
        "winning_evidence",
        "losing_evidence",
        "escalate_inquiry_evidence",
    ]);
    evidence::read([("uncategorized_text", text)]).unwrap()
}

/// Puts evidence and submits the version that it was told, a second time where there was no answer.
async fn answer(stage: &Rc<Stage>, msp: &Rc<Msp>, dice: &mut Dice) {
    let Some(id) = one(stage, msp, dice, waits) else {
        return;
    };
    let (there, wanted, said) = (Rc::clone(msp), id.clone(), said(dice));
    let put = request(stage, "put evidence", |app| async move {
        disputes::put_evidence(&app, &there.scope, &BY, &wanted, None, said).await
    });
    let Some(Ok(dispute)) = put.await else { return };
    let version = dispute.evidence_version;
    for _ in 0..2 {
        let (there, wanted) = (Rc::clone(msp), id.clone());
        let sent = request(stage, "submit evidence", |app| async move {
            disputes::submit(&app, &there.scope, &BY, &wanted, version).await
        });
        match sent.await {
            Some(Ok(dispute)) => {
                stage.hit(match dispute.operation_id {
                    Some(_) => Mark::EvidenceInDoubt,
                    None => Mark::EvidenceSubmitted,
                });
                return;
            }
            Some(Err(flows::Failure::Refused(_))) => return stage.hit(Mark::EvidenceRefused),
            Some(Err(_)) | None => {}
        }
    }
}

async fn accept(stage: &Rc<Stage>, msp: &Rc<Msp>, dice: &mut Dice) {
    let Some(id) = one(stage, msp, dice, waits) else {
        return;
    };
    let there = Rc::clone(msp);
    let accepted = request(stage, "accept a dispute", |app| async move {
        disputes::accept(&app, &there.scope, &BY, &id).await
    });
    if let Some(Ok(_)) = accepted.await {
        stage.hit(Mark::DisputeAccepted);
    }
}

async fn settle(stage: &Rc<Stage>, msp: &Rc<Msp>, dice: &mut Dice) {
    let undecided = |row: &Row| row.text("settlement").unwrap() == "undecided";
    let Some(id) = one(stage, msp, dice, undecided) else {
        return;
    };
    let (outcome, mark) = match dice.percent(50) {
        true => (Outcome::StillOwed, Mark::LossStillOwed),
        false => (Outcome::Forgiven, Mark::LossForgiven),
    };
    let there = Rc::clone(msp);
    let settled = request(stage, "settle a dispute", |app| async move {
        disputes::settle(&app, &there.scope, &BY, &id, outcome).await
    });
    if let Some(Ok(dispute)) = settled.await {
        stage.hit(mark);
        if dispute.decided.times > 1 {
            stage.hit(Mark::LossAgain);
        }
    }
}

/// One of the tenant's invoices.
fn an_invoice(stage: &Stage, msp: &Rc<Msp>, dice: &mut Dice) -> Option<InvoiceId> {
    let of_msp: Vec<InvoiceId> = stage
        .invoices
        .borrow()
        .iter()
        .filter(|(owner, _)| Rc::ptr_eq(owner, msp))
        .map(|(_, id)| id.clone())
        .collect();
    (!of_msp.is_empty()).then(|| dice.pick(&of_msp).clone())
}

/// Money came by another way, for a part of an invoice or for all that is owed.
async fn record(stage: &Rc<Stage>, msp: &Rc<Msp>, dice: &mut Dice) {
    let Some(invoice_id) = an_invoice(stage, msp, dice) else {
        return;
    };
    let wanted = Wanted {
        invoice_id,
        version: None,
        amount_minor: dice.percent(50).then(|| dice.between(1, 5_000)),
        method: Method::Cheque,
        received_on: None,
        reference: None,
        receipt: dice.percent(50),
    };
    let there = Rc::clone(msp);
    let recorded = request(stage, "record a cheque", |app| async move {
        let moment = app.moment();
        offline_payments::record(&app, &there.scope, &BY, moment, wanted).await
    });
    if let Some(Ok(_)) = recorded.await {
        stage.hit(Mark::OfflineRecorded);
    }
}

/// A cheque bounces.
async fn take_back(stage: &Rc<Stage>, msp: &Rc<Msp>, dice: &mut Dice) {
    const RECORDED: Sql = Sql::new(
        "select tenant_id, livemode, id from offline_payments where reversed_at is null order by id",
    );
    let recorded: Vec<OfflinePaymentId> = stage
        .rows(&RECORDED)
        .iter()
        .filter(|row| {
            row.text("tenant_id").unwrap() == msp.scope.tenant.as_str()
                && row.int("livemode").unwrap() == i64::from(msp.livemode())
        })
        .map(|row| OfflinePaymentId::stored(row.text("id").unwrap()))
        .collect();
    if recorded.is_empty() {
        return;
    }
    let (id, there) = (dice.pick(&recorded).clone(), Rc::clone(msp));
    let back = request(stage, "take a cheque back", |app| async move {
        offline_payments::reverse(&app, &there.scope, &BY, &id, Some("It bounced")).await
    });
    if let Some(Ok(_)) = back.await {
        stage.hit(Mark::OfflineReversed);
    }
}

/// What the client has to its credit pays one of its invoices.
async fn set_off(stage: &Rc<Stage>, msp: &Rc<Msp>, dice: &mut Dice) {
    let Some(invoice_id) = an_invoice(stage, msp, dice) else {
        return;
    };
    let there = Rc::clone(msp);
    let read = request(stage, "read credit", |app| async move {
        credits::of_client(&app, &there.scope, &there.client).await
    });
    let Some(Ok(credit)) = read.await else { return };
    let usable = credit.usable(Currency::parse("usd").unwrap());
    if usable == 0 {
        return;
    }
    let wanted = Use {
        client_id: msp.client.clone(),
        invoice_id,
        version: None,
        amount_minor: dice.between(1, usable),
    };
    let there = Rc::clone(msp);
    let applied = request(stage, "apply credit", |app| async move {
        let moment = app.moment();
        credits::apply(&app, &there.scope, &BY, moment, wanted).await
    });
    if let Some(Ok(_)) = applied.await {
        stage.hit(Mark::CreditApplied);
    }
}
