//! `/invoices`: the list, with a tab for each state, searched by number or client, newest first.

use axum::extract::State;
use axum::response::Response;
use domain::invoice::InvoiceState;
use domain::invoice_settings::PREFIX_DEFAULT;
use domain::{ClientId, InvoiceId, Permission, Scope};
use flows::Failure;
use maud::{Markup, html};
use serde::Deserialize;
use store::clients::{self, Client, Cursor};
use store::invoice_list::{self as rows, After, Listed, Shelf};
use store::{Tx, invoice_settings, invoices};

use super::desk::{self, ASKED, SHOWN};
use super::invoice_client;
use super::invoice_filter::{self, Filter, Of};
use super::{Done, page, said, trouble};
use crate::api::Query;
use crate::html::{self as parts, Column, Pages, Place, Tab};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Invoices.path();
const TITLE: &str = "Invoices";
/// As many clients that are called so are looked at one by one.
pub(super) const CLIENTS_SEARCHED: usize = 40;
/// One more tells whether there are more.
pub(super) const CLIENTS_ASKED: i64 = 41;

/// Which invoices are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Which {
    /// The tab.
    #[serde(default)]
    pub state: String,
    /// The id of a client.
    #[serde(default)]
    pub client: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    least: String,
    #[serde(default)]
    most: String,
}

impl Which {
    /// What it narrows the list to, beside the tab and the client.
    pub fn filter(&self) -> Filter {
        Filter {
            from: self.from.clone(),
            to: self.to.clone(),
            least: self.least.clone(),
            most: self.most.clone(),
        }
    }
}

/// What the page shows.
#[derive(Default)]
struct Found {
    listed: Vec<Listed>,
    counts: Vec<(Shelf, i64)>,
    client: Option<Client>,
    /// Where a filter goes on that looked through so many and found few.
    further: Option<InvoiceId>,
    /// Whether a search found more than it shows.
    narrow: bool,
}

