//! What a list of invoices is narrowed to beside its tab: a client, days, amounts. What was issued on days
//! and what few invoices cost is found by that; otherwise a page looks through so many invoices at most, so
//! that a filter that matches hardly any is as quick as one that matches all, and says where to look further.

use domain::seal::Day;
use domain::{ClientId, Currency, Money, Scope, Timestamp};
use maud::{Markup, html};
use store::invoice_list::{self as rows, After, Issued, Listed, Shelf, Totals};
use store::invoices::Invoice;
use store::{Error, Tx};

use super::desk;
use crate::html as parts;

/// Invoices that one page looks through.
pub const LOOKED_THROUGH: usize = 500;
/// Rows that are read at once after the first, which are as many as are shown.
const STEP: i64 = 250;

/// What is asked for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The first day on which it was issued, or written where it is a draft.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The least total.
    pub least: String,
    /// The highest total.
    pub most: String,
}

impl Filter {
    /// Whether it narrows anything.
    pub fn narrows(&self) -> bool {
        !self.asked().iter().all(|(_, value)| value.is_empty())
    }

    /// As an address carries it.
    pub fn asked(&self) -> [(&'static str, &str); 4] {
        [
            ("from", self.from.trim()),
            ("to", self.to.trim()),
            ("least", self.least.trim()),
            ("most", self.most.trim()),
        ]
    }

    /// What of it cannot be read, in a sentence.
    pub fn problem(&self) -> Option<&'static str> {
        let day = |text: &str| text.trim().is_empty() || Day::parse(text.trim()).is_some();
        let amount =
            |text: &str| text.trim().is_empty() || minor(text, Currency::parse("usd").ok()).is_some();
        if !day(&self.from) || !day(&self.to) {
            return Some("A day is written such as 2026-11-27.");
        }
        if !amount(&self.least) || !amount(&self.most) {
            return Some("An amount is written such as 1500.00.");
        }
        None
    }

    /// Whether an invoice is asked for. What cannot be read narrows nothing.
    pub fn matches(&self, invoice: &Invoice) -> bool {
        let issued = Day::of(invoice.finalized_at.unwrap_or(invoice.created_at));
        let after = Day::parse(self.from.trim()).is_none_or(|from| issued >= from);
        let before = Day::parse(self.to.trim()).is_none_or(|to| issued <= to);
        let total = invoice.total.minor();
        let currency = Some(invoice.currency);
        let enough = minor(&self.least, currency).is_none_or(|least| total >= least);
        let not_more = minor(&self.most, currency).is_none_or(|most| total <= most);
        after && before && enough && not_more
    }

    /// The time in which it was issued, if days narrow it.
    fn issued(&self) -> Option<Issued> {
        let (from, to) = (Day::parse(self.from.trim()), Day::parse(self.to.trim()));
        (from.is_some() || to.is_some()).then(|| Issued {
            from: from.map_or(EVER.from, Day::begins),
            before: to.map_or(EVER.before, Day::ends),
        })
    }

    /// The totals in each currency, if amounts narrow it.
    fn totals(&self, tx: &mut Tx, scope: &Scope) -> Result<Vec<Totals>, Error> {
        if self.least.trim().is_empty() && self.most.trim().is_empty() {
            return Ok(Vec::new());
        }
        let between = |currency| Totals {
            currency,
            least: minor(&self.least, Some(currency)).unwrap_or(0),
            most: minor(&self.most, Some(currency)).unwrap_or(i64::MAX),
        };
        Ok(rows::currencies(tx, scope)?.into_iter().map(between).collect())
    }

    /// The form for it, which works without a script: it leads to the list.
    pub fn form(&self, path: &str, kept: &[(&str, &str)]) -> Markup {
        let field = |name: &str, label: &str, kind: &str, value: &str| {
            html! {
                div .field {
                    label for={ "filter-" (name) } { (label) }
                    input .input id={ "filter-" (name) } name=(name) type=(kind) value=(value.trim())
                        maxlength="30"
                        inputmode=[(kind == "text").then_some("decimal")];
                }
            }
        };
        html! {
            details .fold.filter open[self.narrows()] {
                summary { "Filter" }
                form .filters method="get" action=(path) {
                    @for (name, value) in kept.iter().filter(|(_, value)| !value.is_empty()) {
                        input type="hidden" name=(name) value=(value);
                    }
                    (field("from", "Issued from", "date", &self.from))
                    (field("to", "Issued until", "date", &self.to))
                    (field("least", "Total from", "text", &self.least))
                    (field("most", "Total up to", "text", &self.most))
                    div .actions {
                        button .btn type="submit" { "Apply" }
                        @if self.narrows() { (parts::link_button("Clear", &desk::address(path, kept),
                            "plain")) }
                    }
                }
                @if let Some(problem) = self.problem() { p .late { (problem) } }
            }
        }
    }
}

const EVER: Issued = Issued {
    from: Timestamp::from_ms(0),
    before: Timestamp::from_ms(i64::MAX),
};

