//! What requests do to disputes: read, answer with evidence, give up, list.

use std::sync::Arc;

use serde_json::Value;

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::{Params, Update};
use crate::list;
use crate::money::dispute::{self, Dispute, EVIDENCE, Status, Verdict};
use crate::money::file;
use crate::schedule::{self, Step};
use crate::state::State;

/// How long a bank of a test card takes to decide.
const DECIDES_AFTER_MS: i64 = 5_000;
/// All evidence together.
const EVIDENCE_MAX: usize = 150_000;

/// `GET /v1/disputes/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let now_s = state.now_s();
    Ok(state.get::<Dispute>(&ctx.space, id)?.render(now_s))
}

/// `POST /v1/disputes/{id}`: evidence, which goes to the bank at once unless `submit` is false, and metadata.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Dispute>(&ctx.space, id)?;
    let mut dispute = Dispute::clone(&old);
    let given = match params.map("evidence")? {
        Some(evidence) => read_evidence(&mut dispute, evidence)?,
        None => false,
    };
    let submit = params.boolean("submit")?;
    let methods = [
        "manual",
        "prefer_manual",
        "prefer_smart_disputes",
        "smart_disputes",
    ];
    if let Some(method) = params.choice("intended_submission_method", &methods)? {
        dispute.submission_method = Some(method.to_owned());
    }
    params.metadata()?.apply(&mut dispute.metadata)?;
    params.finish()?;
    let evidence = dispute.evidence.iter();
    let evidence = evidence.map(|(field, value)| (field.as_str(), value.as_str()));
    file::check_evidence(state, &ctx.space, evidence)?;
    if given && old.status.is_final() {
        return Err(closed());
    }
    let submits = match submit {
        Some(submit) => submit && !dispute.evidence.is_empty() && !old.status.is_final(),
        None => given,
    };
    if submits {
        dispute.submissions = dispute.submissions.saturating_add(1);
        dispute.status = if old.status.is_inquiry() {
            Status::WarningUnderReview
        } else {
            Status::UnderReview
        };
    }
    let dispute = state.put(dispute);
    if dispute != old {
        dispute::tell(state, &ctx.cause, "charge.dispute.updated", &dispute, Some(&old));
    }
    if submits {
        decide_later(state, &dispute);
    }
    let now_s = state.now_s();
    Ok(dispute.render(now_s))
}

fn closed() -> ApiError {
    ApiError::invalid("This dispute is already closed.")
}

/// Reads the evidence given; whether there was any.
fn read_evidence(dispute: &mut Dispute, mut evidence: Params) -> Result<bool, ApiError> {
    let mut given = false;
    for name in EVIDENCE {
        match evidence.update(name)? {
            Update::Keep => {}
            Update::Clear => drop(dispute.evidence.remove(name)),
            Update::Set(text) => {
                given = true;
                dispute.evidence.insert(name.to_owned(), text);
            }
        }
    }
    evidence.finish()?;
    let length: usize = dispute.evidence.values().map(|text| text.chars().count()).sum();
    if length > EVIDENCE_MAX {
        let message = format!("All evidence together may have {EVIDENCE_MAX} characters.");
        return Err(ApiError::invalid(message).param("evidence"));
    }
    Ok(given)
}

/// The bank of a test card decides by what the evidence says.
fn decide_later(state: &mut State, dispute: &Arc<Dispute>) {
    let text = dispute.evidence.get("uncategorized_text").map(String::as_str);
    let verdict = match text {
        Some("winning_evidence") => Verdict::Win,
        Some("losing_evidence") => Verdict::Lose,
        Some("escalate_inquiry_evidence") => Verdict::Escalate,
        _ => return,
    };
    let step = Step::Decide {
        dispute: dispute.id.clone(),
        verdict,
    };
    schedule::after(state, DECIDES_AFTER_MS, step);
}

/// `POST /v1/disputes/{id}/close`: the merchant gives up.
pub fn close(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = state.get::<Dispute>(&ctx.space, id)?;
    if old.status.is_final() {
        return Err(closed());
    }
    let dispute = dispute::end(state, &ctx.cause, &old, false);
    let now_s = state.now_s();
    Ok(dispute.render(now_s))
}

/// `GET /v1/disputes`, by `charge`, `payment_intent` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let charge = params.text("charge")?;
    let intent = params.text("payment_intent")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |dispute: &Dispute| {
        charge.as_ref().is_none_or(|charge| dispute.charge == *charge)
            && intent
                .as_ref()
                .is_none_or(|intent| dispute.payment_intent.as_ref() == Some(intent))
            && created.holds(dispute.created)
    };
    let now_s = state.now_s();
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/disputes",
        wanted,
        |dispute: &Dispute| dispute.render(now_s),
    )
}
