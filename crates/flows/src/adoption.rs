//! Intents on a tenant's account that no payment knows and that are ours all the same: after a restore from
//! an older backup there are such. One that is proven to be ours becomes a payment of its invoice. Of one
//! that only says so a person is told, and until then the invoice is not paid again.

use domain::fee::rules::Method;
use domain::payment::adoption::{PayKey, Reached, Traits, Verdict, decide};
use domain::payment::parts::PartsAllowed;
use domain::payment::{Evidence, IntentStatus, PaymentState};
use domain::{Currency, InvoiceId, Mode, Money, PaymentId, Scope, Timestamp, invoice};
use serde_json::json;
use store::external_objects::{self, ExternalObject};
use store::invoices::{self, Invoice};
use store::payments::{self, Payment};
use store::reconciliation_breaks::{self, Kind};
use store::state_history::{self, Change};
use store::{Tx, invoice_settings, payment_settings, stripe_config};
use stripe::{AccountId, Client, PaymentIntent, application_fees, payment_intents};

use crate::asked::{Asked, asked};
use crate::audit::{self, Entry};
use crate::breaks::open_break_once;
use crate::collect::{self, NewPayment};
use crate::fees::{self, Decided};
use crate::observe::{self, IntentFacts, open_break};
use crate::stripe_events::Claims;
use crate::{Actor, App, By, Failure, Moment, disputes, onboarding};

/// A restore loses no more invoices of a tenant than this.
const LOST_MAX: i64 = 10_000;

/// An intent that no payment knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its mode.
    pub mode: Mode,
    /// The account that it is on.
    pub account: String,
    /// `pi_…`.
    pub intent: String,
    /// The key of the request that an event of it names.
    pub key: Option<String>,
}

/// Finds out whether such an intent is a payment of ours, and makes it one, or tells a person of it.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn find_out(app: &App, stray: &Stray) -> Result<(), Failure> {
    let client = app.stripe(stray.mode)?;
    let account = AccountId::parse(&stray.account)?;
    let intent = match asked(payment_intents::retrieve(client, &account, &stray.intent).await) {
        Ok(Asked::Is(intent)) => intent,
        Ok(Asked::Nothing | Asked::Refused(_)) | Err(Failure::AccountGone) => return Ok(()),
        Err(failure) => return Err(failure),
    };
    let fee_is_ours = is_fee_ours(client, stray, &intent).await?;
    let seen = Seen {
        disputed: is_disputed(&intent),
        facts: IntentFacts::of(&intent),
        created_s: intent.created,
        claims: Claims::of(&intent.metadata),
        numbers: intent.description.clone().unwrap_or_default(),
        fee_is_ours,
    };
    let (disputed, since_s) = (seen.disputed, intent.created.unwrap_or_default());
    let (moment, stray, rate) = (app.moment(), stray.clone(), app.fee);
    let (mode, account) = (stray.mode, stray.account.clone());
    let adopted = app
        .db
        .write(move |tx| settle(tx, moment, rate, &stray, &seen))
        .await?;
    if adopted && disputed {
        disputes::list(app, mode, &account, since_s).await?;
    }
    Ok(())
}

/// What Stripe says of it now.
struct Seen {
    facts: IntentFacts,
    created_s: Option<i64>,
    claims: Claims,
    /// The numbers of what it pays, as we wrote them.
    numbers: String,
    fee_is_ours: bool,
    disputed: bool,
}

fn is_disputed(intent: &PaymentIntent) -> bool {
    let charge = intent.latest_charge.as_ref();
    charge
        .and_then(|charge| charge.object.as_deref())
        .is_some_and(|charge| charge.disputed)
}

