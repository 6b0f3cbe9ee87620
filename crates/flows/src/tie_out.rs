//! The comparison of three sides that must agree to the cent: what invoices say is owed, what the books
//! say, and what Stripe's balance transactions come to. Each day by itself, and whenever somebody asks. A
//! difference is shown with the facts that make it, as a break with an age, until it is gone.

use domain::balance::Difference;
use domain::seal::Day;
use domain::{Currency, Scope, TenantId, Timestamp};
use serde_json::json;
use store::ledger_balances::{self, Book};
use store::reconciliation_breaks::{self, Kind};
use store::tie_outs::{self as rows, Fact, InvoiceFact, TieOut};
use store::{Db, Tx, balance_cursors, balance_transactions, stripe_config};

use crate::audit::{self, Entry};
use crate::breaks::open_break;
use crate::{App, By, Failure, Moment, balance};

/// What happened so lately may be known to one side only: webhooks come late, and lists lag behind.
const GRACE_MS: i64 = 60 * 60 * 1000;
/// So many facts are read; whoever reads them learns nothing from more.
pub const FACTS_MAX: i64 = 100;
/// So many facts a break names.
const NAMED_MAX: usize = 5;
/// A day's comparison that found a difference is made again after this.
const AGAIN_MS: i64 = 60 * 60 * 1000;

/// A fact that differs, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// The fact, with both sides.
    pub fact: Fact,
    /// Why, in one word.
    pub reason: Difference,
}

/// A comparison in one currency, with the facts that make its difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it came to.
    pub tied: TieOut,
    /// Facts in which the books and Stripe differ.
    pub facts: Vec<Differs>,
    /// Facts that only one side can know yet.
    pub on_the_way: Vec<Fact>,
    /// Invoices whose books say something else.
    pub invoices: Vec<InvoiceFact>,
    /// Whether Stripe's balance can be read: of an account that is disconnected nobody knows what moved
    /// since.
    pub readable: bool,
}

impl Report {
    /// Whether all three sides agree, as far as it can be known: nothing is said of an account that cannot be
    /// read, unless something differs already.
    pub fn agreement(&self) -> Option<bool> {
        match (self.agrees(), self.readable) {
            (true, false) => None,
            (agrees, _) => Some(agrees),
        }
    }

    /// Whether all three sides agree.
    pub fn agrees(&self) -> bool {
        self.tied.unexplained == 0
    }
}

/// Compares now, in every currency that a tenant has anything in, and changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn compare(db: &Db, scope: &Scope, now: Timestamp) -> Result<Vec<Report>, Failure> {
    let scope = scope.clone();
    db.read(move |tx| compared(tx, &scope, now)).await
}

fn compared(tx: &mut Tx, scope: &Scope, now: Timestamp) -> Result<Vec<Report>, Failure> {
    let (read_at, readable) = read_at(tx, scope)?;
    let currencies = rows::currencies(tx, scope)?;
    let reports = currencies.into_iter().map(|currency| {
        let report = in_currency(tx, scope, currency, read_at, now)?;
        Ok(Report { readable, ..report })
    });
    reports.collect()
}

/// Until when the balance of a tenant's account, or of the platform's, has been read, none before the first
/// time; and whether it can be read on.
fn read_at(tx: &mut Tx, scope: &Scope) -> Result<(Option<Timestamp>, bool), Failure> {
    let (account, readable) = if scope.tenant == TenantId::platform() {
        (String::new(), true)
    } else {
        match stripe_config::get(tx, scope)? {
            Some(config) => (config.stripe_account_id, !config.disconnected),
            None => return Ok((None, true)),
        }
    };
    let cursor = balance_cursors::get(tx, scope.mode, &account)?;
    let read_at = cursor.map(|cursor| cursor.read_at).filter(|at| at.ms() > 0);
    Ok((read_at, readable))
}

