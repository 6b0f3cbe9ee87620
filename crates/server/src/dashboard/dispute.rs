//! `/disputes/{id}`: why the bank asks, until when it waits, where the money is, what it is told, and what
//! can be done.

use axum::extract::State;
use axum::response::Response;
use domain::dispute::Settlement;
use domain::dispute::evidence::{Evidence, Kind};
use domain::{DisputeId, Permission, Refusal, Timestamp};
use flows::Failure;
use flows::disputes::{self, Shown};
use maud::{Markup, html};
use store::clients::{self, Client};
use store::credit_notes;
use store::dispute_files::DisputeFile;
use store::invoices::{self, Invoice};

use super::{Asked, desk, dispute_words as words, page, said, trouble};
use crate::api::InPath;
use crate::html::{self as parts, Place, Tone};
use crate::people::Person;
use crate::router::Site;

const PATH: &str = Place::Disputes.path();

/// A dispute with its evidence and what it is about.
pub struct Whole {
    /// The dispute.
    pub shown: Shown,
    /// The invoice, of several the first.
    pub invoice: Invoice,
    /// Its client.
    pub client: Client,
    /// The credit note by which a loss was forgiven: its number.
    pub note: Option<String>,
}

impl Whole {
    /// Reads it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn read(site: &Site, person: &Person, id: &str) -> Result<Whole, Failure> {
        let scope = person.scope();
        let shown = disputes::show(&site.app, &scope, &DisputeId::parse(id)?).await?;
        let (of, note) = (
            shown.payment.invoice_id.clone(),
            shown.dispute.credit_note_id.clone(),
        );
        let read = site.app.db.read(move |tx| {
            let invoice = invoices::get(tx, &scope, &of)?.ok_or(Refusal::NotFound)?;
            let client = clients::get(tx, &scope, &invoice.client_id)?.ok_or(Refusal::NotFound)?;
            let notes = credit_notes::of_invoice(tx, &scope, &of)?;
            let note = notes
                .into_iter()
                .find(|one| Some(one.id.as_str()) == note.as_deref());
            Ok::<_, Failure>((invoice, client, note.map(|note| note.number)))
        });
        let (invoice, client, note) = read.await?;
        Ok(Whole {
            shown,
            invoice,
            client,
            note,
        })
    }

    /// Where its page is.
    pub fn path(&self) -> String {
        format!("{PATH}/{}", self.shown.dispute.id)
    }

    /// The amount that nobody has said yet who bears, in minor units.
    pub fn to_decide(&self) -> i64 {
        self.shown.dispute.decided.open(self.shown.dispute.taken)
    }
}

/// `GET /disputes/{id}`
pub async fn show(State(site): State<Site>, person: Person, InPath(id): InPath, asked: Asked) -> Response {
    match Whole::read(&site, &person, &id).await {
        Ok(whole) => {
            let content = content(&person, &whole, site.app.clock.now(), &said(&asked));
            page(&person, Place::Disputes, "Dispute", &content)
        }
        Err(failure) => trouble(&person, Place::Disputes, failure),
    }
}

fn content(person: &Person, whole: &Whole, now: Timestamp, said: &Markup) -> Markup {
    let dispute = &whole.shown.dispute;
    let amount = desk::amount(dispute.amount, dispute.currency);
    let (short, sentence) = words::reason(&dispute.reason);
    html! {
        a .back href=(PATH) { "Disputes" }
        (parts::title(&format!("Dispute over {amount}"), "", &html! {}))
        p .under-title {
            a href={ "/clients/" (whole.client.id) } { (whole.client.name) } ", "
            a href={ "/invoices/" (whole.invoice.id) } { (desk::name(&whole.invoice)) }
        }
        (said)
        div .stack.loose {
            (what_now(person, whole, now))
            section .card {
                h2 { "Why" }
                p { strong { (short) } }
                p { (sentence) }
                @if let Some(code) = &dispute.network_reason_code {
                    p .soft.small { "The card scheme's code for it: " (code) }
                }
            }
            section .card {
                div .card-head { h2 { "Where it stands" } (words::state(dispute)) }
                p { (words::standing(dispute)) }
                (parts::facts(&facts(whole, now)))
            }
            (evidence(whole))
        }
    }
}

