//! Disputes of our payments, as Stripe said last, with each movement of money and the evidence as drafted.

use domain::dispute::{Decided, Movement, Outcome, Settlement, Standing, Taken};
use domain::{Currency, DisputeId, Money, OperationId, PaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A dispute. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Whose payment is disputed.
    pub scope: Scope,
    /// Its id.
    pub id: DisputeId,
    /// The payment.
    pub payment_id: PaymentId,
    /// The account on which the charge was made.
    pub stripe_account_id: String,
    /// `dp_…`
    pub stripe_dispute_id: String,
    /// The currency.
    pub currency: Currency,
    /// What is disputed.
    pub amount: i64,
    /// Why, as Stripe writes it.
    pub reason: String,
    /// The card scheme's code for it.
    pub network_reason_code: Option<String>,
    /// Where it stands.
    pub standing: Standing,
    /// Until when evidence is taken.
    pub due_at: Option<Timestamp>,
    /// How often evidence was given to the bank, as Stripe says.
    pub submissions: i64,
    /// The movements of money, added up. The fee is in `fee_currency`.
    pub taken: Taken,
    /// The balance's currency, once a fee is known.
    pub fee_currency: Option<Currency>,
    /// Who bears what was lost.
    pub settlement: Settlement,
    /// What was said of that so far, and how much is settled.
    pub decided: Decided,
    /// When it was said last.
    pub settled_at: Option<Timestamp>,
    /// The credit note by which it was forgiven last.
    pub credit_note_id: Option<String>,
    /// What is to be told to the bank: JSON, by Stripe's names of the fields.
    pub evidence: String,
    /// Raised by every change of the evidence; 0 before there is any.
    pub evidence_version: i64,
    /// The version of the evidence that was given to the bank through us, to its present question.
    pub submitted_version: Option<i64>,
    /// When.
    pub submitted_at: Option<Timestamp>,
    /// An answer to it that is on its way to Stripe.
    pub operation_id: Option<OperationId>,
    /// Raised by every change.
    pub version: i64,
    /// When the reconciler reads it next, while it is open.
    pub next_check_at: Option<Timestamp>,
    /// When it was opened at Stripe.
    pub opened_at: Timestamp,
    /// When it was seen to be over.
    pub closed_at: Option<Timestamp>,
    /// When it was seen first.
    pub created_at: Timestamp,
}

impl Dispute {
    /// What is disputed, with its currency.
    pub fn disputed(&self) -> Money {
        Money::new(self.amount, self.currency)
    }

    /// Whether the bank has evidence to its present question: through us, or, where it waits for none,
    /// given at Stripe.
    pub fn is_answered(&self) -> bool {
        self.submitted_version.is_some() || (self.submissions > 0 && !self.standing.wants_answer())
    }
}

macro_rules! columns {
    () => {
        "tenant_id, livemode, id, payment_id, stripe_account_id, stripe_dispute_id, currency,
               amount, reason, network_reason_code, status, due_at, submissions, withdrawn, reinstated, fee,
               fee_currency, settlement, settled, settled_at, credit_note_id, evidence, evidence_version,
               submitted_version, submitted_at, operation_id, version, next_check_at, opened_at, closed_at,
               created_at, outcome, decisions, decided_withdrawn"
    };
}

macro_rules! select_disputes {
    // Of those only whose id, or whatever it is compared with, is among some.
    (among $among:literal, $($rest:literal),+ $(,)?) => {
        Sql::new(concat!(
            "select ",
            columns!(),
            " from (",
            $among,
            ") found cross join disputes ",
            $($rest),+
        ))
    };
    ($($rest:literal),+ $(,)?) => {
        Sql::new(concat!("select ", columns!(), " from disputes ", $($rest),+))
    };
}

mod listed;

pub use listed::{ALL as LISTED, page};

const INSERT: Sql = Sql::new(
    "insert into disputes (tenant_id, livemode, id, payment_id, stripe_account_id, stripe_dispute_id,
       currency, amount, reason, network_reason_code, status, due_at, submissions, withdrawn, reinstated, fee,
       fee_currency, settlement, settled, evidence, evidence_version, version, next_check_at, opened_at,
       closed_at, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, $19, 0, 1,
       $20, $21, $22, $23, $23)",
);

