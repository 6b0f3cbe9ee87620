//! Fee rules: a history that only grows, and which rule of it is in force for a payment. A rule that names
//! the tenant, the method or the currency goes before one that does not, in this order; among rules of the
//! same kind the one that took effect last does.

use super::{BasisPoints, Terms};
use crate::{Currency, FeeRuleId, Timestamp};

/// How a payment is made, as far as the fee depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// A card, in a wallet or not.
    Card,
    /// A debit from a bank account.
    BankDebit,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 2] = [Method::Card, Method::BankDebit];

    /// The method as the API and the database write it.
    pub const fn word(self) -> &'static str {
        match self {
            Method::Card => "card",
            Method::BankDebit => "bank_debit",
        }
    }

    /// The method that the API or our own database wrote.
    pub fn from_word(word: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.word() == word)
    }
}

/// A rule of the history. It is never changed: what it says ends with a later rule of the same kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: FeeRuleId,
    /// Its place among all rules of its mode, in the order in which they were added.
    pub number: i64,
    /// Whether it is of one tenant; otherwise it is of everybody without a rule of their own.
    pub of_tenant: bool,
    /// The method that it is for; none for any.
    pub method: Option<Method>,
    /// The currency that it is for; none for any.
    pub currency: Option<Currency>,
    /// What the fee is. None: from here on, there is no rule of this kind any more.
    pub terms: Option<Terms>,
    /// From when on.
    pub effective_from: Timestamp,
}

/// Rules of one kind replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    of_tenant: bool,
    method: Option<Method>,
    currency: bool,
}

impl Rule {
    fn kind(&self) -> Kind {
        Kind {
            of_tenant: self.of_tenant,
            method: self.method,
            currency: self.currency.is_some(),
        }
    }

    fn is_for(&self, asked: &Asked) -> bool {
        self.method.is_none_or(|method| method == asked.method)
            && self.currency.is_none_or(|currency| currency == asked.currency)
            && self.effective_from <= asked.at
    }
}

/// The rates that were configured before there were rules: each stands for the oldest rule of its kind, for
/// any method and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configured {
    /// The platform's usual rate.
    pub platform: BasisPoints,
    /// This tenant's own, if it has one.
    pub tenant: Option<BasisPoints>,
}

/// What a rule is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How it is paid.
    pub method: Method,
    /// In which currency.
    pub currency: Currency,
    /// When.
    pub at: Timestamp,
}

/// Where terms come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A rule of the history.
    Rule(FeeRuleId),
    /// The rate that is configured for the tenant.
    TenantRate,
    /// The platform's configured rate.
    PlatformRate,
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// What the fee is.
    pub terms: Terms,
    /// By which rule.
    pub source: Source,
}

/// What is in force for a payment of one tenant. `history` holds the tenant's rules and the platform's, in
/// any order, and nobody else's.
pub fn in_force(history: &[Rule], configured: Configured, asked: &Asked) -> InForce {
    let both = [Some(asked.method), None];
    for of_tenant in [true, false] {
        for method in both {
            for currency in [true, false] {
                let kind = Kind {
                    of_tenant,
                    method,
                    currency,
                };
                let newest = history
                    .iter()
                    .filter(|rule| rule.kind() == kind && rule.is_for(asked))
                    .max_by_key(|rule| (rule.effective_from, rule.number));
                let by_rule = |rule: &Rule| {
                    let source = Source::Rule(rule.id.clone());
                    rule.terms.map(|terms| InForce { terms, source })
                };
                match newest.map(by_rule) {
                    Some(Some(found)) => return found,
                    // It was ended: the configured rate, which is older, does not come back.
                    Some(None) => continue,
                    None => {}
                }
                let general = method.is_none() && !currency;
                if let Some(rate) = configured.tenant.filter(|_| general && of_tenant) {
                    return InForce {
                        terms: Terms::of_rate(rate),
                        source: Source::TenantRate,
                    };
                }
            }
        }
    }
    InForce {
        terms: Terms::of_rate(configured.platform),
        source: Source::PlatformRate,
    }
}

#[cfg(test)]
mod tests;
