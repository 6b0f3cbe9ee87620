//! `/settings/api-keys/new`: an API key is made, with permissions that somebody ticks, and shown once.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::{Mode, Permission, Permissions, Refusal, Timestamp};
use flows::api_keys::{self, NAME_MAX, NewKey};
use flows::people;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::api_keys::{mode_badge, scope};
use super::{again, page, with_status};
use crate::html::{self as parts, Check, Choice, Errors, Field, Group, Input, Offer, Place};
use crate::people::{Filled, Person};
use crate::router::Site;

const PATH: &str = Place::ApiKeys.path();
const TITLE: &str = "Make an API key";
const LABELS: [(&str, &str); 5] = [
    ("name", "Name"),
    ("mode", "Mode"),
    ("access", "What it may do"),
    ("permissions", "Permissions"),
    ("expires_at", "Expires on"),
];

/// What is often wanted, by a button: its name, and what it ticks.
const PRESETS: [(&str, &[Permission]); 3] = [
    (
        "A PSA that invoices",
        &[
            Permission::ClientsRead,
            Permission::ClientsWrite,
            Permission::InvoicesRead,
            Permission::InvoicesWrite,
            Permission::PaymentsRead,
            Permission::CreditsRead,
            Permission::RefundsRead,
        ],
    ),
    (
        "Bookkeeping",
        &[
            Permission::ClientsRead,
            Permission::InvoicesRead,
            Permission::PaymentsRead,
            Permission::FeesRead,
            Permission::CreditsRead,
            Permission::RefundsRead,
            Permission::DisputesRead,
            Permission::PayoutsRead,
            Permission::ReportsRead,
        ],
    ),
    ("Nothing", &[]),
];

/// What somebody filled in.
struct Typed {
    name: String,
    mode: String,
    access: String,
    permissions: Vec<String>,
    expires_at: String,
    /// What tells this form from every other, so that a second press makes no second key.
    once: String,
}

/// Longest mark of a form; ours has 64 characters.
const ONCE_MAX: usize = 64;

impl Typed {
    fn of(filled: &Filled) -> Typed {
        let text = |name: &str| filled.get(name).to_owned();
        Typed {
            name: text("name"),
            mode: text("mode"),
            access: text("access"),
            permissions: filled.all("permissions").map(str::to_owned).collect(),
            expires_at: text("expires_at"),
            once: filled.get("once").chars().take(ONCE_MAX).collect(),
        }
    }

    fn key(&self, site: &Site) -> Result<(Mode, NewKey), Refusal> {
        let modes = modes(site);
        let mode = modes.into_iter().find(|mode| mode.word() == self.mode);
        let mode = mode.ok_or(Refusal::invalid("mode", "must be one of those that are offered"))?;
        let words = match self.access.as_str() {
            "all" => vec!["all"],
            _ if self.permissions.is_empty() => {
                let problem = "must have at least one tick. Tick some, or choose Everything above";
                return Err(Refusal::invalid("permissions", problem));
            }
            _ => self.permissions.iter().map(String::as_str).collect(),
        };
        let new = NewKey {
            name: self.name.clone(),
            permissions: Permissions::asked(words)?,
            expires_at: end_of(&self.expires_at)?,
        };
        Ok((mode, new))
    }
}

/// `2027-01-31`
const DAY_CHARS: usize = 10;

/// The end of a day, in UTC; nothing for a field that was left empty.
fn end_of(day: &str) -> Result<Option<Timestamp>, Refusal> {
    let day = day.trim();
    if day.is_empty() {
        return Ok(None);
    }
    let refused = || Refusal::invalid("expires_at", "must be a day such as 2027-01-31");
    // A day alone: a time of day would be left out without a word.
    if day.len() != DAY_CHARS {
        return Err(refused());
    }
    let end = day
        .parse::<Date>()
        .and_then(|day| day.tomorrow())
        .and_then(|next| next.to_zoned_datetime(TimeZone::UTC));
    let end = end.map_err(|_| refused())?;
    Ok(Some(Timestamp::from_ms(end.timestamp().as_millisecond())))
}

/// The modes that this installation has keys of Stripe for.
fn modes(site: &Site) -> Vec<Mode> {
    let all = [Mode::Test, Mode::Live].into_iter();
    all.filter(|mode| site.config.keys(*mode).is_some()).collect()
}

