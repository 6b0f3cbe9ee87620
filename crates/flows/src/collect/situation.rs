//! What may be started on an invoice, or on several at once: read and decided in one transaction, in which
//! `noting` then notes the writes to Stripe that start it.

use domain::fee::BasisPoints;
use domain::fee::rules::Method;
use domain::payment::parts::{INVOICES_MAX, PartsAllowed, Turn, ask};
use domain::payment::{self, Begin, DECLINES_MAX, Live};
use domain::tenant::TenantState;
use domain::{InvoiceId, Money, OperationId, PaymentId, Refusal, Scope};
use store::invoices::{self, Invoice};
use store::payment_settings::{self, PaymentSettings};
use store::payments::{self, Payment};
use store::stripe_config::{self, StripeConfig};
use store::stripe_operations::{self as rows, Kind, Operation};
use store::{Tx, payment_parts, state_history, tenants};
use stripe::AccountId;
use stripe::payment_intents::{self, Create};

use super::noting::{self, Allowed};
use crate::audit::{self, Entry};
use crate::limits::Press;
use crate::operations::{self, Intent};
use crate::payment_settings::takes_bank_debits;
use crate::{By, Failure, Moment, adoption, fees};

/// What somebody wants to pay.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// How much; none for all that is owed.
    pub amount: Option<Money>,
    /// How.
    pub method: Method,
}

/// What a payment is to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// All of it.
    pub amount: Money,
    /// What is asked for each invoice, minor units, in the order in which money is given to them.
    pub parts: Vec<(InvoiceId, i64)>,
    /// How it can be paid.
    pub method: Method,
}

/// A payment by which money could still arrive for one of the invoices.
struct Open {
    payment: Payment,
    unresolved: bool,
    parts: Vec<(InvoiceId, i64)>,
}

impl Open {
    fn read(tx: &mut Tx, payment: Payment) -> Result<Open, Failure> {
        let parts = payment_parts::of(tx, &payment.scope, &payment.id)?;
        Ok(Open {
            unresolved: rows::open_of(tx, &payment.scope, &payment.id)?.is_some(),
            parts: parts
                .into_iter()
                .map(|part| (part.invoice_id, part.amount))
                .collect(),
            payment,
        })
    }

    fn fits(&self, asked: &Asked) -> bool {
        let basis = self.payment.fee_basis.as_ref();
        let method = basis.map_or(Method::Card, |basis| basis.method);
        self.payment.asked() == asked.amount && self.parts == asked.parts && method == asked.method
    }
}

/// Invoices with all that decides what may be started on them.
pub struct Situation {
    scope: Scope,
    /// The one whose link was opened; payments are numbered by it.
    pub invoice: Invoice,
    /// What is paid with it.
    others: Vec<Invoice>,
    config: Option<StripeConfig>,
    pub settings: PaymentSettings,
    newest: Option<Payment>,
    last_attempt: i64,
    open: Vec<Open>,
    tenant: TenantState,
    /// Whether one of the invoices may have been paid by an intent that nobody here knows.
    held: bool,
}

impl Situation {
    /// Reads an invoice, and the client's others that are to be paid with it.
    pub fn read(
        tx: &mut Tx,
        scope: &Scope,
        invoice: &InvoiceId,
        others: &[InvoiceId],
    ) -> Result<Situation, Failure> {
        let invoice = invoices::get(tx, scope, invoice)?.ok_or(Refusal::NotFound)?;
        let settings = payment_settings::get(tx, scope)?;
        let others = read_others(tx, scope, &invoice, others, &settings)?;
        let mut open: Vec<Open> = Vec::new();
        for invoice in std::iter::once(&invoice).chain(&others) {
            let live = payments::live_of(tx, scope, &invoice.id)?;
            let known = |payment: &Payment| open.iter().any(|open| open.payment.id == payment.id);
            if let Some(payment) = live.filter(|payment| !known(payment)) {
                open.push(Open::read(tx, payment)?);
            }
        }
        let mut held = false;
        for invoice in std::iter::once(&invoice).chain(&others) {
            held = held || adoption::is_held(tx, scope, &invoice.id)?;
        }
        Ok(Situation {
            held,
            scope: scope.clone(),
            newest: payments::of_invoice(tx, scope, &invoice.id, 1)?
                .into_iter()
                .next(),
            last_attempt: payments::last_attempt(tx, scope, &invoice.id)?,
            config: stripe_config::get(tx, scope)?,
            tenant: tenants::get(tx, &scope.tenant)?.status,
            invoice,
            others,
            settings,
            open,
        })
    }

    /// The payment by which money could still arrive for the invoice whose link was opened, and whether a
    /// write of it is under way.
    pub fn live(&self) -> Option<(&Payment, bool)> {
        let of_invoice = |open: &&Open| open.parts.iter().any(|(id, _)| *id == self.invoice.id);
        let open = self.open.iter().find(of_invoice)?;
        Some((&open.payment, open.unresolved))
    }