/// `GET /invoices`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    which: Result<Query<Which>, Problem>,
) -> Response {
    let which = which.map(|Query(which)| which).unwrap_or_default();
    let (scope, today) = (person.scope(), desk::today(&site));
    let (wanted, day) = (which.clone(), today.clone());
    let read = site.app.db.read(move |tx| find(tx, &scope, &wanted, &day));
    match read.await {
        Ok(found) => page(
            &person,
            Place::Invoices,
            TITLE,
            &shown(&person, &which, &found, &today),
        ),
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

fn shelf_of(which: &Which) -> Shelf {
    Shelf::parse(&which.state).unwrap_or_default()
}

fn find(tx: &mut Tx, scope: &Scope, which: &Which, today: &str) -> Result<Found, Failure> {
    let counts = rows::counts(tx, scope, today)?;
    let text = desk::looked_for(&which.q);
    let mut found = Found {
        counts,
        ..Found::default()
    };
    let after = match InvoiceId::parse(&which.after) {
        Ok(id) => invoices::get(tx, scope, &id)?,
        Err(_) => None,
    };
    let after = after.as_ref().map(After::of);
    let mut of = Of {
        shelf: shelf_of(which),
        client: None,
        called: None,
        today: today.to_owned(),
    };
    let mut numbered = Vec::new();
    if !text.is_empty() {
        if after.is_none() {
            numbered = by_number(tx, scope, &text, &of)?;
        }
        let called = clients::find(tx, scope, &text, &Cursor::default(), CLIENTS_ASKED)?;
        of.called = Some(text.to_lowercase());
        if called.len() <= CLIENTS_SEARCHED {
            found.listed = together(numbered, of_clients(tx, scope, &of, &called)?);
            found.narrow = found.listed.len() > SHOWN;
            found.listed.truncate(SHOWN);
            return Ok(found);
        }
    }
    if !which.client.is_empty() {
        found.client = match ClientId::parse(&which.client) {
            Ok(id) => clients::get(tx, scope, &id)?,
            Err(_) => None,
        };
        of.client = found.client.as_ref().map(|client| client.id.clone());
    }
    let filter = match of.called {
        None => which.filter(),
        Some(_) => Filter::default(),
    };
    let is_nobodys = of.client.is_none() && !which.client.is_empty();
    if !is_nobodys && filter.problem().is_none() {
        let looked = invoice_filter::look(tx, scope, &of, &filter, after, SHOWN + 1)?;
        found.further = looked.next.filter(|_| looked.gave_up).map(|after| after.id);
        found.listed = together(numbered, looked.found);
    }
    Ok(found)
}

/// Those first, then the others that are not among them.
fn together(mut first: Vec<Listed>, mut others: Vec<Listed>) -> Vec<Listed> {
    others.retain(|one| first.iter().all(|known| known.invoice.id != one.invoice.id));
    first.append(&mut others);
    first
}

/// The invoices of the shelf whose number somebody may mean.
fn by_number(tx: &mut Tx, scope: &Scope, text: &str, of: &Of) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    let prefix = invoice_settings::get(tx, scope)?.prefix;
    for number in numbers(text, &prefix) {
        listed.extend(rows::numbered(tx, scope, &number)?);
    }
    listed.retain(|one| of.is_on_shelf(&one.invoice));
    Ok(listed)
}

/// The invoices of these clients on the shelf, newest first; of each as many as a page asks for.
fn of_clients(tx: &mut Tx, scope: &Scope, of: &Of, called: &[Client]) -> Result<Vec<Listed>, Failure> {
    let mut theirs = Vec::new();
    for client in called {
        let on = (of.shelf, of.today.as_str());
        theirs.extend(rows::of_client(tx, scope, &client.id, on, None, ASKED)?);
    }
    theirs.sort_by(|one, other| other.invoice.id.cmp(&one.invoice.id));
    Ok(theirs)
}

/// The numbers that somebody may mean by `INV-00042`, `inv-42` or `42`: of the series of today, of the usual
/// one, and as it was typed, each once.
pub(super) fn numbers(text: &str, prefix: &str) -> Vec<String> {
    let text = text.trim();
    let mut all = vec![text.to_owned()];
    for prefix in [prefix, PREFIX_DEFAULT] {
        let digits = match text.get(..prefix.len()) {
            Some(start) if start.eq_ignore_ascii_case(prefix) => &text[prefix.len()..],
            _ => text,
        };
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(nth) = digits.parse().ok().filter(|_| is_number) {
            all.push(domain::invoice_settings::number(prefix, nth));
        }
    }
    all.sort();
    all.dedup();
    all
}

fn shown(person: &Person, which: &Which, found: &Found, today: &str) -> Markup {
    let (here, more) = (
        &found.listed[..found.listed.len().min(SHOWN)],
        found.listed.len() > SHOWN,
    );
    let next = here
        .last()
        .filter(|_| more)
        .map(|last| onward(which, last.invoice.id.as_str()));
    let pages = Pages {
        next,
        previous: (!which.after.is_empty()).then(|| onward(which, "")),
        ..Pages::default()
    };
    let searched = !which.q.trim().is_empty();
    let write = invoice_client::begin(person, "/invoices/new");
    let actions = html! {
        @if !searched { (parts::link_button("CSV", &onward(which, "").replacen(PATH, "/invoices.csv", 1),
            "")) }
        (write)
    };
    let asked = Ok(Query(Done {
        done: which.done.clone(),
    }));
    html! {
        (parts::title(TITLE, "What you have asked your clients to pay.", &actions))
        (said(&asked))
        (parts::search_within(PATH, "Number or client", which.q.trim(), &[("state", which.state.as_str())]))
        @if let Some(client) = &found.client {
            p .filtered { "Invoices of " strong { (client.name) } " " a href=(PATH) { "Show all" } }
        }
        (parts::tabs("Invoices by state", &tabs(which, found)))
        (parts::unknown_state(&which.state, Shelf::parse(&which.state).is_some()))
        @if !searched {
            @let kept = [("state", which.state.as_str()), ("client", which.client.as_str())];
            (which.filter().form(PATH, &kept))
        }
        @if here.is_empty() {
            (nothing(which, found, &write))
        } @else {
            (chooser(person, here, today))
            @if found.narrow { p .soft { "There are more. Type more of the name to see fewer." } }
            (parts::pages(&pages))
        }
        @if let Some(id) = &found.further {
            p .soft {
                "The newest " (invoice_filter::LOOKED_THROUGH) " were looked through. "
                a href=(onward(which, id.as_str())) { "Look further" }
            }
        }
    }
}

/// The list as it is asked for, after an invoice.
fn onward(which: &Which, after: &str) -> String {
    let filter = which.filter();
    let mut asked = vec![("state", which.state.as_str()), ("client", which.client.as_str())];
    asked.extend(filter.asked());
    asked.extend([("q", which.q.trim()), ("after", after)]);
    desk::address(PATH, &asked)
}

/// The table, with a box at each invoice that can be sent, for whoever may send.
fn chooser(person: &Person, here: &[Listed], today: &str) -> Markup {
    if !person.may(Permission::MailsWrite) {
        return table(here, today, true);
    }
    html! {
        form .chooser method="get" action={ (PATH) "/send" } {
            (rows_of(here, today, true, true))
            div .actions {
                button .btn type="submit" { "Send the ticked ones" }
                button .btn.plain type="button" data-ticks="*" data-of="invoice" hidden { "Tick all" }
            }
        }
    }
}

fn tabs(which: &Which, found: &Found) -> Vec<Tab> {
    let here = shelf_of(which);
    let kept = [("client", which.client.as_str()), ("q", which.q.trim())];
    let tab = |(shelf, count): &(Shelf, i64)| Tab {
        label: label(*shelf),
        href: match shelf {
            Shelf::All => desk::address(PATH, &kept),
            shelf => desk::address(PATH, &[[("state", shelf.word())].as_slice(), &kept].concat()),
        },
        // What is counted is everybody's, whatever is searched for.
        count: desk::counted(*count).filter(|_| found.client.is_none() && which.q.trim().is_empty()),
        here: *shelf == here,
    };
    found.counts.iter().map(tab).collect()
}

const fn label(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::All => "All",
        Shelf::Draft => "Drafts",
        Shelf::Open => "Open",
        Shelf::Overdue => "Overdue",
        Shelf::Processing => "Under way",
        Shelf::Paid => "Paid",
        Shelf::Void => "Void",
    }
}