/// What somebody has to do now, and the buttons for it.
fn what_now(person: &Person, whole: &Whole, now: Timestamp) -> Markup {
    let dispute = &whole.shown.dispute;
    let path = whole.path();
    let may = person.may(Permission::DisputesWrite);
    if dispute.settlement == Settlement::Undecided {
        let amount = desk::amount(whole.to_decide(), dispute.currency);
        return parts::notice(
            Tone::Alert,
            "Say what becomes of the invoice",
            &html! {
                p { "The bank kept " (amount) ". Does the client still owe it, or do you bear it?" }
                @if may {
                    div .actions { (parts::link_button("Decide", &format!("{path}/settle"), "primary")) }
                }
            },
        );
    }
    match disputes::may_submit(dispute, now) {
        Ok(()) => parts::notice(
            Tone::Alert,
            "The bank waits for your side",
            &html! {
                p {
                    @match words::deadline(dispute, now) {
                        Some((words, _)) => {
                            "Answer by " (parts::moment_or(dispute.due_at, "")) ", " strong { (words) } ". "
                        },
                        None => "Answer soon: Stripe names no day. ",
                    }
                    "The answer goes to the bank once, after you have reviewed it."
                }
                @if may {
                    div .actions {
                        @let write = if dispute.evidence_version == 0 { "Write the answer" } else {
                            "Change the answer" };
                        @let class = if dispute.evidence_version == 0 { "primary" } else { "" };
                        (parts::link_button(write, &format!("{path}/evidence"), class))
                        @if dispute.evidence_version > 0 {
                            (parts::link_button("Review and send", &format!("{path}/submit"), "primary"))
                        }
                        (parts::link_button("Give up", &format!("{path}/accept"), "plain danger"))
                    }
                }
            },
        ),
        Err(why) if !dispute.standing.is_over() => parts::notice(
            Tone::Busy,
            "",
            &html! {
                p { (why.to_string()) }
                @if may && dispute.operation_id.is_none() {
                    div .actions { (parts::link_button("Give up", &format!("{path}/accept"),
                        "plain danger")) }
                }
            },
        ),
        Err(_) => html! {},
    }
}

fn facts(whole: &Whole, now: Timestamp) -> Vec<(&'static str, Markup)> {
    let dispute = &whole.shown.dispute;
    let amount = |minor| desk::amount(minor, dispute.currency);
    let mut facts = vec![
        ("Disputed", html! { strong { (amount(dispute.amount)) } }),
        ("The money", html! { (words::money(dispute)) }),
    ];
    if let Some(fee) = words::fee(dispute) {
        facts.push(("Stripe's fee for it", html! { (fee) }));
    }
    if let Some(due) = dispute.due_at {
        let left = words::deadline(dispute, now);
        facts.push((
            "Answer by",
            html! {
                (parts::moment(due))
                @if let Some((words, alarming)) = left {
                    " " span .late[alarming].soft[!alarming] { "(" (words) ")" }
                }
            },
        ));
    }
    if let Some(at) = dispute.submitted_at {
        facts.push(("Answered", parts::moment(at)));
    }
    let settled = amount(dispute.decided.settled);
    match dispute.settlement {
        Settlement::StillOwed => facts.push(("Decided", html! { "The client still owes " (settled) "." })),
        Settlement::Forgiven => facts.push((
            "Decided",
            html! {
                "You bear " (settled) "."
                @if let Some(number) = &whole.note { " Credit note " (number) "." }
            },
        )),
        Settlement::None | Settlement::Undecided => {}
    }
    facts.push(("Opened", parts::day(dispute.opened_at)));
    if let Some(at) = dispute.closed_at {
        facts.push(("Closed", parts::day(at)));
    }
    let payment = &whole.shown.payment;
    facts.push((
        "Payment",
        html! { a href={ "/payments/" (payment.id) } { (desk::amount(payment.amount, payment.currency)) } },
    ));
    let href = desk::in_stripe(
        &dispute.stripe_account_id,
        dispute.scope.mode,
        &format!("disputes/{}", dispute.stripe_dispute_id),
    );
    facts.push((
        "At Stripe",
        html! {
            a href=(href) rel="noopener noreferrer" target="_blank" { code { (dispute.stripe_dispute_id) } }
        },
    ));
    facts
}

/// What the bank is told, or was.
fn evidence(whole: &Whole) -> Markup {
    let (dispute, draft) = (&whole.shown.dispute, &whole.shown.draft);
    if draft.is_empty() {
        return html! {};
    }
    let title = if dispute.submitted_at.is_some() && dispute.is_answered() {
        "What you told the bank"
    } else {
        "Your answer, not sent yet"
    };
    html! {
        section .card {
            h2 { (title) }
            (told(draft, &whole.shown.files))
        }
    }
}

/// Evidence to be read: what each piece is called, and what it says. The `files` that it names have the names
/// of whoever uploaded them.
pub fn told(said: &Evidence, files: &[DisputeFile]) -> Markup {
    let found = |id: &str| {
        files
            .iter()
            .find(|file| file.stripe_file_id.as_deref() == Some(id))
    };
    html! {
        dl .told {
            @for (field, value) in said {
                div {
                    dt { (words::field(*field).0) }
                    dd {
                        @match (field.kind(), found(value)) {
                            (Kind::Text, _) => @for line in value.lines() { span .line { (line) } },
                            (Kind::File, Some(file)) => (words::file(file)),
                            (Kind::File, None) => { "A file at Stripe: " code { (value) } },
                        }
                    }
                }
            }
        }
    }
}
