//! Fills an empty database through the store: finalized invoices that are booked as owed, each with a live
//! payment at the point where a payer has finished 3D Secure and only the event is missing.

use std::ops::Range;

use domain::invoice::{Line, Quantity, TaxRate};
use domain::pay_link::LinkKind;
use domain::payment::{IntentStatus, PaymentState};
use domain::{Currency, LedgerTransactionId, Mode, Money, Scope, Timestamp, ledger};
use flows::Clock;
use server::clock::SystemClock;
use store::clients::Client;
use store::db::Options;
use store::invoices::{BillTo, Invoice};
use store::ledger::Posting;
use store::pay_links::PayLink;
use store::payments::Payment;
use store::state_history::Change;
use store::stripe_config::StripeConfig;
use store::tenants::Tenant;
use store::{Db, Error, Tx};
use store::{clients, invoices, migrate, pay_links, payments, state_history, stripe_config, tenants};

use crate::story;

/// Invoices in one transaction: well below the time that the database allows for one.
const BATCH: u64 = 100;
/// When the reconciler would look at such a payment by itself: later than any run ends.
const CHECK_AFTER_MS: i64 = 15 * 60 * 1000;

/// Makes the tables, the MSPs and the invoices.
pub fn run(database: &str, events: u64) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| error.to_string())?;
    runtime
        .block_on(fill(database, events))
        .map_err(|error| format!("{database}: {error}"))
}

async fn fill(database: &str, events: u64) -> Result<(), Error> {
    let at = SystemClock::default().now();
    let db = Db::open(database, Options::default()).await?;
    migrate::migrate(&db, at.ms()).await?;
    db.write(move |tx| (0..story::TENANTS).try_for_each(|n| add_msp(tx, n, at)))
        .await?;
    let mut from = 0;
    while from < events {
        let batch: Range<u64> = from..events.min(from + BATCH);
        from = batch.end;
        db.write(move |tx| batch.clone().try_for_each(|n| add_invoice(tx, n, at)))
            .await?;
    }
    db.close().await;
    Ok(())
}

fn scope(n: u64) -> Scope {
    Scope {
        tenant: story::tenant(n),
        mode: Mode::Test,
    }
}

fn usd() -> Result<Currency, Error> {
    Currency::parse("usd").map_err(|refusal| Error::Bug(refusal.to_string()))
}

fn add_msp(tx: &mut Tx, n: u64, at: Timestamp) -> Result<(), Error> {
    let scope = scope(n);
    let tenant = Tenant::new(scope.tenant.clone(), format!("MSP {n}"), None, at);
    tenants::insert(tx, &tenant)?;
    clients::insert(tx, &scope, &client(n, at))?;
    let config = StripeConfig {
        scope,
        stripe_account_id: story::account(n),
        origin: store::stripe_config::Origin::Created,
        charges_enabled: true,
        payouts_enabled: true,
        details_submitted: true,
        capabilities: r#"{"card_payments":"active"}"#.to_owned(),
        card_payments_active: true,
        requirements: "{}".to_owned(),
        fee_bps: None,
        disconnected: false,
        updated_at: at,
    };
    stripe_config::put(tx, &config).map(|_| ())
}

fn client(n: u64, at: Timestamp) -> Client {
    Client {
        id: story::client(n),
        name: format!("Client of MSP {n}"),
        email: None,
        address: Vec::new(),
        tax_id: None,
        version: 1,
        created_at: at,
    }
}