    /// One of the payments that [`Begin::Replace`] and [`Begin::Confirm`] are about.
    pub fn open(&self, index: usize) -> Result<&Payment, Failure> {
        let missing = || Failure::Bug(format!("invoice {} has no open payment {index}", self.invoice.id));
        self.open.get(index).map(|open| &open.payment).ok_or_else(missing)
    }

    /// The tenant's account, if it may take new payments: at Stripe, and with the operator.
    pub fn account_that_can_charge(&self) -> Option<&StripeConfig> {
        let config = self.config.as_ref().filter(|config| config.can_charge());
        config.filter(|_| self.tenant.new_work().is_ok())
    }

    /// Whether the payer may have entered a bank account, so that their token has to be looked at.
    pub fn takes_bank_debits(&self) -> bool {
        let config = self.config.as_ref();
        config.is_some_and(|config| takes_bank_debits(&self.settings, config, self.invoice.currency))
    }

    /// The refusal as the tenant reads it: payers are not told why the tenant cannot be paid.
    pub fn said_to_tenant(&self, refusal: Refusal) -> Refusal {
        match (refusal, self.tenant.new_work()) {
            (Refusal::PaymentsUnavailable, Err(why)) => why,
            (refusal, _) => refusal,
        }
    }

    /// Decides what a wish sets off, and what is to be asked for.
    pub fn begin(&self, wish: &Wish, chargeable: bool) -> Result<(Begin, Asked), Refusal> {
        let invoices: Vec<&Invoice> = std::iter::once(&self.invoice).chain(&self.others).collect();
        let states: Vec<_> = invoices.iter().map(|invoice| invoice.status).collect();
        payment::payable(&states, chargeable)?;
        if self.held {
            return Err(Refusal::PaymentInProgress);
        }
        let asked = self.asked(invoices, wish)?;
        let lives: Vec<Live> = self
            .open
            .iter()
            .map(|open| Live {
                state: open.payment.status,
                declines: open.payment.declines,
                unresolved: open.unresolved,
                fits: open.fits(&asked),
            })
            .collect();
        Ok((payment::begin(&lives)?, asked))
    }

    /// Whether what is owed is what the payer's page showed: the invoice of the link by the page's token, and
    /// all that is to be paid by what the page says. A part that was paid meanwhile, in another tab, leaves
    /// something else.
    pub fn check_due(&self, press: Option<&Press>, by_page: Option<i64>) -> Result<(), Refusal> {
        let Some(press) = press else { return Ok(()) };
        let of_others = self.others.iter().map(|invoice| invoice.owed().minor());
        let own = self.invoice.owed();
        let all = of_others.fold(own.minor(), i64::saturating_add);
        if own.minor() == press.due_minor && by_page.is_none_or(|due| due == all) {
            return Ok(());
        }
        Err(Refusal::AmountChanged {
            amount_now: Money::new(all, own.currency()).to_string(),
        })
    }

    /// The live payment, if it asks for exactly this and its intent is still good.
    pub fn usable(&self, asked: &Asked) -> Option<&Payment> {
        match self.open.as_slice() {
            [open] if open.fits(asked) && open.payment.declines < DECLINES_MAX => Some(&open.payment),
            _ => None,
        }
    }

    fn asked(&self, mut invoices: Vec<&Invoice>, wish: &Wish) -> Result<Asked, Refusal> {
        invoices.sort_by_key(|invoice| Turn::of(invoice.due_date.as_deref(), &invoice.id));
        let owed: Vec<Money> = invoices.iter().map(|invoice| invoice.owed()).collect();
        let all: i64 = owed.iter().map(|money| money.minor()).sum();
        let amount = wish.amount.unwrap_or(Money::new(all, self.invoice.currency));
        // Who asks without an amount wants all of it.
        let allowed = match wish.amount {
            Some(_) => self.settings.parts(self.invoice.currency),
            None => PartsAllowed::No,
        };
        let each = ask(&owed, amount, allowed)?;
        let parts = invoices.iter().zip(each).filter(|(_, asked)| *asked > 0);
        Ok(Asked {
            amount,
            parts: parts
                .map(|(invoice, asked)| (invoice.id.clone(), asked))
                .collect(),
            method: wish.method,
        })
    }

