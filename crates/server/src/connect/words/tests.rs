//! Nothing that Stripe can ask for is without words.

use super::*;

/// Every requirement that Stripe's documentation names for card payments and transfers, or that the
/// simulator can ask for.
fn requirements() -> Vec<String> {
    let persons = PERSONS
        .iter()
        .flat_map(|whose| OF_PERSON.iter().map(move |field| format!("{whose}.{field}")));
    persons
        .chain(OTHERS.iter().map(|name| (*name).to_owned()))
        .collect()
}

const PERSONS: [&str; 6] = [
    "individual",
    "representative",
    "owners",
    "directors",
    "executives",
    "person_1NvLWC2eZvKYlo2C",
];

const OF_PERSON: [&str; 22] = [
    "first_name",
    "last_name",
    "dob.day",
    "dob.month",
    "dob.year",
    "address.city",
    "address.country",
    "address.line1",
    "address.postal_code",
    "address.state",
    "email",
    "phone",
    "ssn_last_4",
    "id_number",
    "nationality",
    "political_exposure",
    "relationship.title",
    "relationship.percent_ownership",
    "relationship.executive",
    "verification.document",
    "verification.additional_document",
    "verification.document.front",
];

const OTHERS: [&str; 37] = [
    "business_type",
    "business_profile.mcc",
    "business_profile.url",
    "business_profile.name",
    "business_profile.product_description",
    "business_profile.support_phone",
    "business_profile.support_email",
    "business_profile.annual_revenue",
    "business_profile.estimated_worker_count",
    "company.name",
    "company.tax_id",
    "company.phone",
    "company.address.city",
    "company.address.line1",
    "company.address.postal_code",
    "company.address.state",
    "company.owners_provided",
    "company.directors_provided",
    "company.executives_provided",
    "company.registration_number",
    "company.vat_id",
    "company.structure",
    "company.verification.document",
    "company.directorship_declaration.date",
    "documents.bank_account_ownership_verification.files",
    "documents.company_license.files",
    "documents.company_memorandum_of_association.files",
    "documents.company_ministerial_decree.files",
    "documents.company_registration_verification.files",
    "documents.company_tax_id_verification.files",
    "documents.proof_of_address.files",
    "documents.proof_of_registration.files",
    "external_account",
    "settings.payments.statement_descriptor",
    "tos_acceptance.date",
    "tos_acceptance.ip",
    "tos_acceptance.user_agent",
];

fn assert_readable(text: &str, of: &str) {
    assert!(text.len() > 3 && !text.contains(['_', '\n']), "{of}: {text:?}");
    assert!(text.starts_with(char::is_uppercase), "{of}: {text:?}");
}

#[test]
fn every_known_requirement_has_words_of_its_own_and_says_what_to_do() {
    for requirement in requirements() {
        let ask = ask(&requirement);
        assert_readable(&ask.title, &requirement);
        assert!(ask.what_to_do.starts_with("Continue with Stripe") && ask.what_to_do.ends_with('.'));
        assert_ne!(ask.what_to_do, SEE, "{requirement} is only read out");
        assert_eq!(ask.requirements, [requirement]);
    }
}

#[test]
fn what_people_give_as_one_is_one_line() {
    let given = [
        "individual.dob.day",
        "external_account",
        "individual.dob.month",
        "individual.dob.year",
        "tos_acceptance.date",
        "tos_acceptance.ip",
        "owners.dob.day",
    ];
    let asks = asks(given);
    let titles: Vec<&str> = asks.iter().map(|ask| ask.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Date of birth of the owner",
            "Bank account for payouts",
            "Stripe's terms of service",
            "Date of birth of an owner of 25% or more"
        ]
    );
    assert_eq!(
        asks[0].requirements,
        [
            "individual.dob.day",
            "individual.dob.month",
            "individual.dob.year"
        ]
    );
}

#[test]
fn an_unknown_requirement_is_read_out_as_words() {
    for (requirement, title) in [
        ("business_profile.shoe_size", "Business profile shoe size"),
        (
            "interv_1NvLWC2eZvKYlo2C.proof_of_life.form",
            "Interv proof of life form",
        ),
        (
            "person_1NvLWC2eZvKYlo2C.favourite_colour",
            "Person favourite colour",
        ),
        ("risk_review", "Risk review"),
        ("", "Something about the business"),
        ("..", "Something about the business"),
        ("é.x", "é x"),
    ] {
        let ask = ask(requirement);
        assert_eq!(
            (ask.title.as_str(), ask.what_to_do),
            (title, SEE),
            "{requirement}"
        );
    }
}

#[test]
fn every_reason_to_stop_an_account_has_words() {
    let rejected = [
        "fraud",
        "inactivity",
        "incomplete_verification",
        "listed",
        "other",
        "platform_fraud",
        "platform_other",
        "platform_terms_of_service",
        "terms_of_service",
        "unsupported_business",
        "some_new_reason",
    ];
    let reasons = [
        "action_required.requested_capabilities",
        "listed",
        "other",
        "platform_paused",
        "requirements.past_due",
        "requirements.pending_verification",
        "under_review",
        "some_new_reason",
    ];
    let all = rejected.iter().map(|reason| format!("rejected.{reason}"));
    for reason in all.chain(reasons.map(str::to_owned)) {
        let Stop { why, what_to_do } = stop(&reason);
        for sentence in [why, what_to_do] {
            assert!(
                sentence.ends_with('.') && !sentence.contains('_'),
                "{reason}: {sentence}"
            );
        }
        let declined = why.contains("declined") || why.contains("closed");
        assert_eq!(declined, reason.starts_with("rejected."), "{reason}: {why}");
    }
}
