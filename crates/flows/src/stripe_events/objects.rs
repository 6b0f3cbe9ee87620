//! The objects that events are about: as a snapshot carries them, or as Stripe has them now. A thin
//! event only names its object, which is then retrieved where it is.

use serde_json::Value;
use store::payments::Payment;
use store::stripe_webhook_events::Taken;
use stripe::events::Envelope;
use stripe::movements::Kind;
use stripe::{
    AccountId, ApplicationFee, Charge, Client, Movement, PaymentIntent, charges, movements, payment_intents,
};

use super::claims::Claims;
use crate::asked::{Asked, asked};
use crate::observe::{ChargeFacts, IntentFacts};
use crate::{App, Failure};

/// The object that an event is about, as it was delivered or as it was retrieved.
#[derive(Clone)]
pub enum Subject {
    /// A payment intent.
    Intent(IntentFacts),
    /// A charge.
    Charge(ChargeFacts),
    /// An application fee of the platform's.
    Fee(ApplicationFee),
    /// A refund or a payout. It moves nothing here; it is shown if it is not of a payment of ours.
    Movement(Movement),
}

impl Subject {
    /// The object's id.
    pub fn id(&self) -> &str {
        match self {
            Subject::Intent(facts) => &facts.id,
            Subject::Charge(facts) => &facts.id,
            Subject::Fee(fee) => &fee.id,
            Subject::Movement(movement) => &movement.id,
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
        "refund" | "payout" => Subject::Movement(Movement::from_value(object).ok()?),
        _ => return None,
    })
}

fn intent(intent: &PaymentIntent) -> Subject {
    Subject::Intent(IntentFacts::of(intent))
}

fn charge(charge: &Charge) -> Subject {
    Subject::Charge(ChargeFacts::of(charge))
}

fn movement(movement: Movement) -> (Subject, Claims) {
    let claims = Claims::of(&movement.metadata);
    (Subject::Movement(movement), claims)
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
        (Some("refund"), Some(account)) => movements::retrieve(client, &account, Kind::Refunds, id)
            .await
            .map(movement),
        (Some("payout"), Some(account)) => movements::retrieve(client, &account, Kind::Payouts, id)
            .await
            .map(movement),
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
        Subject::Movement(movement) => Subject::Movement(movement.clone()),
    })
}

/// The metadata of a delivered object.
pub fn claimed(envelope: &Envelope) -> Claims {
    let text = |name: &str| {
        let metadata = envelope.object.as_ref()?.get("metadata")?;
        metadata.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    Claims::read(text)
}
