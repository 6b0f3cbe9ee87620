//! `/settings/users`: who of a tenant may log in and what they may do; inviting, changing, shutting out.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use domain::{Language, Refusal, Role, UserId, person};
use flows::mails::recipients::Trouble;
use flows::people::invitations::{self, Invitation};
use flows::people::members::{self, Change};
use flows::{Failure, people::Seen};
use maud::{Markup, html};
use store::users::User;
use stripe::Secret;

use super::account_mails::language_field;
use super::{Asked, after, again, page, question, said, trouble};
use crate::api::InPath;
use crate::html::{self as parts, Ask, Choice, Column, Errors, Field, Input, Offer, Place, Tone};
use crate::people::{Filled, Person};
use crate::router::Site;

const PATH: &str = Place::Users.path();
const TITLE: &str = "Users";
const INVITE: &str = "Invite a user";
const LABELS: [(&str, &str); 4] = [
    ("name", "Name"),
    ("email", "E-mail address"),
    ("role", "Role"),
    ("language", "The language"),
];

/// `GET /settings/users`
pub async fn list(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    let read = async {
        let all = members::list(&site.app, &person.seen).await?;
        let unreached = members::unreached(&site.app, &all).await?;
        Ok::<_, Failure>((all, unreached))
    };
    match read.await {
        Ok((all, unreached)) => {
            let rows: Vec<parts::Row> = all
                .iter()
                .map(|user| row(user, &person.seen, unreached.get(&user.id)))
                .collect();
            let columns = [&COLUMNS[..], &[Column::words("")]].concat();
            let invite = parts::link_button(INVITE, "/settings/users/new", "primary");
            let content = html! {
                (parts::title(TITLE, "Who may log in here, and what each may do.", &invite))
                (said(&asked))
                (parts::table(TITLE, &columns, &rows))
            };
            page(&person, Place::Users, TITLE, &content)
        }
        Err(failure) => trouble(&person, Place::Users, failure),
    }
}

/// What is told of a person.
const COLUMNS: [Column; 5] = [
    Column::words("Person"),
    Column::words("Role"),
    Column::words("State"),
    Column::words("Second factor"),
    Column::words("Last login"),
];

/// The people of a tenant, for the operator.
pub fn roster(people: &[User], unreached: &BTreeMap<UserId, Trouble>) -> Markup {
    let rows: Vec<parts::Row> = people
        .iter()
        .map(|user| told(user, false, unreached.get(&user.id)))
        .collect();
    html! {
        section .stack {
            h2 { "Its people" }
            @if rows.is_empty() {
                p .soft { "Nobody can log in for it yet. Invite an owner." }
            } @else {
                (parts::table("Its people", &COLUMNS, &rows))
            }
        }
    }
}

fn row(user: &User, seen: &Seen, trouble: Option<&Trouble>) -> parts::Row {
    let own = user.id == seen.user.id;
    let manage = html! {
        @if !own {
            div .actions {
                a .btn.plain href={ (PATH) "/" (user.id) } {
                    "Manage" span .visually-hidden { " " (user.name) }
                }
            }
        }
    };
    let mut cells = told(user, own, trouble);
    cells.push(manage);
    cells
}

/// `trouble` is what was wrong with an invitation that did not arrive.
fn told(user: &User, own: bool, trouble: Option<&Trouble>) -> parts::Row {
    let factor = match user.has_second_factor() {
        true => parts::badge(Tone::Good, "On"),
        false => parts::badge(Tone::Calm, "Off"),
    };
    vec![
        html! {
            strong { (user.name) }
            @if own { " " span .soft { "(you)" } }
            span .under.soft { (user.email) }
            @if let Some(trouble) = trouble {
                span .under.late {
                    "The invitation did not arrive"
                    @if let Some(why) = &trouble.why { ": " (why) }
                }
            }
        },
        html! { (user.role.label()) },
        state(user),
        factor,
        parts::moment_or(user.last_login_at, "Never"),
    ]
}

fn state(user: &User) -> Markup {
    match (user.disabled_at, &user.password_hash) {
        (Some(_), _) => parts::badge(Tone::Bad, "Disabled"),
        (None, None) => parts::badge(Tone::Busy, "Invited"),
        (None, Some(_)) => parts::badge(Tone::Good, "Active"),
    }
}

/// `GET /settings/users/new`
pub async fn new(person: Person) -> Response {
    let own = person.seen.user.language.unwrap_or_default();
    let typed = ["", "", Role::Billing.word(), own.word()];
    page(
        &person,
        Place::Users,
        INVITE,
        &invite_form(&person, typed, &Errors::none()),
    )
}

