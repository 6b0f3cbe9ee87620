//! The tax ids of a customer: their shape is checked at once, and whether they are real a moment later.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Shown, Space, State};

/// How long the tax office takes.
const VERIFY_MS: i64 = 2_000;
/// Those whose office can be asked.
const VERIFIED: [&str; 3] = ["au_abn", "eu_vat", "gb_vat"];
const EU: [&str; 29] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI",
];
const KINDS: &str = "\
    ad_nrt ae_trn al_tin am_tin ao_tin ar_cuit au_abn au_acn au_arn au_wpn aw_tin az_tin ba_tin \
    bb_tin bd_bin bf_ifu bg_uic bh_vat bj_ifu bo_tin br_cnpj br_cpf bs_tin bw_vat by_tin ca_bn \
    ca_gst_hst ca_pst_bc ca_pst_mb ca_pst_sk ca_qst cd_nif ch_uid ch_vat ci_vat cl_tin cm_niu cn_tin \
    co_nit cr_tin cv_nif cz_dic de_stn do_rcn ec_ruc eg_tin es_cif et_tin eu_oss_vat eu_vat fo_vat \
    fr_siren fr_siret fr_spi gb_vat ge_vat gh_tin gi_tin gn_nif hk_br hr_oib hu_tin ic_nif id_npwp \
    il_vat in_gst is_kt is_vat it_cf jp_cn jp_rn jp_trn ke_pin kg_tin kh_tin kr_brn kz_bin la_tin \
    li_uid li_vat lk_vat ma_vat md_cf md_vat me_pib mk_vat mr_nif mu_vat mx_rfc my_frp my_itn my_sst \
    mz_nuit ng_tin no_vat no_voec np_pan nz_bn nz_gst om_vat pe_ruc ph_tin pl_nip pt_nif py_ruc \
    ro_tin rs_pib ru_inn ru_kpp sa_vat sg_gst sg_uen si_tin sm_coe sn_ninea sr_fin sv_nit th_vat \
    tj_tin tr_tin tt_bir tt_vat tw_vat tz_vat ua_vat ug_tin us_ein uy_ruc uz_tin uz_vat ve_rif \
    vn_tin za_vat zm_tin zw_tin";

/// A tax id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaxId {
    /// `txi_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whose it is.
    pub customer: String,
    /// Such as `eu_vat`.
    pub kind: String,
    /// The number.
    pub value: String,
    /// Two-letter country.
    pub country: Option<String>,
    /// `pending`, `verified`, `unverified` or `unavailable`.
    pub status: String,
    /// Whether it was deleted.
    pub deleted: bool,
}

impl TaxId {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let verified = self.status == "verified";
        json!({
            "id": self.id, "object": "tax_id", "country": self.country, "created": self.created,
            "customer": self.customer, "customer_account": null, "livemode": self.space.livemode,
            "owner": {
                "account": null, "application": null, "customer": self.customer, "customer_account": null,
                "type": "customer",
            },
            "type": self.kind, "value": self.value,
            "verification": {
                "status": self.status, "verified_address": verified.then_some("123 TEST STREET"),
                "verified_name": verified.then_some("TEST"),
            },
        })
    }

    fn told(&self) -> Object {
        Object::TaxId(Arc::new(self.clone()))
    }
}

impl Shown for TaxId {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[("customer", "customer")];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn url(&self) -> Option<String> {
        Some(format!("/v1/customers/{}/tax_ids/{}", self.customer, self.id))
    }
}

/// A tax id as a request names it: its kind and its number.
pub struct Given {
    kind: String,
    value: String,
    country: Option<String>,
}

/// Reads `type` and `value`.
///
/// # Errors
/// 400 for a kind that there is not, and `tax_id_invalid` for a number that cannot be one.
pub fn read(params: &mut Params) -> Result<Given, ApiError> {
    let kind = params.required("type")?;
    let value = params.required("value")?;
    if !KINDS.split(' ').any(|known| known == kind) {
        let kind: String = kind.chars().take(40).collect();
        let message = format!(
            "Invalid type: must be one of {}; got {kind}",
            KINDS.replace(' ', ", ")
        );
        return Err(ApiError::invalid(message).param(params.name("type")));
    }
    let Some(country) = country(&kind, &value) else {
        let message = format!("Invalid value for {kind}.");
        return Err(ApiError::invalid(message)
            .code("tax_id_invalid")
            .param(params.name("value")));
    };
    Ok(Given { kind, value, country })
}

