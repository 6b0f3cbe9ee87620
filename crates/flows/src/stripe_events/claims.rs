//! What an object's metadata says of tenants and invoices. It decides nothing, because whoever owns the
//! account can write it; but an object on one tenant's account that names another's is shown to the
//! operator.

use std::collections::BTreeMap;

use domain::{BreakId, InvoiceId, Scope, TenantId};
use serde_json::json;
use store::reconciliation_breaks::{self, Break, Kind};
use store::{Tx, invoices};

use crate::audit::{self, Entry};
use crate::{Actor, By, Failure, Moment};

/// Whose an object says that it is, where it names a tenant or an invoice in the form of our ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    tenant: Option<TenantId>,
    invoice: Option<InvoiceId>,
    names_write: bool,
}

impl Claims {
    /// Reads the metadata of an object.
    pub fn of(metadata: &BTreeMap<String, String>) -> Claims {
        Claims::read(|name| metadata.get(name).cloned())
    }

    /// Reads the metadata by name. What has not the form of our ids is no claim.
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Claims {
        Claims {
            tenant: value("tenant_id").and_then(|id| TenantId::parse(&id).ok()),
            invoice: value("invoice_id").and_then(|id| InvoiceId::parse(&id).ok()),
            names_write: value("op_id").is_some(),
        }
    }

    /// The invoice that it names, where it says as well which write made it: what we make always does, and a
    /// shop that notes our invoices on its own sales does not.
    pub fn written_for(&self) -> Option<&InvoiceId> {
        self.invoice.as_ref().filter(|_| self.names_write)
    }

    /// Opens a break and notes it in the audit log when the object names a tenant other than the one
    /// whose account it is on, or an invoice that this one has not. Nobody else's rows are looked at,
    /// so that nobody finds out this way what ids there are.
    ///
    /// # Errors
    /// When the database fails.
    pub fn check(
        &self,
        tx: &mut Tx,
        moment: Moment,
        scope: &Scope,
        object_id: &str,
        own: Option<&InvoiceId>,
    ) -> Result<(), Failure> {
        let other_tenant = self.tenant.as_ref().filter(|tenant| **tenant != scope.tenant);
        let other_invoice = match &self.invoice {
            Some(invoice) if own != Some(invoice) && invoices::get(tx, scope, invoice)?.is_none() => {
                // One that a restore lost is the tenant's all the same, and a break of its own.
                let is_lost =
                    reconciliation_breaks::is_known(tx, scope, Kind::InvoiceLost, invoice.as_str())?;
                (!is_lost).then_some(invoice)
            }
            Some(_) | None => None,
        };
        if other_tenant.is_none() && other_invoice.is_none() {
            return Ok(());
        }
        let detail = format!(
            "{object_id} is on the account of {}, and its metadata names {}: it moves nothing of theirs",
            scope.tenant,
            other_tenant
                .map(TenantId::as_str)
                .or(other_invoice.map(InvoiceId::as_str))
                .unwrap_or_default(),
        );
        let found = Break {
            id: BreakId::new(moment.at, moment.random(3)),
            tenant: Some(&scope.tenant),
            mode: scope.mode,
            kind: Kind::TenantMismatch,
            subject_id: object_id,
            detail: &detail,
        };
        if !reconciliation_breaks::open(tx, &found, moment.at)? {
            return Ok(());
        }
        tracing::error!(
            kind = found.kind.word(),
            subject = object_id,
            "reconciliation break: {detail}"
        );
        let named = json!({
            "tenant_id": self.tenant.as_ref().map(TenantId::as_str),
            "invoice_id": self.invoice.as_ref().map(InvoiceId::as_str),
        });
        let entry = Entry {
            action: "event.tenant_mismatch",
            subject: object_id,
            before: None,
            after: Some(named.to_string()),
        };
        Ok(audit::note(
            tx,
            Some(scope),
            &By::new(Actor::Stripe),
            moment,
            &entry,
        )?)
    }
}