fn minor(text: &str, currency: Option<Currency>) -> Option<i64> {
    let text = text.trim();
    let typed = currency.filter(|_| !text.is_empty())?;
    Money::typed("amount", text, typed).ok().map(Money::minor)
}

/// Which invoices a list has: a tab, or a client's.
#[derive(Clone, Debug)]
pub struct Of {
    /// The tab.
    pub shelf: Shelf,
    /// Only this client's.
    pub client: Option<ClientId>,
    /// Only those of clients that have this in their name or e-mail address, in lower case.
    pub called: Option<String>,
    /// The day as `YYYY-MM-DD`.
    pub today: String,
}

impl Of {
    /// So many invoices after one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn page(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        after: Option<&After>,
        limit: i64,
    ) -> Result<Vec<Listed>, Error> {
        let Some(client) = &self.client else {
            return rows::page(tx, scope, self.shelf, &self.today, after, limit);
        };
        let after = after.map(|after| &after.id);
        rows::of_client(tx, scope, client, (self.shelf, &self.today), after, limit)
    }

    fn status(&self) -> Option<&'static str> {
        match self.shelf {
            Shelf::All => None,
            // What is overdue is open, and told apart by whoever asks.
            Shelf::Overdue => Some(Shelf::Open.word()),
            Shelf::Draft | Shelf::Open | Shelf::Processing | Shelf::Paid | Shelf::Void => {
                Some(self.shelf.word())
            }
        }
    }

    /// Whether an invoice is on the tab.
    pub fn is_on_shelf(&self, invoice: &Invoice) -> bool {
        match self.shelf {
            Shelf::All => true,
            Shelf::Overdue => desk::is_overdue(invoice, &self.today),
            Shelf::Draft | Shelf::Open | Shelf::Processing | Shelf::Paid | Shelf::Void => {
                invoice.status.word() == self.shelf.word()
            }
        }
    }

    /// Whether an invoice belongs to it.
    pub fn holds(&self, listed: &Listed) -> bool {
        let called = self.called.as_deref();
        self.is_on_shelf(&listed.invoice) && called.is_none_or(|text| listed.client_key.contains(text))
    }
}

/// What a page of a filtered list has.
#[derive(Clone, Debug)]
pub struct Looked {
    /// What was found.
    pub found: Vec<Listed>,
    /// Where to go on, if not everything was looked through.
    pub next: Option<After>,
    /// Whether it ended because so many were looked through.
    pub gave_up: bool,
}

/// Among which invoices a filter looks.
enum Among {
    /// Those of the list.
    List,
    /// Those of the tab that were issued in a time.
    Issued(Issued),
    /// Those of the tab with such a total, issued in a time.
    Totals(Vec<Totals>, Issued),
}

impl Among {
    fn of(tx: &mut Tx, scope: &Scope, of: &Of, filter: &Filter) -> Result<Among, Error> {
        // A client has few.
        if of.client.is_some() {
            return Ok(Among::List);
        }
        let (issued, totals) = (filter.issued(), filter.totals(tx, scope)?);
        if !totals.is_empty() && rows::are_few(tx, scope, &totals)? {
            return Ok(Among::Totals(totals, issued.unwrap_or(EVER)));
        }
        Ok(issued.map_or(Among::List, Among::Issued))
    }

    fn page(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        of: &Of,
        after: Option<&After>,
        limit: i64,
    ) -> Result<Vec<Listed>, Error> {
        match self {
            Among::List => of.page(tx, scope, after, limit),
            Among::Issued(issued) => rows::issued(tx, scope, of.status(), *issued, after, limit),
            Among::Totals(totals, issued) => {
                rows::of_totals(tx, scope, totals, (of.status(), *issued), after, limit)
            }
        }
    }
}

/// Looks through a list until so many are found, or [`LOOKED_THROUGH`] were looked at.
///
/// # Errors
/// When the database fails.
pub fn look(
    tx: &mut Tx,
    scope: &Scope,
    of: &Of,
    filter: &Filter,
    from: Option<After>,
    most: usize,
) -> Result<Looked, Error> {
    let among = Among::of(tx, scope, of, filter)?;
    let (mut found, mut at, mut looked) = (Vec::new(), from, 0);
    let mut wanted = i64::try_from(most).unwrap_or(STEP);
    while looked < LOOKED_THROUGH {
        let step = among.page(tx, scope, of, at.as_ref(), wanted)?;
        let ended = i64::try_from(step.len()).unwrap_or(wanted) < wanted;
        looked += step.len();
        wanted = STEP;
        for listed in step {
            at = Some(After::of(&listed.invoice));
            if of.holds(&listed) && filter.matches(&listed.invoice) {
                found.push(listed);
                if found.len() == most {
                    return Ok(Looked {
                        found,
                        next: at,
                        gave_up: false,
                    });
                }
            }
        }
        if ended {
            return Ok(Looked {
                found,
                next: None,
                gave_up: false,
            });
        }
    }
    Ok(Looked {
        found,
        next: at,
        gave_up: true,
    })
}
