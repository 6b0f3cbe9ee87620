//! What the payer of a link may see: the invoice, and which one of the panels the page shows beside it.

use domain::business::Business;
use domain::invoice::{InvoiceState, Line};
use domain::language::Language;
use domain::pay_link::masked;
use domain::payment::parts::{INVOICES_MAX, PartsAllowed};
use domain::payment::{IntentStatus, PaymentState};
use domain::{Mode, Money, Scope};
use store::clients;
use store::invoices::{self, BillTo, Invoice};
use store::pay_links::PayLink;
use store::payment_settings::{self, PaymentSettings};
use store::payments::{self, Payment};
use store::tenants::{self, Tenant};
use store::{
    Tx, business, client_mail_settings, ledger, mail_settings, payment_parts, refunds, stripe_config,
    stripe_operations,
};
use stripe::Secret;

use crate::business::{Seller, seller};
use crate::payment_settings::takes_bank_debits;
use crate::proofs::Work;
use crate::{App, Failure, Moment, adoption, limits, page_tokens, pay_links};

/// An invoice as its payer sees it.
#[derive(Clone, Debug)]
pub struct PayerView {
    /// The mode of the invoice, in which the page finishes.
    pub mode: Mode,
    /// The link that was opened.
    pub link: PayLink,
    /// The MSP.
    pub tenant: Tenant,
    /// In which languages it may be written to.
    pub languages: Languages,
    /// To whom it was made out.
    pub bill_to: BillTo,
    /// The invoice.
    pub invoice: Invoice,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The client's other open invoices that may be paid with it, the one that is due first on top.
    pub others: Vec<Invoice>,
    /// The least part of it that may be paid; none where all has to be.
    pub part_minimum: Option<Money>,
    /// Whether it may be paid from a bank account.
    pub bank_debits: bool,
    /// What the payment that is under way asks for, if there is one.
    pub under_way: Option<Money>,
    /// What was paid of it, given back and credited so far.
    pub settled: SettledBy,
    /// The account on which it is paid.
    pub stripe_account_id: Option<String>,
    /// The MSP's address and the like; its name where that is not the tenant's.
    pub business: Business,
    /// Whether the MSP has a logo.
    pub has_logo: bool,
    /// The payments that succeeded, newest first.
    pub receipts: Vec<Payment>,
    /// What the page offers.
    pub panel: Panel,
    /// Who forwarded the invoice to whoever has this link, as the MSP knows them.
    pub forwarded_by: Option<String>,
    /// To whom this link's holder forwarded the invoice.
    pub forwarded: Vec<PayLink>,
    /// What a payment begun from this page has to carry.
    pub page_token: String,
    /// The work that it has to show besides, while the tenant's payments look like card testing.
    pub work: Option<Work>,
}

/// In which language a client is written to, as far as anybody has said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Languages {
    /// The client's own.
    pub client: Option<Language>,
    /// The tenant's, for clients who have none of their own.
    pub tenant: Language,
}

impl Languages {
    /// Those of the client whom a link's invoice is for.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of(tx: &mut Tx, link: &PayLink) -> Result<Languages, Failure> {
        let scope = &link.scope;
        let client = match invoices::get(tx, scope, &link.invoice_id)? {
            Some(invoice) => client_mail_settings::get(tx, scope, &invoice.client_id)?.language,
            None => None,
        };
        let tenant = mail_settings::get(tx, scope)?.language;
        Ok(Languages { client, tenant })
    }
}

/// Payments that are looked at for receipts: one is the rule, a dozen where an invoice is paid in parts.
const PAYMENTS_SHOWN: i64 = 50;

/// How an invoice was settled so far.
#[derive(Clone, Copy, Debug)]
pub struct SettledBy {
    /// What payments brought, also what went back since.
    pub paid: Money,
    /// What went back to payers.
    pub given_back: Money,
    /// What their banks took back for good.
    pub taken_back: Money,
    /// What the client's credit and credit notes took off it.
    pub by_credit: Money,
}