fn add_invoice(tx: &mut Tx, n: u64, at: Timestamp) -> Result<(), Error> {
    let (scope, id) = (scope(n), story::invoice(n));
    let refused = |refusal: domain::Refusal| Error::Bug(refusal.to_string());
    let total = Money::new(story::AMOUNT, usd()?);
    let draft = invoices_row(n, total, at);
    invoices::insert(tx, &scope, &draft)?;
    let line = Line {
        description: "Managed workplace, November".to_owned(),
        quantity: Quantity::from_thousandths(1000),
        unit_price_minor: story::AMOUNT,
        tax_rate: TaxRate::from_thousandths_of_percent(0).map_err(refused)?,
        discount: None,
        discount_minor: 0,
        amount_minor: story::AMOUNT,
    };
    invoices::insert_lines(tx, &scope, &id, &[line], at)?;
    let number = format!("INV-{:05}", invoices::next_number(tx, &scope, at)?);
    invoices::finalize(tx, &scope, &draft, &number, &BillTo::of(&client(n, at)), at)?;
    note(tx, &scope, id.as_str(), 2, "draft", "open", at)?;
    book(tx, &scope, n, total, at)?;
    let times = [at, at.plus_ms(CHECK_AFTER_MS)];
    let link = PayLink::new(&scope, story::link(n), &id, LinkKind::Shared, times);
    pay_links::rotate(tx, &link)?;
    add_payment(tx, n, scope, total.currency(), at)
}

fn invoices_row(n: u64, total: Money, at: Timestamp) -> Invoice {
    Invoice {
        id: story::invoice(n),
        client_id: story::client(n),
        number: None,
        currency: total.currency(),
        memo: None,
        due_date: None,
        status: domain::invoice::InvoiceState::Draft,
        version: 1,
        subtotal: total.minor(),
        discount: None,
        discounted: 0,
        tax: 0,
        total,
        applied: 0,
        credited: 0,
        bill_to: None,
        created_at: at,
        finalized_at: None,
        paid_at: None,
        voided_at: None,
    }
}

fn book(tx: &mut Tx, scope: &Scope, n: u64, total: Money, at: Timestamp) -> Result<(), Error> {
    let id = story::invoice(n);
    let owed = ledger::invoice(total, total.minor(), 0)
        .map_err(|unbalanced| Error::Bug(format!("{unbalanced:?}")))?;
    let posting = Posting {
        scope,
        id: LedgerTransactionId::new(at, u128::from(n)),
        source_id: id.as_str(),
        invoice_id: Some(&id),
        payment_id: None,
        reverses: None,
        at,
    };
    store::ledger::post(tx, &posting, &owed).map(|_| ())
}

fn add_payment(tx: &mut Tx, n: u64, scope: Scope, currency: Currency, at: Timestamp) -> Result<(), Error> {
    let mut payment = Payment {
        scope,
        id: story::payment(n),
        invoice_id: story::invoice(n),
        attempt: 1,
        stripe_account_id: story::account(n),
        intent_id: None,
        charge_id: None,
        currency,
        amount: story::AMOUNT,
        received: 0,
        reserved: 0,
        refunded: 0,
        disputed: 0,
        application_fee: Some(story::FEE),
        stripe_fee: None,
        net: None,
        settlement_currency: None,
        status: PaymentState::Creating,
        declines: 0,
        failure_code: None,
        method_brand: None,
        method_last4: None,
        version: 1,
        next_check_at: Some(at.plus_ms(CHECK_AFTER_MS)),
        created_at: at,
        succeeded_at: None,
        unreachable_since: None,
        fee_basis: None,
    };
    payments::insert(tx, &payment, &[(payment.invoice_id.clone(), payment.amount)])?;
    payment.intent_id = Some(story::intent(n));
    payment.status = PaymentState::At(IntentStatus::RequiresAction);
    payments::store(tx, &payment, at)?;
    let (id, state) = (payment.id.as_str(), payment.status.word());
    note(tx, &payment.scope, id, 2, "creating", state, at)
}

fn note(
    tx: &mut Tx,
    scope: &Scope,
    subject_id: &str,
    version: i64,
    from: &str,
    to: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let change = Change {
        scope,
        subject_id,
        version,
        from: Some(from),
        to,
        cause: "bench",
    };
    state_history::insert(tx, &change, at)
}
