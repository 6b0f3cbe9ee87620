//! A year of one MSP: invoices to its clients, most of them paid by card an hour later, with Stripe's
//! fee, the platform's, and the platform's own books. As it would be, balances are written down once
//! their hour is over.

use std::ops::Range;

use domain::invoice::{InvoiceState, Line, Quantity, TaxRate};
use domain::ledger::{self, Share, Transaction, Unbalanced};
use domain::payment::{IntentStatus, PaymentState};
use domain::seal::Day;
use domain::{
    ClientId, Currency, InvoiceId, LedgerTransactionId, Mode, Money, PaymentId, Scope, TenantId, Timestamp,
};
use flows::{Clock, Failure};
use server::clock::SystemClock;
use store::application_fees::{self, ApplicationFee};
use store::clients::{self, Client};
use store::db::Options;
use store::invoices::{self, BillTo, Invoice};
use store::ledger::Posting;
use store::payments::{self, Payment};
use store::state_history::{self, Change};
use store::stripe_config::{self, StripeConfig};
use store::tenants::{self, Tenant};
use store::{Db, Error, Tx, migrate, payment_parts};

/// Clients of an MSP whose books are measured: few enough that each has pages of lines in small books too.
const CLIENTS: u64 = 20;
/// How often in the year balances are written down. It is hourly where a server runs.
const CLOSED: u64 = 52;
/// Of so many invoices one is not paid.
const UNPAID_OF: u64 = 20;
/// Entries of an invoice that is paid: three of itself, and two each of its payment, Stripe's fee, the
/// platform's fee, and that in the platform's books.
const ENTRIES_EACH: u64 = 11;
/// Invoices in one transaction.
const BATCH: u64 = 200;
const YEAR_MS: i64 = 365 * 24 * 60 * 60 * 1000;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Minor units: an invoice of measured books, and what goes off each.
const TOTAL: i64 = 11_900;
const STRIPE_FEE: i64 = 375;
const FEE: i64 = 357;
/// Its account at Stripe.
pub const ACCOUNT: &str = "acct_1SWbenchledger";

/// Whose books are measured: the same in every database.
pub fn scope() -> Scope {
    Scope {
        tenant: TenantId::new(Timestamp::from_ms(0), 1),
        mode: Mode::Test,
    }
}

/// The n-th client whose books are measured.
pub fn client(n: u64) -> ClientId {
    client_of(n, CLIENTS)
}

fn client_of(n: u64, clients: u64) -> ClientId {
    ClientId::new(Timestamp::from_ms(0), u128::from(n % clients))
}

/// The one currency of it.
pub fn usd() -> Result<Currency, Error> {
    Currency::parse("usd").map_err(|refusal| Error::Bug(refusal.to_string()))
}

/// How an invoice ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is not finalized.
    Draft,
    /// It is owed.
    Open,
    /// It is owed, and its payment is under way.
    Processing,
    /// It is paid.
    Paid,
    /// It was taken back, which is not in the books.
    Void,
}

/// When each invoice is made, to whom, over how much, and how it ends.
#[derive(Clone, Copy)]
pub struct Year {
    /// Of so many invoices.
    pub invoices: u64,
    /// To so many clients in turn.
    pub clients: u64,
    /// The end of it.
    pub now: Timestamp,
    /// The total of the n-th, minor units.
    pub total: fn(u64) -> i64,
    /// How the n-th ends.
    pub end: fn(u64) -> End,
    /// Days until it is due, if it says so.
    pub due_days: Option<i64>,
}

impl Year {
    /// The n-th invoice.
    pub fn invoice(self, n: u64) -> InvoiceId {
        InvoiceId::new(self.made_at(n), u128::from(n))
    }

    /// The payment of the n-th invoice.
    pub fn payment(self, n: u64) -> PaymentId {
        PaymentId::new(self.paid_at(n), u128::from(n))
    }

