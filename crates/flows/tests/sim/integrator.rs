//! A tenant's own software: it makes invoices with idempotency keys and repeats what it got no answer to,
//! sends pay links, asks for intents for its own front end, and voids.

use std::rc::Rc;

use domain::invoice::{Line, Quantity, TaxRate};
use domain::{Currency, InvoiceId, Money, Refusal};
use flows::credits::{self, Part};
use flows::invoicing::{self, Draft};
use flows::requests::{self, Start};
use flows::{App, Failure, Moment, collect, pay_links};
use store::requests::{Answer, Place};

use crate::dice::Dice;
use crate::givers;
use crate::instances::request;
use crate::marks::Mark;
use crate::payers;
use crate::ports::rest;
use crate::stage::{BY, Msp, Stage};
use crate::swarm::{DAY_MS, HOUR_MS, MINUTE_MS, SAFETY_MS};

/// How often it sends a request before it leaves it.
const TRIES_MAX: usize = 12;

/// One invoice from its draft to whatever becomes of it.
pub async fn invoice(stage: Rc<Stage>, msp: Rc<Msp>, nth: usize) {
    let mut dice = stage.dice();
    let begin_ms = dice.between(0, SAFETY_MS - DAY_MS);
    rest(&stage.shared, begin_ms).await;
    let amount = dice.between(100, 50_000);
    let Some(id) = made(&stage, &msp, nth, amount, &mut dice).await else {
        return;
    };
    stage.hit(Mark::InvoiceMade);
    stage.invoices.borrow_mut().push((Rc::clone(&msp), id.clone()));
    if !finalized(&stage, &msp, &id, &mut dice).await {
        return;
    }
    if dice.percent(85)
        && let Some(link) = linked(&stage, &msp, &id, &mut dice).await
    {
        stage.hit(Mark::LinkMade);
        payers::send(&stage, &msp, &link, &mut dice);
    }
    if dice.percent(25) {
        let (here, msp, id, dice) = (Rc::clone(&stage), Rc::clone(&msp), id.clone(), dice.fork());
        stage.spawn("integrator's front end", async move {
            own_page(here, msp, id, nth, dice).await
        });
    }
    if dice.percent(10) {
        wait(&stage, &mut dice, 2 * HOUR_MS).await;
        if let Some(link) = linked(&stage, &msp, &id, &mut dice).await {
            stage.hit(Mark::LinkReplaced);
            payers::send(&stage, &msp, &link, &mut dice);
        }
    }
    if dice.percent(50) {
        let (here, msp, id, dice) = (Rc::clone(&stage), Rc::clone(&msp), id.clone(), dice.fork());
        stage.spawn("integrator that gives back", async move {
            givers::run(here, msp, id, dice).await
        });
    }
    if dice.percent(25) {
        wait(&stage, &mut dice, 3 * HOUR_MS).await;
        voided(&stage, &msp, &id, &mut dice).await;
    }
    if dice.percent(25) {
        wait(&stage, &mut dice, 2 * DAY_MS).await;
        let credited = dice.between(1, amount);
        credit_note(&stage, &msp, &id, credited, &mut dice).await;
    }
}

/// Gives a part of the invoice up, and repeats the request under its key until there is an answer.
async fn credit_note(stage: &Rc<Stage>, msp: &Rc<Msp>, id: &InvoiceId, amount: i64, dice: &mut Dice) {
    let place = Place {
        scope: msp.scope.clone(),
        route: "POST /api/invoices/{id}/credit-notes".to_owned(),
        key: format!("credit-note-{id}"),
    };
    for _ in 0..TRIES_MAX {
        let (place, there, id) = (place.clone(), Rc::clone(msp), id.clone());
        let answer = request(stage, "credit note", |app| async move {
            keyed(&app, place, amount, async |moment| {
                let (part, reason) = (Part::Amount(amount), "Agreed on the phone");
                let note = credits::note(&app, &there.scope, &BY, moment, &id, &part, reason).await?;
                Ok(note.id.as_str().to_owned())
            })
            .await
        });
        match answer.await {
            Some(Ok(_)) => return stage.hit(Mark::CreditNoted),
            Some(Err(Failure::Refused(Refusal::PaymentInProgress | Refusal::IdempotencyKeyInFlight))) => {
                wait(stage, dice, HOUR_MS).await;
            }
            Some(Err(Failure::Refused(_))) => return stage.hit(Mark::CreditRefused),
            Some(Err(_)) | None => wait(stage, dice, 10 * MINUTE_MS).await,
        }
    }
}

