//! What may be started on an invoice, and the writes to Stripe that start it: decided and noted in one
//! transaction.

use domain::fee::BasisPoints;
use domain::fee::rules::Method;
use domain::payment::{Begin, Live, PaymentState, begin};
use domain::tenant::TenantState;
use domain::{InvoiceId, Money, OperationId, PaymentId, Refusal, Scope};
use store::invoices::{self, Invoice};
use store::payments::{self, Payment};
use store::stripe_config::{self, StripeConfig};
use store::stripe_operations::{self as rows, Kind, Operation};
use store::{Tx, state_history, tenants};
use stripe::AccountId;
use stripe::payment_intents::{self, CancelReason, Confirm, Create};

use crate::audit::{self, Entry};
use crate::operations::{self, Intent};
use crate::{By, Failure, Moment, fees, observe};

/// An invoice with all that decides what may be started on it.
pub struct Situation {
    scope: Scope,
    pub invoice: Invoice,
    config: Option<StripeConfig>,
    newest: Option<Payment>,
    pub unresolved: bool,
    tenant: TenantState,
}

impl Situation {
    pub fn read(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<Situation, Failure> {
        let invoice = invoices::get(tx, scope, invoice)?.ok_or(Refusal::NotFound)?;
        let newest = payments::of_invoice(tx, scope, &invoice.id, 1)?
            .into_iter()
            .next();
        let unresolved = match &newest {
            Some(newest) => rows::open_of(tx, scope, &newest.id)?.is_some(),
            None => false,
        };
        let config = stripe_config::get(tx, scope)?;
        Ok(Situation {
            scope: scope.clone(),
            invoice,
            config,
            newest,
            unresolved,
            tenant: tenants::get(tx, &scope.tenant)?.status,
        })
    }

    /// The payment by which money could still arrive.
    pub fn live(&self) -> Option<&Payment> {
        self.newest.as_ref().filter(|payment| payment.status.is_live())
    }

    /// The newest payment, if this confirmation token was sent to Stripe for it before.
    pub fn confirmed_with(&self, tx: &mut Tx, token: &str) -> Result<Option<Payment>, Failure> {
        let Some(newest) = &self.newest else {
            return Ok(None);
        };
        let quoted = format!("\"{token}\"");
        let confirms = rows::confirms_of(tx, &self.scope, &newest.id)?;
        let known = confirms
            .iter()
            .any(|operation| operation.params.contains(&quoted));
        Ok(known.then(|| newest.clone()))
    }

    /// The tenant's account, if it may take new payments: at Stripe, and with the operator.
    pub fn account_that_can_charge(&self) -> Option<&StripeConfig> {
        let config = self.config.as_ref().filter(|config| config.can_charge());
        config.filter(|_| self.tenant.new_work().is_ok())
    }

    /// The refusal as the tenant reads it: payers are not told why the tenant cannot be paid.
    pub fn said_to_tenant(&self, refusal: Refusal) -> Refusal {
        match (refusal, self.tenant.new_work()) {
            (Refusal::PaymentsUnavailable, Err(why)) => why,
            (refusal, _) => refusal,
        }
    }

    pub fn begin(&self, seen: Money, chargeable: bool) -> Result<Begin, Refusal> {
        let live = self.live().map(|payment| Live {
            state: payment.status,
            declines: payment.declines,
            unresolved: self.unresolved,
            amount: payment.asked(),
        });
        begin(self.invoice.status, self.invoice.owed(), seen, chargeable, live)
    }

    /// Adds the payment and notes the creation of its intent.
    pub fn note_create(
        &self,
        tx: &mut Tx,
        moment: Moment,
        rate: BasisPoints,
        config: &StripeConfig,
    ) -> Result<Operation, Failure> {
        let owed = self.invoice.owed();
        let rates = fees::configured(rate, config.fee_bps)?;
        let fee = fees::decide(tx, &self.scope, rates, owed, Method::Card, moment.at)?;
        let payment = self.new_payment(moment, config, fee);
        let parts = [(payment.invoice_id.clone(), payment.amount)];
        payments::insert(tx, &payment, &parts)?;
        let change = state_history::Change {
            scope: &self.scope,
            subject_id: payment.id.as_str(),
            version: 1,
            from: None,
            to: payment.status.word(),
            cause: "pay",
        };
        state_history::insert(tx, &change, moment.at)?;
        let id = OperationId::new(moment.at, moment.random(1));
        let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let create = Create {
            account: &AccountId::parse(&payment.stripe_account_id)?,
            amount: payment.amount,
            currency: payment.currency.code(),
            application_fee_amount: payment.application_fee,
            description: self.invoice.number.as_deref(),
            metadata: vec![
                named("invoice_id", self.invoice.id.as_str()),
                named("op_id", id.as_str()),
                named("payment_id", payment.id.as_str()),
                named("tenant_id", self.scope.tenant.as_str()),
            ],
            receipt_email: None,
            customer: None,
        };
        let write = payment_intents::create(&create, key(&payment, "create"));
        let intent = Intent {
            kind: Kind::CreateIntent,
            write,
        };
        operations::note(tx, &self.scope, Some(&payment.id), id, intent, moment.at)
    }

    /// Notes in the audit log who had this write to Stripe made.
    pub fn note_request(
        &self,
        tx: &mut Tx,
        by: &By,
        moment: Moment,
        action: &'static str,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let owed = self.invoice.owed();
        let newest = self.newest.as_ref();
        let before = serde_json::json!({
            "invoice_status": self.invoice.status.word(),
            "payment_id": newest.map(|payment| payment.id.as_str()),
            "payment_status": newest.map(|payment| payment.status.word()),
        });
        let after = serde_json::json!({
            "payment_id": operation.payment_id.as_ref().map(PaymentId::as_str),
            "write": operation.kind.word(),
            "amount": owed.minor(),
            "currency": owed.currency().code(),
        });
        let entry = Entry {
            action,
            subject: self.invoice.id.as_str(),
            before: Some(before.to_string()),
            after: Some(after.to_string()),
        };
        Ok(audit::note(tx, Some(&self.scope), by, moment, &entry)?)
    }

    fn new_payment(&self, moment: Moment, config: &StripeConfig, fee: fees::Decided) -> Payment {
        Payment {
            scope: self.scope.clone(),
            id: PaymentId::new(moment.at, moment.random(0)),
            invoice_id: self.invoice.id.clone(),
            attempt: self
                .newest
                .as_ref()
                .map_or(1, |newest| newest.attempt.saturating_add(1)),
            stripe_account_id: config.stripe_account_id.clone(),
            intent_id: None,
            charge_id: None,
            currency: self.invoice.currency,
            amount: self.invoice.owed().minor(),
            received: 0,
            application_fee: fee.fee,
            stripe_fee: None,
            net: None,
            status: PaymentState::Creating,
            declines: 0,
            failure_code: None,
            method_brand: None,
            method_last4: None,
            version: 1,
            next_check_at: Some(observe::next_check(moment.at, moment.at)),
            created_at: moment.at,
            succeeded_at: None,
            unreachable_since: None,
            fee_basis: Some(fee.basis),
        }
    }
}

pub fn note_confirm(tx: &mut Tx, moment: Moment, live: &Payment, token: &str) -> Result<Operation, Failure> {
    let number = rows::count_of(tx, &live.scope, &live.id, Kind::ConfirmIntent)?.saturating_add(1);
    let confirm = Confirm {
        account: &AccountId::parse(&live.stripe_account_id)?,
        intent_id: intent_of(live)?,
        amount: live.amount,
        confirmation_token: token,
        return_url: None,
    };
    let write = payment_intents::confirm(&confirm, key(live, &format!("confirm:{number}")));
    let id = OperationId::new(moment.at, moment.random(1));
    operations::note(
        tx,
        &live.scope,
        Some(&live.id),
        id,
        Intent {
            kind: Kind::ConfirmIntent,
            write,
        },
        moment.at,
    )
}

pub fn note_cancel(
    tx: &mut Tx,
    moment: Moment,
    live: &Payment,
    reason: CancelReason,
) -> Result<Operation, Failure> {
    let number = rows::count_of(tx, &live.scope, &live.id, Kind::CancelIntent)?.saturating_add(1);
    let key = key(live, &format!("cancel:{number}"));
    let account = AccountId::parse(&live.stripe_account_id)?;
    let write = payment_intents::cancel(&account, intent_of(live)?, reason, key);
    let id = OperationId::new(moment.at, moment.random(1));
    operations::note(
        tx,
        &live.scope,
        Some(&live.id),
        id,
        Intent {
            kind: Kind::CancelIntent,
            write,
        },
        moment.at,
    )
}

/// The key says what is done: tenant, invoice, attempt, step. Nothing in it is random.
fn key(payment: &Payment, step: &str) -> String {
    let Payment {
        scope,
        invoice_id,
        attempt,
        ..
    } = payment;
    format!("pay:{}:{invoice_id}:{attempt}:{step}", scope.tenant)
}

fn intent_of(payment: &Payment) -> Result<&str, Failure> {
    let missing = || {
        Failure::Bug(format!(
            "payment {} is live and settled, but has no intent",
            payment.id
        ))
    };
    payment.intent_id.as_deref().ok_or_else(missing)
}
