//! Stripe's balance transactions: the list of each account is read on from where it was read last, each
//! transaction is kept once, and it is found out whose it is. What is ours is booked by its own flow; what
//! others did on the account is one line of the books.

mod reading;

use domain::balance::{Amounts, Attribution, Movement, Owner, attribute, moves_nothing, part_back, postings};
use domain::{Currency, LedgerTransactionId, Mode, Money, PaymentId, Scope, TenantId, Timestamp, ledger};
use store::balance_transactions::{self as rows, BalanceTransaction as Kept};
use store::ledger::Posting;
use store::payments::{self, Payment};
use store::reconciliation_breaks::Kind;
use store::{Tx, application_fees, balance_cursors};
use stripe::BalanceTransaction;

use crate::breaks::open_break;
use crate::{Failure, Moment, onboarding, payouts};

pub use reading::read;

/// Balance transactions from so much before an account was connected on are read: clocks differ.
const BEFORE_CONNECTING_MS: i64 = 60 * 60 * 1000;
/// Clocks differ: a write that was first sent so much after a transaction was made cannot have made it.
const SKEW_MS: i64 = 5 * 60 * 1000;
/// Whoever's it is, that is known by then: an event of ours that is later is found otherwise.
const UNDECIDED_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// From now on the account's balance is to be known, and what was made shortly before.
///
/// # Errors
/// When the database fails.
pub fn begin(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp) -> Result<(), store::Error> {
    let since = at.plus_ms(-BEFORE_CONNECTING_MS).seconds();
    let first = reading::next_read(mode, account, at);
    balance_cursors::begin(tx, mode, account, since, first, at)
}

/// Whose books an account's balance belongs to: those of the tenant that has it, or, without an account, the
/// platform's.
///
/// # Errors
/// When the database fails.
pub fn books_of(tx: &mut Tx, account: &str, mode: Mode) -> Result<Option<Scope>, Failure> {
    if account.is_empty() {
        return Ok(Some(Scope {
            tenant: TenantId::platform(),
            mode,
        }));
    }
    onboarding::tenant_of(tx, account, mode)
}

/// Within a transaction: keeps a balance transaction as Stripe shows it, finds out whose it is, and books
/// what no other flow books. One that is known stays as it is.
///
/// # Errors
/// When the database fails, or Stripe's amounts do not add up.
pub fn take_in(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    account: &str,
    seen: &BalanceTransaction,
) -> Result<(), Failure> {
    let mut row = kept(scope, account, seen, moment.at);
    if row.movement() == Movement::ShareBack && row.charge.is_none() {
        // An account does not see the platform's fees: what this one was taken from is in our own row.
        row.application_fee_id = row.application_fee_id.or_else(|| row.source.clone());
        let fee = row.application_fee_id.clone().unwrap_or_default();
        row.charge = application_fees::find(tx, scope.mode, &fee)?.map(|known| known.charge);
    }
    let (mut owner, payment) = owner(tx, &row, seen.hangs_on.account.as_deref(), moment.at)?;
    if owner == Owner::Ours && !find_part(tx, &mut row, payment.as_ref())? {
        owner = Owner::Undecided;
    }
    row.attribution = attribute(row.movement(), owner);
    let unknown = |code: &str| Currency::parse(code).is_err();
    if owner == Owner::Others && row.presented.as_ref().is_some_and(|(_, code)| unknown(code)) {
        // Only the net of what is others' is booked.
        row.presented = None;
    }
    if unknown(&row.currency) || row.presented.as_ref().is_some_and(|(_, code)| unknown(code)) {
        let detail = format!("{} is in a currency that this version does not know", row.id);
        let (tenant, mode, kind) = (Some(&scope.tenant), scope.mode, Kind::UnknownStatus);
        return open_break(tx, moment, 30, tenant, mode, kind, &row.id, &detail);
    }
    row.payment = payment.filter(|_| owner == Owner::Ours);
    if rows::insert(tx, &row, moment.at)? {
        return book(tx, moment, &row);
    }
    if let Some(on) = row.available_on {
        rows::store_available(tx, scope, &row.id, on, moment.at)?;
    }
    Ok(())
}

fn kept(scope: &Scope, account: &str, seen: &BalanceTransaction, at: Timestamp) -> Kept {
    let moment = |seconds: i64| Timestamp::from_ms(seconds.saturating_mul(1000));
    Kept {
        scope: scope.clone(),
        id: seen.id.clone(),
        account: account.to_owned(),
        type_: seen.type_.clone(),
        reporting_category: seen.reporting_category.clone(),
        source: seen.source.clone(),
        charge: seen.hangs_on.charge.clone(),
        intent: seen.hangs_on.payment_intent.clone(),
        application_fee_id: seen.hangs_on.application_fee.clone(),
        amount: seen.amount,
        fee: seen.fee,
        application_fee: seen.fee_of("application_fee").unwrap_or(0),
        net: seen.net,
        currency: seen.currency.clone(),
        presented: seen.hangs_on.presented.clone(),
        presented_fee: seen.hangs_on.presented_fee,
        exchange_rate: seen.exchange_rate.clone(),
        made_at: seen.created.map_or(at, moment),
        available_on: seen.available_on.map(moment),
        attribution: Attribution::Waiting,
        payment: None,
    }
}