/// Whether Stripe shows the platform the fee of the intent's charge. Only the platform that got it is shown
/// it.
async fn is_fee_ours(client: &Client, stray: &Stray, intent: &PaymentIntent) -> Result<bool, Failure> {
    let succeeded = intent.status.as_str() == IntentStatus::Succeeded.word();
    let (true, Some(charge), Some(amount)) =
        (succeeded, &intent.latest_charge, intent.application_fee_amount)
    else {
        return Ok(false);
    };
    match asked(application_fees::list(client, &charge.id).await)? {
        Asked::Is(page) => {
            let ours = |fee: &stripe::ApplicationFee| {
                fee.account == stray.account
                    && fee.amount == amount
                    && fee.charge.as_ref() == Some(&charge.id)
            };
            Ok(page.data.iter().any(ours))
        }
        Asked::Nothing | Asked::Refused(_) => Ok(false),
    }
}

/// Within a transaction: what becomes of it. Answers whether it is a payment now.
fn settle(
    tx: &mut Tx,
    moment: Moment,
    rate: domain::fee::BasisPoints,
    stray: &Stray,
    seen: &Seen,
) -> Result<bool, Failure> {
    let account = stray.account.as_str();
    let Some(scope) = onboarding::tenant_of(tx, account, stray.mode)? else {
        return Ok(false);
    };
    if payments::by_intent(tx, &scope, account, &stray.intent)?.is_some() {
        return Ok(false);
    }
    let key = stray.key.as_deref().and_then(PayKey::parse);
    let key = key.filter(|key| key.tenant == scope.tenant);
    let named = seen.claims.written_for().or(key.as_ref().map(|key| &key.invoice));
    let Some(id) = named else {
        return Ok(false);
    };
    let Some(invoice) = invoices::get(tx, &scope, id)? else {
        // Whoever only names an invoice that is not there is shown to the operator by its event.
        if seen.fee_is_ours {
            tell_of_lost(tx, moment, &scope, stray, id, seen)?;
        }
        return Ok(false);
    };
    let key = key.filter(|key| key.invoice == invoice.id);
    let Some(found) = weigh(tx, &scope, rate, &invoice, seen, key.is_some())? else {
        return Ok(false);
    };
    match decide(found.traits) {
        Verdict::Leave => Ok(false),
        Verdict::Ask(why) => {
            ask(tx, moment, &scope, stray, &invoice, &seen.facts, why)?;
            Ok(false)
        }
        Verdict::Adopt => {
            adopt(tx, moment, stray, &invoice, seen, found, key)?;
            Ok(true)
        }
    }
}

/// The platform has the fee of a payment whose invoice is not here: it was made after the backup that was
/// restored. A person makes it anew; its number is given to no other.
fn tell_of_lost(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    stray: &Stray,
    invoice: &InvoiceId,
    seen: &Seen,
) -> Result<(), Failure> {
    let prefix = invoice_settings::get(tx, scope)?.prefix;
    let last = invoice_settings::last_number(tx, scope, &prefix)?;
    for number in seen.numbers.split(", ") {
        let nth = domain::invoice_settings::nth(&prefix, number);
        // The account's owner can write there, too.
        if let Some(nth) = nth.filter(|nth| *nth <= last.saturating_add(LOST_MAX)) {
            invoice_settings::skip_to(tx, scope, &prefix, nth, moment.at)?;
        }
    }
    let facts = &seen.facts;
    let numbers = match seen.numbers.as_str() {
        "" => "without a number",
        numbers => numbers,
    };
    let detail = format!(
        "{} ({} {} in minor units) has paid {numbers}, which was lost in a restore: invoice {invoice} is not \
         here. Its money is on the account, and counts as external",
        stray.intent, facts.received, facts.currency,
    );
    for object in [Some(&stray.intent), facts.charge_id.as_ref()]
        .into_iter()
        .flatten()
    {
        reconciliation_breaks::resolve(tx, scope, Kind::TenantMismatch, object, moment.at)?;
    }
    let (tenant, subject) = (Some(&scope.tenant), invoice.as_str());
    open_break_once(
        tx,
        moment,
        14,
        tenant,
        scope.mode,
        Kind::InvoiceLost,
        subject,
        &detail,
    )
    .map(|_is_new| ())
}

