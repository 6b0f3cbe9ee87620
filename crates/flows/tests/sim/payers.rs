//! Payers: they open the page, press Pay with one card or another, leave 3D Secure, come back, have two tabs.

use std::rc::Rc;

use domain::payment::{IntentStatus, PaymentState};
use domain::{InvoiceId, Mode, Money, Refusal};
use flows::collect::{self, PayRequest, PayStatus};
use flows::payer_view::{self, Look, PayerView};
use flows::{Actor, By, Failure, page_tokens};
use serde_json::{Value, json};
use stripe::Secret;

use crate::dice::Dice;
use crate::instances::request;
use crate::marks::Mark;
use crate::owners;
use crate::ports::rest;
use crate::stage::{Msp, Stage};
use crate::swarm::{HOUR_MS, MINUTE_MS};

static PAYER: By = By::new(Actor::Unknown);
const LIVE_CARD: &str = "4000009900000004";
/// In TEST: cards that pay, are declined, ask for 3D Secure.
const TEST_CARDS: [&str; 6] = [
    "4242424242424242",
    "4242424242424242",
    "4000000000000002",
    "4000000000009995",
    "4000000000003220",
    "4000002760003184",
];
/// How often a payer looks at the page before they lose interest.
const LOOKS_MAX: usize = 8;

/// Everybody who has the link of an invoice.
pub fn send(stage: &Rc<Stage>, msp: &Rc<Msp>, link: &str, dice: &mut Dice) {
    let tabs = 1 + dice.below(3);
    if tabs > 1 {
        stage.hit(Mark::SecondTab);
    }
    for tab in 0..tabs {
        let payer = Payer {
            stage: Rc::clone(stage),
            msp: Rc::clone(msp),
            link: link.to_owned(),
            dice: dice.fork(),
        };
        stage.spawn(format!("payer {tab} of {}", msp.scope.tenant), payer.pay());
    }
}

struct Payer {
    stage: Rc<Stage>,
    msp: Rc<Msp>,
    link: String,
    dice: Dice,
}

impl Payer {
    async fn pay(mut self) {
        let patience = 2 + self.dice.below(LOOKS_MAX);
        for look in 0..patience {
            let longest = *self.dice.pick(&[3_000, 20_000, 2 * MINUTE_MS, 5 * HOUR_MS]);
            let wait_ms = self.dice.between(0, longest);
            rest(&self.stage.shared, wait_ms).await;
            if look > 0 {
                self.stage.hit(Mark::CameBack);
            }
            if self.dice.percent(25) {
                self.check().await;
            }
            let link = self.link.clone();
            let looked = request(&self.stage, "look", |app| async move {
                payer_view::look(&app, &link).await
            });
            let view = match looked.await {
                Some(Ok(Look::Invoice(view))) => view,
                Some(Ok(Look::Expired { .. } | Look::Revoked { .. })) => return,
                Some(Err(Failure::Refused(refusal))) => {
                    self.stage
                        .shared
                        .violated(format!("a link that was sent is refused: {refusal}"));
                    return;
                }
                Some(Err(_)) | None => continue,
            };
            self.stage.hit(Mark::PageOpened);
            match view.panel {
                payer_view::Panel::Pay | payer_view::Panel::Continue => self.press(&view).await,
                payer_view::Panel::InProgress => self.check().await,
                payer_view::Panel::Unavailable => rest(&self.stage.shared, HOUR_MS).await,
                payer_view::Panel::Silent => {
                    self.stage.hit(Mark::Silent);
                    rest(&self.stage.shared, 5 * MINUTE_MS).await;
                }
                payer_view::Panel::Paid(_)
                | payer_view::Panel::Settled
                | payer_view::Panel::TooSmall
                | payer_view::Panel::Void => return,
            }
        }
    }

    /// Types a card and presses Pay.
    async fn press(&mut self, view: &PayerView) {
        let read_ms = self.dice.between(page_tokens::AGE_MIN_MS, 90_000);
        rest(&self.stage.shared, read_ms).await;
        let Some(token) = self.token() else { return };
        let (seen, others) = self.choose(view);
        let chosen = (seen != view.owed(), others.len());
        let request = PayRequest {
            confirmation_token: token,
            seen,
            due: None,
            others,
            page_token: Some(view.page_token.clone()),
            proof: None,
        };
        if self.dice.percent(15) {
            // The browser repeats by itself what its connection broke on.
            self.stage.hit(Mark::PressedTwice);
            let (stage, link, again) = (Rc::clone(&self.stage), self.link.clone(), request.clone());
            self.stage.spawn("the same press again", async move {
                press(&stage, link, again).await;
            });
        }
        if self.dice.percent(30) {
            self.sell_meanwhile();
        }
        self.stage.hit(Mark::Pressed);
        match press(&self.stage, self.link.clone(), request).await {
            Some(Ok(status)) => {
                let paid = status.state == PaymentState::At(IntentStatus::Succeeded) && !status.in_doubt;
                match chosen {
                    (_, 1..) if paid => self.stage.hit(Mark::PaidTogether),
                    (true, 0) if paid => self.stage.hit(Mark::PaidPart),
                    _ => {}
                }
                self.told(&status).await;
            }
            Some(Err(Failure::Refused(refusal))) => self.stage.hit(match refusal {
                Refusal::PartTooSmall { .. } | Refusal::RestTooSmall { .. } => Mark::PartRefused,
                _ => Mark::SentAway,
            }),
            Some(Err(_)) | None => {}
        }
    }

