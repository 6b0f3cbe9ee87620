//! Collecting an invoice, from the press on Pay to the answer. Rules 1, 2, 7 and 9: each call is noted before
//! it is made, silence means unknown, an invoice has one live intent, and the server confirms.

mod cancelling;
mod integrator;
mod noting;
mod situation;
mod status;

use std::sync::Arc;

use domain::fee::rules::Method;
use domain::payment::{Begin, DECLINES_MAX, Evidence, IntentStatus, PaymentState};
use domain::{InvoiceId, Limited, Money, PaymentId, Refusal, Scope};
use store::Tx;
use store::pay_links::PayLink;
use store::payments::{self, Payment};
use store::stripe_operations::{self as rows, Kind, Operation};
use store::{paid_by, stripe_config};
use stripe::payment_intents::{self, CancelReason};
use stripe::{AccountId, CallError, PaymentIntent, Secret, confirmation_tokens};

use crate::limits::{Press, Verdict};
use crate::observe::{self, IntentFacts};
use crate::operations::{self, Ran};
use crate::planted::{self, Bug};
use crate::{Actor, App, By, Failure, limits, onboarding, pay_links, unreachable};
use cancelling::cancel_if;
pub use cancelling::{Looked, cancel_live, make_room, refuse_live};
pub use integrator::{IntegratorIntent, IntentWanted, payment_intent};
pub(crate) use noting::NewPayment;
use noting::{Allowed, note_cancel, note_confirm};
pub(crate) use situation::Asked;
use situation::{Situation, Wish, confirmed_with};
pub use status::{DeclineReason, PayStatus};

/// Cancel, create, confirm, and one more look where somebody else was faster: no press on Pay takes more
/// steps.
const STEPS_MAX: usize = 6;

/// What the audit log calls a press on Pay, and an integrator's wish for an intent.
const PAY: &str = "invoice.payment_requested";

/// What a payer sends when they press Pay.
#[derive(Clone, Debug)]
pub struct PayRequest {
    /// `ctoken_…`, made by Stripe.js on the tenant's account.
    pub confirmation_token: String,
    /// What the payer saw and agreed to pay: all that is owed, or a part of it.
    pub seen: Money,
    /// What the page showed to be due on all of them, in minor units; a page of one's own need not say it.
    pub due: Option<i64>,
    /// The client's other invoices that are paid with the one of the link.
    pub others: Vec<InvoiceId>,
    /// The token of the page on which they pressed.
    pub page_token: Option<String>,
    /// The work that their page has done, where it was asked to.
    pub proof: Option<String>,
}

/// Pays an invoice by its public link. The same token sent again is the same press on Pay: browsers repeat a
/// request by themselves when its connection breaks, and get the answer of the first.
///
/// # Errors
/// The refusals of [`begin`], [`Refusal::LinkExpired`], [`Refusal::NotFound`], [`Refusal::TokenRefused`], and
/// those of [`limits`]: none of them has reached Stripe.
pub async fn pay(app: &App, by: &By, token: &str, request: &PayRequest) -> Result<PayStatus, Failure> {
    // One press on Pay is counted once, and is one row in the audit log: with its first write to Stripe.
    let mut pressing = Pressing {
        press: Some(limits::press(app, by, token, request).await?),
        noted: false,
        method: None,
    };
    let mut guarded = false;
    // One more for each intent that has to go before a new one is made.
    for _ in 0..STEPS_MAX + request.others.len() {
        let step = next_step_of_link(app, by, token, request, &pressing).await?;
        if let LinkStep::Run(_, Some(verdict)) | LinkStep::AskMethod(_, _, verdict) = &step {
            verdict.tell();
            guarded = verdict.guarded;
            pressing.press = None;
        }
        let operation = match step {
            LinkStep::Run(operation, _) => operation,
            LinkStep::AskMethod(scope, account, _) => {
                pressing.method = Some(method_of(app, &scope, &account, request).await?);
                continue;
            }
            LinkStep::Repeated(payment) => return look_at(app, &payment).await,
            LinkStep::Held(verdict, limited) => {
                verdict.tell();
                return Err(limited.into());
            }
        };
        pressing.noted = true;
        let ran = operations::run(app, &operation).await?;
        let account = operation.stripe_account_id.clone();
        let status = |state, in_doubt| PayStatus::of(account, state, in_doubt);
        match (operation.kind, ran) {
            (_, Ran::Rejected(refusal)) => return Err(explained(app, &operation, refusal).await?.into()),
            (_, Ran::Unknown) => return Ok(status(PaymentState::At(IntentStatus::Processing), true)),
            (_, Ran::Declined { code, decline_code }) => {
                let worn = |payment: &Payment| payment.declines >= DECLINES_MAX;
                cancel_if(app, &operation, CancelReason::Fraudulent, worn).await?;
                let state = PaymentState::At(IntentStatus::RequiresPaymentMethod);
                let decline = Some(DeclineReason { code, decline_code }.told(guarded));
                return Ok(PayStatus {
                    decline,
                    ..status(state, false)
                });
            }
            (
                Kind::ConfirmIntent,
                Ran::Done {
                    status: reached,
                    client_secret,
                },
            ) => {
                let client_secret = client_secret.filter(|_| reached == IntentStatus::RequiresAction);
                return Ok(PayStatus {
                    client_secret,
                    ..status(PaymentState::At(reached), false)
                });
            }
            (_, Ran::Done { .. }) => {}
            (_, Ran::Overtaken) => {
                look_again(app, &operation).await?;
            }
        }
    }
    Err(Refusal::PaymentInProgress.into())
}

