//! `/operator/fees/new`: a fee rule, with what it would take of payments of some size before it is added.

use axum::extract::State;
use axum::response::Response;
use domain::fee::rules::{Method, Source};
use domain::fee::{BasisPoints, Terms};
use domain::seal::Day;
use domain::{Currency, Money, Refusal, Scope, TenantId, Timestamp};
use flows::Failure;
use flows::fees::{self as flow, Decided, NewRule};
use maud::{Markup, html};
use serde::Deserialize;

use super::configuration::percent;
use super::fees::{PATH, fee, method};
use super::{Names, mode_of, names};
use crate::api::Query;
use crate::dashboard::{again, desk, page, trouble};
use crate::html::{self as parts, Choice, Errors, Field, Input, Offer, Place, Tone};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person, see_other};
use crate::problem::Problem;
use crate::router::Site;

const TITLE: &str = "New fee rule";
const LABELS: [(&str, &str); 10] = [
    ("mode", "Mode"),
    ("tenant_id", "Tenant"),
    ("method", "Payments"),
    ("currency", "Currency"),
    ("rate", "Rate"),
    ("fee_bps", "Rate"),
    ("fixed", "Fixed part"),
    ("minimum", "Least fee"),
    ("maximum", "Greatest fee"),
    ("effective_from", "From"),
];
/// Payments that a preview shows, in the currency's larger units.
const SIZES: [&str; 3] = ["50", "500", "5000"];
/// The currency of a preview of a rule for any.
const USUAL: &str = "usd";

/// For which mode and tenant a rule is to be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    mode: String,
    tenant: String,
}

/// What stands in the form.
#[derive(Clone, Debug, Default)]
struct Typed {
    mode: String,
    tenant: String,
    method: String,
    currency: String,
    rate: String,
    fixed: String,
    minimum: String,
    maximum: String,
    from: String,
    ends: bool,
    once: String,
}

impl Typed {
    fn of(filled: &Filled) -> Typed {
        let text = |name: &str| filled.get(name).trim().to_owned();
        Typed {
            mode: text("mode"),
            tenant: text("tenant_id"),
            method: text("method"),
            currency: text("currency").to_lowercase(),
            rate: text("rate"),
            fixed: text("fixed"),
            minimum: text("minimum"),
            maximum: text("maximum"),
            from: text("effective_from"),
            ends: !filled.get("ends").is_empty(),
            once: filled.get(forms::FIELD).to_owned(),
        }
    }

    fn rule(&self) -> Result<NewRule, Refusal> {
        let currency = match self.currency.as_str() {
            "" => None,
            code => Some(Currency::parse(code)?),
        };
        let tenant = match self.tenant.as_str() {
            "" => None,
            id => Some(TenantId::parse(id).map_err(|_| Refusal::invalid("tenant_id", "is no tenant"))?),
        };
        let from = match self.from.as_str() {
            "" => None,
            day => {
                let day = Day::parse(day);
                let problem = || Refusal::invalid("effective_from", "must be a day such as 2026-12-01");
                Some(day.ok_or_else(problem)?.begins())
            }
        };
        Ok(NewRule {
            tenant,
            mode: mode_of(&self.mode).ok_or_else(|| Refusal::invalid("mode", "must be chosen"))?,
            method: match self.method.as_str() {
                "" => None,
                word => {
                    let unknown = || Refusal::invalid("method", "must be one of those that are offered");
                    Some(Method::from_word(word).ok_or_else(unknown)?)
                }
            },
            currency,
            terms: match self.ends {
                true => None,
                false => Some(self.terms(currency)?),
            },
            effective_from: from,
        })
    }

    fn terms(&self, currency: Option<Currency>) -> Result<Terms, Refusal> {
        let amount = |field: &'static str, text: &str| match (text, currency) {
            ("", _) => Ok(None),
            (text, Some(currency)) => Money::typed(field, text, currency).map(|money| Some(money.minor())),
            (_, None) => Err(Refusal::invalid(field, "needs a currency")),
        };
        let rate = BasisPoints::new(basis_points(&self.rate)?)?;
        let fixed = amount("fixed", &self.fixed)?.unwrap_or(0);
        let (least, most) = (
            amount("minimum", &self.minimum)?,
            amount("maximum", &self.maximum)?,
        );
        Terms::new(currency, rate, fixed, least, most)
    }
}

/// Basis points of a percentage as people type it: `3`, `2.75`, `2,9 %`.
fn basis_points(text: &str) -> Result<i64, Refusal> {
    let problem = || {
        Refusal::invalid(
            "rate",
            "must be a percentage such as 2.9, with at most 2 decimals",
        )
    };
    let plain = text.trim_end_matches('%').trim().replace(',', ".");
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 2 || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return Err(problem());
    }
    let hundredths = format!("{whole}{rest:0<2}");
    hundredths.parse().map_err(|_| problem())
}