/// `POST /settings/users`
pub async fn invite(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let typed = ["name", "email", "role", "language"].map(|field| filled.get(field));
    let invited = async {
        let problem = "must be one of the roles that are offered";
        let role = Role::parse(typed[2]).ok_or(Refusal::invalid("role", problem))?;
        let language = Language::parse(typed[3]);
        if language.is_none() && !typed[3].is_empty() {
            return Err(Refusal::invalid("language", "must be one of those that are offered").into());
        }
        let invitation = Invitation {
            tenant: person.seen.user.tenant.clone(),
            name: typed[0].to_owned(),
            email: typed[1].to_owned(),
            role,
        };
        invitations::invite_in(&site.app, &person.by, &person.seen, &invitation, language).await
    };
    match invited.await {
        Ok((user, token)) => invited_page(&site, &person, Place::Users, &user, &token),
        Err(failure) => again(failure, &person, Place::Users, INVITE, |refusal| {
            invite_form(&person, typed, &Errors::of_refusal(refusal, &LABELS))
        }),
    }
}

/// `POST /settings/users/{id}/invite`: the invitation once more, by another link.
pub async fn invite_again(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let sent = async {
        let id = UserId::parse(&id)?;
        invitations::again(&site.app, &person.by, &person.seen, &id).await
    };
    match sent.await {
        Ok((user, token)) => invited_page(&site, &person, Place::Users, &user, &token),
        Err(failure) => trouble(&person, Place::Users, failure),
    }
}

/// What whoever invited is shown: where no mail goes out, the link, once. Where one does it is the mailbox
/// that proves who accepts, and that the address is free; both are nobody's else.
pub fn invited_page(site: &Site, person: &Person, place: Place, user: &User, token: &Secret) -> Response {
    let title = format!("{} was invited", user.name);
    let link = format!("{}/invitation/{}", site.public_origin, token.expose());
    let about = format!(
        "The invitation goes to {} and is good for three days.",
        user.email
    );
    let done = html! { div .actions { (parts::link_button("Done", place.path(), "primary")) } };
    let content = html! {
        (parts::title(&title, &about, &html! {}))
        @if site.mailer.is_some() {
            div .card.stack {
                p {
                    @if place == Place::Users {
                        "Until they accept, the list shows them as invited, and whether the mail was \
                         refused. If it does not arrive, send another from there."
                    } @else {
                        "They can log in once they accept. If the mail does not arrive, look at the address \
                         and invite them again."
                    }
                }
                (done)
            }
        } @else {
            div .card.stack {
                h2 { "No mail goes out here: pass the link on" }
                p .soft {
                    "It is shown this once. Whoever has it can join in this person's place: give it to \
                     nobody else."
                }
                (parts::copy_field("invitation-link", &link))
                (done)
            }
        }
    };
    page(person, place, &title, &content)
}

fn invite_form(person: &Person, [name, email, role, language]: [&str; 4], errors: &Errors) -> Markup {
    html! {
        a .back href=(PATH) { "Users" }
        (parts::title(INVITE, "They choose a password by a link that is good for three days.", &html! {}))
        div .card.narrow {
            (parts::form(PATH, &person.csrf, &html! {
                (parts::summary(errors))
                (whom(("name", name), email, errors))
                (roles(role, errors))
                (language_field(
                    Language::parse(language).unwrap_or_default(),
                    "The invitation is written in it, until they choose another.",
                    errors,
                ))
                div .actions {
                    (parts::primary_button("Send invitation"))
                    (parts::link_button("Cancel", PATH, "plain"))
                }
            }))
        }
    }
}