impl SettledBy {
    fn of(tx: &mut Tx, scope: &Scope, invoice: &Invoice) -> Result<SettledBy, Failure> {
        let (mut by_payments, mut taken_back) = (0_i64, 0_i64);
        for payment in payments::of_invoice(tx, scope, &invoice.id, i64::MAX)? {
            let by_bank = ledger::taken_back(tx, scope, &payment.id, &invoice.id)?;
            taken_back = taken_back.saturating_add(by_bank.max(0));
            let parts = payment_parts::of(tx, scope, &payment.id)?;
            let own = parts.iter().filter(|part| part.invoice_id == invoice.id);
            by_payments = own.fold(by_payments, |sum, part| sum.saturating_add(part.applied));
        }
        let given_back = refunds::taken_of_invoice(tx, scope, &invoice.id)?.max(0);
        let of = |minor: i64| Money::new(minor.max(0), invoice.currency);
        let credit = invoice.applied.saturating_sub(by_payments).max(0);
        Ok(SettledBy {
            paid: of(by_payments.saturating_add(given_back).saturating_add(taken_back)),
            given_back: of(given_back),
            taken_back: of(taken_back),
            by_credit: of(credit.saturating_add(invoice.credited)),
        })
    }

    /// Whether all of it was paid and stayed so.
    pub fn is_all_paid(&self) -> bool {
        let nothing = |money: Money| money.minor() == 0;
        nothing(self.given_back) && nothing(self.taken_back) && nothing(self.by_credit)
    }
}

/// Exactly one of these is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Panel {
    /// The form.
    Pay,
    /// 3D Secure was left: continue, or pay with another card.
    Continue,
    /// A payment is on its way or being checked.
    InProgress,
    /// Paid, with the payment that paid it.
    Paid(Box<Payment>),
    /// Paid without a payment by card.
    Settled,
    /// The invoice was withdrawn.
    Void,
    /// The tenant cannot take payments now.
    Unavailable,
    /// Stripe does not answer at the moment.
    Silent,
    /// What is left is less than a card can be charged, and there is nothing to pay it with.
    TooSmall,
}

/// What a link shows: the invoice, or that it has run out.
#[derive(Clone, Debug)]
pub enum Look {
    /// The link is in force.
    Invoice(Box<PayerView>),
    /// A true link that was replaced or has run out; it shows nothing of the invoice but who sent it.
    Expired {
        /// The mode of the invoice.
        mode: Mode,
        /// The MSP, whom the payer may ask for a new link.
        seller: Seller,
        /// In which languages its client may be written to.
        languages: Languages,
        /// Where a fresh link can be sent, so that only its owner knows it: `j***@client.example`.
        on_file: Option<String>,
    },
    /// A true link that the MSP took back; it shows nothing of the invoice but who sent it.
    Revoked {
        /// The mode of the invoice.
        mode: Mode,
        /// The MSP, whom the payer may ask.
        seller: Seller,
        /// In which languages its client may be written to.
        languages: Languages,
    },
}

/// Opens a link to look at its invoice.
///
/// # Errors
/// [`domain::Refusal::NotFound`] for what never was a link.
pub async fn look(app: &App, token: &str) -> Result<Look, Failure> {
    let (keys, token, moment) = (app.keys(), token.to_owned(), app.moment());
    let looked: Result<Look, Failure> = app
        .db
        .read(move |tx| match pay_links::open(tx, &keys, &token, moment.at)? {
            pay_links::Opened::Valid(link) => {
                Ok(Look::Invoice(Box::new(read(tx, keys.newest(), &link, moment)?)))
            }
            pay_links::Opened::Expired(link) => Ok(Look::Expired {
                mode: link.scope.mode,
                seller: seller(tx, &link.scope)?,
                languages: Languages::of(tx, &link)?,
                on_file: pay_links::on_file(tx, &link)?.map(|(to, _)| masked(&to.to.address)),
            }),
            pay_links::Opened::Revoked(link) => Ok(Look::Revoked {
                mode: link.scope.mode,
                seller: seller(tx, &link.scope)?,
                languages: Languages::of(tx, &link)?,
            }),
        })
        .await;
    let mut looked = looked?;
    if let Look::Invoice(view) = &mut looked {
        let account = view.stripe_account_id.as_deref().unwrap_or_default();
        if view.panel == Panel::Pay && app.breakers.may_begin(view.mode, account).is_err() {
            view.panel = Panel::Silent;
        }
    }
    Ok(looked)
}

