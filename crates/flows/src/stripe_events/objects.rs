//! The objects that events are about: as a snapshot carries them, or as Stripe has them now. A thin
//! event only names its object, which is then retrieved where it is.

use domain::Mode;
use serde_json::Value;
use store::external_objects;
use store::payments::Payment;
use store::stripe_webhook_events::Taken;
use stripe::events::Envelope;
use stripe::{
    AccountId, ApplicationFee, Charge, Client, PaymentIntent, Payout, Refund, charges, payment_intents,
    payouts, refunds,
};

use super::claims::Claims;
use super::ours::keep_as_external;
use crate::asked::{Asked, asked};
use crate::observe::{ChargeFacts, IntentFacts};
use crate::refunds::RefundFacts;
use crate::{App, Failure, onboarding};

/// The object that an event is about, as it was delivered or as it was retrieved.
#[derive(Clone)]
pub enum Subject {
    /// A payment intent.
    Intent(IntentFacts),
    /// A charge.
    Charge(ChargeFacts),
    /// An application fee of the platform's.
    Fee(ApplicationFee),
    /// A refund.
    Refund(RefundFacts),
    /// A payout.
    Payout(Payout),
}

impl Subject {
    /// The object's id.
    pub fn id(&self) -> &str {
        match self {
            Subject::Intent(facts) => &facts.id,
            Subject::Charge(facts) => &facts.id,
            Subject::Fee(fee) => &fee.id,
            Subject::Refund(facts) => &facts.id,
            Subject::Payout(payout) => &payout.id,
        }
    }
}

/// The object as a snapshot carries it; none in a thin event, or where a field that we need is unreadable.
pub fn delivered(envelope: &Envelope) -> Option<Subject> {
    let object = envelope.object.as_ref()?;
    Some(match envelope.object_type.as_deref()? {
        "payment_intent" => intent(&PaymentIntent::from_value(object).ok()?),
        "charge" => charge(&Charge::from_value(object).ok()?),
        "application_fee" => Subject::Fee(ApplicationFee::from_value(object).ok()?),
        "refund" => refund(&Refund::from_value(object).ok()?),
        "payout" => Subject::Payout(Payout::from_value(object).ok()?),
        _ => return None,
    })
}

fn intent(intent: &PaymentIntent) -> Subject {
    Subject::Intent(IntentFacts::of(intent))
}

fn charge(charge: &Charge) -> Subject {
    Subject::Charge(ChargeFacts::of(charge))
}

fn refund(refund: &Refund) -> Subject {
    Subject::Refund(RefundFacts::of(refund))
}

/// The object that an event only names, as it is now, with what its metadata claims.
///
/// # Errors
/// As [`asked`].
pub async fn named(
    app: &App,
    event: &Taken,
    envelope: &Envelope,
) -> Result<Asked<(Subject, Claims)>, Failure> {
    let client = app.stripe(event.mode)?;
    let Some(id) = envelope.object_id.as_deref() else {
        return Ok(Asked::Nothing);
    };
    // The platform itself takes no payments: only a connected account has intents and charges to look at.
    let account = AccountId::parse(&event.account).ok();
    let answer = match (envelope.object_type.as_deref(), account) {
        (Some("payment_intent"), Some(account)) => payment_intents::retrieve(client, &account, id)
            .await
            .map(|now| (intent(&now), Claims::of(&now.metadata))),
        (Some("charge"), Some(account)) => charges::retrieve(client, &account, id)
            .await
            .map(|now| (charge(&now), Claims::of(&now.metadata))),
        (Some("refund"), Some(account)) => refunds::retrieve(client, &account, id)
            .await
            .map(|now| (refund(&now), Claims::of(&now.metadata))),
        // Payouts are the platform's, too.
        (Some("payout"), account) => payouts::retrieve(client, account.as_ref(), id)
            .await
            .map(|now| (Subject::Payout(now), Claims::default())),
        (Some("application_fee"), _) => stripe::application_fees::retrieve(client, id)
            .await
            .map(|now| (Subject::Fee(now), Claims::default())),
        _ => return Ok(Asked::Nothing),
    };
    asked(answer)
}

/// The object of our payment as it is now.
///
/// # Errors
/// When Stripe does not answer with it.
pub async fn now(app: &App, payment: &Payment, subject: &Subject) -> Result<Subject, Failure> {
    let client = app.stripe(payment.scope.mode)?;
    let account = &AccountId::parse(&payment.stripe_account_id)?;
    read(client, account, subject).await
}

async fn read(client: &Client, account: &AccountId, subject: &Subject) -> Result<Subject, Failure> {
    Ok(match subject {
        Subject::Intent(facts) => intent(&payment_intents::retrieve(client, account, &facts.id).await?),
        Subject::Charge(facts) => charge(&charges::retrieve(client, account, &facts.id).await?),
        Subject::Fee(fee) => Subject::Fee(stripe::application_fees::retrieve(client, &fee.id).await?),
        Subject::Refund(facts) => refund(&refunds::retrieve(client, account, &facts.id).await?),
        Subject::Payout(payout) => {
            Subject::Payout(payouts::retrieve(client, Some(account), &payout.id).await?)
        }
    })
}

/// Rows of one page of external objects.
const PAGE: i64 = 200;

/// Reads what others do on an account again, where it was not over when it was seen.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn external_again(app: &App, mode: Mode, account: &str) -> Result<(), Failure> {
    let client = app.stripe(mode)?;
    let at = AccountId::parse(account)?;
    let mut after = String::new();
    loop {
        let (account, from) = (account.to_owned(), after.clone());
        let page = app.db.read(move |tx| {
            let Some(scope) = onboarding::tenant_of(tx, &account, mode)? else {
                return Ok(None);
            };
            let (found, last) = external_objects::unfinished(tx, &scope, &account, &from, PAGE)?;
            Ok::<_, Failure>(Some((scope, found, last)))
        });
        let Some((scope, found, Some(last))) = page.await? else {
            return Ok(());
        };
        for object in found {
            let now = match object.object_type.as_str() {
                "payment_intent" => payment_intents::retrieve(client, &at, &object.object_id)
                    .await
                    .map(|now| intent(&now)),
                "charge" => charges::retrieve(client, &at, &object.object_id)
                    .await
                    .map(|now| charge(&now)),
                "refund" => refunds::retrieve(client, &at, &object.object_id)
                    .await
                    .map(|now| refund(&now)),
                "payout" => payouts::retrieve(client, Some(&at), &object.object_id)
                    .await
                    .map(Subject::Payout),
                _ => continue,
            };
            let Asked::Is(now) = asked(now)? else {
                continue;
            };
            let (scope, account, of_type) = (scope.clone(), at.to_string(), object.object_type);
            let moment = app.clock.now();
            app.db
                .write(move |tx| keep_as_external(tx, moment, moment, &scope, &account, Some(&of_type), &now))
                .await?;
        }
        after = last;
    }
}

/// The metadata of a delivered object.
pub fn claimed(envelope: &Envelope) -> Claims {
    let text = |name: &str| {
        let metadata = envelope.object.as_ref()?.get("metadata")?;
        metadata.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    Claims::read(text)
}
