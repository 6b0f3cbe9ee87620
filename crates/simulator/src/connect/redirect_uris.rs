//! The addresses that OAuth may send an owner back to, as the platform's settings at Stripe list them. As
//! long as none is registered any is good, so that nothing needs to be set up first.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{ApiError, shortened};
use crate::state::{Row, Shown, Space, State};

/// The platform is one application, so there is one list for both modes.
const ID: &str = "redirect_uris";
/// More than any platform has.
const COUNT_MAX: usize = 100;
const LENGTH_MAX: usize = 2_000;

/// What is registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RedirectUris {
    /// Always the same.
    pub id: String,
    /// The platform's, in test mode.
    pub space: Space,
    /// The addresses; the first is where an owner goes when none is asked for.
    pub uris: Vec<String>,
}

impl Shown for RedirectUris {
    const CHOSEN_ID: bool = true;

    fn shown(&self, _: &State) -> Value {
        json!({ "object": "oauth_redirect_uris", "id": self.id, "redirect_uris": self.uris })
    }
}

fn registered(state: &State) -> &[String] {
    let kept = RedirectUris::table(state).at(&Space::default(), ID);
    kept.map_or(&[], |kept| kept.uris.as_slice())
}

/// `GET /_simulator/oauth/redirect_uris`.
pub fn shown(state: &State) -> Value {
    json!({ "redirect_uris": registered(state) })
}

/// A request of the control API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    redirect_uris: Vec<String>,
}

/// `POST /_simulator/oauth/redirect_uris`: these take the place of those before; none lets any be good again.
///
/// # Errors
/// 400 for what is no whole web address, or too many of them.
pub fn register(state: &mut State, wanted: &Wanted) -> Result<Value, ApiError> {
    if wanted.redirect_uris.len() > COUNT_MAX {
        return Err(ApiError::invalid(format!("redirect_uris: at most {COUNT_MAX}.")));
    }
    if let Some(wrong) = wanted.redirect_uris.iter().find(|uri| !is_whole(uri)) {
        let wrong = shortened(wrong);
        let message =
            format!("redirect_uris: {wrong} is not a whole address that begins with http or https.");
        return Err(ApiError::invalid(message));
    }
    state.put(RedirectUris {
        id: ID.into(),
        space: Space::default(),
        uris: wanted.redirect_uris.clone(),
    });
    Ok(shown(state))
}

fn is_whole(uri: &str) -> bool {
    let web = |url: reqwest::Url| ["http", "https"].contains(&url.scheme());
    uri.len() <= LENGTH_MAX && reqwest::Url::parse(uri).is_ok_and(web)
}

/// Where an owner is sent back to: what is asked for, byte for byte one of those that are registered, or the
/// first of them.
///
/// # Errors
/// What Stripe shows the owner, who is sent nowhere.
pub fn choose(state: &State, asked: Option<String>) -> Result<String, String> {
    let registered = registered(state);
    match asked {
        None => registered
            .first()
            .cloned()
            .ok_or_else(|| "Invalid redirect URI: it must be a whole web address.".to_owned()),
        Some(uri) if !is_whole(&uri) => {
            Err("Invalid redirect URI: it must be a whole web address.".to_owned())
        }
        Some(uri) if registered.is_empty() || registered.contains(&uri) => Ok(uri),
        Some(uri) => Err(format!(
            "Invalid redirect URI '{}'. Ensure this uri exactly matches one of the uris specified in your \
             application settings",
            shortened(&uri)
        )),
    }
}