/// Adds a dispute that was seen for the first time.
pub fn insert(tx: &mut Tx, dispute: &Dispute) -> Result<(), Error> {
    let binds = binds![
        &dispute.scope.tenant,
        dispute.scope.mode,
        &dispute.id,
        &dispute.payment_id,
        &dispute.stripe_account_id,
        &dispute.stripe_dispute_id,
        dispute.currency.code(),
        dispute.amount,
        &dispute.reason,
        dispute.network_reason_code.clone(),
        dispute.standing.word(),
        dispute.due_at.map(Timestamp::ms),
        dispute.submissions,
        dispute.taken.withdrawn,
        dispute.taken.reinstated,
        dispute.taken.fee,
        dispute.fee_currency.map(Currency::code),
        dispute.settlement.word(),
        &dispute.evidence,
        dispute.next_check_at.map(Timestamp::ms),
        dispute.opened_at,
        dispute.closed_at.map(Timestamp::ms),
        dispute.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const STORE: Sql = Sql::new(
    "update disputes set
       amount = $4, reason = $5, network_reason_code = $6, status = $7, due_at = $8, submissions = $9,
       withdrawn = $10, reinstated = $11, fee = $12, fee_currency = $13, settlement = $14, settled = $15,
       settled_at = $16, credit_note_id = $17, evidence = $18, evidence_version = $19,
       submitted_version = $20, submitted_at = $21, operation_id = $22, next_check_at = $23, closed_at = $24,
       updated_at = $25, outcome = $27, decisions = $28, decided_withdrawn = $29, version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and version = $26",
);

/// Stores a dispute over the version that was read; `false` when it was changed in between.
pub fn store(tx: &mut Tx, dispute: &Dispute, at: Timestamp) -> Result<bool, Error> {
    let binds = binds![
        &dispute.scope.tenant,
        dispute.scope.mode,
        &dispute.id,
        dispute.amount,
        &dispute.reason,
        dispute.network_reason_code.clone(),
        dispute.standing.word(),
        dispute.due_at.map(Timestamp::ms),
        dispute.submissions,
        dispute.taken.withdrawn,
        dispute.taken.reinstated,
        dispute.taken.fee,
        dispute.fee_currency.map(Currency::code),
        dispute.settlement.word(),
        dispute.decided.settled,
        dispute.settled_at.map(Timestamp::ms),
        dispute.credit_note_id.clone(),
        &dispute.evidence,
        dispute.evidence_version,
        dispute.submitted_version,
        dispute.submitted_at.map(Timestamp::ms),
        dispute.operation_id.as_ref().map(|id| id.as_str().to_owned()),
        dispute.next_check_at.map(Timestamp::ms),
        dispute.closed_at.map(Timestamp::ms),
        at,
        dispute.version,
        dispute.decided.outcome.map(Outcome::word),
        dispute.decided.times,
        dispute.decided.withdrawn
    ];
    Ok(tx.execute(&STORE, binds)? == 1)
}

const BY_ID: Sql = select_disputes!("where tenant_id = $1 and livemode = $2 and id = $3",);

/// One dispute of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &DisputeId) -> Result<Option<Dispute>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const BY_STRIPE_ID: Sql = select_disputes!(
    "where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and stripe_dispute_id = $4",
);

/// The dispute that Stripe calls so on an account of the tenant's.
pub fn by_stripe_id(tx: &mut Tx, scope: &Scope, account: &str, id: &str) -> Result<Option<Dispute>, Error> {
    let row = tx.optional(&BY_STRIPE_ID, binds![&scope.tenant, scope.mode, account, id])?;
    row.map(|row| read(&row)).transpose()
}

const BY_OPERATION: Sql = select_disputes!("where tenant_id = $1 and livemode = $2 and operation_id = $3",);

/// The dispute to which an answer is on its way.
pub fn by_operation(tx: &mut Tx, scope: &Scope, operation: &OperationId) -> Result<Option<Dispute>, Error> {
    let row = tx.optional(&BY_OPERATION, binds![&scope.tenant, scope.mode, operation])?;
    row.map(|row| read(&row)).transpose()
}

const OF_PAYMENT: Sql = select_disputes!(
    "where tenant_id = $1 and livemode = $2 and payment_id = $3
     order by id",
);

/// The disputes of a payment, the oldest first: rarely more than one.
pub fn of_payment(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Vec<Dispute>, Error> {
    tx.query(&OF_PAYMENT, binds![&scope.tenant, scope.mode, payment])?
        .iter()
        .map(read)
        .collect()
}

const DUE: Sql = select_disputes!(
    "where next_check_at <= $1
     order by next_check_at
     limit $2",
);

/// Disputes of all tenants that are to be read again.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<Dispute>, Error> {
    tx.query(&DUE, binds![at, limit])?.iter().map(read).collect()
}

const CHECK_LATER: Sql = Sql::new(
    "update disputes set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3 and next_check_at is not null",
);

/// Says when a dispute is read next.
pub fn check_later(tx: &mut Tx, scope: &Scope, id: &DisputeId, next: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_LATER, binds![&scope.tenant, scope.mode, id, next])?;
    Ok(())
}

