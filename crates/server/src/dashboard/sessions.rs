//! `/account/sessions`: where somebody is logged in, and ending that.

use axum::extract::State;
use axum::response::Response;
use domain::SessionId;
use flows::Failure;
use flows::people::sessions;
use maud::{Markup, html};
use store::sessions::Session;

use super::{Asked, after, devices, page, question, said, trouble};
use crate::api::InPath;
use crate::html::{self as parts, Ask, Column, Place, Tone};
use crate::people::Person;
use crate::router::Site;

const PATH: &str = Place::Sessions.path();
const TITLE: &str = "Sessions";

/// `GET /account/sessions`
pub async fn list(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    match sessions::list(&site.app, &person.seen).await {
        Ok(all) => page(
            &person,
            Place::Sessions,
            TITLE,
            &show(&person, &all, &said(&asked)),
        ),
        Err(failure) => trouble(&person, Place::Sessions, failure),
    }
}

/// `GET /account/sessions/{id}/end`
pub async fn ask(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match sessions::list(&site.app, &person.seen).await {
        Ok(all) => match all.iter().find(|session| session.id.as_str() == id) {
            Some(session) => {
                let texts = Texts::of(session);
                question(&person, Place::Sessions, &texts.ask(&person))
            }
            None => trouble(&person, Place::Sessions, domain::Refusal::NotFound.into()),
        },
        Err(failure) => trouble(&person, Place::Sessions, failure),
    }
}

/// `POST /account/sessions/{id}/end`
pub async fn end(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let ended = async {
        let id = SessionId::parse(&id)?;
        sessions::revoke(&site.app, &person.by, &person.seen, &id).await
    };
    match ended.await {
        Ok(()) => after(PATH, "ended"),
        Err(failure) => trouble(&person, Place::Sessions, failure),
    }
}

/// `POST /account/sessions/end-others`
pub async fn end_others(State(site): State<Site>, person: Person) -> Response {
    let ended: Result<u64, Failure> = sessions::revoke_others(&site.app, &person.by, &person.seen).await;
    match ended {
        Ok(_) => after(PATH, "others"),
        Err(failure) => trouble(&person, Place::Sessions, failure),
    }
}

/// The texts of the question about one session.
struct Texts {
    id: String,
    title: String,
    action: String,
}

impl Texts {
    fn of(session: &Session) -> Texts {
        Texts {
            id: format!("end-{}", session.id),
            title: format!("End the session of {}?", devices::words(session.agent.as_deref())),
            action: format!("{PATH}/{}/end", session.id),
        }
    }

    fn ask<'a>(&'a self, person: &'a Person) -> Ask<'a> {
        Ask {
            id: &self.id,
            title: &self.title,
            text: "Whoever uses it is logged out at once. If it was not you, change your password as well.",
            yes: "End session",
            no: "Keep it",
            action: &self.action,
            back: PATH,
            csrf: &person.csrf,
        }
    }
}

fn show(person: &Person, all: &[Session], said: &Markup) -> Markup {
    let own = &person.seen.session.id;
    let others = all.iter().filter(|session| session.id != *own);
    let columns = [
        Column::words("Browser"),
        Column::words("Address"),
        Column::words("Logged in"),
        Column::words("Last seen"),
        Column::words(""),
    ];
    let rows: Vec<parts::Row> = all
        .iter()
        .map(|session| row(session, session.id == *own))
        .collect();
    let all_others = Ask {
        id: "end-others",
        title: "End all other sessions?",
        text: "You stay logged in here and are logged out everywhere else.",
        yes: "End all others",
        no: "Keep them",
        action: "/account/sessions/end-others",
        back: PATH,
        csrf: &person.csrf,
    };
    let end_others = html! {
        @if all.len() > 1 {
            (parts::form("/account/sessions/end-others", &person.csrf, &html! {
                button .btn.danger type="submit" data-dialog="end-others" { "End all others" }
            }))
        }
    };
    html! {
        (parts::title(TITLE, "Where you are logged in. End what you do not recognise.", &end_others))
        (said)
        (parts::table(TITLE, &columns, &rows))
        @for session in others { (Texts::of(session).ask(person).dialog()) }
        @if all.len() > 1 { (all_others.dialog()) }
    }
}

fn row(session: &Session, own: bool) -> parts::Row {
    let device = devices::words(session.agent.as_deref());
    let texts = Texts::of(session);
    vec![
        html! {
            strong { (device) }
            @if own { " " span .under { (parts::badge(Tone::Good, "This browser")) } }
        },
        html! { (session.address.as_deref().unwrap_or("Unknown")) },
        parts::moment(session.created_at),
        parts::moment(session.last_seen_at),
        html! {
            @if !own {
                div .actions { (parts::dialog_link("End", &device, &texts.action, &texts.id)) }
            }
        },
    ]
}