/// A part of the platform's share that goes back hangs on the whole share. Where Stripe changed the currency,
/// what the part was taken in is what was reported of it; answers whether that is known.
fn find_part(tx: &mut Tx, row: &mut Kept, payment: Option<&PaymentId>) -> Result<bool, Failure> {
    if row.movement() != Movement::ShareBack || row.presented.is_some() {
        return Ok(true);
    }
    let hangs_on = row.application_fee_id.clone().or_else(|| row.source.clone());
    let fee = hangs_on.unwrap_or_default();
    let taken_in = match (application_fees::find(tx, row.scope.mode, &fee)?, payment) {
        (Some(known), _) => Some(known.currency),
        (None, Some(payment)) => {
            payments::get(tx, &row.scope, payment)?.map(|payment| payment.currency.code().to_owned())
        }
        (None, None) => None,
    };
    if taken_in.is_none_or(|code| code == row.currency) {
        return Ok(true);
    }
    let known = application_fees::parts_back(tx, row.scope.mode, &fee)?;
    let amounts: Vec<i64> = known.iter().map(|(amount, _)| *amount).collect();
    let taken = rows::parts_taken(tx, row, &fee)?;
    row.presented = part_back(&amounts, &taken).zip(known.first().map(|(_, code)| code.clone()));
    Ok(row.presented.is_some())
}

/// Whether what a balance transaction hangs on is ours, and which payment it is.
fn owner(
    tx: &mut Tx,
    row: &Kept,
    fee_of: Option<&str>,
    now: Timestamp,
) -> Result<(Owner, Option<PaymentId>), Failure> {
    match row.movement() {
        Movement::Payout | Movement::PayoutReturn | Movement::AccountFee | Movement::Other => {
            return Ok((Owner::Others, None));
        }
        Movement::Share | Movement::ShareBack if row.account.is_empty() => {
            return owner_of_share(tx, row, fee_of, now);
        }
        Movement::Charge | Movement::Refund | Movement::Dispute | Movement::Share | Movement::ShareBack => {}
    }
    if row.account.is_empty() {
        // The platform itself takes no payments of ours.
        return Ok((Owner::Others, None));
    }
    let (scope, account) = (&row.scope, row.account.as_str());
    let by_intent = match row.intent.as_deref() {
        Some(intent) => payments::by_intent(tx, scope, account, intent)?,
        None => None,
    };
    let payment = match (by_intent, row.charge.as_deref()) {
        (None, Some(charge)) => payments::by_charge(tx, scope, account, charge)?,
        (found, _) => found,
    };
    if let Some(payment) = payment {
        return Ok((Owner::Ours, Some(payment.id)));
    }
    // While a create of ours has no answer that may have made it, it may be ours.
    let by = row.made_at.plus_ms(SKEW_MS);
    Ok(match rows::may_be_ours(tx, scope, account, by)? {
        true => (Owner::Undecided, None),
        false => (Owner::Others, None),
    })
}

/// The platform's share of a payment on a tenant's account is its own, of whatever payment; it is booked when
/// Stripe tells of the fee.
fn owner_of_share(
    tx: &mut Tx,
    row: &Kept,
    fee_of: Option<&str>,
    now: Timestamp,
) -> Result<(Owner, Option<PaymentId>), Failure> {
    let fee = row.application_fee_id.as_deref().or(row.source.as_deref());
    if let Some(known) = application_fees::find(tx, row.scope.mode, fee.unwrap_or_default())? {
        return Ok((Owner::Ours, known.payment));
    }
    let of_a_tenant = match fee_of {
        Some(account) => onboarding::tenant_of(tx, account, row.scope.mode)?.is_some(),
        None => true,
    };
    let is_young = row.made_at.plus_ms(UNDECIDED_MS_MAX) > now;
    Ok(match of_a_tenant && is_young {
        true => (Owner::Undecided, None),
        false => (Owner::Others, None),
    })
}

/// What a kept one books by itself.
fn book(tx: &mut Tx, moment: Moment, row: &Kept) -> Result<(), Failure> {
    let amounts = amounts(row)?;
    if moves_nothing(row.attribution, &amounts) {
        return Ok(());
    }
    let movement = row.movement();
    let source = match row.attribution {
        Attribution::Payout => row.source.as_deref().unwrap_or(&row.id),
        _ => &row.id,
    };
    if movement == Movement::PayoutReturn {
        return payouts::book_return(tx, moment, row, source, amounts.amount);
    }
    let booked = postings(row.attribution, movement, &amounts)?;
    for (nth, transaction) in (0_u32..).zip(&booked) {
        let posting = Posting {
            scope: &row.scope,
            id: LedgerTransactionId::new(moment.at, moment.random(nth)),
            source_id: source,
            invoice_id: None,
            payment_id: row.payment.as_ref(),
            reverses: None,
            at: moment.at,
        };
        store::ledger::post(tx, &posting, transaction)?;
    }
    if movement == Movement::Payout {
        payouts::heard_of(tx, moment, row)?;
    }
    Ok(())
}