const CHECK_NOW: Sql = Sql::new(
    "update disputes set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// Has a dispute read at once, also one that was over.
pub fn check_now(tx: &mut Tx, scope: &Scope, id: &DisputeId, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_NOW, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

/// A movement of money as Stripe reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// `txn_…`
    pub transaction: String,
    /// Minor units of `currency`, negative when the bank takes it.
    pub amount: i64,
    /// Minor units of `currency`, positive when Stripe takes it.
    pub fee: i64,
    /// The balance's currency.
    pub currency: Currency,
    /// The amount in the dispute's currency.
    pub disputed: i64,
}

const INSERT_MOVEMENT: Sql = Sql::new(
    "insert into dispute_movements (tenant_id, livemode, stripe_balance_transaction_id, dispute_id, amount,
       fee, currency, disputed, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (tenant_id, livemode, stripe_balance_transaction_id) do nothing",
);

/// Notes a movement; `false` when it is known already.
pub fn insert_movement(tx: &mut Tx, dispute: &Dispute, moved: &Moved, at: Timestamp) -> Result<bool, Error> {
    let binds = binds![
        &dispute.scope.tenant,
        dispute.scope.mode,
        &moved.transaction,
        &dispute.id,
        moved.amount,
        moved.fee,
        moved.currency.code(),
        moved.disputed,
        at
    ];
    Ok(tx.execute(&INSERT_MOVEMENT, binds)? == 1)
}

const MOVEMENTS: Sql = Sql::new(
    "select stripe_balance_transaction_id, amount, fee, currency, disputed
     from dispute_movements
     where tenant_id = $1 and livemode = $2 and dispute_id = $3
     order by created_at, stripe_balance_transaction_id",
);

/// The movements of a dispute, in the order in which they were seen.
pub fn movements(tx: &mut Tx, scope: &Scope, dispute: &DisputeId) -> Result<Vec<Moved>, Error> {
    let rows = tx.query(&MOVEMENTS, binds![&scope.tenant, scope.mode, dispute])?;
    let moved = |row: &Row| {
        Ok(Moved {
            transaction: row.text("stripe_balance_transaction_id")?,
            amount: row.int("amount")?,
            fee: row.int("fee")?,
            currency: values::currency(row)?,
            disputed: row.int("disputed")?,
        })
    };
    rows.iter().map(moved).collect()
}

impl Moved {
    /// What it did, in the dispute's currency; the fee stays in the balance's.
    pub fn movement(&self) -> Movement {
        Movement {
            amount_minor: self.disputed,
            fee_minor: self.fee,
        }
    }
}

/// What disputes mean for a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// What banks took of it and have not given back, lost or not decided yet, in minor units. A dispute that
    /// was won holds nothing any more.
    pub held_minor: i64,
    /// The dispute (`dp_…`) because of which Stripe refuses refunds.
    pub blocked_by: Option<String>,
    /// Whether any dispute or inquiry of it is open.
    pub is_disputed: bool,
    /// Whether credit that it left behind must not be used: a bank may take it, until it is said what a loss
    /// means.
    pub holds_credit: bool,
}

