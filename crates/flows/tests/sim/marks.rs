//! What a run counts: each fault and each action of an actor. Over many seeds none may stay at zero, or the
//! simulation has stopped simulating it.

macro_rules! marks {
    ($($name:ident => $words:literal,)*) => {
        /// Something that happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark { $($name,)* }

        impl Mark {
            pub const ALL: &'static [Mark] = &[$(Mark::$name,)*];

            pub const fn words(self) -> &'static str {
                match self { $(Mark::$name => $words,)* }
            }
        }
    };
}

marks! {
    // Stripe and the way to it.
    LostAnswer => "Stripe's answer is lost",
    NeverSent => "a request never reaches Stripe",
    Hang => "Stripe never answers",
    LateAnswer => "Stripe answers late, and the key is in use until then",
    KeyInUse => "409: the key is in use",
    Error500 => "a 500 before anything was done, kept under the key",
    Error500After => "a 500 after all was done, kept under the key",
    Error429 => "429: too many requests",
    LockTimeout => "429: the object is locked",
    Outage => "Stripe cannot be reached for long",
    AccountGone => "403: no access to the account",
    // The database.
    CommitLost => "a commit happens and its answer is lost",
    RollbackLost => "a commit does not happen and its answer is lost",
    DatabaseGone => "the database cannot be reached",
    DatabaseConflict => "other transactions are in the way too often",
    // Instances.
    CrashBefore => "a crash before a port call",
    CrashAfterCommit => "a crash between a commit and its answer",
    CrashAfterStripe => "a crash between Stripe's answer and us",
    Pause => "an instance stands still for minutes",
    TimeLimit => "the worker drops what takes too long",
    RequestDropped => "a caller goes away in the middle",
    ModeSwitched => "the operator switches the mode",
    Restarted => "an instance starts again",
    // Deliveries.
    DeliveryDropped => "a delivery is lost",
    DeliveryUnanswered => "a delivery finds nobody, or no 2xx",
    AckLost => "a delivery's answer is lost",
    Duplicated => "a delivery comes twice",
    Delayed => "a delivery comes late",
    Redelivered => "an event is delivered again days later",
    ThinTwin => "a thin twin is delivered",
    WrongSecret => "a live event comes under a TEST secret",
    Forged => "a live event is forged with a leaked TEST secret",
    Parked => "an event is ahead of our rows",
    // Payers.
    PageOpened => "a payer opens the page",
    Pressed => "a payer presses Pay",
    PressedTwice => "one press is sent twice",
    SecondTab => "an invoice is open in several tabs",
    PaidAtOnce => "a card pays",
    Declined => "a card is declined",
    ActionNeeded => "3D Secure is asked for",
    ActionDone => "3D Secure is completed",
    ActionFailed => "3D Secure fails",
    ActionLeft => "3D Secure is left open",
    CameBack => "a payer comes back to the page",
    InDoubt => "a payer reads: being checked",
    SentAway => "a press is refused",
    PaidPart => "a part of an invoice pays",
    PaidTogether => "several invoices are paid at once",
    PartRefused => "a part that cannot be is refused",
    FeeChanged => "the operator adds a fee rule",
    FeeBackdated => "a fee rule is added that took effect in the past",
    SettingsChanged => "a tenant changes what its payers may choose",
    Silent => "a payer reads: temporarily unavailable",
    // The integrator.
    InvoiceMade => "an invoice is made",
    RequestRepeated => "a request is repeated with its key",
    RequestInFlight => "a repeated request is still in flight",
    OtherMode => "new work in the other mode is refused",
    Finalized => "an invoice is finalized",
    LinkMade => "a pay link is made",
    LinkReplaced => "a pay link is replaced",
    Voided => "an invoice is voided",
    VoidRefused => "voiding is refused",
    IntentAsked => "an integrator asks for an intent",
    IntentConfirmed => "an integrator's page confirms it",
    RefundAsked => "an integrator asks for a refund",
    RefundsAtOnce => "two refunds of a payment are asked for at once",
    RefundMade => "a refund is made",
    RefundInDoubt => "a refund is being confirmed",
    RefundRefused => "a refund is refused",
    CreditNoted => "a credit note is made",
    CreditRefused => "a credit note is refused",
    CreditApplied => "a client's credit pays an invoice",
    OfflineRecorded => "money that came without Stripe is recorded",
    OfflineReversed => "money that came without Stripe is taken back",
    EvidenceSubmitted => "evidence is submitted",
    EvidenceInDoubt => "nobody knows whether evidence was submitted",
    EvidenceRefused => "evidence is refused",
    DisputeAccepted => "a dispute is accepted",
    LossStillOwed => "a lost dispute is still owed",
    LossForgiven => "a lost dispute is forgiven",
    LossAgain => "what was settled of a dispute is lost and settled once more",
    // The payers' banks.
    InquiryOpened => "a bank asks about a payment",
    InquiryEscalated => "an inquiry becomes a chargeback",
    InquiryClosed => "an inquiry ends",
    DisputeOpened => "a bank takes a payment back",
    DisputeWon => "a dispute is won",
    DisputeLost => "a dispute is lost",
    DisputeOverturned => "a dispute is decided the other way",
    // The owner of the account, in Stripe's dashboard.
    OwnSale => "the account's owner sells something else",
    HostileMetadata => "a sale's metadata names another tenant's payment",
    OwnRefund => "the owner refunds a sale of their own",
    OurRefund => "the owner refunds a payment of ours",
    RefundFailed => "a payer's bank sends a refund back",
    MetadataEdited => "the owner edits the metadata of our intent",
    AmountChanged => "the owner changes the amount of our intent",
    CanceledThere => "the owner cancels our intent",
    CapabilityLost => "the account may not charge",
    CapabilityBack => "the account may charge again",
    Deauthorized => "the owner takes the access away",
    ConnectedAgain => "the owner connects the account again",
    Disconnected => "the tenant disconnects its account",
    PayoutFailed => "a bank sends a payout back",
}

/// How often each happened.
#[derive(Clone, Debug)]
pub struct Counts(Vec<u64>);

impl Default for Counts {
    fn default() -> Counts {
        Counts(vec![0; Mark::ALL.len()])
    }
}

impl Counts {
    pub fn hit(&mut self, mark: Mark) {
        self.0[mark as usize] += 1;
    }

    pub fn add(&mut self, other: &Counts) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    pub fn of(&self) -> impl Iterator<Item = (Mark, u64)> {
        Mark::ALL.iter().copied().zip(self.0.iter().copied())
    }
}