fn nothing(which: &Which, found: &Found, write: &Markup) -> Markup {
    let searched = !which.q.trim().is_empty() || found.further.is_some();
    let all = parts::link_button("Show all invoices", PATH, "");
    let first = which.after.is_empty();
    if found.client.is_none() && !which.client.is_empty() {
        let other = "It may be another mode's, or the address was mistyped.";
        return parts::empty("No such client", other, &all);
    }
    if let Some(problem) = which.filter().problem().filter(|_| !searched) {
        return parts::empty("The filter cannot be read", problem, &all);
    }
    match (searched, shelf_of(which), first) {
        (_, _, true) if which.filter().narrows() => parts::empty(
            "No invoice fits the filter",
            "Take other days or amounts, or look at another tab.",
            &all,
        ),
        (true, _, _) => parts::empty(
            "Nothing was found",
            "Look for an invoice's number, or for a part of a client's name or e-mail address.",
            &all,
        ),
        (false, _, false) => parts::empty("That was the last page", "There are no older invoices.", &all),
        (false, Shelf::All, true) => parts::empty(
            "No invoices yet",
            "Write the first one here, or let your PSA send them by the API.",
            write,
        ),
        (false, Shelf::Overdue, true) => parts::empty(
            "Nothing is overdue",
            "What is not paid by its due date stands here.",
            &all,
        ),
        (false, shelf, true) => {
            let title = match shelf {
                Shelf::Draft => "No drafts",
                Shelf::Open => "No open invoices",
                Shelf::Processing => "No payments under way",
                Shelf::Paid => "No paid invoices",
                Shelf::All | Shelf::Overdue | Shelf::Void => "No void invoices",
            };
            parts::empty(title, "No invoice is in this state now.", &all)
        }
    }
}

/// Invoices as a table; `with_client` where they are of several.
pub fn table(listed: &[Listed], today: &str, with_client: bool) -> Markup {
    rows_of(listed, today, with_client, false)
}

fn rows_of(listed: &[Listed], today: &str, with_client: bool, boxes: bool) -> Markup {
    let mut columns = vec![Column::words("Invoice")];
    if with_client {
        columns.push(Column::words("Client"));
    }
    columns.extend([
        Column::words("State"),
        Column::words("Issued"),
        Column::words("Due"),
        Column::figures("Total"),
        Column::figures("Still owed"),
    ]);
    let rows: Vec<parts::Row> = listed
        .iter()
        .map(|one| row(one, today, with_client, boxes))
        .collect();
    parts::table(TITLE, &columns, &rows)
}

fn row(listed: &Listed, today: &str, with_client: bool, boxes: bool) -> parts::Row {
    let invoice = &listed.invoice;
    let sendable = matches!(
        invoice.status,
        InvoiceState::Draft | InvoiceState::Open | InvoiceState::Processing
    );
    let none = || html! { span .soft { "\u{2013}" } };
    let mut cells = vec![html! {
        span .nowrap {
            @if boxes && sendable {
                input .tick type="checkbox" name="invoice" value=(invoice.id)
                    aria-label={ "Send " (desk::name(invoice)) " to " (listed.client_name) };
            } @else if boxes {
                span .no-tick {}
            }
            a .row-link.nowrap href={ (PATH) "/" (invoice.id) } { (desk::name(invoice)) }
        }
        @if !with_client && let Some(memo) = &invoice.memo { span .under.soft.cut { (memo) } }
    }];
    if with_client {
        cells.push(html! { (listed.client_name) });
    }
    let owed = invoice.owed().minor();
    cells.extend([
        desk::state(invoice, today),
        invoice.finalized_at.map_or_else(none, parts::day),
        html! {
            @match &invoice.due_date {
                Some(due) => (desk::date(due)),
                None => (none()),
            }
            @if desk::is_overdue(invoice, today) && let Some(late) = desk::due(invoice, today) {
                span .under.late { (late) }
            }
        },
        html! { (desk::amount(invoice.total.minor(), invoice.currency)) },
        html! {
            @if owed > 0 && invoice.finalized_at.is_some() && invoice.voided_at.is_none() {
                (desk::amount(owed, invoice.currency))
            } @else { (none()) }
        },
    ]);
    cells
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn a_number_is_found_however_it_is_typed() {
        for typed in ["INV-00042", "inv-42", "42", " 00042 "] {
            assert!(
                numbers(typed, "INV-").contains(&"INV-00042".to_owned()),
                "{typed}"
            );
            assert!(
                numbers(typed, "2027-").contains(&"INV-00042".to_owned()),
                "{typed}"
            );
        }
        for typed in ["2027-00007", "2027-7", "7"] {
            assert!(
                numbers(typed, "2027-").contains(&"2027-00007".to_owned()),
                "{typed}"
            );
        }
        for typed in ["", "Harbor", "INV-", "4 2", "-1"] {
            assert_eq!(numbers(typed, "INV-"), [typed], "{typed}");
        }
    }
}
