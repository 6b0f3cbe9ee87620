//! The one place where money becomes true. Webhook, return page, API answer and reconciler all end here,
//! within their own transaction: what Stripe said is merged into the payment, the invoice follows, the books
//! are posted.

mod arrived;

use domain::payment::{Evidence, IntentStatus, Merge, PaymentState, merge};
use domain::{Currency, LedgerTransactionId, Money, Timestamp, ledger};
use store::invoices::Invoice;
use store::ledger::Posting;
use store::payments::Payment;
use store::reconciliation_breaks::Kind;
use store::state_history::{self, Change};
use store::{Tx, application_fees, invoices, payment_parts, payments};
use stripe::{BalanceTransaction, Charge, PaymentIntent};

pub use crate::breaks::open_break;
use crate::planted::{self, Bug};
use crate::{Failure, Moment, balance, invoice_moves, notify, refunds, stripe_events};

/// The least and the greatest wait before the reconciler looks at a payment again.
const CHECK_MS_MIN: i64 = 5 * 60 * 1000;
const CHECK_MS_MAX: i64 = 6 * 60 * 60 * 1000;
/// Stripe reports its fee within seconds of the charge.
const FEE_CHECK_MS: i64 = 30 * 1000;

/// What Stripe says of an intent, as far as money depends on it.
#[derive(Clone, Debug)]
pub struct IntentFacts {
    /// `pi_…`.
    pub id: String,
    /// Its status; none for one that this version does not know.
    pub status: Option<IntentStatus>,
    /// The status as Stripe wrote it.
    pub status_word: String,
    /// What it asks for, minor units.
    pub amount: i64,
    /// The currency as Stripe writes it.
    pub currency: String,
    /// What arrived, minor units.
    pub received: i64,
    /// The application fee that it carries, minor units.
    pub application_fee: Option<i64>,
    /// The latest charge's id.
    pub charge_id: Option<String>,
    /// The latest charge, where it was expanded.
    pub charge: Option<ChargeFacts>,
    /// Whether this is the answer to a confirmation of ours that was declined, seen for the first time.
    pub declined: bool,
    /// Why the last try failed.
    pub failure_code: Option<String>,
    /// Whether its metadata names an invoice and a write, whosever they are.
    pub names_invoice: bool,
}

impl IntentFacts {
    /// The facts of an intent.
    pub fn of(intent: &PaymentIntent) -> IntentFacts {
        let charge = intent.latest_charge.as_ref();
        let error = intent.last_payment_error.as_ref();
        IntentFacts {
            id: intent.id.clone(),
            status: IntentStatus::from_word(intent.status.as_str()),
            status_word: intent.status.as_str().to_owned(),
            amount: intent.amount,
            currency: intent.currency.clone(),
            received: intent.amount_received,
            application_fee: intent.application_fee_amount,
            charge_id: charge.map(|charge| charge.id.clone()),
            charge: charge
                .and_then(|charge| charge.object.as_deref())
                .map(ChargeFacts::of),
            declined: false,
            names_invoice: ["invoice_id", "op_id"]
                .iter()
                .all(|name| intent.metadata.contains_key(*name)),
            failure_code: error.and_then(|error| error.decline_code.clone().or_else(|| error.code.clone())),
        }
    }
}

/// What Stripe says of a charge, as far as we show or book it.
#[derive(Clone, Debug)]
pub struct ChargeFacts {
    /// `ch_…`.
    pub id: String,
    /// The intent that it belongs to.
    pub intent_id: Option<String>,
    /// Stripe's word for where it stands.
    pub status_word: String,
    /// Minor units.
    pub amount: i64,
    /// The currency as Stripe writes it.
    pub currency: String,
    /// Whether money was taken.
    pub succeeded: bool,
    /// When it was made at Stripe, to the second.
    pub made_at: Option<Timestamp>,
    /// What was given back of it so far, minor units.
    pub given_back: i64,
    /// Card brand.
    pub brand: Option<String>,
    /// The card's last four digits.
    pub last4: Option<String>,
    /// Whether Stripe has made the balance transaction, expanded or not.
    pub settled: bool,
    /// The balance transaction, where it was expanded.
    pub balance: Option<BalanceFacts>,
}

/// What Stripe kept of a charge, in minor units of the balance's currency.
#[derive(Clone, Debug)]
pub struct BalanceFacts {
    currency: String,
    stripe_fee: i64,
    net: i64,
}

impl ChargeFacts {
    /// The facts of a charge.
    pub fn of(charge: &Charge) -> ChargeFacts {
        let balance = charge.balance_transaction.as_ref();
        ChargeFacts {
            id: charge.id.clone(),
            intent_id: charge.payment_intent.clone(),
            status_word: charge.status.as_str().to_owned(),
            amount: charge.amount,
            currency: charge.currency.clone(),
            succeeded: charge.status.as_str() == "succeeded",
            made_at: charge.created.map(|s| Timestamp::from_ms(s.saturating_mul(1000))),
            given_back: charge.amount_refunded,
            brand: charge.card.as_ref().and_then(|card| card.brand.clone()),
            last4: charge.card.as_ref().and_then(|card| card.last4.clone()),
            settled: balance.is_some(),
            balance: balance
                .and_then(|balance| balance.object.as_deref())
                .map(BalanceFacts::of),
        }
    }
}

