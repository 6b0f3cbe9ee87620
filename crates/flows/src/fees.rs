//! What the platform takes of a payment: rules that the operator adds, and the one in force when an intent is
//! made. A payment keeps what its fee was decided by; a rule that is added later, even one that takes effect
//! in the past, touches nothing that exists.

use domain::fee::rules::{Asked, Configured, InForce, Method, Rule, Source, in_force};
use domain::fee::{BasisPoints, Terms};
use domain::{Currency, FeeRuleId, Mode, Money, Refusal, Scope, TenantId, Timestamp};
use serde_json::json;
use store::fee_rules::{self, Kept};
use store::payments::FeeBasis;
use store::{Tx, stripe_config, tenants};

use crate::audit::{self, Entry};
use crate::{App, By, Failure, Moment};

/// Rules of one tenant, or of the platform, in one mode. Each press on Pay reads them all.
const RULES_MAX: i64 = 500;

/// A rule to be added.
#[derive(Clone, Debug)]
pub struct NewRule {
    /// Whose it is; none for everybody without rules of their own.
    pub tenant: Option<TenantId>,
    /// In which mode.
    pub mode: Mode,
    /// For which method; none for any.
    pub method: Option<Method>,
    /// For which currency; none for any.
    pub currency: Option<Currency>,
    /// What the fee is; none ends the rules of this kind.
    pub terms: Option<Terms>,
    /// From when on; none for now.
    pub effective_from: Option<Timestamp>,
}

/// Adds a rule. Its id comes from `moment`, which a request that is tried again has from its first try: then
/// what was added is answered.
///
/// # Errors
/// [`Refusal::InvalidField`] for a tenant that is not there, or one that has too many rules.
pub async fn add_rule(app: &App, by: &By, moment: Moment, new: NewRule) -> Result<Kept, Failure> {
    let by = by.clone();
    let added = app.db.write(move |tx| {
        let scope = Scope {
            tenant: new.tenant.clone().unwrap_or_else(TenantId::platform),
            mode: new.mode,
        };
        let id = FeeRuleId::new(moment.at, moment.random(0));
        if let Some(known) = fee_rules::get(tx, &scope, &id)? {
            return Ok(known);
        }
        if let Some(tenant) = &new.tenant {
            let missing = || Refusal::invalid("tenant_id", "is no tenant");
            tenants::find(tx, tenant)?.ok_or_else(missing)?;
        }
        if fee_rules::count(tx, &scope)? >= RULES_MAX {
            let problem = format!("has {RULES_MAX} rules already, which is as many as there can be");
            return Err(Refusal::invalid("tenant_id", problem).into());
        }
        let kept = Kept {
            rule: Rule {
                id,
                number: fee_rules::last_number(tx, new.mode)?.saturating_add(1),
                of_tenant: new.tenant.is_some(),
                method: new.method,
                currency: new.currency,
                terms: new.terms,
                effective_from: new.effective_from.unwrap_or(moment.at),
            },
            scope,
            created_at: moment.at,
        };
        fee_rules::insert(tx, &kept)?;
        note(tx, &by, moment, &kept)?;
        Ok::<Kept, Failure>(kept)
    });
    added.await
}

fn note(tx: &mut Tx, by: &By, moment: Moment, kept: &Kept) -> Result<(), Failure> {
    let Kept { scope, rule, .. } = kept;
    let after = json!({
        "tenant_id": rule.of_tenant.then(|| scope.tenant.as_str()),
        "mode": scope.mode.word(),
        "method": rule.method.map(Method::word),
        "currency": rule.currency.map(Currency::code),
        "fee_bps": rule.terms.map(|terms| terms.rate().value()),
        "fixed": rule.terms.map(Terms::fixed),
        "minimum": rule.terms.and_then(Terms::minimum),
        "maximum": rule.terms.and_then(Terms::maximum),
        "effective_from": rule.effective_from.ms(),
    });
    let entry = Entry {
        action: "fee_rule.added",
        subject: rule.id.as_str(),
        before: None,
        after: Some(after.to_string()),
    };
    let of_tenant = rule.of_tenant.then_some(scope);
    Ok(audit::note(tx, of_tenant, by, moment, &entry)?)
}

/// What a payment's fee is, and what it was decided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The application fee in minor units; none where the parameter is left out.
    pub fee: Option<i64>,
    /// What the payment keeps of it.
    pub basis: FeeBasis,
    /// Where the terms come from.
    pub source: Source,
}

/// Decides the fee of an amount of a tenant, by the rules that are known now.
///
/// # Errors
/// When the database fails.
pub fn decide(
    tx: &mut Tx,
    scope: &Scope,
    configured: Configured,
    amount: Money,
    method: Method,
    at: Timestamp,
) -> Result<Decided, Failure> {
    // Its own and the platform's.
    let history = fee_rules::history(tx, scope, RULES_MAX.saturating_mul(2))?;
    let rules: Vec<Rule> = history.into_iter().map(|kept| kept.rule).collect();
    let currency = amount.currency();
    let asked = Asked { method, currency, at };
    let InForce { terms, source } = in_force(&rules, configured, &asked);
    let rule = match &source {
        Source::Rule(id) => Some(id.clone()),
        Source::TenantRate | Source::PlatformRate => None,
    };
    let rules_known = rules.last().map_or(0, |rule| rule.number);
    Ok(Decided {
        fee: terms.fee(amount),
        basis: FeeBasis {
            method,
            rule,
            terms,
            rules_known,
        },
        source,
    })
}

/// The configured rates: what was in force before there were rules.
///
/// # Errors
/// [`Refusal::InvalidField`] when a stored rate is none, which the database cannot hold by our doing.
pub fn configured(platform: BasisPoints, own_bps: Option<i64>) -> Result<Configured, Refusal> {
    Ok(Configured {
        platform,
        tenant: own_bps.map(BasisPoints::new).transpose()?,
    })
}

/// What would be charged of an amount, by which rule.
///
/// # Errors
/// [`Refusal::NotFound`] for a tenant that is not there.
pub async fn preview(
    app: &App,
    scope: &Scope,
    amount: Money,
    method: Method,
    at: Timestamp,
) -> Result<Decided, Failure> {
    let (scope, platform) = (scope.clone(), app.fee);
    let decided = app.db.read(move |tx| {
        tenants::find(tx, &scope.tenant)?.ok_or(Refusal::NotFound)?;
        let own = stripe_config::get(tx, &scope)?.and_then(|config| config.fee_bps);
        decide(tx, &scope, configured(platform, own)?, amount, method, at)
    });
    decided.await
}