/// What was derived of a stray, to decide by and to keep.
struct Weighed {
    scope: Scope,
    traits: Traits,
    currency: Currency,
    fee: Decided,
    created_at: Timestamp,
    /// Whether another payment of the invoice is under way.
    beside: bool,
}

/// Compares it with what we would have asked for. None for a state that this version does not know.
fn weigh(
    tx: &mut Tx,
    scope: &Scope,
    rate: domain::fee::BasisPoints,
    invoice: &Invoice,
    seen: &Seen,
    by_our_key: bool,
) -> Result<Option<Weighed>, Failure> {
    let facts = &seen.facts;
    let reached = match facts.status {
        Some(IntentStatus::Succeeded) => Reached::Paid,
        Some(IntentStatus::Canceled) => Reached::Over,
        Some(_) => Reached::Open,
        None => return Ok(None),
    };
    let currency = invoice.currency;
    let created_at = Timestamp::from_ms(seen.created_s.unwrap_or_default().saturating_mul(1000));
    let own = stripe_config::get(tx, scope)?.and_then(|config| config.fee_bps);
    let asked = Money::new(facts.amount, currency);
    let mut fits = None;
    let mut fee = None;
    for method in [Method::Card, Method::BankDebit] {
        let rates = fees::configured(rate, own)?;
        let decided = fees::decide(tx, scope, rates, asked, method, created_at)?;
        if fits.is_none() && decided.fee == facts.application_fee {
            fits = Some(decided.clone());
        }
        fee.get_or_insert(decided);
    }
    let beside = payments::live_of(tx, scope, &invoice.id)?.is_some();
    let owed = invoice.owed().minor();
    let parts = payment_settings::get(tx, scope)?.parts(currency);
    let by_amount = facts.amount == owed || (facts.amount < owed && !matches!(parts, PartsAllowed::No));
    let payable = invoice::payable(invoice.status).is_ok() || beside;
    let free = reached != Reached::Open || !beside;
    let Some(fee) = fits.clone().or(fee) else {
        return Ok(None);
    };
    Ok(Some(Weighed {
        scope: scope.clone(),
        traits: Traits {
            reached,
            by_our_key,
            asks_fee: facts.application_fee.is_some(),
            fee_is_ours: seen.fee_is_ours,
            fee_fits: fits.is_some(),
            currency_fits: facts.currency == currency.code(),
            amount_fits: facts.amount > 0 && by_amount && payable && free,
        },
        currency,
        fee,
        created_at,
        beside,
    }))
}

/// It becomes a payment of the invoice, as if its row had never been lost, and is observed.
fn adopt(
    tx: &mut Tx,
    moment: Moment,
    stray: &Stray,
    invoice: &Invoice,
    seen: &Seen,
    found: Weighed,
    key: Option<PayKey>,
) -> Result<(), Failure> {
    let (scope, facts) = (&found.scope, &seen.facts);
    let last = payments::last_attempt(tx, scope, &invoice.id)?;
    let asked = collect::Asked {
        amount: Money::new(facts.amount, found.currency),
        parts: vec![(invoice.id.clone(), facts.amount)],
        method: found.fee.basis.method,
    };
    let new = NewPayment {
        scope,
        invoice: &invoice.id,
        attempt: key
            .map(|key| key.attempt)
            .filter(|attempt| *attempt > last)
            .unwrap_or(last.saturating_add(1)),
        account: &stray.account,
        asked: &asked,
        fee: found.fee.clone(),
    };
    let row = new.row(moment);
    let mut payment = Payment {
        application_fee: facts.application_fee,
        fee_basis: row.fee_basis.filter(|_| found.traits.fee_fits),
        // Beside a payment that is under way only one that is over can be added.
        status: match found.beside {
            true => PaymentState::Failed,
            false => PaymentState::Creating,
        },
        // Lists go by both.
        id: PaymentId::new(found.created_at, moment.random(0)),
        created_at: found.created_at,
        ..row
    };
    payments::insert(tx, &payment, &asked.parts)?;
    note(tx, moment, stray, &payment, &found)?;
    external_objects::remove(tx, scope, &stray.account, &stray.intent)?;
    if let Some(charge) = &facts.charge_id {
        external_objects::remove(tx, scope, &stray.account, charge)?;
    }
    observe::intent(tx, moment, &mut payment, facts, Evidence::Current, "adopted")?;
    reconciliation_breaks::resolve(tx, scope, Kind::PaymentUnclaimed, invoice.id.as_str(), moment.at)?;
    Ok(())
}