fn read(tx: &mut Tx, key: &Secret, link: &PayLink, moment: Moment) -> Result<PayerView, Failure> {
    let gone = |what: &str| Failure::Bug(format!("the {what} of link {} is gone", link.id));
    let scope = &link.scope;
    let invoice = invoices::get(tx, scope, &link.invoice_id)?.ok_or_else(|| gone("invoice"))?;
    let client = clients::get(tx, scope, &invoice.client_id)?.ok_or_else(|| gone("client"))?;
    let lines = invoices::lines(tx, scope, &invoice.id)?;
    let config = stripe_config::get(tx, scope)?;
    let settings = payment_settings::get(tx, scope)?;
    let all = payments::of_invoice(tx, scope, &invoice.id, PAYMENTS_SHOWN)?;
    let newest = all.first().cloned();
    let unresolved = match &newest {
        Some(payment) => stripe_operations::open_of(tx, scope, &payment.id)?.is_some(),
        None => false,
    };
    // It may have been paid by an intent that nobody here knows.
    let unresolved = unresolved || adoption::is_held(tx, scope, &invoice.id)?;
    let tenant = tenants::get(tx, &scope.tenant)?;
    let chargeable = config
        .as_ref()
        .is_some_and(stripe_config::StripeConfig::can_charge);
    let open = Open {
        to_finish: chargeable,
        to_begin: chargeable && tenant.status.new_work().is_ok(),
        out_of_sight: config.as_ref().is_some_and(|config| config.disconnected),
    };
    let bank_debits = config
        .as_ref()
        .is_some_and(|config| takes_bank_debits(&settings, config, invoice.currency));
    let live = newest.as_ref().filter(|payment| payment.status.is_live());
    let under_way = live.map(Payment::asked);
    let panel = panel(&invoice, newest, unresolved, open);
    let offered = panel == Panel::Pay || panel == Panel::Continue;
    // Who got it from somebody else has to do with this invoice and no other.
    let others = match offered && settings.several && link.kind.may_forward() {
        true => others(tx, scope, &invoice)?,
        false => Vec::new(),
    };
    let too_small = invoice.owed().minor() < invoice.currency.minimum() && others.is_empty();
    let panel = match panel {
        Panel::Pay if store::instance::is_locked(tx, scope.mode)? => Panel::Silent,
        Panel::Pay if too_small => Panel::TooSmall,
        panel => panel,
    };
    Ok(PayerView {
        mode: scope.mode,
        link: link.clone(),
        tenant,
        languages: Languages::of(tx, link)?,
        bill_to: invoice.bill_to.clone().unwrap_or_else(|| BillTo::of(&client)),
        lines,
        stripe_account_id: config.map(|config| config.stripe_account_id),
        panel,
        others,
        part_minimum: part_minimum(&settings, invoice.owed()).filter(|_| offered),
        under_way,
        settled: SettledBy::of(tx, scope, &invoice)?,
        bank_debits,
        forwarded_by: pay_links::forwarded_by(tx, link, &invoice)?,
        forwarded: store::pay_links::forwarded_by(tx, link)?,
        business: business::get(tx, scope)?,
        has_logo: business::logo_facts(tx, scope)?.is_some(),
        receipts: all
            .into_iter()
            .filter(|payment| payment.succeeded_at.is_some())
            .collect(),
        page_token: page_tokens::issue(key, link, invoice.owed().minor(), moment)?,
        work: limits::work(tx, key, scope, moment.at)?,
        invoice,
    })
}

