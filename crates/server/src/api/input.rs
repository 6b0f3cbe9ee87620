//! What comes in: who calls, JSON bodies, and pages of lists, each parsed once into a type that can be
//! trusted.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, StatusCode};
use domain::{ApiKeyId, Scope};
use flows::{Actor, By, Failure};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeOwned, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};
use store::api_keys::ApiKey;
use store::platform_keys::PlatformKey;

use crate::problem::Problem;
use crate::router::Sender;

/// Most rows of one page of a list.
const PAGE_MAX: i64 = 100;
const PAGE_DEFAULT: i64 = 20;

/// Whoever holds the API key that the request carries. The only way to a scope on this API.
pub struct Caller {
    /// Whose rows the key opens.
    pub scope: Scope,
    /// Who calls, for the audit log.
    pub by: By,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let key = key_in_use(&parts.extensions)?;
        Ok(Caller {
            scope: key.scope.clone(),
            by: sender(&parts.extensions).known_as(Actor::TenantKey(key.id.clone())),
        })
    }
}

/// The API key that the request carries.
pub struct Using(pub ApiKeyId);

impl<S: Send + Sync> FromRequestParts<S> for Using {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Using, Problem> {
        Ok(Using(key_in_use(&parts.extensions)?.id.clone()))
    }
}

/// The operator, by the platform key that the request carries.
pub struct Platform {
    /// Who calls, for the audit log.
    pub by: By,
}

impl<S: Send + Sync> FromRequestParts<S> for Platform {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Platform, Problem> {
        let missing = || {
            let what = "a route of the operator asks for no platform key in the table of routes";
            Failure::Bug(what.to_owned())
        };
        let key = parts.extensions.get::<PlatformKey>().ok_or_else(missing)?;
        Ok(Platform {
            by: sender(&parts.extensions).known_as(Actor::PlatformKey(key.id.clone())),
        })
    }
}

/// What `access.rs` found.
fn key_in_use(extensions: &Extensions) -> Result<&ApiKey, Problem> {
    let missing = || {
        let what = "a route that needs a caller asks for no key in the table of routes";
        Failure::Bug(what.to_owned())
    };
    Ok(extensions.get::<ApiKey>().ok_or_else(missing)?)
}

/// Where a request comes from, before anybody knows who sends it.
pub fn sender(extensions: &Extensions) -> By {
    let sender = extensions.get::<Sender>().map(|sender| sender.0.clone());
    sender.unwrap_or(By::new(Actor::Unknown))
}

/// A caller without an API key: a payer, who is known once their link is opened.
pub struct Visitor(pub By);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Visitor, Infallible> {
        Ok(Visitor(sender(&parts.extensions)))
    }
}

/// The id or link in a path. Bytes that are no text become an empty one, which is no id and no link: not
/// found, as anything else that is none.
pub struct InPath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<InPath, Infallible> {
        let text = extract::Path::<String>::from_request_parts(parts, state).await;
        Ok(InPath(text.map(|path| path.0).unwrap_or_default()))
    }
}

/// Two ids in a path, as [`InPath`] is one.
pub struct InPaths(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for InPaths {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<InPaths, Infallible> {
        let texts = extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        let (first, second) = texts.map(|path| path.0).unwrap_or_default();
        Ok(InPaths(first, second))
    }
}

/// The query of an address.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Query<T>, Problem> {
        let query = extract::Query::<T>::from_request_parts(parts, state).await;
        let unreadable = |rejection: extract::rejection::QueryRejection| {
            let text = rejection.body_text();
            let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_query", format!("{text}."));
            match named_in_query(&text) {
                Some(name) => problem.at(name),
                None => problem,
            }
        };
        query.map(|query| Query(query.0)).map_err(unreadable)
    }
}

/// Which parameter a complaint about a query names: `missing field `x``, `unknown field `x``, or `x: …`.
fn named_in_query(text: &str) -> Option<&str> {
    let (_, cause) = text.split_once("query string: ")?;
    if let Some(name) = between_ticks(cause) {
        return Some(name);
    }
    let (name, _) = cause.split_once(": ")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

/// The field that is missing, unknown or there twice, in serde's words.
fn between_ticks(cause: &str) -> Option<&str> {
    let words = ["missing field `", "unknown field `", "duplicate field `"];
    let rest = words.iter().find_map(|word| cause.strip_prefix(word))?;
    let (name, _) = rest.split_once('`')?;
    (!name.is_empty()).then_some(name)
}

/// The path of the field that is missing: serde names the object that it is missing from.
fn missing_at(path: &str, cause: &str) -> Option<String> {
    let name = cause.strip_prefix("missing field `")?.split_once('`')?.0;
    Some(match path {
        "." => name.to_owned(),
        path => format!("{path}.{name}"),
    })
}

/// A JSON object, and nothing else: read directly into a struct, a list would fill its fields in order.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<T: Default> Default for Object<T> {
    fn default() -> Object<T> {
        Object(T::default())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A JSON body. Unknown fields, floats where whole numbers are meant and other mistakes name their field.
pub struct Input<T>(pub T);

impl<S, T> FromRequest<S> for Input<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Input<T>, Problem> {
        let bytes = read_body(request).await?;
        let body: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let mut json = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize::<_, Object<T>>(&mut json).map_err(|error| {
            let (path, cause) = (error.path().to_string(), error.inner().to_string());
            let problem = Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_body",
                format!("The body cannot be taken: {cause}."),
            );
            match missing_at(&path, &cause) {
                Some(missing) => problem.at(missing),
                None if path == "." => problem,
                None => problem.at(path),
            }
        })?;
        json.end().map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_body",
                format!("The body has {error}."),
            )
        })?;
        Ok(Input(value.0))
    }
}

/// All of a body, as long as it may be.
///
/// # Errors
/// A problem for one that is too long or breaks off.
pub async fn read_body(request: Request) -> Result<Bytes, Problem> {
    let read = Bytes::from_request(request, &()).await;
    read.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_body",
            "The body could not be read.",
        ),
    })
}

/// Which page of a list is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Rows of the page, at most.
    pub limit: Option<i64>,
    /// The last id of the page before.
    pub after: Option<String>,
}

impl PageQuery {
    /// Rows of the page.
    ///
    /// # Errors
    /// A problem for a limit outside 1 to 100.
    pub fn limit(&self) -> Result<i64, Problem> {
        let limit = self.limit.unwrap_or(PAGE_DEFAULT);
        if (1..=PAGE_MAX).contains(&limit) {
            return Ok(limit);
        }
        let detail = format!("limit must be 1 to {PAGE_MAX}.");
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail).at("limit"))
    }
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    data: Vec<T>,
    has_more: bool,
}

impl<T> Page<T> {
    /// The page, of rows of which one more than `limit` was read.
    pub fn of(mut data: Vec<T>, limit: i64) -> Page<T> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = data.len() > limit;
        data.truncate(limit);
        Page { data, has_more }
    }
}