    /// Adds the payment and notes the creation of its intent.
    pub fn note_create(
        &self,
        tx: &mut Tx,
        moment: Moment,
        rate: BasisPoints,
        config: &StripeConfig,
        asked: &Asked,
    ) -> Result<Operation, Failure> {
        let rates = fees::configured(rate, config.fee_bps)?;
        let fee = fees::decide(tx, &self.scope, rates, asked.amount, asked.method, moment.at)?;
        let payment = noting::NewPayment {
            scope: &self.scope,
            invoice: &self.invoice.id,
            attempt: self.last_attempt.saturating_add(1),
            account: &config.stripe_account_id,
            asked,
            fee,
        };
        let payment = payment.row(moment);
        payments::insert(tx, &payment, &asked.parts)?;
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
        let description = self.numbers(asked);
        let create = Create {
            account: &AccountId::parse(&payment.stripe_account_id)?,
            amount: payment.amount,
            currency: payment.currency.code(),
            method: Allowed::of(asked.method),
            application_fee_amount: payment.application_fee,
            description: description.as_deref(),
            metadata: vec![
                named("invoice_id", self.invoice.id.as_str()),
                named("op_id", id.as_str()),
                named("payment_id", payment.id.as_str()),
                named("tenant_id", self.scope.tenant.as_str()),
            ],
            receipt_email: None,
            customer: None,
        };
        let write = payment_intents::create(&create, noting::key(&payment, "create"));
        let intent = Intent {
            kind: Kind::CreateIntent,
            write,
        };
        operations::note(tx, &self.scope, Some(&payment.id), id, intent, moment.at)
    }

    /// The numbers of the invoices that are paid, as the tenant reads them in Stripe's dashboard.
    fn numbers(&self, asked: &Asked) -> Option<String> {
        let all = || std::iter::once(&self.invoice).chain(&self.others);
        let number = |(id, _): &(InvoiceId, i64)| {
            let invoice = all().find(|invoice| invoice.id == *id)?;
            invoice.number.clone()
        };
        let numbers: Vec<String> = asked.parts.iter().filter_map(number).collect();
        (!numbers.is_empty()).then(|| numbers.join(", "))
    }

    /// Notes in the audit log who had this write to Stripe made, about which amount.
    pub fn note_request(
        &self,
        tx: &mut Tx,
        by: &By,
        moment: Moment,
        action: &'static str,
        operation: &Operation,
        amount: Money,
    ) -> Result<(), Failure> {
        let newest = self.newest.as_ref();
        let before = serde_json::json!({
            "invoice_status": self.invoice.status.word(),
            "payment_id": newest.map(|payment| payment.id.as_str()),
            "payment_status": newest.map(|payment| payment.status.word()),
        });
        let mut after = serde_json::json!({
            "payment_id": operation.payment_id.as_ref().map(PaymentId::as_str),
            "write": operation.kind.word(),
            "amount": amount.minor(),
            "currency": amount.currency().code(),
        });
        if !self.others.is_empty() {
            let others: Vec<&str> = self.others.iter().map(|invoice| invoice.id.as_str()).collect();
            after["with_invoices"] = others.into();
        }
        let entry = Entry {
            action,
            subject: self.invoice.id.as_str(),
            before: Some(before.to_string()),
            after: Some(after.to_string()),
        };
        Ok(audit::note(tx, Some(&self.scope), by, moment, &entry)?)
    }
}

/// The newest payment of an invoice, if this confirmation token was sent to Stripe for it before: then it is
/// the same press again, whatever may be chosen by now.
pub fn confirmed_with(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &InvoiceId,
    token: &str,
) -> Result<Option<Payment>, Failure> {
    let newest = payments::of_invoice(tx, scope, invoice, 1)?.into_iter().next();
    let Some(newest) = newest else {
        return Ok(None);
    };
    let quoted = format!("\"{token}\"");
    let confirms = rows::confirms_of(tx, scope, &newest.id)?;
    let known = confirms
        .iter()
        .any(|operation| operation.params.contains(&quoted));
    Ok(known.then_some(newest))
}

/// The client's other invoices that are to be paid with one. What is none of them is refused without saying
/// whether it exists.
fn read_others(
    tx: &mut Tx,
    scope: &Scope,
    first: &Invoice,
    others: &[InvoiceId],
    settings: &PaymentSettings,
) -> Result<Vec<Invoice>, Failure> {
    let refused = |problem: &'static str| Refusal::invalid("invoices", problem);
    if others.is_empty() {
        return Ok(Vec::new());
    }
    if !settings.several {
        return Err(refused("cannot be paid together with this one").into());
    }
    if others.len() >= INVOICES_MAX {
        return Err(refused("are too many to be paid at once").into());
    }
    let mut found: Vec<Invoice> = Vec::with_capacity(others.len());
    for id in others {
        let known = std::iter::once(first)
            .chain(&found)
            .any(|invoice| invoice.id == *id);
        if known {
            return Err(refused("must name each invoice once, and not the link's own").into());
        }
        let invoice = invoices::get(tx, scope, id)?;
        let invoice = invoice.filter(|other| {
            let draft = other.status == domain::invoice::InvoiceState::Draft;
            !draft && other.client_id == first.client_id && other.currency == first.currency
        });
        let problem = "must be invoices of the same client in the same currency";
        found.push(invoice.ok_or_else(|| refused(problem))?);
    }
    Ok(found)
}