    /// What to pay, of what the page offers: all of it, a part, or other invoices with it.
    fn choose(&mut self, view: &PayerView) -> (Money, Vec<InvoiceId>) {
        let mut sum = view.owed().minor();
        let mut others = Vec::new();
        for other in &view.others {
            if self.dice.percent(40) {
                sum += other.owed().minor();
                others.push(other.id.clone());
            }
        }
        let part = view.part_minimum.is_some() && self.dice.percent(40);
        let minor = if part { self.dice.between(1, sum + 1) } else { sum };
        (Money::new(minor, view.owed().currency()), others)
    }

    /// The account's owner sells something while our own request is under way, so that of the events that
    /// come nobody knows yet whose they are.
    fn sell_meanwhile(&mut self) {
        let (stage, msp, mut dice) = (Rc::clone(&self.stage), Rc::clone(&self.msp), self.dice.fork());
        self.stage.spawn("owner at the counter", async move {
            let wait_ms = dice.between(0, 30_000);
            rest(&stage.shared, wait_ms).await;
            owners::own_sale(&stage, &msp, &mut dice);
        });
    }

    /// A confirmation token, as Stripe.js makes one in the payer's browser.
    fn token(&mut self) -> Option<String> {
        let number = match (self.msp.scope.mode, self.dice.percent(80)) {
            (Mode::Live, true) => LIVE_CARD,
            (Mode::Live, false) => TEST_CARDS[0],
            (Mode::Test, _) => *self.dice.pick(&TEST_CARDS),
        };
        token(&self.stage, &self.msp, number)
    }

    async fn check(&mut self) {
        let link = self.link.clone();
        let answer = request(&self.stage, "check", |app| async move {
            collect::check(&app, &link).await
        });
        if let Some(Ok(Some(status))) = answer.await {
            self.told(&status).await;
        }
    }

    /// What the page says is true, and the payer acts on it.
    async fn told(&mut self, status: &PayStatus) {
        let stage = Rc::clone(&self.stage);
        if status.in_doubt {
            stage.hit(Mark::InDoubt);
            return;
        }
        let open = matches!(
            status.state,
            PaymentState::At(IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresAction)
        );
        if open && self.dice.percent(20) {
            owners::meddle(&stage, &self.msp, &mut self.dice);
        }
        match status.state {
            PaymentState::At(IntentStatus::Succeeded) => stage.hit(Mark::PaidAtOnce),
            PaymentState::At(IntentStatus::RequiresPaymentMethod) if status.decline.is_some() => {
                stage.hit(Mark::Declined);
            }
            PaymentState::At(IntentStatus::RequiresAction) => {
                stage.hit(Mark::ActionNeeded);
                if let Some(secret) = &status.client_secret {
                    self.act(secret).await;
                }
            }
            PaymentState::At(_) | PaymentState::Creating | PaymentState::Failed => {}
        }
    }

    /// 3D Secure, in the bank's frame.
    async fn act(&mut self, secret: &Secret) {
        let intent = secret
            .expose()
            .split("_secret_")
            .next()
            .unwrap_or_default()
            .to_owned();
        let wait_ms = self.dice.between(1_000, 5 * MINUTE_MS);
        rest(&self.stage.shared, wait_ms).await;
        let (outcome, mark) = match self.dice.below(4) {
            0 => return self.stage.hit(Mark::ActionLeft),
            1 => ("fail", Mark::ActionFailed),
            _ => ("complete", Mark::ActionDone),
        };
        let path = format!("/_simulator/payment_intents/{intent}/challenge");
        let wanted =
            json!({"outcome": outcome, "account": self.msp.account, "livemode": self.msp.livemode()});
        let done: Value = self.stage.control(&path, &wanted);
        if done["error"].is_null() {
            self.stage.hit(mark);
        }
        if self.dice.percent(70) {
            let link = self.link.clone();
            let _ = request(&self.stage, "check", |app| async move {
                collect::check(&app, &link).await
            })
            .await;
        }
    }
}

async fn press(stage: &Rc<Stage>, link: String, pay: PayRequest) -> Option<Result<PayStatus, Failure>> {
    request(stage, "pay", |app| async move {
        collect::pay(&app, &PAYER, &link, &pay).await
    })
    .await
}

/// A confirmation token, as Stripe.js makes one of what is typed.
pub fn token(stage: &Stage, msp: &Msp, number: &str) -> Option<String> {
    let form = format!(
        "payment_method_data[type]=card&payment_method_data[card][number]={number}\
         &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034\
         &payment_method_data[card][cvc]=123"
    );
    let key = format!("pk_{}_psapay_demo", msp.scope.mode.word());
    let made = stage.stripe(&key, "POST", "/v1/confirmation_tokens", &msp.account, &form);
    made["id"].as_str().map(str::to_owned)
}