/// How far a press on Pay has come.
#[derive(Clone)]
struct Pressing {
    /// Until it is counted.
    press: Option<Press>,
    /// Whether it is in the audit log.
    noted: bool,
    /// What the token holds, once that was asked.
    method: Option<Method>,
}

enum LinkStep {
    Run(Box<Operation>, Option<Box<Verdict>>),
    /// What the token holds decides the fee, and has to be asked first: on this account.
    AskMethod(Scope, String, Box<Verdict>),
    Repeated(Box<Payment>),
    /// Nothing begins; what was counted stays.
    Held(Box<Verdict>, Limited),
}

async fn next_step_of_link(
    app: &App,
    by: &By,
    token: &str,
    request: &PayRequest,
    pressing: &Pressing,
) -> Result<LinkStep, Failure> {
    let (keys, rate, moment) = (app.keys(), app.fee, app.moment());
    let (token, by) = (token.to_owned(), by.clone());
    let (request, pressing) = (request.clone(), pressing.clone());
    let breakers = Arc::clone(&app.breakers);
    let noted = app.db.write(move |tx| {
        let link = pay_links::open_valid(tx, &keys, &token, moment.at)?;
        let token = &request.confirmation_token;
        if let Some(payment) = confirmed_with(tx, &link.scope, &link.invoice_id, token)? {
            return Ok(LinkStep::Repeated(Box::new(payment)));
        }
        let situation = Situation::read(tx, &link.scope, &link.invoice_id, &request.others)?;
        let config = situation.account_that_can_charge();
        let wish = Wish {
            amount: Some(request.seen),
            method: pressing.method.unwrap_or(Method::Card),
        };
        let (mut next, asked) = situation.begin(&wish, config.is_some())?;
        situation.check_due(pressing.press.as_ref(), request.due)?;
        if planted::is(Bug::CancelledOnlyLocally)
            && let Begin::Replace(index) = next
        {
            planted::cancel_here(tx, moment, Some(situation.open(index)?))?;
            next = Begin::Create;
        }
        if let Some(config) = config {
            breakers.may_begin(link.scope.mode, &config.stripe_account_id)?;
        }
        let press = pressing.press.as_ref();
        let admitted = press.map(|press| limits::admit(tx, keys.newest(), press, &link, moment));
        let verdict = admitted.transpose()?.map(Box::new);
        if let Some(verdict) = &verdict
            && let Some(limited) = verdict.refusal
        {
            return Ok(LinkStep::Held(verdict.clone(), limited));
        }
        let Some(config) = config else {
            return Err(Refusal::PaymentsUnavailable.into());
        };
        if let (None, Some(verdict)) = (pressing.method, &verdict)
            && situation.takes_bank_debits()
        {
            let account = config.stripe_account_id.clone();
            return Ok(LinkStep::AskMethod(link.scope.clone(), account, verdict.clone()));
        }
        let operation = match next {
            Begin::Create => situation.note_create(tx, moment, rate, config, &asked)?,
            Begin::Confirm => note_confirm(tx, moment, situation.open(0)?, &request.confirmation_token)?,
            Begin::Replace(index) => {
                note_cancel(tx, moment, situation.open(index)?, CancelReason::Abandoned)?
            }
        };
        attribute(tx, &link, &operation)?;
        if !pressing.noted {
            let payer = by.known_as(Actor::Payer(link.id.clone()));
            situation.note_request(tx, &payer, moment, PAY, &operation, asked.amount)?;
        }
        Ok(LinkStep::Run(Box::new(operation), verdict))
    });
    noted.await.map_err(somebody_was_faster)
}