/// `GET /settings/api-keys/new`
pub async fn new(State(site): State<Site>, person: Person) -> Response {
    let typed = Typed {
        name: String::new(),
        mode: person.mode.word().to_owned(),
        access: "some".to_owned(),
        permissions: Vec::new(),
        expires_at: String::new(),
        once: people::secret(&site.app).expose().to_owned(),
    };
    page(
        &person,
        Place::ApiKeys,
        TITLE,
        &form(&site, &person, &typed, &Errors::none()),
    )
}

/// `POST /settings/api-keys`
pub async fn create(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let typed = Typed::of(&filled);
    let made = async {
        let (mode, new) = typed.key(&site)?;
        let scope = scope(&person, mode);
        let once = match typed.once.as_str() {
            "" => people::secret(&site.app).expose().to_owned(),
            once => once.to_owned(),
        };
        // Bound to the person: what another's form carries makes them nothing.
        let form = format!("{}:{once}", person.seen.user.id);
        api_keys::create_once(&site.app, &scope, &person.by, &form, new).await
    };
    match made.await {
        Ok(None) => page(&person, Place::ApiKeys, TITLE, &made_before()),
        Ok(Some((key, secret))) => {
            let content = shown_once(&key.name, key.scope.mode, secret.expose());
            with_status(
                StatusCode::CREATED,
                &person,
                Place::ApiKeys,
                "Your new key",
                &content,
            )
        }
        Err(failure) => again(failure, &person, Place::ApiKeys, TITLE, |refusal| {
            form(&site, &person, &typed, &Errors::of_refusal(refusal, &LABELS))
        }),
    }
}

fn shown_once(name: &str, mode: Mode, secret: &str) -> Markup {
    let about = "Copy it now: it is shown this once, and only a fingerprint of it is kept.";
    html! {
        (parts::title("Your new key", about, &html! {}))
        div .card.stack {
            div .card-head { h2 { (name) } (mode_badge(mode)) }
            (parts::copy_field("secret", secret))
            p .soft {
                "Send it with each request: "
                code { "Authorization: Bearer " (key_start(mode)) "\u{2026}" }
            }
            div .actions { (parts::link_button("I have copied it", PATH, "primary")) }
        }
    }
}

/// What a form is answered that made its key a while ago, as one does that is sent again from the history.
fn made_before() -> Markup {
    html! {
        (parts::title(
            "This form has made its key",
            "It was shown then, and cannot be shown again.",
            &html! {},
        ))
        div .actions {
            (parts::link_button("See the keys", PATH, "primary"))
            (parts::link_button("Make another key", "/settings/api-keys/new", "plain"))
        }
    }
}

fn key_start(mode: Mode) -> String {
    format!("ppk_{}_", mode.word())
}

fn form(site: &Site, person: &Person, typed: &Typed, errors: &Errors) -> Markup {
    let name = Field {
        name: "name",
        label: "Name",
        value: &typed.name,
        hint: "What uses it, such as \u{201c}HaloPSA\u{201d}.",
        max: NAME_MAX,
        ..Field::default()
    };
    let expires = Field {
        name: "expires_at",
        label: "Expires on",
        value: &typed.expires_at,
        input: Input::Date,
        hint: "It is taken until the end of that day, UTC.",
        optional: true,
        ..Field::default()
    };
    html! {
        a .back href=(PATH) { "API keys" }
        (parts::title(TITLE, "Give it no more than what uses it needs.", &html! {}))
        div .card.narrow {
            (parts::form(PATH, &person.csrf, &html! {
                input type="hidden" name="once" value=(typed.once);
                (parts::summary(errors))
                (parts::field(&name, errors))
                (mode_choice(site, typed, errors))
                (access_choice(typed, errors))
                (permissions(typed, errors))
                (parts::field(&expires, errors))
                div .actions {
                    (parts::primary_button("Make the key"))
                    (parts::link_button("Cancel", PATH, "plain"))
                }
            }))
        }
    }
}