/// The country of a number that may be one of its kind; `None` for one that cannot.
fn country(kind: &str, value: &str) -> Option<Option<String>> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain: String = value.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let start = plain.get(..2).unwrap_or_default().to_ascii_uppercase();
    let rest = plain.get(2..).unwrap_or_default();
    let sound = match kind {
        "eu_vat" => EU.contains(&start.as_str()) && (7..=13).contains(&rest.len()),
        "gb_vat" => start == "GB" && matches!(rest.len(), 5 | 9 | 12),
        "us_ein" => plain.len() == 9 && digits(&plain),
        "au_abn" => plain.len() == 11 && digits(&plain),
        "br_cpf" => plain.len() == 11 && digits(&plain),
        "br_cnpj" => plain.len() == 14,
        "ch_vat" => plain.to_ascii_uppercase().starts_with("CHE"),
        "in_gst" => plain.len() == 15,
        "nz_gst" => matches!(plain.len(), 8 | 9) && digits(&plain),
        _ => (3..=40).contains(&plain.len()),
    };
    let country = match kind {
        "eu_vat" if start == "EL" => Some("GR".to_owned()),
        "eu_vat" => Some(start),
        "eu_oss_vat" => None,
        _ => kind.get(..2).map(str::to_ascii_uppercase),
    };
    sound.then_some(country)
}

/// Gives a customer a tax id.
pub fn make(state: &mut State, cause: &Cause, customer: &Customer, given: Given) -> Arc<TaxId> {
    let asked = VERIFIED.contains(&given.kind.as_str());
    let tax_id = TaxId {
        id: state.id("txi_1", 23),
        space: customer.space.clone(),
        created: state.now_s(),
        customer: customer.id.clone(),
        kind: given.kind,
        value: given.value,
        country: given.country,
        status: if asked { "pending" } else { "unavailable" }.into(),
        deleted: false,
    };
    let tax_id = state.put(tax_id);
    event::emit(state, cause, "customer.tax_id.created", tax_id.told(), None);
    if asked {
        let step = Step::VerifyTaxId {
            id: tax_id.id.clone(),
        };
        schedule::after(state, VERIFY_MS, step);
    }
    tax_id
}

/// The tax office answers: zeros are real, ones are not, and of all others it says nothing.
pub fn verify(state: &mut State, id: &str) {
    let Some(old) = TaxId::table(state).anywhere(id).cloned() else {
        return;
    };
    let status = match old.value.trim_start_matches(|c: char| c.is_ascii_alphabetic()) {
        "000000000" | "00000000000" => "verified",
        "111111111" | "11111111111" => "unverified",
        _ => return,
    };
    if old.deleted {
        return;
    }
    let tax_id = state.put(TaxId {
        status: status.to_owned(),
        ..TaxId::clone(&old)
    });
    let previous = event::previous(&old.render(), &tax_id.render());
    event::emit(
        state,
        &Cause::default(),
        "customer.tax_id.updated",
        tax_id.told(),
        previous,
    );
}

/// `POST /v1/customers/{id}/tax_ids`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params, customer: &str) -> Result<Value, ApiError> {
    let customer = customer::living(state, &ctx.space, customer, "customer")?;
    let given = read(&mut params)?;
    params.finish()?;
    Ok(make(state, &ctx.cause, &customer, given).render())
}

fn find(state: &State, ctx: &Ctx, customer: &str, id: &str) -> Result<Arc<TaxId>, ApiError> {
    state.get_for::<Customer>(&ctx.space, customer, "customer")?;
    let found = state.get::<TaxId>(&ctx.space, id)?;
    if found.customer == customer && !found.deleted {
        Ok(found)
    } else {
        Err(ApiError::no_such("tax ID", id, "id"))
    }
}

/// `GET /v1/customers/{id}/tax_ids/{id}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(find(state, ctx, customer, id)?.render())
}

/// `DELETE /v1/customers/{id}/tax_ids/{id}`.
pub fn delete(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let old = find(state, ctx, customer, id)?;
    state.put(TaxId {
        deleted: true,
        ..TaxId::clone(&old)
    });
    event::emit(state, &ctx.cause, "customer.tax_id.deleted", old.told(), None);
    Ok(json!({ "id": id, "object": "tax_id", "deleted": true }))
}

/// A customer's tax ids as `expand` shows them.
pub fn of_customer(state: &State, customer: &Customer) -> Value {
    let all: Vec<Value> = state
        .of::<TaxId>(&customer.space)
        .rev()
        .filter(|one| one.customer == customer.id && !one.deleted)
        .map(|one| one.render())
        .collect();
    let has_more = all.len() > 10;
    let (url, count) = (format!("/v1/customers/{}/tax_ids", customer.id), all.len());
    let data: Vec<Value> = all.into_iter().take(10).collect();
    json!({ "object": "list", "data": data, "has_more": has_more, "total_count": count, "url": url })
}

/// `GET /v1/customers/{id}/tax_ids`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, customer: &str) -> Result<Value, ApiError> {
    let customer = customer::living(state, &ctx.space, customer, "customer")?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |one: &TaxId| one.customer == customer.id && !one.deleted;
    let url = format!("/v1/customers/{}/tax_ids", customer.id);
    list::answer(state, &ctx.space, &page, &url, wanted, |one: &TaxId| one.render())
}