/// Whoever presses Pay has paid if that brings the money, whoever began the payment.
fn attribute(tx: &mut Tx, link: &PayLink, operation: &Operation) -> Result<(), store::Error> {
    match (operation.kind, &operation.payment_id) {
        (Kind::CreateIntent | Kind::ConfirmIntent, Some(payment)) => {
            paid_by::note(tx, &link.scope, payment, &link.id)
        }
        (_, _) => Ok(()),
    }
}

/// What the payer entered: a card, or a bank account. Only looked at where the account takes both.
async fn method_of(app: &App, scope: &Scope, account: &str, request: &PayRequest) -> Result<Method, Failure> {
    let account = AccountId::parse(account)?;
    let client = app.stripe(scope.mode)?;
    match confirmation_tokens::retrieve(client, &account, &request.confirmation_token).await {
        Ok(token) => Ok(Allowed::method(token.payment_method_type.as_deref())),
        Err(CallError::Rejected(rejection)) if rejection.is_missing() => Err(Refusal::TokenRefused.into()),
        Err(error) => Err(error.into()),
    }
}

/// What the unique indexes refuse is a second press on Pay at the same moment.
fn somebody_was_faster(failure: Failure) -> Failure {
    match failure {
        Failure::Store(store::Error::Unique { constraint })
            if ["payments_", "payment_parts_", "stripe_operations_"]
                .iter()
                .any(|of| constraint.starts_with(of)) =>
        {
            Refusal::PaymentInProgress.into()
        }
        other => other,
    }
}

/// The client secret of a payment's intent, read from Stripe: it is never stored.
///
/// # Errors
/// [`Refusal::NotFound`]; [`Failure::Unknown`] while Stripe does not answer.
pub async fn client_secret(app: &App, scope: &Scope, payment: &PaymentId) -> Result<Option<Secret>, Failure> {
    let (of, id) = (scope.clone(), payment.clone());
    let found = app.db.read(move |tx| payments::get(tx, &of, &id)).await?;
    let payment = found.ok_or(Refusal::NotFound)?;
    let Some(intent) = &payment.intent_id else {
        return Ok(None);
    };
    let account = AccountId::parse(&payment.stripe_account_id)?;
    let intent = payment_intents::retrieve(app.stripe(scope.mode)?, &account, intent).await?;
    Ok(intent.client_secret)
}

/// Stripe has no code for an account that may not charge any more. Where it refuses for a reason that is not
/// known here, the account is read again, because its webhook may be on the way still. An intent of a sound
/// account that cannot be confirmed (somebody changed its amount at Stripe) makes room for a new one.
async fn explained(app: &App, operation: &Operation, refusal: Refusal) -> Result<Refusal, Failure> {
    if !matches!(refusal, Refusal::PaymentRefused { .. }) {
        return Ok(refusal);
    }
    if let Err(failure) = onboarding::refresh(app, &operation.stripe_account_id, operation.scope.mode).await {
        tracing::warn!(%failure, "the account could not be read again");
        return Ok(refusal);
    }
    let scope = operation.scope.clone();
    let config = app.db.read(move |tx| stripe_config::get(tx, &scope)).await?;
    if !config.is_some_and(|config| config.can_charge()) {
        return Ok(Refusal::PaymentsUnavailable);
    }
    if operation.kind == Kind::ConfirmIntent {
        cancel_if(app, operation, CancelReason::Abandoned, |_| true).await?;
    }
    Ok(refusal)
}

/// Looks at the payer's own payment at Stripe: after 3D Secure, or on return from a redirect. What the
/// browser says does not count; our stored intent is retrieved.
///
/// # Errors
/// [`Refusal::NotFound`] for a link that never was. One that was replaced, has run out or was taken back may
/// still look, since its payer may have confirmed before; it gets no client secret.
pub async fn check(app: &App, token: &str) -> Result<Option<PayStatus>, Failure> {
    let (keys, token, moment) = (app.keys(), token.to_owned(), app.moment());
    let (payment, open, in_force, by_own_link) = app
        .db
        .read(move |tx| {
            let (link, in_force) = match pay_links::open(tx, &keys, &token, moment.at)? {
                pay_links::Opened::Valid(link) => (link, true),
                pay_links::Opened::Expired(link) | pay_links::Opened::Revoked(link) => (link, false),
            };
            let payment = payments::of_invoice(tx, &link.scope, &link.invoice_id, 1)?
                .into_iter()
                .next();
            let open = match &payment {
                Some(payment) => rows::open_of(tx, &link.scope, &payment.id)?,
                None => None,
            };
            let own = payment
                .as_ref()
                .is_some_and(|payment| payment.invoice_id == link.invoice_id);
            Ok::<_, Failure>((payment, open, in_force, own))
        })
        .await?;
    let Some(payment) = payment else { return Ok(None) };
    if let Some(operation) = open {
        operations::take_up(app, &operation).await?;
    }
    let status = look_at(app, &payment).await?;
    // What is paid together with another invoice is continued by that one's link.
    let client_secret = status.client_secret.filter(|_| in_force && by_own_link);
    Ok(Some(PayStatus {
        client_secret,
        ..status
    }))
}