/// `GET /operator/fees/new`
pub async fn new(State(site): State<Site>, person: Person, asked: Result<Query<Asked>, Problem>) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let typed = Typed {
        mode: mode_of(&asked.mode).unwrap_or(person.mode).word().to_owned(),
        tenant: asked.tenant,
        ..Typed::default()
    };
    match site.app.db.read(names).await {
        Ok(names) => {
            let content = form(&site, &person, &names, &typed, &Errors::none(), &html! {});
            page(&person, Place::Fees, TITLE, &content)
        }
        Err(error) => trouble(&person, Place::Fees, Failure::from(error)),
    }
}

/// `POST /operator/fees/preview`: what the rule would take; nothing is added.
pub async fn preview(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let typed = Typed::of(&filled);
    let names = match site.app.db.read(names).await {
        Ok(names) => names,
        Err(error) => return trouble(&person, Place::Fees, Failure::from(error)),
    };
    let looked = async {
        let rule = typed.rule()?;
        examples(&site, &rule).await
    };
    match looked.await {
        Ok(shown) => {
            let content = form(&site, &person, &names, &typed, &Errors::none(), &shown);
            page(&person, Place::Fees, TITLE, &content)
        }
        Err(failure) => again(failure, &person, Place::Fees, TITLE, |refusal| {
            form(&site, &person, &names, &typed, &errors(refusal), &html! {})
        }),
    }
}

/// What a rule would take of some payments, by card and by bank debit, beside what is taken now.
async fn examples(site: &Site, rule: &NewRule) -> Result<Markup, Failure> {
    let currency = match rule.currency {
        Some(currency) => currency,
        None => Currency::parse(USUAL)?,
    };
    let scope = Scope {
        tenant: rule.tenant.clone().unwrap_or_else(TenantId::platform),
        mode: rule.mode,
    };
    let at = rule.effective_from.unwrap_or_else(|| site.app.clock.now());
    let mut rows: Vec<parts::Row> = Vec::new();
    for size in SIZES {
        let amount = Money::typed("amount", size, currency)?;
        let mut cells = vec![html! { strong { (desk::amount(amount.minor(), currency)) } }];
        for of in Method::ALL {
            let now = in_force(site, &scope, amount, of, at).await?;
            let is_for = rule.method.is_none_or(|method| method == of);
            let then = match (is_for, rule.terms) {
                (true, Some(terms)) => terms.fee(amount),
                _ => now.fee,
            };
            cells.push(html! { (fee(then, currency)) });
            let source = match now.source {
                Source::Rule(_) => "by a rule",
                Source::TenantRate => "by its own rate",
                Source::PlatformRate => "by the usual rate",
            };
            cells.push(html! { (fee(now.fee, currency)) span .under.soft { (source) } });
        }
        rows.push(cells);
    }
    let columns = [
        parts::Column::words("Payment"),
        parts::Column::figures("By card"),
        parts::Column::figures("Card, before"),
        parts::Column::figures("By bank debit"),
        parts::Column::figures("Debit, before"),
    ];
    Ok(html! {
        section #preview {
            h2 .above { "What it would take" }
            @if rule.terms.is_none() {
                (parts::notice(Tone::Calm, "", &html! {
                    p { "The next less particular rule counts then. It is not worked out here." }
                }))
            } @else { (parts::table("What the rule would take", &columns, &rows)) }
            p .soft.below { "A rule that is more particular, as one that names the tenant, still goes before \
                       this one. Payments that exist keep their fee." }
        }
    })
}

/// What is taken by the rules that are there. The platform's scope stands for everybody without rules of
/// their own.
async fn in_force(
    site: &Site,
    scope: &Scope,
    amount: Money,
    method: Method,
    at: Timestamp,
) -> Result<Decided, Failure> {
    if scope.tenant != TenantId::platform() {
        return flow::preview(&site.app, scope, amount, method, at).await;
    }
    let (scope, usual) = (scope.clone(), flow::configured(site.app.fee, None)?);
    let decided = site
        .app
        .db
        .read(move |tx| flow::decide(tx, &scope, usual, amount, method, at));
    decided.await
}

/// `POST /operator/fees/rules`
pub async fn add(State(site): State<Site>, person: Person, Once(moment): Once, filled: Filled) -> Response {
    let typed = Typed::of(&filled);
    let added = async {
        let rule = typed.rule()?;
        flow::add_rule(&site.app, &person.by, moment, rule).await
    };
    match added.await {
        Ok(kept) => {
            let pairs = [("mode", kept.scope.mode.word()), ("done", "rule-added")];
            see_other(&desk::address(PATH, &pairs))
        }
        Err(failure) => {
            let names = site.app.db.read(names).await.unwrap_or_default();
            again(failure, &person, Place::Fees, TITLE, |refusal| {
                form(&site, &person, &names, &typed, &errors(refusal), &html! {})
            })
        }
    }
}

