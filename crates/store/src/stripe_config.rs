//! Which connected account a tenant has in each mode, and what it may do there.

use domain::{Mode, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// How an account came to be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The platform made it, or knows it as its own; it stays connected for ever, as Stripe has it.
    Created,
    /// Its owner gave the platform access to it, and either side may end that.
    OAuth,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Origin; 2] = [Origin::Created, Origin::OAuth];

    /// The origin as the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Origin::Created => "created",
            Origin::OAuth => "oauth",
        }
    }

    fn from_word(word: &str) -> Option<Origin> {
        Origin::ALL.into_iter().find(|origin| origin.word() == word)
    }
}

/// A tenant's connected account in one mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeConfig {
    /// Whose account it is.
    pub scope: Scope,
    /// `acct_…`.
    pub stripe_account_id: String,
    /// How it came to be connected.
    pub origin: Origin,
    /// Whether Stripe lets it charge.
    pub charges_enabled: bool,
    /// Whether Stripe pays out to its bank.
    pub payouts_enabled: bool,
    /// Whether the onboarding form was completed.
    pub details_submitted: bool,
    /// Capabilities with their status, as JSON.
    pub capabilities: String,
    /// Whether `card_payments` is active.
    pub card_payments_active: bool,
    /// What Stripe still asks for, as JSON.
    pub requirements: String,
    /// The platform's fee for this tenant in basis points, where it differs from the usual one.
    pub fee_bps: Option<i64>,
    /// Whether the tenant disconnected the account.
    pub disconnected: bool,
    /// When reading it at Stripe last began.
    pub updated_at: Timestamp,
}

impl StripeConfig {
    /// Whether money may be taken: charges are enabled, cards are active, and the account is connected.
    pub fn can_charge(&self) -> bool {
        self.charges_enabled && self.card_payments_active && !self.disconnected
    }
}

const UPSERT: Sql = Sql::new(
    "insert into stripe_config (tenant_id, livemode, stripe_account_id, origin, charges_enabled,
       payouts_enabled, details_submitted, card_payments_active, capabilities, requirements, fee_bps,
       connected_at, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (tenant_id, livemode) do update set
       charges_enabled = excluded.charges_enabled,
       payouts_enabled = excluded.payouts_enabled,
       details_submitted = excluded.details_submitted,
       card_payments_active = excluded.card_payments_active,
       capabilities = excluded.capabilities,
       requirements = excluded.requirements,
       updated_at = excluded.updated_at
     where stripe_config.stripe_account_id = excluded.stripe_account_id
       and stripe_config.updated_at <= excluded.updated_at",
);

/// Stores what Stripe says of the account; `false` when the tenant has another account in this mode, or was
/// told something newer meanwhile. An account of another tenant breaks the unique `stripe_config_account`.
pub fn put(tx: &mut Tx, config: &StripeConfig) -> Result<bool, Error> {
    let at = config.updated_at;
    let binds = binds![
        &config.scope.tenant,
        config.scope.mode,
        &config.stripe_account_id,
        config.origin.word(),
        i64::from(config.charges_enabled),
        i64::from(config.payouts_enabled),
        i64::from(config.details_submitted),
        i64::from(config.card_payments_active),
        &config.capabilities,
        &config.requirements,
        config.fee_bps,
        at,
        at,
        at
    ];
    Ok(tx.execute(&UPSERT, binds)? == 1)
}

const DISCONNECT: Sql = Sql::new(
    "update stripe_config set disconnected_at = $5
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and disconnected_at is null
       and connected_at <= $4",
);

/// Stops new payments on the account. `as_of` is when the reason for it was true: an account that was
/// connected after that stays connected. `false` when nothing changed.
pub fn disconnect(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    as_of: Timestamp,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![&scope.tenant, scope.mode, account, as_of, at];
    Ok(tx.execute(&DISCONNECT, binds)? == 1)
}

const RECONNECT: Sql = Sql::new(
    "update stripe_config set
       origin = case when stripe_account_id = $3 then origin else $4 end,
       stripe_account_id = $3, connected_at = $5, disconnected_at = null
     where tenant_id = $1 and livemode = $2 and disconnected_at is not null
       and (stripe_account_id = $3 or not exists (
         select 1 from payments where payments.tenant_id = $1 and payments.livemode = $2))",
);

/// Connects a disconnected account again, which keeps its origin; or another one in its place, as long as
/// the tenant has taken no payment: payments, refunds and disputes stay where they were made. `false` when
/// nothing changed. An account of another tenant breaks the unique `stripe_config_account`.
pub fn reconnect(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    origin: Origin,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![&scope.tenant, scope.mode, account, origin.word(), at];
    Ok(tx.execute(&RECONNECT, binds)? == 1)
}

const BY_SCOPE: Sql = Sql::new(
    "select tenant_id, livemode, stripe_account_id, origin, charges_enabled, payouts_enabled,
       details_submitted, card_payments_active, capabilities, requirements, fee_bps, disconnected_at,
       updated_at
     from stripe_config
     where tenant_id = $1 and livemode = $2",
);

/// The tenant's account in the scope's mode.
pub fn get(tx: &mut Tx, scope: &Scope) -> Result<Option<StripeConfig>, Error> {
    tx.optional_once(&BY_SCOPE, binds![&scope.tenant, scope.mode])?
        .map(|row| read(&row))
        .transpose()
}

const BY_ACCOUNT: Sql = Sql::new(
    "select tenant_id, livemode, stripe_account_id, origin, charges_enabled, payouts_enabled,
       details_submitted, card_payments_active, capabilities, requirements, fee_bps, disconnected_at,
       updated_at
     from stripe_config
     where stripe_account_id = $1 and livemode = $2",
);

/// The tenant that an account of a verified event belongs to.
pub fn by_account(tx: &mut Tx, account: &str, mode: Mode) -> Result<Option<StripeConfig>, Error> {
    tx.optional_once(&BY_ACCOUNT, binds![account, mode])?
        .map(|row| read(&row))
        .transpose()
}

fn read(row: &Row) -> Result<StripeConfig, Error> {
    Ok(StripeConfig {
        scope: values::scope(row)?,
        stripe_account_id: row.text("stripe_account_id")?,
        origin: values::word(row, "origin", Origin::from_word)?,
        charges_enabled: values::flag(row, "charges_enabled")?,
        payouts_enabled: values::flag(row, "payouts_enabled")?,
        details_submitted: values::flag(row, "details_submitted")?,
        card_payments_active: values::flag(row, "card_payments_active")?,
        capabilities: row.text("capabilities")?,
        requirements: row.text("requirements")?,
        fee_bps: row.int_opt("fee_bps")?,
        disconnected: row.int_opt("disconnected_at")?.is_some(),
        updated_at: values::time(row, "updated_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&UPSERT, &DISCONNECT, &RECONNECT, &BY_SCOPE, &BY_ACCOUNT];