impl ChargeFacts {
    /// Whether Stripe has reported its fee, but not here.
    pub fn lacks_balance(&self) -> bool {
        self.succeeded && self.settled && self.balance.is_none()
    }
}

impl BalanceFacts {
    fn of(balance: &BalanceTransaction) -> BalanceFacts {
        let application_fee = balance.fee_of("application_fee").unwrap_or(0);
        BalanceFacts {
            currency: balance.currency.clone(),
            stripe_fee: balance.fee.saturating_sub(application_fee),
            net: balance.net,
        }
    }
}

/// What an observation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The payment changed.
    Applied,
    /// Nothing that was not known.
    Same,
    /// Older than what is known.
    Stale,
    /// A snapshot says otherwise and may be the older one: retrieve the intent and observe that.
    Retrieve,
}

/// Merges what Stripe says of an intent into its payment, with all that follows from it.
///
/// # Errors
/// When the database fails, or when a posting does not balance, which would be a bug.
pub fn intent(
    tx: &mut Tx,
    moment: Moment,
    payment: &mut Payment,
    facts: &IntentFacts,
    evidence: Evidence,
    cause: &str,
) -> Result<Seen, Failure> {
    let before = payment.clone();
    payment.intent_id.get_or_insert_with(|| facts.id.clone());
    let Some(status) = facts.status else {
        let detail = format!(
            "Stripe says {:?}, which this version does not know",
            facts.status_word
        );
        let (tenant, mode) = (Some(&payment.scope.tenant), payment.scope.mode);
        open_break(
            tx,
            moment,
            10,
            tenant,
            mode,
            Kind::UnknownStatus,
            &facts.id,
            &detail,
        )?;
        store_changed(tx, moment, &before, payment, cause)?;
        return Ok(Seen::Same);
    };
    let seen = match merge(payment.status, status, evidence) {
        // What arrived is booked, and is not booked anew by a snapshot.
        Merge::Same if arrived::differs(payment, status, facts) => match evidence {
            Evidence::Snapshot => return Ok(Seen::Retrieve),
            Evidence::Current => {
                arrived::see_another(tx, moment, payment, facts)?;
                Seen::Same
            }
        },
        Merge::Retrieve => return Ok(Seen::Retrieve),
        Merge::Stale => Seen::Stale,
        Merge::Same => Seen::Same,
        Merge::Move(to) => {
            payment.status = to;
            Seen::Applied
        }
    };
    if facts.declined {
        payment.declines += 1;
    }
    if seen != Seen::Stale {
        take_facts(payment, status, facts, moment.at);
    }
    store_changed(tx, moment, &before, payment, cause)?;
    if seen == Seen::Applied {
        follow(tx, moment, &before, payment, facts, cause)?;
    }
    if let Some(charge_facts) = &facts.charge
        && charge_facts.succeeded
    {
        charge(tx, moment, payment, charge_facts, cause)?;
    }
    Ok(seen)
}

fn take_facts(payment: &mut Payment, status: IntentStatus, facts: &IntentFacts, at: Timestamp) {
    match status {
        IntentStatus::Succeeded => {
            if payment.succeeded_at.is_none() {
                payment.received = facts.received;
            }
            payment.application_fee = facts.application_fee.or(payment.application_fee);
            payment.charge_id = payment.charge_id.take().or_else(|| facts.charge_id.clone());
            payment.failure_code = None;
            payment.succeeded_at.get_or_insert(at);
            payment.next_check_at = payment.stripe_fee.is_none().then(|| at.plus_ms(FEE_CHECK_MS));
        }
        IntentStatus::Canceled => payment.next_check_at = None,
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction
        | IntentStatus::Processing
        | IntentStatus::RequiresCapture => {
            if facts.failure_code.is_some() {
                payment.failure_code.clone_from(&facts.failure_code);
            }
            payment
                .next_check_at
                .get_or_insert_with(|| next_check(payment.created_at, at));
        }
    }
}

/// When the reconciler looks at a payment again: a quarter of its age, at least five minutes.
pub fn next_check(created_at: Timestamp, at: Timestamp) -> Timestamp {
    let age = at.ms().saturating_sub(created_at.ms());
    at.plus_ms((age / 4).clamp(CHECK_MS_MIN, CHECK_MS_MAX))
}

/// A create was refused: there is no intent, and the invoice is free for another try.
pub fn fail(
    tx: &mut Tx,
    moment: Moment,
    payment: &mut Payment,
    cause: &str,
    code: Option<&str>,
) -> Result<(), Failure> {
    let before = payment.clone();
    payment.status = PaymentState::Failed;
    payment.failure_code = code.map(str::to_owned);
    payment.next_check_at = None;
    store_changed(tx, moment, &before, payment, cause)
}

