//! What Stripe still wants of an account, and why it has stopped one, in words that its owner understands and
//! can act on. Stripe names requirements by field (`individual.dob.day`); several fields that people give as
//! one, such as a date, are one line. A field that is not in the table is still read out as words.

/// Something that the account's owner has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What is missing: `Date of birth of the owner`.
    pub title: String,
    /// What to do about it, one sentence or two.
    pub what_to_do: &'static str,
    /// Stripe's names of it, for support.
    pub requirements: Vec<String>,
}

const GIVE: &str = "Continue with Stripe and fill it in.";
const BANK: &str = "Continue with Stripe and enter the bank account that should receive your money. Stripe \
                    keeps it; we never see it.";
const TERMS: &str = "Continue with Stripe and accept its agreement on the last page.";
const IDENTITY: &str = "Continue with Stripe and upload a clear colour photo of a passport, driving \
                        licence or identity card, both sides where it has two.";
const ADDRESS_PROOF: &str = "Continue with Stripe and upload a recent utility bill or bank statement that \
                             shows the name and the home address.";
const COMPANY_PROOF: &str = "Continue with Stripe and upload the document with which the authorities \
                             registered the business, or its tax letter.";
const PEOPLE: &str = "Continue with Stripe and name these people, or confirm that all of them are named.";
const SEE: &str = "Continue with Stripe; its form says what is missing and why.";

impl Ask {
    /// Whether what is to be done says more than the title: a page that shows the way to the form leaves the
    /// rest out.
    pub fn needs_more_than_filling_in(&self) -> bool {
        self.what_to_do != GIVE
    }
}

/// One line for each thing to do, in Stripe's order.
pub fn asks<'a>(requirements: impl IntoIterator<Item = &'a str>) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    for requirement in requirements {
        let ask = ask(requirement);
        match asks.iter_mut().find(|known| known.title == ask.title) {
            Some(known) => known.requirements.extend(ask.requirements),
            None => asks.push(ask),
        }
    }
    asks
}

/// The words of one requirement.
pub fn ask(requirement: &str) -> Ask {
    let (title, what_to_do) = words(requirement);
    Ask {
        title,
        what_to_do,
        requirements: vec![requirement.to_owned()],
    }
}

fn words(requirement: &str) -> (String, &'static str) {
    if let Some((_, title, what_to_do)) = WHOLE.iter().find(|(name, ..)| *name == requirement) {
        return ((*title).to_owned(), *what_to_do);
    }
    let (subject, field) = requirement.split_once('.').unwrap_or((requirement, ""));
    if let Some(whose) = person(subject)
        && let Some((_, title, what_to_do)) = known(PERSON, field)
    {
        return (format!("{title} of {whose}"), *what_to_do);
    }
    let table: &'static [Row] = match subject {
        "company" => COMPANY,
        "business_profile" => PROFILE,
        "documents" => DOCUMENTS,
        "tos_acceptance" => return ("Stripe's terms of service".to_owned(), TERMS),
        _ => &[],
    };
    match known(table, field) {
        Some((_, title, what_to_do)) => ((*title).to_owned(), *what_to_do),
        None => (read_out(requirement), SEE),
    }
}

