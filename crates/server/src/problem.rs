//! Errors as RFC 9457 `application/problem+json`: a stable code, a sentence, the field. What failed on our
//! side is logged here, once, with the request's id, and the caller learns nothing else of it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::dispute::Refused;
use domain::{Limited, Refusal, mail, pay_link, person};
use flows::Failure;
use serde::Serialize;

/// What answers of this kind call themselves.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// An error answer. Small, because it is the other side of many results.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: Box<str>,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Box<str>>,
    /// Seconds until the same request may be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<i64>,
}

impl Problem {
    /// A problem with its stable code.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:psa-pay:problem:{code}").into(),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into().into(),
            field: None,
            request_id: None,
            retry_after: None,
        }
    }

    /// The field that it is about.
    pub fn at(mut self, field: impl Into<String>) -> Problem {
        self.field = Some(field.into().into());
        self
    }

    /// The same, with the id under which the log says why.
    pub fn of_request(mut self, id: &str) -> Problem {
        self.request_id = Some(id.into());
        self
    }

    /// What is told of parameters in the address of a call that changes something: they would be overlooked.
    pub fn no_query(name: &str) -> Problem {
        let detail = "This call takes no parameters in its address: say it in the body, as JSON.";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail).at(name)
    }

    /// What a caller without a valid key is told.
    pub fn unauthorized() -> Problem {
        let detail = "Send a valid API key: Authorization: Bearer ppk_test_… or ppk_live_….";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// What a caller without a valid platform key is told, where one is needed.
    pub fn platform_key_needed() -> Problem {
        let detail = "Send a valid platform key: Authorization: Bearer ppk_platform_….";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// What a caller without the token of the metrics is told.
    pub fn metrics_token_needed() -> Problem {
        let detail = "Send the token of METRICS_TOKEN: Authorization: Bearer ….";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// What a body over the limit is told.
    pub fn too_large() -> Problem {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body must be at most 64 KiB, and 1 MiB for an invoice or a webhook.",
        )
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Whether it is about who calls: no valid key, or one that may not do this.
    pub fn is_about_the_caller(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED.as_u16() || self.status == StatusCode::FORBIDDEN.as_u16()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // The request's id is not known here; whoever knows it takes the problem out again.
        let failure = (status.is_server_error() && self.request_id.is_none()).then(|| self.clone());
        let retry_after = match self.retry_after {
            None if status == StatusCode::SERVICE_UNAVAILABLE => Some(1),
            given => given,
        };
        let mut response = (status, Json(self)).into_response();
        if let Some(failure) = failure {
            response.extensions_mut().insert(failure);
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Limited> for Problem {
    fn from(limited: Limited) -> Problem {
        Refusal::from(limited).into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let mut problem = Problem::new(status_of(&refusal), refusal.code(), refusal.to_string());
        problem.retry_after = match &refusal {
            Refusal::Limited(limited) => limited.wait_s(),
            Refusal::Person(refused) => refused.wait_s(),
            _ => None,
        };
        match refusal.field() {
            Some(field) => problem.at(field),
            None => problem,
        }
    }
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::InvalidField { .. }
        | Refusal::AmountTooSmall { .. }
        | Refusal::AmountTooLarge { .. }
        | Refusal::UnknownCurrency
        | Refusal::CreditTooLarge { .. }
        | Refusal::InvoiceEmpty
        | Refusal::PartTooSmall { .. }
        | Refusal::RestTooSmall { .. }
        | Refusal::TokenRefused
        | Refusal::AccountRefused { .. }
        | Refusal::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::InvoiceDraft
        | Refusal::InvoiceFinalized
        | Refusal::InvoicePaid
        | Refusal::InvoicePartlyPaid
        | Refusal::InvoiceVoid
        | Refusal::VersionConflict
        | Refusal::PaymentInProgress
        | Refusal::AmountChanged { .. }
        | Refusal::InvoicesChanged
        | Refusal::PaymentsUnavailable
        | Refusal::Refund(_)
        | Refusal::NotConnected
        | Refusal::AccountConnected { .. }
        | Refusal::AccountTaken
        | Refusal::OnboardingRefused
        | Refusal::IdempotencyKeyInFlight
        | Refusal::TenantClosed
        | Refusal::OAuthNotConfigured
        | Refusal::ConsentRefused { .. }
        | Refusal::EventNotReplayable { .. }
        | Refusal::AccountModeMismatch => StatusCode::CONFLICT,
        Refusal::LiveLocked => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::LinkExpired | Refusal::ConnectLinkUsed | Refusal::ConsentUsed => StatusCode::GONE,
        Refusal::PaymentRefused { .. } => StatusCode::PAYMENT_REQUIRED,
        Refusal::KeyRevoked | Refusal::KeyExpired => StatusCode::UNAUTHORIZED,
        Refusal::ModeNotActive
        | Refusal::PermissionMissing { .. }
        | Refusal::TenantSuspended
        | Refusal::PlatformKeyNeeded
        | Refusal::TenantKeyNeeded => StatusCode::FORBIDDEN,
        Refusal::Dispute(refused) => status_of_dispute(refused),
        Refusal::Mail(mail::Refused::NoRecipient) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::PayLink(pay_link::Refused::Revoked) => StatusCode::GONE,
        Refusal::Mail(_) | Refusal::PayLink(_) => StatusCode::CONFLICT,
        Refusal::Person(refused) => status_of_person(*refused),
        Refusal::Limited(limited) => match limited {
            Limited::PageTokenRequired => StatusCode::UNPROCESSABLE_ENTITY,
            Limited::PageExpired => StatusCode::CONFLICT,
            Limited::ChallengeRequired => StatusCode::PRECONDITION_REQUIRED,
            Limited::TemporarilyUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Limited::TooSoon | Limited::TooManyAttempts { .. } | Limited::RateLimited { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
        },
    }
}

fn status_of_dispute(refused: &Refused) -> StatusCode {
    match refused {
        Refused::NoEvidence | Refused::FilesTooLarge => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::Over
        | Refused::Submitted
        | Refused::PastDue
        | Refused::UnknownStatus
        | Refused::InProgress
        | Refused::EvidenceChanged
        | Refused::TooManyFiles
        | Refused::NotLost
        | Refused::Settled
        | Refused::NotForgivable { .. }
        | Refused::ByStripe => StatusCode::CONFLICT,
    }
}

fn status_of_person(refused: person::Refused) -> StatusCode {
    use person::Refused;
    match refused {
        Refused::Login | Refused::SessionEnded => StatusCode::UNAUTHORIZED,
        Refused::LoginDelayed { .. } | Refused::LoginBusy => StatusCode::TOO_MANY_REQUESTS,
        Refused::Code | Refused::FactorUnreadable => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::FormToken
        | Refused::StepUpNeeded
        | Refused::SecondFactorNeeded
        | Refused::RoleInsufficient => StatusCode::FORBIDDEN,
        Refused::LinkUsed => StatusCode::GONE,
        Refused::SecondFactorThere
        | Refused::EmailTaken
        | Refused::LastOne
        | Refused::Oneself
        | Refused::AlreadySetUp => StatusCode::CONFLICT,
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        let (status, code, detail) = match &failure {
            Failure::Refused(refusal) => return refusal.clone().into(),
            Failure::Store(store::Error::Unavailable(_) | store::Error::Conflict) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "try_again",
                "Nothing was changed. Try again in a moment.",
            ),
            Failure::Unknown(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "stripe_unavailable",
                "Stripe did not answer. Try again in a moment.",
            ),
            Failure::NotConfigured(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "mode_not_configured",
                "This installation has no Stripe keys for that mode.",
            ),
            Failure::Store(_) | Failure::Stripe(_) | Failure::AccountGone | Failure::Bug(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something failed on our side. It was logged.",
            ),
        };
        tracing::error!(%failure, code, "request failed");
        Problem::new(status, code, detail)
    }
}