    /// Half an hour later.
    pub fn paid_at(self, n: u64) -> Timestamp {
        self.made_at(n).plus_ms(HOUR_MS / 2)
    }

    /// The last one so long ago that its payment is over too.
    pub fn made_at(self, n: u64) -> Timestamp {
        let share = i128::from(YEAR_MS) * i128::from(n) / i128::from(self.invoices.max(1));
        let since = i64::try_from(share).unwrap_or(YEAR_MS);
        self.now.plus_ms(since - YEAR_MS - HOUR_MS)
    }

    /// So many days after one was made, but nothing is later than now.
    pub fn later(self, n: u64, days: i64) -> Timestamp {
        self.made_at(n).plus_ms(days * 24 * HOUR_MS).min(self.now)
    }
}

/// Makes the tables and the books.
pub async fn run(database: &str, entries: u64) -> Result<(), Failure> {
    let now = SystemClock::default().now();
    let db = Db::open(database, Options::default()).await?;
    migrate::migrate(&db, now.ms()).await?;
    let year = Year {
        invoices: entries.div_ceil(ENTRIES_EACH) * UNPAID_OF / (UNPAID_OF - 1),
        clients: CLIENTS,
        now,
        total: |_| TOTAL,
        end: |n| match n % UNPAID_OF == UNPAID_OF - 1 {
            true => End::Open,
            false => End::Paid,
        },
        due_days: None,
    };
    db.write(move |tx| add_msp(tx, year.clients, client_row)).await?;
    live_through(&db, year, |_, _, _| Ok(())).await?;
    db.close().await;
    Ok(())
}

/// Writes every invoice with its payment and what `more` adds to it.
pub async fn live_through(
    db: &Db,
    year: Year,
    more: fn(&mut Tx, u64, Year) -> Result<(), Error>,
) -> Result<(), Failure> {
    let (mut from, mut next_closed) = (0, year.invoices / CLOSED);
    while from < year.invoices {
        let batch: Range<u64> = from..year.invoices.min(from + BATCH);
        from = batch.end;
        db.write(move |tx| {
            batch.clone().try_for_each(|n| {
                add_invoice(tx, n, year)?;
                more(tx, n, year)
            })
        })
        .await?;
        if from >= next_closed {
            flows::books::close_hours_at(db, year.made_at(from)).await?;
            flows::books::fold_sums(db).await?;
            next_closed += year.invoices / CLOSED;
        }
    }
    flows::books::close_hours_at(db, year.now).await?;
    flows::books::fold_sums(db).await?;
    Ok(())
}