fn amounts(row: &Kept) -> Result<Amounts, Failure> {
    let amount = money(row, row.amount, &row.currency)?;
    let presented = match &row.presented {
        Some((minor, code)) => Some(money(row, *minor, code)?),
        None => None,
    };
    Ok(Amounts {
        amount,
        net_minor: row.net,
        application_fee_minor: row.application_fee,
        presented,
        presented_fee_minor: row.presented_fee,
    })
}

fn money(row: &Kept, minor: i64, code: &str) -> Result<Money, Failure> {
    let currency = Currency::parse(code);
    let currency =
        currency.map_err(|_| Failure::Bug(format!("{} is in the unknown currency {code}", row.id)))?;
    Ok(Money::new(minor, currency))
}

/// Within a transaction: a payment has learnt which intent or charge is its own. What hangs on it and was
/// taken for somebody else's, or waited, is ours; a line of the books that said otherwise is reversed.
///
/// # Errors
/// When the database fails.
pub fn ours_after_all(
    tx: &mut Tx,
    moment: Moment,
    before: &Payment,
    payment: &Payment,
) -> Result<(), Failure> {
    let mut found = Vec::new();
    if let Some(intent) = payment.intent_id.as_deref()
        && before.intent_id != payment.intent_id
    {
        found.extend(rows::others_of_intent(tx, &payment.scope, intent)?);
    }
    if let Some(charge) = payment.charge_id.as_deref()
        && before.charge_id != payment.charge_id
    {
        found.extend(rows::others_of_charge(tx, &payment.scope, charge)?);
    }
    found.dedup_by(|one, other| one.id == other.id);
    all_ours(tx, moment, &found, Some(&payment.id))
}

/// Within a transaction: Stripe has told of an application fee, or of what went back of one (`fee_…` or
/// `fr_…`). What a balance said of it before, when it was nobody's, is known now; a line of the books that
/// said otherwise is reversed.
///
/// # Errors
/// When the database fails.
pub fn share_after_all(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    fee: &str,
    payment: Option<&PaymentId>,
) -> Result<(), Failure> {
    let found = rows::others_of_fee(tx, scope, fee)?;
    all_ours(tx, moment, &found, payment)
}

fn all_ours(tx: &mut Tx, moment: Moment, found: &[Kept], payment: Option<&PaymentId>) -> Result<(), Failure> {
    for (nth, row) in (0_u32..).zip(found) {
        // Each makes ids of its own, far from those of whatever else this phase makes.
        let own = Moment::new(moment.at, moment.random(1_000 + nth));
        reattribute(tx, own, row, Owner::Ours, payment)?;
    }
    Ok(())
}

/// Says anew whose a kept one is, and corrects the books.
fn reattribute(
    tx: &mut Tx,
    moment: Moment,
    row: &Kept,
    owner: Owner,
    payment: Option<&PaymentId>,
) -> Result<(), Failure> {
    let mut now = Kept {
        payment: payment.cloned(),
        ..row.clone()
    };
    let is_whole = owner != Owner::Ours || find_part(tx, &mut now, payment)?;
    now.attribution = attribute(row.movement(), if is_whole { owner } else { Owner::Undecided });
    let to = now.attribution;
    if to == row.attribution || !rows::attribute(tx, row, to, payment, moment.at)? {
        return Ok(());
    }
    if now.presented != row.presented {
        rows::store_presented(tx, &now, moment.at)?;
    }
    let booked = store::ledger::find(tx, &row.scope, ledger::Kind::External, &row.id)?;
    if let Some(booked) = booked.filter(|_| row.attribution == Attribution::External) {
        let posting = Posting {
            scope: &row.scope,
            id: LedgerTransactionId::new(moment.at, moment.random(100)),
            source_id: &row.id,
            invoice_id: None,
            payment_id: None,
            reverses: Some(booked),
            at: moment.at,
        };
        let net = money(row, row.net, &row.currency)?;
        store::ledger::post(tx, &posting, &ledger::external_reversal(net)?)?;
    }
    book(tx, moment, &now)
}

/// Within a transaction: looks again at those of an account of which it was not known whose they are;
/// answers since when the youngest of those waits that still do.
fn look_again(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    moments: &[Moment],
) -> Result<Option<Timestamp>, Failure> {
    let limit = i64::try_from(moments.len()).unwrap_or(i64::MAX);
    let waiting = rows::waiting(tx, scope, account, limit)?;
    let mut youngest = None;
    for (row, moment) in waiting.iter().zip(moments) {
        let (owner, payment) = owner(tx, row, None, moment.at)?;
        if owner == Owner::Undecided {
            youngest = youngest.max(Some(row.made_at));
        } else {
            reattribute(tx, *moment, row, owner, payment.as_ref())?;
        }
    }
    Ok(youngest)
}