type Row = (&'static str, &'static str, &'static str);

/// The row whose name is the field, or the beginning of it up to a dot: `address` is every part of one.
fn known(table: &'static [Row], field: &str) -> Option<&'static Row> {
    table.iter().find(|(name, ..)| {
        field
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Whose detail it is; a person is also named by the id that Stripe gave it.
fn person(subject: &str) -> Option<&'static str> {
    match subject {
        "individual" => Some("the owner"),
        "representative" | "relationship" => Some("the person who acts for the business"),
        "owners" => Some("an owner of 25% or more"),
        "directors" => Some("a director"),
        "executives" => Some("an executive"),
        "authorizer" => Some("the person who may sign for the business"),
        "legal_guardian" => Some("the legal guardian"),
        _ if subject.starts_with("person_") => Some("a person of the business"),
        _ => None,
    }
}

const WHOLE: &[Row] = &[
    (
        "business_type",
        "Kind of business",
        "Continue with Stripe and choose between a person and a company.",
    ),
    ("external_account", "Bank account for payouts", BANK),
    (
        "settings.payments.statement_descriptor",
        "Name on your clients' card statements",
        GIVE,
    ),
    (
        "settings.card_payments.statement_descriptor_prefix",
        "Name on your clients' card statements",
        GIVE,
    ),
    ("company.owners_provided", "Owners of 25% or more", PEOPLE),
    ("company.directors_provided", "Directors of the business", PEOPLE),
    (
        "company.executives_provided",
        "Executives of the business",
        PEOPLE,
    ),
];

const PERSON: &[Row] = &[
    ("first_name", "First name", GIVE),
    ("last_name", "Last name", GIVE),
    ("first_name_kana", "First name in kana", GIVE),
    ("first_name_kanji", "First name in kanji", GIVE),
    ("last_name_kana", "Last name in kana", GIVE),
    ("last_name_kanji", "Last name in kanji", GIVE),
    ("maiden_name", "Name at birth", GIVE),
    ("full_name_aliases", "Other names", GIVE),
    ("gender", "Gender", GIVE),
    ("dob", "Date of birth", GIVE),
    ("address", "Home address", GIVE),
    ("address_kana", "Home address in kana", GIVE),
    ("address_kanji", "Home address in kanji", GIVE),
    ("registered_address", "Registered address", GIVE),
    ("email", "Email address", GIVE),
    ("phone", "Phone number", GIVE),
    (
        "ssn_last_4",
        "Last four digits of the Social Security number",
        GIVE,
    ),
    ("id_number", "Tax or identity number", GIVE),
    ("id_number_secondary", "Second identity number", GIVE),
    ("nationality", "Nationality", GIVE),
    ("political_exposure", "Statement about political office", GIVE),
    ("relationship.title", "Job title", GIVE),
    ("relationship.percent_ownership", "Share of the business", GIVE),
    ("relationship", "Role in the business", GIVE),
    ("verification.document", "Identity document", IDENTITY),
    (
        "verification.additional_document",
        "Proof of the home address",
        ADDRESS_PROOF,
    ),
    ("verification", "Identity check", IDENTITY),
    ("documents.passport", "Passport", IDENTITY),
    ("documents.visa", "Visa", IDENTITY),
    (
        "documents.company_authorization",
        "Document that allows to act for the business",
        COMPANY_PROOF,
    ),
];

const COMPANY: &[Row] = &[
    ("name", "Legal name of the business", GIVE),
    ("name_kana", "Legal name of the business in kana", GIVE),
    ("name_kanji", "Legal name of the business in kanji", GIVE),
    ("tax_id", "Tax number of the business", GIVE),
    ("vat_id", "VAT number of the business", GIVE),
    ("registration_number", "Registration number of the business", GIVE),
    ("registration_date", "Date of registration of the business", GIVE),
    ("phone", "Phone number of the business", GIVE),
    ("structure", "Legal form of the business", GIVE),
    ("address", "Address of the business", GIVE),
    ("address_kana", "Address of the business in kana", GIVE),
    ("address_kanji", "Address of the business in kanji", GIVE),
    (
        "directorship_declaration",
        "Statement about the directors",
        PEOPLE,
    ),
    ("ownership_declaration", "Statement about the owners", PEOPLE),
    ("ownership_exemption_reason", "Statement about the owners", PEOPLE),
    (
        "representative_declaration",
        "Statement of the person who acts for the business",
        PEOPLE,
    ),
    ("verification.document", "Document of the business", COMPANY_PROOF),
    ("verification", "Document of the business", COMPANY_PROOF),
];

const PROFILE: &[Row] = &[
    (
        "mcc",
        "Industry",
        "Continue with Stripe and choose what the business does.",
    ),
    (
        "url",
        "Web site",
        "Continue with Stripe and enter your web site, or describe what you sell.",
    ),
    (
        "product_description",
        "What you sell",
        "Continue with Stripe and describe your services in a sentence.",
    ),
    ("name", "Name that your clients know", GIVE),
    ("support_phone", "Phone number for your clients", GIVE),
    ("support_email", "Email address for your clients", GIVE),
    ("support_url", "Web page for your clients' questions", GIVE),
    ("support_address", "Address for your clients", GIVE),
    ("annual_revenue", "Revenue of a year", GIVE),
    ("monthly_estimated_revenue", "Expected revenue of a month", GIVE),
    ("estimated_worker_count", "Number of employees", GIVE),
    (
        "minority_owned_business_designation",
        "Statement about the owners",
        PEOPLE,
    ),
];

const DOCUMENTS: &[Row] = &[
    (
        "bank_account_ownership_verification",
        "Proof that the bank account is yours",
        BANK,
    ),
    ("company_license", "Licence of the business", COMPANY_PROOF),
    (
        "company_memorandum_of_association",
        "Articles of the business",
        COMPANY_PROOF,
    ),
    (
        "company_ministerial_decree",
        "Decree about the business",
        COMPANY_PROOF,
    ),
    (
        "company_registration_verification",
        "Registration of the business",
        COMPANY_PROOF,
    ),
    (
        "company_tax_id_verification",
        "Proof of the tax number",
        COMPANY_PROOF,
    ),
    ("proof_of_address", "Proof of the business address", COMPANY_PROOF),
    (
        "proof_of_business_presence",
        "Proof that the business operates",
        COMPANY_PROOF,
    ),
    ("proof_of_registration", "Proof of registration", COMPANY_PROOF),
    (
        "proof_of_ultimate_beneficial_ownership",
        "Proof of who owns the business",
        COMPANY_PROOF,
    ),
];

/// `some.new_field` as `Some new field`.
fn read_out(requirement: &str) -> String {
    let words = requirement
        .split(['.', '_'])
        .filter(|word| !word.is_empty() && !is_id(word));
    let mut text = words.collect::<Vec<_>>().join(" ");
    if let Some(first) = text.get(..1).map(str::to_ascii_uppercase) {
        text.replace_range(..1, &first);
    }
    match text.is_empty() {
        true => "Something about the business".to_owned(),
        false => text,
    }
}

/// Whether a word is a part of an id, which says nothing to people.
fn is_id(word: &str) -> bool {
    word.len() >= 8 && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Why Stripe has stopped an account, and whether its owner can do anything about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// A sentence.
    pub why: &'static str,
    /// A sentence.
    pub what_to_do: &'static str,
}

/// The words of `disabled_reason`.
pub fn stop(disabled_reason: &str) -> Stop {
    let (why, what_to_do) = match disabled_reason {
        "action_required.requested_capabilities" => (
            "Card payments were not asked for on this account.",
            "Write to us; we ask Stripe to turn them on.",
        ),
        "requirements.past_due" => (
            "Stripe is waiting for details that were due.",
            "Continue with Stripe and give what is listed here.",
        ),
        "requirements.pending_verification" | "under_review" => (
            "Stripe is checking what you gave.",
            "There is nothing to do now. It usually takes minutes, and sometimes a few days.",
        ),
        "listed" => (
            "Stripe has to compare this account with a list of persons it may not deal with.",
            "There is nothing to do now. Stripe writes to you if it needs anything.",
        ),
        "platform_paused" => (
            "We have paused this account.",
            "Write to us; we say what is open and lift the pause.",
        ),
        "rejected.fraud" | "rejected.platform_fraud" => {
            ("The account was declined because of suspected fraud.", REJECTED)
        }
        "rejected.inactivity" => (
            "The account was closed because it was not used.",
            "Write to Stripe's support from your Stripe dashboard to open it again.",
        ),
        "rejected.incomplete_verification" => (
            "The account was declined because what Stripe asked for was not given in time.",
            REJECTED,
        ),
        "rejected.listed" => (
            "The account was declined because its owner is on a list of those that Stripe may not serve.",
            REJECTED,
        ),
        "rejected.terms_of_service" | "rejected.platform_terms_of_service" => (
            "The account was declined because it does not fit the terms of service.",
            REJECTED,
        ),
        "rejected.unsupported_business" => (
            "The account was declined because Stripe does not work with this kind of business.",
            REJECTED,
        ),
        reason if reason.starts_with("rejected.") => {
            ("The account was declined, and Stripe does not say why.", REJECTED)
        }
        "" => (
            "Stripe lets this account take no payments, and has not said why.",
            "Open your Stripe dashboard or write to Stripe's support: only they can say.",
        ),
        _ => (
            "Stripe has paused this account.",
            "Open your Stripe dashboard or write to Stripe's support: only they can say why.",
        ),
    };
    Stop { why, what_to_do }
}

const REJECTED: &str = "Only Stripe's support can change that. Write to them from your Stripe dashboard.";

#[cfg(test)]
mod tests;
