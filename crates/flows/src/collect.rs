//! Collecting an invoice, from the press on Pay to the answer. Rules 1, 2, 7 and 9: each call is noted before
//! it is made, silence means unknown, an invoice has one live intent, and the server confirms.

mod cancelling;
mod situation;
mod status;

use std::sync::Arc;

use domain::payment::{Begin, DECLINES_MAX, Evidence, IntentStatus, PaymentState};
use domain::{InvoiceId, Limited, Money, PaymentId, Refusal, Scope};
use store::Tx;
use store::payments::{self, Payment};
use store::stripe_config;
use store::stripe_operations::{self as rows, Kind, Operation};
use stripe::payment_intents::{self, CancelReason};
use stripe::{AccountId, CallError, PaymentIntent, Secret};

use crate::limits::{Press, Verdict};
use crate::observe::{self, IntentFacts};
use crate::operations::{self, Ran};
use crate::planted::{self, Bug};
use crate::{Actor, App, By, Failure, limits, onboarding, pay_links, unreachable};
use cancelling::cancel_if;
pub use cancelling::{cancel_live, has_live};
use situation::{Situation, note_cancel, note_confirm};
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
    /// The amount that the payer saw.
    pub seen: Money,
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
    let mut press = Some(limits::press(app, by, token, request).await?);
    let mut guarded = false;
    for _ in 0..STEPS_MAX {
        let operation = match next_step_of_link(app, token, request, press.take()).await? {
            LinkStep::Run(operation, verdict) => {
                if let Some(verdict) = verdict {
                    verdict.tell();
                    guarded = verdict.guarded;
                }
                operation
            }
            LinkStep::Repeated(payment) => return look_at(app, &payment).await,
            LinkStep::Held(verdict, limited) => {
                verdict.tell();
                return Err(limited.into());
            }
        };
        let ran = operations::run(app, &operation).await?;
        let status = |state, in_doubt| PayStatus {
            state,
            in_doubt,
            stripe_account_id: operation.stripe_account_id.clone(),
            client_secret: None,
            decline: None,
        };
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

enum LinkStep {
    Run(Box<Operation>, Option<Box<Verdict>>),
    Repeated(Box<Payment>),
    /// Nothing begins; what was counted stays.
    Held(Box<Verdict>, Limited),
}

async fn next_step_of_link(
    app: &App,
    token: &str,
    request: &PayRequest,
    press: Option<Press>,
) -> Result<LinkStep, Failure> {
    let (key, rate, moment) = (app.link_key.clone(), app.fee, app.moment());
    let (token, request, breakers) = (token.to_owned(), request.clone(), Arc::clone(&app.breakers));
    let noted = app.db.write(move |tx| {
        let link = pay_links::open_valid(tx, &key, &token, moment.at)?;
        let situation = Situation::read(tx, &link.scope, &link.invoice_id)?;
        if let Some(payment) = situation.confirmed_with(tx, &request.confirmation_token)? {
            return Ok(LinkStep::Repeated(Box::new(payment)));
        }
        let config = situation.account_that_can_charge();
        let mut next = situation.begin(request.seen, config.is_some())?;
        if planted::is(Bug::CancelledOnlyLocally) && next == Begin::Replace {
            planted::cancel_here(tx, moment, situation.live())?;
            next = Begin::Create;
        }
        if let Some(config) = config {
            breakers.may_begin(link.scope.mode, &config.stripe_account_id)?;
        }
        let verdict = match &press {
            Some(press) => {
                let verdict = limits::admit(tx, &key, press, &link, moment)?;
                Some(Box::new(verdict))
            }
            None => None,
        };
        if let Some(verdict) = &verdict
            && let Some(limited) = verdict.refusal
        {
            return Ok(LinkStep::Held(verdict.clone(), limited));
        }
        let operation = match (next, config, situation.live()) {
            (Begin::Create, Some(config), _) => situation.note_create(tx, moment, rate, config)?,
            (Begin::Confirm, _, Some(live)) => note_confirm(tx, moment, live, &request.confirmation_token)?,
            (Begin::Replace, _, Some(live)) => note_cancel(tx, moment, live, CancelReason::Abandoned)?,
            (_, None, _) | (_, _, None) => return Err(Refusal::PaymentsUnavailable.into()),
        };
        if let Some(press) = &press {
            let payer = press.by.known_as(Actor::Payer(link.id.clone()));
            situation.note_request(tx, &payer, moment, PAY, &operation)?;
        }
        Ok(LinkStep::Run(Box::new(operation), verdict))
    });
    noted.await.map_err(somebody_was_faster)
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

/// An intent for an integrator's own front end, which confirms it there with the client secret.
#[derive(Clone, Debug)]
pub struct IntegratorIntent {
    /// Our payment.
    pub payment_id: PaymentId,
    /// The intent as Stripe has it now, with its client secret.
    pub intent: PaymentIntent,
    /// The account on which it was made.
    pub stripe_account_id: String,
    /// What it asks for.
    pub amount: Money,
}

/// The invoice's live intent, made if there is none. The same call gives the same intent.
///
/// # Errors
/// The refusals of [`begin`], [`Refusal::NotFound`], [`Refusal::TenantSuspended`] and
/// [`limits::admit_intent`]; [`Failure::Unknown`] while Stripe has not answered.
pub async fn payment_intent(
    app: &App,
    scope: &Scope,
    by: &By,
    invoice: &InvoiceId,
) -> Result<IntegratorIntent, Failure> {
    for step in 0..STEPS_MAX {
        let by = (step == 0).then_some(by);
        match next_step_of_integrator(app, scope, by, invoice).await? {
            IntegratorStep::Use(payment) => {
                let Some((payment, intent)) = refresh(app, &payment).await? else {
                    continue;
                };
                if !payment.status.is_live() {
                    continue;
                }
                return Ok(IntegratorIntent {
                    payment_id: payment.id.clone(),
                    intent,
                    stripe_account_id: payment.stripe_account_id.clone(),
                    amount: payment.asked(),
                });
            }
            IntegratorStep::Run(operation) => match operations::run(app, &operation).await? {
                Ran::Rejected(refusal) => return Err(explained(app, &operation, refusal).await?.into()),
                Ran::Unknown => return Err(Refusal::PaymentInProgress.into()),
                Ran::Overtaken => look_again(app, &operation).await?,
                Ran::Done { .. } | Ran::Declined { .. } => {}
            },
        }
    }
    Err(Refusal::PaymentInProgress.into())
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

enum IntegratorStep {
    Use(Box<Payment>),
    Run(Box<Operation>),
}

async fn next_step_of_integrator(
    app: &App,
    scope: &Scope,
    by: Option<&By>,
    invoice: &InvoiceId,
) -> Result<IntegratorStep, Failure> {
    let (rate, moment, by) = (app.fee, app.moment(), by.cloned());
    let (scope, invoice, key) = (scope.clone(), invoice.clone(), app.link_key.clone());
    let breakers = Arc::clone(&app.breakers);
    let step = app.db.write(move |tx| {
        let situation = Situation::read(tx, &scope, &invoice)?;
        let owed = situation.invoice.owed();
        let config = situation.account_that_can_charge();
        let next = situation.begin(owed, config.is_some());
        let next = next.map_err(|refusal| situation.said_to_tenant(refusal))?;
        if let Some(config) = config {
            breakers.may_begin(scope.mode, &config.stripe_account_id)?;
        }
        if by.is_some() {
            limits::admit_intent(tx, &key, &scope, moment)?;
        }
        if let Some(live) = situation.live()
            && live.amount == owed.minor()
            && live.declines < DECLINES_MAX
        {
            return Ok(IntegratorStep::Use(Box::new(live.clone())));
        }
        let operation = match (next, config, situation.live()) {
            (Begin::Create, Some(config), _) => situation.note_create(tx, moment, rate, config)?,
            (_, _, Some(live)) => note_cancel(tx, moment, live, CancelReason::Abandoned)?,
            (_, None, _) | (_, _, None) => return Err(Refusal::PaymentsUnavailable.into()),
        };
        if let Some(by) = &by {
            situation.note_request(tx, by, moment, PAY, &operation)?;
        }
        Ok(IntegratorStep::Run(Box::new(operation)))
    });
    step.await.map_err(somebody_was_faster)
}

/// Looks at the payer's own payment at Stripe: after 3D Secure, or on return from a redirect. What the
/// browser says does not count; our stored intent is retrieved.
///
/// # Errors
/// [`Refusal::NotFound`] for a link that never was. One that was replaced or has run out may still look,
/// since its payer may have confirmed before; it gets no client secret.
pub async fn check(app: &App, token: &str) -> Result<Option<PayStatus>, Failure> {
    let (key, token, moment) = (app.link_key.clone(), token.to_owned(), app.moment());
    let (payment, open, in_force) = app
        .db
        .read(move |tx| {
            let (link, in_force) = match pay_links::open(tx, &key, &token, moment.at)? {
                pay_links::Opened::Valid(link) => (link, true),
                pay_links::Opened::Expired(link) => (link, false),
            };
            let payment = payments::of_invoice(tx, &link.scope, &link.invoice_id, 1)?
                .into_iter()
                .next();
            let open = match &payment {
                Some(payment) => rows::open_of(tx, &link.scope, &payment.id)?,
                None => None,
            };
            Ok::<_, Failure>((payment, open, in_force))
        })
        .await?;
    let Some(payment) = payment else { return Ok(None) };
    if let Some(operation) = open {
        operations::take_up(app, &operation).await?;
    }
    let status = look_at(app, &payment).await?;
    let client_secret = status.client_secret.filter(|_| in_force);
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