fn store_changed(
    tx: &mut Tx,
    moment: Moment,
    before: &Payment,
    payment: &mut Payment,
    cause: &str,
) -> Result<(), Failure> {
    if before == payment {
        return Ok(());
    }
    if !payments::store(tx, payment, moment.at)? {
        return Err(store::Error::Conflict.into());
    }
    payment.version += 1;
    balance::ours_after_all(tx, moment, before, payment)?;
    if before.status != payment.status {
        let change = Change {
            scope: &payment.scope,
            subject_id: payment.id.as_str(),
            version: payment.version,
            from: Some(before.status.word()),
            to: payment.status.word(),
            cause,
        };
        state_history::insert(tx, &change, moment.at)?;
    }
    Ok(())
}

/// What follows from a payment's new state: the state of its invoices, and when money arrived, the posting.
fn follow(
    tx: &mut Tx,
    moment: Moment,
    before: &Payment,
    payment: &Payment,
    facts: &IntentFacts,
    cause: &str,
) -> Result<(), Failure> {
    let scope = &payment.scope;
    let parts = payment_parts::of(tx, scope, &payment.id)?;
    let mut of_parts = Vec::with_capacity(parts.len());
    for part in &parts {
        let invoice = invoices::get(tx, scope, &part.invoice_id)?
            .ok_or_else(|| Failure::Bug(format!("payment {} has no invoice", payment.id)))?;
        of_parts.push((part.amount, invoice));
    }
    let invoices_before: Vec<Invoice> = of_parts.iter().map(|(_, invoice)| invoice.clone()).collect();
    let arrived = payment.status == PaymentState::At(IntentStatus::Succeeded)
        && before.status != PaymentState::At(IntentStatus::Succeeded);
    if arrived {
        arrived::book(tx, moment, payment, &mut of_parts, facts)?;
    }
    for ((_, invoice), before) in of_parts.iter_mut().zip(&invoices_before) {
        invoice_moves::settle_from(tx, moment, scope, before, invoice, cause)?;
    }
    notify::payment_moved(tx, moment, before, payment, &of_parts, facts.charge.as_ref())
}

/// Takes up what Stripe says of a payment's charge: the card, and, once Stripe reports it, the fee.
pub fn charge(
    tx: &mut Tx,
    moment: Moment,
    payment: &mut Payment,
    facts: &ChargeFacts,
    cause: &str,
) -> Result<Seen, Failure> {
    if !facts.succeeded {
        return Ok(Seen::Same);
    }
    let before = payment.clone();
    payment.charge_id.get_or_insert_with(|| facts.id.clone());
    payment.method_brand = payment.method_brand.take().or_else(|| facts.brand.clone());
    payment.method_last4 = payment.method_last4.take().or_else(|| facts.last4.clone());
    if let Some(balance) = &facts.balance {
        let source = if planted::is(Bug::KeyedByEvent) {
            cause
        } else {
            &facts.id
        };
        book_stripe_fee(tx, moment, payment, source, balance)?;
    }
    let account = payment.stripe_account_id.as_str();
    let linked = application_fees::link(tx, &payment.scope, account, &facts.id, &payment.id)?;
    for (nth, (fee, amount)) in (50_u32..).zip(linked) {
        let own = Moment::new(moment.at, moment.random(nth));
        stripe_events::book_cost(tx, own, payment, &fee, amount)?;
    }
    refunds::book_linked(tx, moment, payment)?;
    store_changed(tx, moment, &before, payment, cause)?;
    Ok(if before == *payment {
        Seen::Same
    } else {
        Seen::Applied
    })
}

fn book_stripe_fee(
    tx: &mut Tx,
    moment: Moment,
    payment: &mut Payment,
    charge_id: &str,
    balance: &BalanceFacts,
) -> Result<(), Failure> {
    let currency = Currency::parse(&balance.currency).map_err(|_| {
        Failure::Bug(format!(
            "{charge_id} settles in the unknown currency {}",
            balance.currency
        ))
    })?;
    if balance.stripe_fee > 0 {
        let posting = Posting {
            scope: &payment.scope,
            id: LedgerTransactionId::new(moment.at, moment.random(1)),
            source_id: charge_id,
            invoice_id: Some(&payment.invoice_id),
            payment_id: Some(&payment.id),
            reverses: None,
            at: moment.at,
        };
        let transaction = ledger::stripe_fee(Money::new(balance.stripe_fee, currency))?;
        store::ledger::post(tx, &posting, &transaction)?;
    }
    payment.stripe_fee = Some(balance.stripe_fee);
    payment.net = Some(balance.net);
    payment.settlement_currency = Some(currency);
    if !payment.status.is_live() {
        payment.next_check_at = None;
    }
    Ok(())
}