/// Where a payment stands at Stripe now.
async fn look_at(app: &App, payment: &Payment) -> Result<PayStatus, Failure> {
    let (scope, id) = (payment.scope.clone(), payment.id.clone());
    let (key, now) = (app.link_key.clone(), app.clock.now());
    let (payment, in_doubt, guarded) = app
        .db
        .read(move |tx| {
            let in_doubt = rows::open_of(tx, &scope, &id)?.is_some();
            let guarded = limits::work(tx, &key, &scope, now)?.is_some();
            Ok::<_, Failure>((get(tx, &scope, &id)?, in_doubt, guarded))
        })
        .await?;
    let open = payment.status.is_live() && !in_doubt;
    let looked = if open && limits::may_look(app, &payment.id).await? {
        refresh(app, &payment).await?
    } else {
        None
    };
    let (payment, intent) = match looked {
        Some((payment, intent)) => (payment, Some(intent)),
        None => (payment, None),
    };
    let action = payment.status == PaymentState::At(IntentStatus::RequiresAction);
    let declined = payment.status.is_live() && !action && !in_doubt;
    let code = payment.failure_code.clone().filter(|_| declined);
    Ok(PayStatus {
        state: payment.status,
        in_doubt,
        stripe_account_id: payment.stripe_account_id.clone(),
        client_secret: intent.and_then(|intent| intent.client_secret).filter(|_| action),
        decline: code.map(|code| {
            let reason = DeclineReason {
                code: Some(code),
                decline_code: None,
            };
            reason.told(guarded)
        }),
    })
}

/// Retrieves a payment's intent and observes it; none when it has no intent yet, or its account is gone.
pub async fn refresh(app: &App, payment: &Payment) -> Result<Option<(Payment, PaymentIntent)>, Failure> {
    let Some(intent_id) = payment.intent_id.clone() else {
        return Ok(None);
    };
    let client = app.stripe(payment.scope.mode)?;
    let account = AccountId::parse(&payment.stripe_account_id)?;
    let asked_at = app.clock.now();
    let intent = match payment_intents::retrieve(client, &account, &intent_id).await {
        Ok(intent) => intent,
        Err(CallError::Rejected(rejection)) if rejection.is_account_gone() => {
            unreachable::payment(app, payment, asked_at).await?;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let (facts, moment, before) = (IntentFacts::of(&intent), app.moment(), payment.clone());
    let after = app
        .db
        .write(move |tx| {
            let mut payment = get(tx, &before.scope, &before.id)?;
            // If somebody has written in between, what was retrieved may be the older of the two.
            let unchanged = payment.version == before.version;
            let evidence = if unchanged {
                Evidence::Current
            } else {
                Evidence::Snapshot
            };
            observe::intent(tx, moment, &mut payment, &facts, evidence, "retrieved")?;
            unreachable::reached(tx, &payment, moment.at)?;
            Ok::<_, Failure>(payment)
        })
        .await?;
    Ok(Some((after, intent)))
}

/// After Stripe said that the intent is elsewhere than we thought.
async fn look_again(app: &App, operation: &Operation) -> Result<(), Failure> {
    let operation = operation.clone();
    let payment = app.db.read(move |tx| payment_of(tx, &operation)).await?;
    refresh(app, &payment).await?;
    Ok(())
}

fn payment_of(tx: &mut Tx, operation: &Operation) -> Result<Payment, Failure> {
    match &operation.payment_id {
        Some(payment) => get(tx, &operation.scope, payment),
        None => Err(Failure::Bug(format!(
            "operation {} is about no payment",
            operation.id
        ))),
    }
}

fn get(tx: &mut Tx, scope: &Scope, id: &PaymentId) -> Result<Payment, Failure> {
    payments::get(tx, scope, id)?.ok_or_else(|| Failure::Bug(format!("payment {id} is gone")))
}