/// Adds the MSP with its clients and its account.
pub fn add_msp(tx: &mut Tx, clients: u64, row: fn(u64, Timestamp) -> Client) -> Result<(), Error> {
    let (scope, at) = (scope(), Timestamp::from_ms(0));
    let tenant = Tenant::new(scope.tenant.clone(), "Large MSP".to_owned(), None, at);
    tenants::insert(tx, &tenant)?;
    for n in 0..clients {
        let id = client_of(n, clients);
        clients::insert(tx, &scope, &Client { id, ..row(n, at) })?;
    }
    let config = StripeConfig {
        scope,
        stripe_account_id: ACCOUNT.to_owned(),
        origin: stripe_config::Origin::Created,
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

fn client_row(n: u64, at: Timestamp) -> Client {
    Client {
        id: client(n),
        name: format!("Client {n}"),
        email: None,
        address: Vec::new(),
        tax_id: None,
        version: 1,
        created_at: at,
    }
}

fn add_invoice(tx: &mut Tx, n: u64, year: Year) -> Result<(), Error> {
    let (scope, at, total) = (scope(), year.made_at(n), Money::new((year.total)(n), usd()?));
    let id = year.invoice(n);
    let mut invoice = draft(n, id.clone(), total, year);
    let net = invoice.subtotal;
    invoices::insert(tx, &scope, &invoice)?;
    let refused = |refusal: domain::Refusal| Error::Bug(refusal.to_string());
    let line = Line {
        description: "Managed workplace".to_owned(),
        quantity: Quantity::from_thousandths(1000),
        unit_price_minor: net,
        tax_rate: TaxRate::from_thousandths_of_percent(19_000).map_err(refused)?,
        discount: None,
        discount_minor: 0,
        amount_minor: net,
    };
    invoices::insert_lines(tx, &scope, &id, &[line], at)?;
    note(tx, &scope, id.as_str(), 1, (None, "draft"), at)?;
    let end = (year.end)(n);
    if end == End::Draft {
        return Ok(());
    }
    let number = format!("INV-{:05}", invoices::next_number(tx, &scope, at)?);
    invoices::finalize(tx, &scope, &invoice, &number, &BillTo::of(&client_row(n, at)), at)?;
    note(tx, &scope, id.as_str(), 2, (Some("draft"), "open"), at)?;
    let booked = Booked {
        scope: &scope,
        n,
        at,
        invoice: Some(&id),
        payment: None,
    };
    booked.post(tx, 0, id.as_str(), ledger::invoice(total, net, invoice.tax))?;
    (invoice.number, invoice.finalized_at, invoice.version) = (Some(number), Some(at), 2);
    let then = year.paid_at(n);
    let word = match end {
        End::Draft | End::Open => return Ok(()),
        End::Processing => {
            invoice.status = InvoiceState::Processing;
            "processing"
        }
        End::Paid => {
            (invoice.status, invoice.applied, invoice.paid_at) =
                (InvoiceState::Paid, total.minor(), Some(then));
            "paid"
        }
        End::Void => {
            (invoice.status, invoice.voided_at) = (InvoiceState::Void, Some(then));
            "void"
        }
    };
    invoices::store(tx, &scope, &invoice)?;
    note(tx, &scope, id.as_str(), 3, (Some("open"), word), then)?;
    match end {
        End::Draft | End::Open | End::Void => Ok(()),
        End::Processing => {
            let payment = creating(n, &id, total, then);
            payments::insert(tx, &payment, &[(id, total.minor())])
        }
        End::Paid => pay(tx, n, &id, total, then),
    }
}

fn draft(n: u64, id: InvoiceId, total: Money, year: Year) -> Invoice {
    let at = year.made_at(n);
    // Nineteen percent, as the line says.
    let tax = total.minor() * 19 / 119;
    let due = |days: i64| Day::of(at.plus_ms(days * 24 * HOUR_MS)).to_string();
    Invoice {
        id,
        client_id: client_of(n, year.clients),
        number: None,
        currency: total.currency(),
        memo: None,
        due_date: year.due_days.map(due),
        bill_to: None,
        status: InvoiceState::Draft,
        version: 1,
        subtotal: total.minor() - tax,
        discount: None,
        discounted: 0,
        tax,
        total,
        applied: 0,
        credited: 0,
        created_at: at,
        finalized_at: None,
        paid_at: None,
        voided_at: None,
    }
}

fn pay(tx: &mut Tx, n: u64, invoice: &InvoiceId, total: Money, at: Timestamp) -> Result<(), Error> {
    let scope = scope();
    let mut payment = creating(n, invoice, total, at);
    payments::insert(tx, &payment, &[(invoice.clone(), total.minor())])?;
    payment.intent_id = Some(format!("pi_3SWbench{n:016}"));
    payment.charge_id = Some(format!("ch_3SWbench{n:016}"));
    payment.status = PaymentState::At(IntentStatus::Succeeded);
    (payment.received, payment.succeeded_at) = (total.minor(), Some(at));
    (payment.stripe_fee, payment.net) = (Some(STRIPE_FEE), Some(total.minor() - STRIPE_FEE - FEE));
    payment.settlement_currency = Some(total.currency());
    payments::store(tx, &payment, at)?;
    payment_parts::apply(tx, &scope, &payment.id, invoice, total.minor())?;
    let subject = payment.id.as_str();
    note(tx, &scope, subject, 1, (None, "creating"), at)?;
    note(tx, &scope, subject, 2, (Some("creating"), "succeeded"), at)?;
    let (intent, charge) = (
        payment.intent_id.clone().unwrap_or_default(),
        payment.charge_id.clone().unwrap_or_default(),
    );
    let of = |minor: i64| Money::new(minor, total.currency());
    let fee_id = format!("fee_1SWbench{n:016}");
    let fee = ApplicationFee {
        scope: &scope,
        id: &fee_id,
        stripe_account_id: ACCOUNT,
        charge_id: &charge,
        payment_id: Some(&payment.id),
        amount: of(FEE),
        refunded: 0,
    };
    application_fees::put(tx, &fee, at)?;
    let own = Booked {
        scope: &scope,
        n,
        at,
        invoice: Some(invoice),
        payment: Some(&payment.id),
    };
    let share = Share {
        invoice: invoice.clone(),
        amount_minor: total.minor(),
    };
    own.post(tx, 1, &intent, ledger::payment(total, &[share]))?;
    own.post(tx, 2, &charge, ledger::stripe_fee(of(STRIPE_FEE)))?;
    own.post(tx, 3, &fee_id, ledger::application_fee(of(FEE)))?;
    let platform = Scope {
        tenant: TenantId::platform(),
        mode: Mode::Test,
    };
    let of_platform = Booked {
        scope: &platform,
        ..own
    };
    of_platform.post(tx, 4, &fee_id, ledger::application_fee_income(of(FEE)))
}

fn creating(n: u64, invoice: &InvoiceId, total: Money, at: Timestamp) -> Payment {
    Payment {
        scope: scope(),
        id: PaymentId::new(at, u128::from(n)),
        invoice_id: invoice.clone(),
        attempt: 1,
        stripe_account_id: ACCOUNT.to_owned(),
        intent_id: None,
        charge_id: None,
        currency: total.currency(),
        amount: total.minor(),
        received: 0,
        reserved: 0,
        refunded: 0,
        disputed: 0,
        application_fee: Some(FEE),
        stripe_fee: None,
        net: None,
        settlement_currency: None,
        status: PaymentState::Creating,
        declines: 0,
        failure_code: None,
        method_brand: None,
        method_last4: None,
        version: 1,
        next_check_at: None,
        created_at: at,
        succeeded_at: None,
        unreachable_since: None,
        fee_basis: None,
    }
}

/// What a posting of the n-th invoice is about.
#[derive(Clone, Copy)]
struct Booked<'a> {
    scope: &'a Scope,
    n: u64,
    at: Timestamp,
    invoice: Option<&'a InvoiceId>,
    payment: Option<&'a PaymentId>,
}

impl Booked<'_> {
    fn post(
        &self,
        tx: &mut Tx,
        nth: u64,
        source_id: &str,
        transaction: Result<Transaction, Unbalanced>,
    ) -> Result<(), Error> {
        let transaction = transaction.map_err(|unbalanced| Error::Bug(format!("{unbalanced:?}")))?;
        let posting = Posting {
            scope: self.scope,
            id: LedgerTransactionId::new(self.at, u128::from(self.n * 8 + nth)),
            source_id,
            invoice_id: self.invoice,
            payment_id: self.payment,
            reverses: None,
            at: self.at,
        };
        store::ledger::post(tx, &posting, &transaction).map(|_| ())
    }
}

fn note(
    tx: &mut Tx,
    scope: &Scope,
    subject_id: &str,
    version: i64,
    (from, to): (Option<&str>, &str),
    at: Timestamp,
) -> Result<(), Error> {
    let change = Change {
        scope,
        subject_id,
        version,
        from,
        to,
        cause: "bench",
    };
    state_history::insert(tx, &change, at)
}