/// Whom an invitation is for: the field of the name, which is called as the form calls it, and the address.
pub fn whom((called, name): (&'static str, &str), email: &str, errors: &Errors) -> Markup {
    let name = Field {
        name: called,
        label: "Name",
        value: name,
        max: person::NAME_MAX,
        ..Field::default()
    };
    let email = Field {
        name: "email",
        label: "E-mail address",
        value: email,
        input: Input::Email,
        hint: "The invitation is sent there.",
        max: person::EMAIL_MAX,
        ..Field::default()
    };
    html! {
        (parts::field(&name, errors))
        (parts::field(&email, errors))
    }
}

fn roles(chosen: &str, errors: &Errors) -> Markup {
    let offers = Role::OF_TENANTS.map(|role| Offer {
        value: role.word(),
        label: role.label(),
        hint: role.meaning(),
    });
    let choice = Choice {
        name: "role",
        label: "Role",
        hint: "",
        options: &offers,
        chosen,
    };
    parts::choices(&choice, errors)
}

/// `GET /settings/users/{id}`
pub async fn show(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match found(&site, &person, &id).await {
        Ok(user) => page(
            &person,
            Place::Users,
            &user.name,
            &one(&person, &user, &Errors::none()),
        ),
        Err(failure) => trouble(&person, Place::Users, failure),
    }
}

async fn found(site: &Site, person: &Person, id: &str) -> Result<User, Failure> {
    let all = members::list(&site.app, &person.seen).await?;
    let user = all.into_iter().find(|user| user.id.as_str() == id);
    Ok(user.ok_or(Refusal::NotFound)?)
}

fn one(person: &Person, user: &User, errors: &Errors) -> Markup {
    let path = |what: &str| format!("{PATH}/{}/{what}", user.id);
    let version = html! { input type="hidden" name="version" value=(user.version); };
    let waits = user.password_hash.is_none() && user.disabled_at.is_none();
    html! {
        a .back href=(PATH) { "Users" }
        (parts::title(&user.name, &user.email, &state(user)))
        div .stack.loose {
            section .card {
                h2 { "What they may do" }
                p { "A change ends their sessions: they log in again with the new role." }
                (parts::form(&path("role"), &person.csrf, &html! {
                    (parts::summary(errors))
                    (version)
                    (roles(user.role.word(), errors))
                    div .actions { (parts::primary_button("Save role")) }
                }))
            }
            @if waits {
                section .card {
                    h2 { "Invitation" }
                    p { "They have not accepted yet. Another link makes the one before worthless." }
                    (parts::form(&path("invite"), &person.csrf, &parts::button("Send another invitation")))
                }
            }
            @if user.has_second_factor() {
                section .card {
                    h2 { "Second factor" }
                    p {
                        "For somebody who lost their phone and their recovery codes. Be sure that it is them \
                         who asks."
                    }
                    @let clear = path("clear-second-factor");
                    div .actions { (parts::dialog_link("Remove the authenticator", "", &clear, "clear")) }
                }
            }
            section .card {
                h2 { "Access" }
                @if user.disabled_at.is_some() {
                    p { "They are shut out. What they did stays in the audit log." }
                    (parts::form(&path("enable"), &person.csrf, &parts::button("Let in again")))
                } @else {
                    p { "Somebody who left is shut out at once. What they did stays in the audit log." }
                    div .actions { (parts::dialog_link("Shut out", "", &path("disable"), "disable")) }
                }
            }
        }
        @for what in QUESTIONS { (what.ask(person, &what.action(user)).dialog()) }
    }
}

/// What is asked about before it is done.
#[derive(Clone, Copy)]
struct Question {
    word: &'static str,
    id: &'static str,
    title: &'static str,
    text: &'static str,
    yes: &'static str,
}

const QUESTIONS: [Question; 2] = [
    Question {
        word: "disable",
        id: "disable",
        title: "Shut this person out?",
        text: "They are logged out at once, everywhere, and cannot log in. You can let them in again.",
        yes: "Shut out",
    },
    Question {
        word: "clear-second-factor",
        id: "clear",
        title: "Remove this person's authenticator?",
        text: "They are logged out, and their password alone lets them in until they set up another one.",
        yes: "Remove authenticator",
    },
];

impl Question {
    fn action(&self, user: &User) -> String {
        format!("{PATH}/{}/{}", user.id, self.word)
    }

    fn ask<'a>(&self, person: &'a Person, action: &'a str) -> Ask<'a> {
        Ask {
            id: self.id,
            title: self.title,
            text: self.text,
            yes: self.yes,
            no: "Change nothing",
            action,
            back: PATH,
            csrf: &person.csrf,
        }
    }
}

/// `GET /settings/users/{id}/disable`
pub async fn ask_to_disable(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    asked(&site, &person, &id, QUESTIONS[0]).await
}

/// `GET /settings/users/{id}/clear-second-factor`
pub async fn ask_to_clear(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    asked(&site, &person, &id, QUESTIONS[1]).await
}

async fn asked(site: &Site, person: &Person, id: &str, what: Question) -> Response {
    match found(site, person, id).await {
        Ok(user) => question(person, Place::Users, &what.ask(person, &what.action(&user))),
        Err(failure) => trouble(person, Place::Users, failure),
    }
}

/// `POST /settings/users/{id}/role`
pub async fn change_role(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    filled: Filled,
) -> Response {
    let changed = async {
        let problem = "must be one of the roles that are offered";
        let role = Role::parse(filled.get("role")).ok_or(Refusal::invalid("role", problem))?;
        changed(
            &site,
            &person,
            &id,
            filled.get("version").parse().ok(),
            Change::Role(role),
        )
        .await
    };
    match changed.await {
        Ok(_) => after(PATH, "role"),
        Err(failure) => match found(&site, &person, &id).await {
            Ok(user) => again(failure, &person, Place::Users, &user.name, |refusal| {
                one(&person, &user, &Errors::of_refusal(refusal, &LABELS))
            }),
            Err(failure) => trouble(&person, Place::Users, failure),
        },
    }
}

/// `POST /settings/users/{id}/disable`
pub async fn disable(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    moved(&site, &person, &id, Change::Disable, "disabled").await
}

/// `POST /settings/users/{id}/enable`
pub async fn enable(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    moved(&site, &person, &id, Change::Enable, "enabled").await
}

/// `POST /settings/users/{id}/clear-second-factor`
pub async fn clear(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    moved(&site, &person, &id, Change::ClearSecondFactor, "cleared").await
}

async fn moved(site: &Site, person: &Person, id: &str, change: Change, done: &str) -> Response {
    match changed(site, person, id, None, change).await {
        Ok(_) => after(PATH, done),
        Err(failure) => trouble(person, Place::Users, failure),
    }
}

async fn changed(
    site: &Site,
    person: &Person,
    id: &str,
    version: Option<i64>,
    change: Change,
) -> Result<User, Failure> {
    let id = UserId::parse(id)?;
    members::change(&site.app, &person.by, &person.seen, &id, version, change).await
}