/// What the tenant's account may be used for. A suspended tenant takes no new payment; one that is at the
/// bank finishes.
#[derive(Clone, Copy)]
struct Open {
    to_begin: bool,
    to_finish: bool,
    /// Nobody can ask Stripe how a payment ended: what was at the bank may have been paid.
    out_of_sight: bool,
}

/// Those on which something is owed that can be paid, the one that is due first on top.
fn others(tx: &mut Tx, scope: &Scope, invoice: &Invoice) -> Result<Vec<Invoice>, Failure> {
    // The one of the link may be among them.
    let limit = i64::try_from(INVOICES_MAX).unwrap_or(i64::MAX);
    let mut open = invoices::open_of_client(tx, scope, &invoice.client_id, invoice.currency, limit)?;
    open.retain(|other| other.id != invoice.id && other.owed().minor() > 0);
    open.truncate(INVOICES_MAX.saturating_sub(1));
    Ok(open)
}

/// A part is offered only where one can be paid that leaves enough to be paid later.
fn part_minimum(settings: &PaymentSettings, owed: Money) -> Option<Money> {
    let currency = owed.currency();
    match settings.parts(currency) {
        PartsAllowed::No => None,
        PartsAllowed::AtLeast(minimum) => {
            let minimum = minimum.max(currency.minimum());
            let room = owed.minor().saturating_sub(currency.minimum());
            (minimum <= room).then_some(Money::new(minimum, currency))
        }
    }
}

fn panel(invoice: &Invoice, newest: Option<Payment>, unresolved: bool, open: Open) -> Panel {
    let status = invoice.status;
    let by_own_link = |payment: &Payment| payment.invoice_id == invoice.id;
    let live = newest
        .as_ref()
        .map(|payment| payment.status)
        .filter(|status| status.is_live());
    match status {
        InvoiceState::Paid => match newest {
            Some(payment) if payment.succeeded_at.is_some() => Panel::Paid(Box::new(payment)),
            Some(_) | None => Panel::Settled,
        },
        InvoiceState::Void => Panel::Void,
        InvoiceState::Processing => Panel::InProgress,
        InvoiceState::Draft => Panel::Unavailable,
        InvoiceState::Open if unresolved => Panel::InProgress,
        InvoiceState::Open => match live {
            Some(PaymentState::Creating) => Panel::InProgress,
            Some(PaymentState::At(IntentStatus::Processing | IntentStatus::RequiresCapture)) => {
                Panel::InProgress
            }
            // Paid together with another invoice, it is by that one's link that it can be continued.
            Some(PaymentState::At(IntentStatus::RequiresAction))
                if open.to_finish && newest.as_ref().is_some_and(by_own_link) =>
            {
                Panel::Continue
            }
            Some(status) if open.out_of_sight && may_be_paid(newest.as_ref(), status) => Panel::InProgress,
            Some(_) | None if open.to_begin => Panel::Pay,
            Some(_) | None => Panel::Unavailable,
        },
    }
}

/// Whether a payment whose account nobody can ask may have been paid all the same. Whoever reads "nothing was
/// charged" then would pay twice.
fn may_be_paid(newest: Option<&Payment>, status: PaymentState) -> bool {
    let at_the_bank = status == PaymentState::At(IntentStatus::RequiresAction);
    let unknown =
        newest.is_some_and(|payment| payment.unreachable_since.is_some() && payment.failure_code.is_none());
    at_the_bank || unknown
}

impl PayerView {
    /// What is to be paid now.
    pub fn owed(&self) -> Money {
        self.invoice.owed()
    }
}