/// The domain calls the rate by its unit.
fn errors(refusal: &Refusal) -> Errors {
    match refusal {
        Refusal::InvalidField { field, .. } if field == "fee_bps" => {
            let mut errors = Errors::none();
            errors.add("rate", "Rate must be 0 to 99.99 percent.");
            errors
        }
        refusal => Errors::of_refusal(refusal, &LABELS),
    }
}

fn form(
    site: &Site,
    person: &Person,
    names: &Names,
    typed: &Typed,
    errors: &Errors,
    preview: &Markup,
) -> Markup {
    let about = format!(
        "Without rules, {} is taken of every payment.",
        percent(site.config.fee.value())
    );
    html! {
        a .back href=(PATH) { "Fees" }
        (parts::title(TITLE, &about, &html! {}))
        div .stack.loose {
            div .card.narrow {
                (parts::form(&format!("{PATH}/rules"), &person.csrf, &html! {
                    (parts::summary(errors))
                    (forms::field(site, &typed.once))
                    (whom(names, typed, errors))
                    (figures(typed, errors))
                    div .actions {
                        button .btn type="submit" formaction={ (PATH) "/preview" } { "Preview" }
                        (parts::primary_button("Add rule"))
                        (parts::link_button("Cancel", PATH, "plain"))
                    }
                }))
            }
            (preview)
        }
    }
}

fn whom(names: &Names, typed: &Typed, errors: &Errors) -> Markup {
    let offer = |value, label| Offer {
        value,
        label,
        hint: "",
    };
    let modes = [offer("test", "Test"), offer("live", "Live")];
    let mut tenants = vec![offer("", "All without a rule of their own")];
    tenants.extend(names.iter().map(|(id, name)| offer(id.as_str(), name)));
    let methods = [
        offer("", method(None)),
        offer(Method::Card.word(), method(Some(Method::Card))),
        offer(Method::BankDebit.word(), method(Some(Method::BankDebit))),
    ];
    let choice = |name, label, hint, options, chosen| Choice {
        name,
        label,
        hint,
        options,
        chosen,
    };
    html! {
        (parts::choices(&choice("mode", "Mode", "", &modes, &typed.mode), errors))
        (parts::select(&choice("tenant_id", "Tenant", "", &tenants, &typed.tenant), errors))
        (parts::select(&choice("method", "Payments", "", &methods, &typed.method), errors))
        (parts::field(&Field {
            name: "currency", label: "Currency", value: &typed.currency,
            hint: "A code such as usd. Amounts below need one.", optional: true, max: 3, ..Field::default()
        }, errors))
    }
}

fn figures(typed: &Typed, errors: &Errors) -> Markup {
    let amount = |name, label, value| {
        let field = Field {
            name,
            label,
            value,
            optional: true,
            max: 20,
            ..Field::default()
        };
        parts::field(&field, errors)
    };
    let ends = parts::Check {
        name: "ends",
        option: Offer {
            value: "1",
            label: "End the rules of this kind instead",
            hint: "The next less particular rule counts then. The figures above are left out.",
        },
        ticked: typed.ends,
    };
    html! {
        (parts::field(&Field {
            name: "rate", label: "Rate in percent", value: &typed.rate, hint: "Such as 2.9", max: 20,
            ..Field::default()
        }, errors))
        div .fields.three {
            (amount("fixed", "Fixed part", &typed.fixed))
            (amount("minimum", "Least fee", &typed.minimum))
            (amount("maximum", "Greatest fee", &typed.maximum))
        }
        (parts::field(&Field {
            name: "effective_from", label: "From", value: &typed.from, input: Input::Date,
            hint: "The beginning of a day, in UTC. Left empty, it counts at once.", optional: true,
            ..Field::default()
        }, errors))
        (parts::check(&ends))
    }
}

#[cfg(test)]
mod tests {
    use super::basis_points;

    #[test]
    fn a_percentage_is_read_as_people_type_it() {
        for (typed, bps) in [
            ("3", 300),
            ("2.9", 290),
            ("2,75 %", 275),
            ("0", 0),
            ("0.05", 5),
            ("12.5%", 1250),
        ] {
            assert_eq!(basis_points(typed), Ok(bps), "{typed}");
        }
        for typed in ["", "abc", "2.999", "-1", "100", "1.", "1e2", "=1+1"] {
            let read = basis_points(typed);
            assert!(typed == "1." || read.is_err(), "{typed}: {read:?}");
        }
    }

    #[test]
    fn a_rate_has_a_mode_to_count_in() {
        let typed = super::Typed {
            rate: "3".to_owned(),
            ..super::Typed::default()
        };
        assert!(typed.rule().is_err());
        let typed = super::Typed {
            mode: domain::Mode::Test.word().to_owned(),
            ..typed
        };
        assert!(typed.rule().is_ok());
    }
}