/// The beginning of its history, and the line in the audit log.
fn note(
    tx: &mut Tx,
    moment: Moment,
    stray: &Stray,
    payment: &Payment,
    found: &Weighed,
) -> Result<(), Failure> {
    let (scope, invoice) = (&found.scope, &payment.invoice_id);
    let change = Change {
        scope,
        subject_id: payment.id.as_str(),
        version: 1,
        from: None,
        to: payment.status.word(),
        cause: "adopted",
    };
    state_history::insert(tx, &change, moment.at)?;
    let after = json!({
        "payment_id": payment.id.as_str(),
        "intent": stray.intent,
        "amount": payment.amount,
        "currency": payment.currency.code(),
        "by_key": found.traits.by_our_key,
        "by_fee": found.traits.fee_is_ours,
    });
    let entry = Entry {
        action: "payment.adopted",
        subject: invoice.as_str(),
        before: None,
        after: Some(after.to_string()),
    };
    audit::note(tx, Some(scope), &By::new(Actor::Stripe), moment, &entry)?;
    tracing::warn!(
        intent = stray.intent,
        %invoice,
        "a payment that the database did not know was made by us and is taken up"
    );
    Ok(())
}

/// A person has to look. What was dealt with is not shown again before something happens to the intent.
fn ask(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    stray: &Stray,
    invoice: &Invoice,
    facts: &IntentFacts,
    why: &str,
) -> Result<(), Failure> {
    let before = external_objects::status_of(tx, scope, &stray.account, &stray.intent)?;
    if before.as_deref() == Some(facts.status_word.as_str()) {
        return Ok(());
    }
    let object = ExternalObject {
        scope,
        stripe_account_id: &stray.account,
        object_id: &stray.intent,
        object_type: "payment_intent",
        status: Some(facts.status_word.clone()),
        amount: Some(facts.amount),
        currency: Some(facts.currency.clone()),
        as_of: moment.at,
    };
    external_objects::put(tx, &object, moment.at)?;
    let detail = format!(
        "{} ({}, {} {} in minor units) says that it pays the {} invoice {}, and no payment here knows it: \
         {why}. The invoice is not paid again before this is resolved",
        stray.intent,
        facts.status_word,
        facts.amount,
        facts.currency,
        invoice.status.word(),
        invoice.id
    );
    let (tenant, mode, subject) = (Some(&scope.tenant), scope.mode, invoice.id.as_str());
    open_break(
        tx,
        moment,
        14,
        tenant,
        mode,
        Kind::PaymentUnclaimed,
        subject,
        &detail,
    )
}

/// Whether an invoice may have been paid, or forgiven, by what a person has to explain first.
///
/// # Errors
/// When the database fails.
pub fn is_held(tx: &mut Tx, scope: &Scope, invoice: &domain::InvoiceId) -> Result<bool, Failure> {
    for kind in [Kind::PaymentUnclaimed, Kind::RefundUnclaimed] {
        if reconciliation_breaks::is_open(tx, scope, kind, invoice.as_str())? {
            return Ok(true);
        }
    }
    Ok(false)
}
