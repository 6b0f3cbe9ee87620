//! What the browser loads: the `stripe.js` shim, the frames it opens (the card's fields, a hidden one that
//! makes calls, the bank's challenge), and the bank's page for those who are redirected to it.

use serde_json::json;

use crate::confirm::Challenge;
use crate::error::ApiError;
use crate::form::Params;
use crate::payment_intent::Status;
use crate::payments::challenge::Asked;
use crate::state::State;
use crate::{Fate, Request, Response};

const STRIPE_JS: &str = include_str!("assets/stripe.js");
const FRAME_CSS: &str = include_str!("assets/frame.css");
const PAYMENT_HTML: &str = include_str!("assets/payment.html");
const PAYMENT_JS: &str = include_str!("assets/payment.js");
const CONTROLLER_HTML: &str = include_str!("assets/controller.html");
const CONTROLLER_JS: &str = include_str!("assets/controller.js");
const CHALLENGE_HTML: &str = include_str!("assets/challenge.html");
const CHALLENGE_JS: &str = include_str!("assets/challenge.js");
const REDIRECT_HTML: &str = include_str!("assets/redirect.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";
/// The frames run only what is served here, and send only to here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      form-action *; base-uri 'none'";

/// Answers a request of the browser; `None` when the path is not one of its own.
pub fn answer(state: &mut State, request: &Request, path: &str) -> Option<Response> {
    let (kind, text) = match (request.method.as_str(), path) {
        ("GET", "/endive/stripe.js" | "/v3/stripe.js" | "/v3/" | "/v3") => (SCRIPT, STRIPE_JS),
        ("GET", "/frame/frame.css") => ("text/css; charset=utf-8", FRAME_CSS),
        ("GET", "/frame/payment") => (PAGE, PAYMENT_HTML),
        ("GET", "/frame/payment.js") => (SCRIPT, PAYMENT_JS),
        ("GET", "/frame/controller") => (PAGE, CONTROLLER_HTML),
        ("GET", "/frame/controller.js") => (SCRIPT, CONTROLLER_JS),
        ("GET", "/frame/challenge") => (PAGE, CHALLENGE_HTML),
        ("GET", "/frame/challenge.js") => (SCRIPT, CHALLENGE_JS),
        ("POST", "/frame/challenge") => return Some(challenge(state, request)),
        ("GET", path) if path.starts_with("/3d_secure/") => return Some(redirect_page(state, request, path)),
        ("POST", path) if path.starts_with("/3d_secure/") => {
            return Some(redirect_back(state, request, path));
        }
        _ => return None,
    };
    Some(page(200, kind, text.as_bytes().to_vec()))
}

/// A page, with what it may load.
pub fn page(status: u16, kind: &str, body: Vec<u8>) -> Response {
    guarded(status, kind, POLICY, body)
}

/// A page that may load what a policy says.
pub fn guarded(status: u16, kind: &str, policy: &str, body: Vec<u8>) -> Response {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers = vec![
        header("Content-Type", kind),
        header("Cache-Control", "no-store"),
        header("Content-Security-Policy", policy),
        header("Referrer-Policy", "no-referrer"),
        header("X-Content-Type-Options", "nosniff"),
    ];
    Response {
        status,
        headers,
        body,
        fate: Fate::Arrives,
    }
}

/// The frame's buttons: what the holder did, under the intent's client secret.
fn challenge(state: &mut State, request: &Request) -> Response {
    let done = Params::parse(&request.body).and_then(|mut params| {
        let asked = Asked::by_secret(state, &params.required("client_secret")?)?;
        let outcome = outcome(&mut params)?;
        params.finish()?;
        asked.authenticate(state, outcome)
    });
    match done {
        Ok(asked) => page(
            200,
            "application/json",
            json!({ "status": asked.status() }).to_string().into_bytes(),
        ),
        Err(error) => page(
            error.status,
            "application/json",
            error.body("", false).to_string().into_bytes(),
        ),
    }
}

fn outcome(params: &mut Params) -> Result<Challenge, ApiError> {
    match params.choice("outcome", &["complete", "fail"])? {
        Some("complete") => Ok(Challenge::Complete),
        Some(_) => Ok(Challenge::Fail),
        None => Err(ApiError::missing("outcome")),
    }
}

/// The bank's page of its own, for a payer who was redirected.
fn redirect_page(state: &State, request: &Request, path: &str) -> Response {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let secret = Params::parse(query.as_bytes()).and_then(|mut params| params.required("client_secret"));
    match secret.and_then(|secret| Asked::by_secret(state, &secret)) {
        Ok(asked) if path.ends_with(asked.id()) => {
            // The secret is made of letters, digits and underscores: it needs no escaping.
            let html = bank_words(request)
                .into_iter()
                .zip(["language", "title", "text", "complete", "fail"])
                .fold(REDIRECT_HTML.to_owned(), |html, (word, place)| {
                    html.replace(&format!("{{{{{place}}}}}"), word)
                });
            page(
                200,
                PAGE,
                html.replace("{{client_secret}}", asked.secret()).into_bytes(),
            )
        }
        _ => page(
            404,
            "text/plain; charset=utf-8",
            b"This link is not valid.".to_vec(),
        ),
    }
}

/// What the bank's own page says, in the first language of the browser's that it knows: the language, the
/// title, the text, and the two buttons.
fn bank_words(request: &Request) -> [&'static str; 5] {
    const SPOKEN: [[&str; 5]; 4] = [
        [
            "en",
            "3D Secure — test bank",
            "Your bank wants to be sure that it is you who pays. This is a simulated bank: say what the \
             payer does, and you are sent back.",
            "Complete",
            "Fail",
        ],
        [
            "de",
            "3D Secure — Testbank",
            "Ihre Bank will sicher sein, dass Sie es sind, der zahlt. Dies ist eine simulierte Bank: sagen \
             Sie, was der Zahlende tut, und Sie kommen zurück.",
            "Bestätigen",
            "Ablehnen",
        ],
        [
            "fr",
            "3D Secure — banque de test",
            "Votre banque veut s’assurer que c’est bien vous qui payez. Ceci est une banque simulée : dites \
             ce que fait le payeur, et vous revenez.",
            "Confirmer",
            "Refuser",
        ],
        [
            "es",
            "3D Secure — banco de prueba",
            "Su banco quiere asegurarse de que es usted quien paga. Este es un banco simulado: diga qué \
             hace quien paga, y vuelve a la página.",
            "Confirmar",
            "Rechazar",
        ],
    ];
    let accepted = request.header("Accept-Language").unwrap_or_default();
    let asked = accepted.split(',').map(|one| {
        let tag = one.split(';').next().unwrap_or_default().trim();
        tag.split('-').next().unwrap_or_default().to_ascii_lowercase()
    });
    let mut known = asked.filter_map(|tag| SPOKEN.iter().find(|[language, ..]| *language == tag));
    *known.next().unwrap_or(&SPOKEN[0])
}

/// Ends the authentication and sends the payer back.
fn redirect_back(state: &mut State, request: &Request, path: &str) -> Response {
    let done = Params::parse(&request.body).and_then(|mut params| {
        let asked = Asked::by_secret(state, &params.required("client_secret")?)?;
        let Some(return_url) = asked.return_url().map(str::to_owned) else {
            return Err(ApiError::unexpected_state(
                "This payment awaits no authentication.",
            ));
        };
        let asked = asked.authenticate(state, outcome(&mut params)?)?;
        Ok((asked, return_url))
    });
    match done {
        Ok((asked, return_url)) if path.ends_with(asked.id()) => {
            let status = if matches!(
                asked.status(),
                Status::Succeeded | Status::RequiresCapture | Status::RequiresConfirmation
            ) {
                "succeeded"
            } else {
                "failed"
            };
            let Ok(mut url) = reqwest::Url::parse(&return_url) else {
                return page(
                    400,
                    "text/plain; charset=utf-8",
                    b"The return_url is not a URL.".to_vec(),
                );
            };
            url.query_pairs_mut()
                .append_pair(asked.name(), asked.id())
                .append_pair(&format!("{}_client_secret", asked.name()), asked.secret())
                .append_pair("redirect_status", status);
            let mut response = page(303, "text/plain; charset=utf-8", Vec::new());
            response.headers.push(("Location".into(), url.into()));
            response
        }
        _ => page(
            400,
            "text/plain; charset=utf-8",
            b"This payment awaits no authentication.".to_vec(),
        ),
    }
}
