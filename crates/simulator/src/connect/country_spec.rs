//! Country specs: the countries that an account may be in, and what accounts there can do. They are Stripe's
//! own, the same on every account.

use serde_json::{Value, json};

use crate::api::Ctx;
use crate::currency;
use crate::error::ApiError;
use crate::form::Params;
use crate::list::Page;
use crate::state::State;

/// Countries with their currencies, in the order of the list.
const COUNTRIES: &str = "\
    AE:aed AG:xcd AL:all AM:amd AO:aoa AR:ars AT:eur AU:aud AZ:azn BA:bam BD:bdt BE:eur BG:eur BH:bhd \
    BJ:xof BN:bnd BO:bob BR:brl BS:bsd BT:btn BW:bwp CA:cad CH:chf CI:xof CL:clp CO:cop CR:crc CY:eur \
    CZ:czk DE:eur DK:dkk DO:dop DZ:dzd EC:usd EE:eur EG:egp ES:eur ET:etb FI:eur FR:eur GA:xaf GB:gbp \
    GH:ghs GI:gip GM:gmd GR:eur GT:gtq GY:gyd HK:hkd HR:eur HU:huf ID:idr IE:eur IL:ils IN:inr IS:isk \
    IT:eur JM:jmd JO:jod JP:jpy KE:kes KH:khr KR:krw KW:kwd KZ:kzt LA:lak LC:xcd LI:chf LK:lkr LT:eur \
    LU:eur LV:eur MA:mad MC:eur MD:mdl MG:mga MK:mkd MN:mnt MO:mop MT:eur MU:mur MX:mxn MY:myr MZ:mzn \
    NA:nad NE:xof NG:ngn NL:eur NO:nok NZ:nzd OM:omr PA:usd PE:pen PH:php PK:pkr PL:pln PT:eur PY:pyg \
    QA:qar RO:ron RS:rsd RW:rwf SA:sar SE:sek SG:sgd SI:eur SK:eur SM:eur SN:xof SV:usd TH:thb TN:tnd \
    TR:try TT:ttd TW:twd TZ:tzs US:usd UY:uyu UZ:uzs VN:vnd ZA:zar";
/// Accounts there do not move money on to accounts elsewhere.
const HOME_ONLY: [&str; 4] = ["BR", "IN", "MX", "MY"];
const OF_COMPANY: &str = "\
    business_profile.mcc business_profile.name business_profile.product_description business_profile.url \
    business_type company.address.city company.address.line1 company.address.postal_code \
    company.address.state company.name company.owners_provided company.phone company.tax_id \
    external_account owners.address.city owners.address.line1 owners.address.postal_code \
    owners.address.state owners.dob.day owners.dob.month owners.dob.year owners.email owners.first_name \
    owners.last_name owners.phone representative.address.city representative.address.line1 \
    representative.address.postal_code representative.address.state representative.dob.day \
    representative.dob.month representative.dob.year representative.email representative.first_name \
    representative.id_number representative.last_name representative.phone \
    representative.relationship.title representative.ssn_last_4 representative.verification.document \
    settings.card_payments.statement_descriptor_prefix settings.payments.statement_descriptor \
    tos_acceptance.date tos_acceptance.ip";
const OF_INDIVIDUAL: &str = "\
    business_profile.mcc business_profile.name business_profile.product_description business_profile.url \
    business_type external_account individual.address.city individual.address.line1 \
    individual.address.postal_code individual.address.state individual.dob.day individual.dob.month \
    individual.dob.year individual.email individual.first_name individual.id_number individual.last_name \
    individual.phone individual.ssn_last_4 individual.verification.document \
    settings.card_payments.statement_descriptor_prefix settings.payments.statement_descriptor \
    tos_acceptance.date tos_acceptance.ip";

type Country = (&'static str, &'static str);

fn countries() -> impl Iterator<Item = Country> {
    COUNTRIES.split(' ').filter_map(|one| one.split_once(':'))
}

/// The fields that accounts there must give, without what only the US has.
fn fields(all: &'static str, country: &str) -> Vec<&'static str> {
    let only_us = |field: &&str| field.ends_with("ssn_last_4") || field.ends_with("address.state");
    all.split(' ')
        .filter(|field| country == "US" || !only_us(field))
        .collect()
}

fn render(&(country, own): &Country) -> Value {
    let with_bank: Vec<&str> = countries()
        .filter(|&(other, currency)| other == country || (own == "eur" && currency == own))
        .map(|(other, _)| other)
        .collect();
    let to: Vec<&str> = countries()
        .map(|(other, _)| other)
        .filter(|other| *other == country || !HOME_ONLY.contains(&country) && !HOME_ONLY[..2].contains(other))
        .collect();
    let methods = if country == "US" {
        &["ach", "card", "stripe"][..]
    } else {
        &["card", "stripe"]
    };
    json!({
        "id": country, "object": "country_spec", "default_currency": own,
        "supported_bank_account_currencies": { own: with_bank },
        "supported_payment_currencies": currency::all().collect::<Vec<_>>(),
        "supported_payment_methods": methods,
        "supported_transfer_countries": to,
        "verification_fields": {
            "company": { "additional": [], "minimum": fields(OF_COMPANY, country) },
            "individual": { "additional": [], "minimum": fields(OF_INDIVIDUAL, country) },
        },
    })
}

/// `GET /v1/country_specs/{country}`.
pub fn retrieve(_: &mut State, _: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let found = countries().find(|(country, _)| *country == id);
    found.as_ref().map(render).ok_or_else(|| {
        let shown: String = id.chars().take(20).collect();
        ApiError::invalid(format!(
            "Country '{shown}' is unknown. Try using a 2-character alphanumeric \
                                   country code instead, such as 'US'."
        ))
        .code("country_unsupported")
        .param("country")
        .status(404)
    })
}

/// `GET /v1/country_specs`, a page at a time.
pub fn list(_: &mut State, _: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let page = Page::read(&mut params)?;
    params.finish()?;
    let countries: Vec<Country> = countries().collect();
    page.of(&countries, "/v1/country_specs", |country| country.0, render)
}
