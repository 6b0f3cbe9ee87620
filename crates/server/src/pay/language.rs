//! In which language a payer reads: the one that they chose on the page, else the client's, else what their
//! browser asks for, else the tenant's. The choice is a parameter of the page's address, so that it needs
//! neither a script nor a cookie, and no link carries it.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use domain::language::Language;
use flows::payer_view::Languages;

/// The parameter of an address.
pub const PARAMETER: &str = "language";

/// What a request says of its reader's language.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    chosen: Option<Language>,
    accepted: Option<Language>,
}

impl Asked {
    /// Reads a request's address and headers; what is no language here counts for nothing.
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Asked {
        let parameters = Query::<Vec<(String, String)>>::try_from_uri(uri).ok();
        let chosen = parameters.and_then(|Query(all)| {
            let named = all.iter().filter(|(name, _)| name == PARAMETER);
            named.map(|(_, tag)| Language::parse(tag)).next_back().flatten()
        });
        let accepted = headers.get(header::ACCEPT_LANGUAGE);
        Asked {
            chosen,
            accepted: accepted.and_then(|wanted| Language::accepted(wanted.to_str().ok()?)),
        }
    }

    /// The language of a page about something of a client's.
    pub fn among(self, languages: &Languages) -> Language {
        let own = self.chosen.or(languages.client).or(self.accepted);
        own.unwrap_or(languages.tenant)
    }

    /// What carries a choice on to another page: the address's parameter, where one was chosen.
    pub fn query(self) -> String {
        let chosen = self
            .chosen
            .map(|language| format!("?{PARAMETER}={}", language.word()));
        chosen.unwrap_or_default()
    }

    /// The language of a page about nobody.
    pub fn alone(self) -> Language {
        self.chosen.or(self.accepted).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked, Infallible> {
        Ok(Asked::of(&parts.uri, &parts.headers))
    }
}