/// What disputes mean for a payment: how much of it is gone, and whether it may be refunded.
pub fn held(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Held, Error> {
    let mut sum = Held::default();
    for dispute in of_payment(tx, scope, payment)? {
        sum.held_minor = sum.held_minor.saturating_add(dispute.taken.held());
        sum.is_disputed |= !dispute.standing.is_over();
        let is_decided = matches!(dispute.settlement, Settlement::StillOwed | Settlement::Forgiven);
        if dispute.standing.blocks_refunds(dispute.taken) {
            sum.holds_credit |= !is_decided;
            sum.blocked_by.get_or_insert(dispute.stripe_dispute_id);
        }
    }
    Ok(sum)
}

fn read(row: &Row) -> Result<Dispute, Error> {
    let fee_currency = row.text_opt("fee_currency")?;
    let outcome = row.text_opt("outcome")?;
    let unreadable = |column: &str, held: &str| Error::Schema(format!("column {column} holds {held:?}"));
    Ok(Dispute {
        scope: values::scope(row)?,
        id: DisputeId::stored(row.text("id")?),
        payment_id: PaymentId::stored(row.text("payment_id")?),
        stripe_account_id: row.text("stripe_account_id")?,
        stripe_dispute_id: row.text("stripe_dispute_id")?,
        currency: values::currency(row)?,
        amount: row.int("amount")?,
        reason: row.text("reason")?,
        network_reason_code: row.text_opt("network_reason_code")?,
        standing: Standing::of(&row.text("status")?),
        due_at: values::time_opt(row, "due_at")?,
        submissions: row.int("submissions")?,
        taken: Taken {
            withdrawn: row.int("withdrawn")?,
            reinstated: row.int("reinstated")?,
            fee: row.int("fee")?,
        },
        fee_currency: fee_currency
            .map(|code| Currency::parse(&code).map_err(|_| unreadable("fee_currency", &code)))
            .transpose()?,
        settlement: values::word(row, "settlement", Settlement::from_word)?,
        decided: Decided {
            outcome: outcome
                .map(|word| Outcome::from_word(&word).ok_or_else(|| unreadable("outcome", &word)))
                .transpose()?,
            times: row.int("decisions")?,
            withdrawn: row.int("decided_withdrawn")?,
            settled: row.int("settled")?,
        },
        settled_at: values::time_opt(row, "settled_at")?,
        credit_note_id: row.text_opt("credit_note_id")?,
        evidence: row.text("evidence")?,
        evidence_version: row.int("evidence_version")?,
        submitted_version: row.int_opt("submitted_version")?,
        submitted_at: values::time_opt(row, "submitted_at")?,
        operation_id: row.text_opt("operation_id")?.map(OperationId::stored),
        version: row.int("version")?,
        next_check_at: values::time_opt(row, "next_check_at")?,
        opened_at: values::time(row, "opened_at")?,
        closed_at: values::time_opt(row, "closed_at")?,
        created_at: values::time(row, "created_at")?,
    })
}

const UNANSWERED: Sql = select_disputes!(
    "where tenant_id = $1 and livemode = $2 and closed_at is null and submitted_version is null
     order by coalesce(due_at, 9223372036854775807), id
     limit $3",
);

/// Disputes that are open and to which nothing was answered through us, by when they must be.
pub fn unanswered(tx: &mut Tx, scope: &Scope, limit: i64) -> Result<Vec<Dispute>, Error> {
    tx.query(&UNANSWERED, binds![&scope.tenant, scope.mode, limit])?
        .iter()
        .map(read)
        .collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &UNANSWERED,
    &INSERT,
    &STORE,
    &BY_ID,
    &BY_STRIPE_ID,
    &BY_OPERATION,
    &OF_PAYMENT,
    &DUE,
    &CHECK_LATER,
    &CHECK_NOW,
    &INSERT_MOVEMENT,
    &MOVEMENTS,
];