async fn wait(stage: &Stage, dice: &mut Dice, longest_ms: i64) {
    let ms = dice.between(1_000, longest_ms);
    rest(&stage.shared, ms).await;
}

/// Makes an invoice, and repeats the request under its key until there is an answer.
async fn made(
    stage: &Rc<Stage>,
    msp: &Rc<Msp>,
    nth: usize,
    amount: i64,
    dice: &mut Dice,
) -> Option<InvoiceId> {
    let place = Place {
        scope: msp.scope.clone(),
        route: "POST /api/invoices".to_owned(),
        key: format!("invoice-{nth}"),
    };
    for attempt in 0..TRIES_MAX {
        if attempt > 0 {
            stage.hit(Mark::RequestRepeated);
        }
        let (place, msp_there) = (place.clone(), Rc::clone(msp));
        stage
            .create_keys
            .borrow_mut()
            .insert(format!("{}:{}", msp.scope.tenant, place.key));
        let answer = request(stage, "create invoice", |app| async move {
            let draft = draft(&msp_there, amount);
            let scope = msp_there.scope.clone();
            keyed(&app, place, amount, async |moment| {
                let made = invoicing::create(&app, &scope, &BY, moment, draft.clone()).await?;
                Ok(made.id.as_str().to_owned())
            })
            .await
        });
        match answer.await {
            Some(Ok(id)) => return Some(InvoiceId::stored(id)),
            Some(Err(Failure::Refused(Refusal::ModeNotActive))) => {
                stage.hit(Mark::OtherMode);
                wait(stage, dice, DAY_MS).await;
            }
            Some(Err(Failure::Refused(Refusal::IdempotencyKeyInFlight))) => {
                stage.hit(Mark::RequestInFlight);
                wait(stage, dice, MINUTE_MS).await;
            }
            Some(Err(Failure::Refused(refusal))) => {
                stage.shared.violated(format!("an invoice is refused: {refusal}"));
                return None;
            }
            Some(Err(_)) | None => wait(stage, dice, 10 * MINUTE_MS).await,
        }
    }
    None
}

fn draft(msp: &Msp, amount: i64) -> Draft {
    let usd = Currency::parse("usd").unwrap();
    let line = Line::new(
        "Managed workplace",
        Quantity::parse("1").unwrap(),
        Money::new(amount, usd),
        TaxRate::from_thousandths_of_percent(0).unwrap(),
    );
    Draft {
        client_id: msp.client.clone(),
        currency: usd,
        memo: None,
        due_date: None,
        discount: None,
        lines: vec![line.unwrap()],
    }
}

/// A request with an idempotency key, as the server carries one out.
pub async fn keyed(
    app: &App,
    place: Place,
    body: i64,
    act: impl AsyncFnOnce(Moment) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let begun = match requests::begin(app, place, format!("{body:064x}")).await? {
        Start::Answered(answer) => return Ok(answer.body),
        Start::Begun(begun) => begun,
    };
    let answer = act(begun.moment).await;
    // Whoever asked is answered either way.
    let _ = match &answer {
        Ok(body) => {
            let kept = Answer {
                http_status: 201,
                body: body.clone(),
                withheld: None,
            };
            requests::keep(app, *begun, kept).await
        }
        Err(Failure::Refused(_)) => requests::forget(app, *begun).await,
        Err(_) => requests::give_back(app, *begun).await,
    };
    answer
}

async fn finalized(stage: &Rc<Stage>, msp: &Rc<Msp>, id: &InvoiceId, dice: &mut Dice) -> bool {
    for _ in 0..TRIES_MAX {
        let (msp, id) = (Rc::clone(msp), id.clone());
        let answer = request(stage, "finalize", |app| async move {
            invoicing::finalize(&app, &msp.scope, &BY, &id).await
        });
        match answer.await {
            Some(Ok(_)) | Some(Err(Failure::Refused(Refusal::InvoiceFinalized))) => {
                stage.hit(Mark::Finalized);
                return true;
            }
            Some(Err(Failure::Refused(refusal))) => {
                stage.shared.violated(format!("finalizing is refused: {refusal}"));
                return false;
            }
            Some(Err(_)) | None => wait(stage, dice, 5 * MINUTE_MS).await,
        }
    }
    false
}

