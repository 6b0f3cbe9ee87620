//! What writes to Stripe there are, and how far one may have come.

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `POST /v1/payment_intents`.
    CreateIntent,
    /// `POST /v1/payment_intents/{id}/confirm`.
    ConfirmIntent,
    /// `POST /v1/payment_intents/{id}/cancel`.
    CancelIntent,
    /// `POST /v1/accounts`.
    CreateAccount,
    /// `POST /v1/payment_method_domains`, or its `…/{id}/validate`.
    RegisterDomain,
    /// `POST /oauth/token`.
    ExchangeCode,
    /// `POST /oauth/deauthorize`.
    Deauthorize,
    /// `POST /v1/disputes/{id}` with `submit`.
    SubmitEvidence,
    /// `POST /v1/files`.
    UploadFile,
    /// `POST /v1/disputes/{id}/close`.
    CloseDispute,
    /// `POST /v1/refunds`.
    CreateRefund,
    /// `POST /v1/application_fees/{id}/refunds`.
    CreateFeeRefund,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 12] = [
        Kind::CreateIntent,
        Kind::ConfirmIntent,
        Kind::CancelIntent,
        Kind::CreateAccount,
        Kind::RegisterDomain,
        Kind::ExchangeCode,
        Kind::Deauthorize,
        Kind::SubmitEvidence,
        Kind::UploadFile,
        Kind::CloseDispute,
        Kind::CreateRefund,
        Kind::CreateFeeRefund,
    ];

    /// The kind as the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::CreateIntent => "create_intent",
            Kind::ConfirmIntent => "confirm_intent",
            Kind::CancelIntent => "cancel_intent",
            Kind::CreateAccount => "create_account",
            Kind::RegisterDomain => "register_domain",
            Kind::ExchangeCode => "exchange_code",
            Kind::Deauthorize => "deauthorize",
            Kind::SubmitEvidence => "submit_evidence",
            Kind::UploadFile => "upload_file",
            Kind::CloseDispute => "close_dispute",
            Kind::CreateRefund => "create_refund",
            Kind::CreateFeeRefund => "create_fee_refund",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How far a write has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Committed and on its way; whoever sent it holds the lease.
    Sent,
    /// No definite answer: it is replayed with the same key and bytes.
    Unknown,
    /// Stripe carried it out.
    Succeeded,
    /// Stripe refused it for good, or declined the card.
    Failed,
    /// Proven never to have happened.
    Absent,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] = [
        Status::Sent,
        Status::Unknown,
        Status::Succeeded,
        Status::Failed,
        Status::Absent,
    ];

    /// Whether its outcome is not known yet.
    pub const fn is_open(self) -> bool {
        match self {
            Status::Sent | Status::Unknown => true,
            Status::Succeeded | Status::Failed | Status::Absent => false,
        }
    }

    /// The status as the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Sent => "sent",
            Status::Unknown => "unknown",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Absent => "absent",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.word() == word)
    }
}