fn in_currency(
    tx: &mut Tx,
    scope: &Scope,
    currency: Currency,
    read_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Report, Failure> {
    let mut booked = |account: &str| {
        let book = Book::Account(account.to_owned());
        ledger_balances::before(tx, scope, &book, currency, Timestamp::from_ms(i64::MAX))
            .map(|summed| summed.balance)
    };
    let (receivable, credit) = (booked("receivable")?, booked("client_credit")?.saturating_neg());
    let (clearing, external) = (
        booked("stripe_clearing")?,
        booked("external_clearing")?.saturating_neg(),
    );
    let parts = balance_transactions::sums(tx, scope, currency.code())?;
    let stripe = parts.iter().map(|part| part.net).fold(0_i64, i64::saturating_add);
    let (mut facts, mut on_the_way) = (Vec::new(), Vec::new());
    for fact in rows::facts(tx, scope, currency, FACTS_MAX)? {
        let reason = Difference::between(fact.books, fact.postings, fact.stripe, fact.transactions);
        match reason {
            Some(reason) if !is_on_the_way(&fact, reason, read_at, now) => {
                facts.push(Differs { fact, reason })
            }
            _ => on_the_way.push(fact),
        }
    }
    let invoices = rows::invoice_facts(tx, scope, currency, FACTS_MAX)?;
    let (owed, credit_left) = (
        rows::owed(tx, scope, currency)?,
        rows::credit_left(tx, scope, currency)?,
    );
    let apart = |one: i64, other: i64| one.saturating_sub(other).saturating_abs();
    let unexplained = facts
        .iter()
        .map(|differs| apart(differs.fact.books, differs.fact.stripe))
        .chain(invoices.iter().map(|invoice| apart(invoice.owed, invoice.books)))
        .chain([apart(credit_left, credit)])
        .fold(0_i64, i64::saturating_add);
    let way = on_the_way
        .iter()
        .map(|fact| fact.books.saturating_sub(fact.stripe));
    let facts_count = facts.len().saturating_add(invoices.len());
    let tied = TieOut {
        scope: scope.clone(),
        currency,
        day: Day::of(now).to_string(),
        invoices_owed: owed,
        books_receivable: receivable,
        credit_left,
        books_credit: credit,
        stripe_balance: stripe,
        books_clearing: clearing,
        external,
        on_the_way: way.fold(0_i64, i64::saturating_add),
        unexplained,
        facts: i64::try_from(facts_count).unwrap_or(i64::MAX),
        read_at,
        at: now,
    };
    Ok(Report {
        tied,
        facts,
        on_the_way,
        invoices,
        readable: true,
    })
}

/// What happened lately, what waits to be attributed, and what Stripe's list has not been read for.
fn is_on_the_way(fact: &Fact, reason: Difference, read_at: Option<Timestamp>, now: Timestamp) -> bool {
    let is_read = read_at.is_some_and(|read_at| fact.newest.plus_ms(GRACE_MS) <= read_at);
    let is_settled = fact.newest.plus_ms(GRACE_MS) <= now;
    match reason {
        Difference::MissingPosting => fact.waiting || !is_settled,
        Difference::MissingAtStripe | Difference::OtherAmount => fact.waiting || !is_settled || !is_read,
    }
}

/// Compares, keeps what it came to, and opens, restates or closes the break of each currency. Who ordered
/// it is noted; nobody orders the daily one.
///
/// # Errors
/// When the database fails.
pub async fn run(app: &App, scope: &Scope, by: Option<&By>) -> Result<Vec<Report>, Failure> {
    let (moment, scope, by) = (app.moment(), scope.clone(), by.cloned());
    app.db
        .write(move |tx| {
            let reports = compared(tx, &scope, moment.at)?;
            for (nth, report) in (0_u32..).zip(&reports) {
                rows::put(tx, &report.tied)?;
                show(tx, moment, nth, report)?;
            }
            if let Some(by) = &by {
                let sums = reports.iter().map(|report| {
                    json!({"currency": report.tied.currency.code(), "unexplained": report.tied.unexplained})
                });
                let entry = Entry {
                    action: "tie_out.ordered",
                    subject: scope.tenant.as_str(),
                    before: None,
                    after: Some(json!(sums.collect::<Vec<_>>()).to_string()),
                };
                let whose = (scope.tenant != TenantId::platform()).then_some(&scope);
                audit::note(tx, whose, by, moment, &entry)?;
            }
            Ok(reports)
        })
        .await
}

/// The break of a tenant's currency: open while something is unexplained.
fn show(tx: &mut Tx, moment: Moment, nth: u32, report: &Report) -> Result<(), Failure> {
    let (scope, currency) = (&report.tied.scope, report.tied.currency);
    let subject = format!("{} {}", scope.tenant, currency.code());
    if report.agrees() {
        reconciliation_breaks::resolve(tx, scope, Kind::TieOut, &subject, moment.at)?;
        return Ok(());
    }
    let detail = in_words(report);
    let tenant = Some(&scope.tenant);
    open_break(
        tx,
        moment,
        nth,
        tenant,
        scope.mode,
        Kind::TieOut,
        &subject,
        &detail,
    )?;
    reconciliation_breaks::restate(tx, scope, Kind::TieOut, &subject, &detail)?;
    Ok(())
}

/// What differs, to the cent, and the first facts that make it.
fn in_words(report: &Report) -> String {
    let tied = &report.tied;
    let money = |minor: i64| domain::Money::new(minor, tied.currency).to_string();
    let of_stripe = report.facts.iter().map(|differs| {
        let (fact, reason) = (&differs.fact, differs.reason.word());
        format!(
            "{} {reason} (books {}, Stripe {})",
            fact.id,
            money(fact.books),
            money(fact.stripe)
        )
    });
    let of_invoices = report.invoices.iter().map(|invoice| {
        format!(
            "{} (owed {}, books {})",
            invoice.id,
            money(invoice.owed),
            money(invoice.books)
        )
    });
    let credit = (tied.credit_left != tied.books_credit).then(|| {
        format!(
            "clients' credit (left {}, books {})",
            money(tied.credit_left),
            money(tied.books_credit)
        )
    });
    let mut named: Vec<String> = of_stripe.chain(of_invoices).chain(credit).collect();
    let more = named.len().saturating_sub(NAMED_MAX);
    named.truncate(NAMED_MAX);
    let more = if more == 0 {
        String::new()
    } else {
        format!(", and {more} more")
    };
    format!(
        "{} cannot be explained: {}{more}",
        money(tied.unexplained),
        named.join("; ")
    )
}

/// Compares every tenant and mode, and the platform, that was not compared today, and again what differed
/// an hour ago; answers how many it compared.
///
/// # Errors
/// When the database fails; what was compared stays, and the next run goes on from there.
pub async fn run_due(app: &App) -> Result<usize, Failure> {
    let (mut last, mut compared) = (None, 0_usize);
    loop {
        let (after, now) = (last, app.clock.now());
        let found = app.db.read(move |tx| {
            let scope = rows::next_scope(tx, after.as_ref())?;
            match scope {
                Some(scope) => Ok::<_, Failure>(Some((is_due(tx, &scope, now)?, scope))),
                None => Ok(None),
            }
        });
        let Some((due, scope)) = found.await? else {
            return Ok(compared);
        };
        if due {
            run(app, &scope, None).await?;
            compared = compared.saturating_add(1);
        }
        last = Some(scope);
    }
}

fn is_due(tx: &mut Tx, scope: &Scope, now: Timestamp) -> Result<bool, Failure> {
    let today = rows::of_day(tx, scope, &Day::of(now).to_string())?;
    let again = |tied: &TieOut| tied.unexplained > 0 && tied.at.plus_ms(AGAIN_MS) <= now;
    Ok(today.is_empty() || today.iter().any(again))
}

/// Reads the balance at Stripe on, and then compares: whoever asks wants to know of now.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn read_and_run(app: &App, scope: &Scope, by: &By) -> Result<Vec<Report>, Failure> {
    let of = scope.clone();
    let cursor = app.db.read(move |tx| {
        let account = if of.tenant == TenantId::platform() {
            Some(String::new())
        } else {
            stripe_config::get(tx, &of)?
                .filter(|config| !config.disconnected)
                .map(|config| config.stripe_account_id)
        };
        match account {
            Some(account) => Ok::<_, Failure>(balance_cursors::get(tx, of.mode, &account)?),
            None => Ok(None),
        }
    });
    if let Some(cursor) = cursor.await? {
        balance::read(app, &cursor).await?;
    }
    run(app, scope, Some(by)).await
}