async fn linked(stage: &Rc<Stage>, msp: &Rc<Msp>, id: &InvoiceId, dice: &mut Dice) -> Option<String> {
    for _ in 0..TRIES_MAX {
        let (msp, id) = (Rc::clone(msp), id.clone());
        let answer = request(stage, "pay link", |app| async move {
            pay_links::rotate(&app, &msp.scope, &BY, &id, None).await
        });
        match answer.await {
            Some(Ok(link)) => return Some(link.token),
            Some(Err(Failure::Refused(_))) => return None,
            Some(Err(_)) | None => wait(stage, dice, 5 * MINUTE_MS).await,
        }
    }
    None
}

async fn voided(stage: &Rc<Stage>, msp: &Rc<Msp>, id: &InvoiceId, dice: &mut Dice) {
    for _ in 0..4 {
        let (msp, id) = (Rc::clone(msp), id.clone());
        let answer = request(stage, "void", |app| async move {
            invoicing::void(&app, &msp.scope, &BY, &id).await
        });
        match answer.await {
            Some(Ok(_)) => return stage.hit(Mark::Voided),
            Some(Err(Failure::Refused(Refusal::PaymentInProgress))) => {
                stage.hit(Mark::VoidRefused);
                wait(stage, dice, HOUR_MS).await;
            }
            Some(Err(Failure::Refused(_))) => return stage.hit(Mark::VoidRefused),
            Some(Err(_)) | None => wait(stage, dice, 5 * MINUTE_MS).await,
        }
    }
}

/// The integrator's own page: it asks for the invoice's intent and confirms it in the payer's browser.
async fn own_page(stage: Rc<Stage>, msp: Rc<Msp>, id: InvoiceId, nth: usize, mut dice: Dice) {
    for _ in 0..4 {
        wait(&stage, &mut dice, 2 * HOUR_MS).await;
        stage.hit(Mark::IntentAsked);
        let (there, invoice) = (Rc::clone(&msp), id.clone());
        let place = Place {
            scope: msp.scope.clone(),
            route: "POST /api/invoices/{id}/payment-intent".to_owned(),
            key: format!("intent-{nth}-{}", dice.below(2)),
        };
        let answer = request(&stage, "payment intent", |app| async move {
            let body = nth.try_into().unwrap_or(0);
            keyed(&app, place, body, async |_| {
                let made = collect::payment_intent(
                    &app,
                    &there.scope,
                    &BY,
                    &invoice,
                    &collect::IntentWanted::default(),
                )
                .await?;
                let secret = made.intent.client_secret.map(|secret| secret.expose().to_owned());
                Ok(secret.unwrap_or_default())
            })
            .await
        });
        match answer.await {
            Some(Ok(secret)) => {
                if dice.percent(70) {
                    confirm(&stage, &msp, &secret);
                }
            }
            Some(Err(Failure::Refused(Refusal::InvoicePaid | Refusal::InvoiceVoid))) => return,
            Some(Err(_)) | None => {}
        }
    }
}

fn confirm(stage: &Rc<Stage>, msp: &Msp, secret: &str) {
    let intent = secret.split("_secret_").next().unwrap_or_default();
    let number = if msp.livemode() {
        "4000009900000004"
    } else {
        "4242424242424242"
    };
    let form = format!(
        "client_secret={secret}&payment_method_data[type]=card&payment_method_data[card][number]={number}\
         &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034\
         &payment_method_data[card][cvc]=123"
    );
    let key = format!("pk_{}_psapay_demo", msp.scope.mode.word());
    let path = format!("/v1/payment_intents/{intent}/confirm");
    let done = stage.stripe(&key, "POST", &path, &msp.account, &form);
    if done["status"] == "succeeded" {
        stage.hit(Mark::IntentConfirmed);
    }
}