fn mode_choice(site: &Site, typed: &Typed, errors: &Errors) -> Markup {
    let offers: Vec<Offer<'_>> = modes(site)
        .into_iter()
        .map(|mode| match mode {
            Mode::Test => Offer {
                value: "test",
                label: "Test",
                hint: "Sees and makes test data only.",
            },
            Mode::Live => Offer {
                value: "live",
                label: "Live",
                hint: "Real invoices, real money.",
            },
        })
        .collect();
    let choice = Choice {
        name: "mode",
        label: "Mode",
        hint: "",
        options: &offers,
        chosen: &typed.mode,
    };
    parts::choices(&choice, errors)
}

fn access_choice(typed: &Typed, errors: &Errors) -> Markup {
    let offers = [
        Offer {
            value: "some",
            label: "What is ticked below",
            hint: "",
        },
        Offer {
            value: "all",
            label: "Everything",
            hint: "Also what later versions add. Keep such a key very safe.",
        },
    ];
    let choice = Choice {
        name: "access",
        label: "What it may do",
        hint: "",
        options: &offers,
        chosen: if typed.access == "all" { "all" } else { "some" },
    };
    parts::choices(&choice, errors)
}

fn permissions(typed: &Typed, errors: &Errors) -> Markup {
    let mut before = 0;
    let groups = Permission::ALL.chunk_by(|one, next| subject(*one) == subject(*next));
    let groups: Vec<Group<'_>> = groups
        .map(|group| {
            let first = before;
            before += group.len();
            Group {
                title: title(subject(group[0])),
                boxes: group.iter().map(|permission| tick(*permission, typed)).collect(),
                first,
            }
        })
        .collect();
    html! {
        fieldset .field {
            legend .label { "Permissions" }
            @if let Some(error) = errors.of("permissions") { (parts::error_beside("permissions", error)) }
            div .actions.presets {
                @for (name, ticks) in PRESETS {
                    button .btn type="button" data-of="permissions" data-ticks=(words(ticks)) hidden {
                        (name)
                    }
                }
            }
            @for group in &groups { (group.show()) }
        }
    }
}

fn words(permissions: &[Permission]) -> String {
    permissions
        .iter()
        .map(|permission| permission.word())
        .collect::<Vec<_>>()
        .join(" ")
}

fn tick<'a>(permission: Permission, typed: &Typed) -> Check<'a> {
    let word = permission.word();
    Check {
        name: "permissions",
        option: Offer {
            value: word,
            label: match word.split_once(':') {
                Some((_, "read")) => "Read",
                Some((_, "write")) => "Change",
                Some((_, "run")) => "Have them compared now",
                Some((_, "replay")) => "Have them applied again",
                _ => word,
            },
            hint: "",
        },
        ticked: typed.permissions.iter().any(|ticked| ticked == word),
    }
}

fn subject(permission: Permission) -> &'static str {
    permission.word().split(':').next().unwrap_or_default()
}

/// What the permissions of a subject are about.
fn title(subject: &'static str) -> &'static str {
    match subject {
        "clients" => "Clients",
        "invoices" => "Invoices and pay links",
        "payments" => "Payments",
        "offline_payments" => "Payments without Stripe",
        "fees" => "Fees of the platform",
        "settings" => "Settings of the pay page",
        "credits" => "Credit notes and credit",
        "disputes" => "Disputes",
        "refunds" => "Refunds",
        "payouts" => "Payouts",
        "reports" => "Reports",
        "subscriptions" => "Subscriptions",
        "connect" => "Stripe account",
        "keys" => "API keys",
        "audit" => "Audit log",
        "breaks" => "Differences from Stripe",
        "events" => "Events of Stripe",
        "people" => "Users",
        "mails" => "Mails",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_until_the_end_of_its_last_day() {
        assert_eq!(end_of("").unwrap(), None);
        assert_eq!(
            end_of(" 2026-12-31 ").unwrap(),
            Some(Timestamp::from_ms(1_798_761_600_000))
        );
        for wrong in [
            "tomorrow",
            "31.12.2026",
            "2026-02-30",
            "9999-12-31",
            "2026-12-31T00:00",
        ] {
            let refused = end_of(wrong).unwrap_err();
            assert_eq!(refused.field(), Some("expires_at"), "{wrong}");
        }
    }

    #[test]
    fn every_permission_has_a_heading_and_a_label_in_plain_words() {
        for permission in Permission::ALL {
            let subject = subject(*permission);
            assert_ne!(title(subject), subject, "{permission:?}");
        }
    }
}
