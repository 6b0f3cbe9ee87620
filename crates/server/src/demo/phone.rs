//! The authenticator of the demo's people: a page beside psa-pay, at an address of its own, as the phone in
//! somebody's hand is. It holds the seeds of sample people; psa-pay itself never shows a code to anybody.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use domain::Timestamp;
use domain::totp::STEP_S;
use flows::Clock;
use flows::people::authenticator::code_of;
use maud::{DOCTYPE, Markup, html};
use tokio::net::TcpListener;

use super::logins::{Login, Logins};
use crate::{assets, html as parts};

#[derive(Clone)]
struct Phone {
    people: Arc<[Login]>,
    clock: Arc<dyn Clock>,
}

/// Serves the page until `shutdown` is done.
pub async fn serve(
    listener: TcpListener,
    logins: &Logins,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let phone = Phone {
        people: logins
            .people
            .iter()
            .filter(|login| login.seed.is_some())
            .cloned()
            .collect(),
        clock,
    };
    let router = Router::new()
        .route("/", get(page))
        .merge(assets::router())
        .with_state(phone);
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await;
    if let Err(error) = served {
        tracing::warn!(%error, "the demo's authenticator ended");
    }
}

async fn page(State(phone): State<Phone>) -> Html<String> {
    Html(shown(&phone.people, phone.clock.now()))
}

fn shown(people: &[Login], now: Timestamp) -> String {
    let left_s = STEP_S - now.seconds().rem_euclid(STEP_S);
    let codes: Vec<(&str, Markup)> = people
        .iter()
        .map(|login| (login.email.as_str(), html! { code { (code(login, now)) } }))
        .collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="refresh" content=(left_s);
                title { "The demo's authenticator" }
                link rel="stylesheet" href=(assets::app_css_path());
                link rel="icon" type="image/svg+xml" href=(assets::icon_path());
            }
            body {
                main .visitors {
                    div .card {
                        h1 { "The demo's authenticator" }
                        p {
                            "Stands in for the app on each person's phone. A code is good once; the next \
                             ones come in "
                            (left_s) " seconds."
                        }
                        (parts::facts(&codes))
                    }
                }
            }
        }
    };
    page.into_string()
}

fn code(login: &Login, now: Timestamp) -> String {
    let code = login
        .seed
        .as_deref()
        .and_then(|seed| code_of(seed, now))
        .unwrap_or_default();
    let (first, second) = code.split_at_checked(3).unwrap_or_default();
    format!("{first} {second}")
}
