//! What requests say of an intent: which payment methods it takes, whose it is, where its money goes, and the
//! platform's fee.

use crate::accounts;
use crate::address::Shipping;
use crate::api::{Ctx, TypesParam};
use crate::customer;
use crate::error::ApiError;
use crate::form::{Params, Update};
use crate::payment_intent::{Accepts, CaptureMethod, PaymentIntent, TransferData};
use crate::payments::card_options::CardOptions;
use crate::payments::debit::Proof;
use crate::payments::funding;
use crate::state::State;

const KINDS: [&str; 33] = [
    "card",
    "us_bank_account",
    "link",
    "sepa_debit",
    "bancontact",
    "ideal",
    "eps",
    "p24",
    "klarna",
    "affirm",
    "acss_debit",
    "paypal",
    "afterpay_clearpay",
    "alipay",
    "alma",
    "amazon_pay",
    "au_becs_debit",
    "bacs_debit",
    "blik",
    "boleto",
    "cashapp",
    "customer_balance",
    "fpx",
    "giropay",
    "grabpay",
    "konbini",
    "multibanco",
    "oxxo",
    "paynow",
    "pix",
    "promptpay",
    "revolut_pay",
    "wechat_pay",
];

/// The rules of the platform's fee.
///
/// # Errors
/// 400 on the platform's own payments, and for a fee that is none or takes all of the amount.
pub fn check_fee(ctx: &Ctx, intent: &PaymentIntent, fee: i64, amount: i64) -> Result<(), ApiError> {
    let error = if ctx.space.account.is_none() && intent.transfer_data.is_none() {
        ApiError::invalid(
            "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment \
             (using an OAuth key or Stripe-Account header) or destination payment (using \
             `transfer_data[destination]`).",
        )
    } else if fee < 1 {
        ApiError::invalid("This value must be greater than or equal to 1.").code("parameter_invalid_integer")
    } else if fee >= amount {
        ApiError::invalid("The application fee must be smaller than the amount of the charge.")
    } else {
        return Ok(());
    };
    Err(error.param("application_fee_amount"))
}

/// Reads which payment methods are taken; the parameter's name changed with version 2026-09-30.
///
/// # Errors
/// 400 for a kind that there is not, or for two ways to say it at once.
pub fn read_accepts(ctx: &Ctx, params: &mut Params) -> Result<Option<Accepts>, ApiError> {
    let listed = match ctx.types {
        TypesParam::Old => params.texts("payment_method_types")?,
        TypesParam::New => params.texts("allowed_payment_method_types")?,
        TypesParam::Both => {
            let old = params.texts("payment_method_types")?;
            params.texts("allowed_payment_method_types")?.or(old)
        }
    };
    let excluded = params.texts("excluded_payment_method_types")?;
    let automatic = params
        .map("automatic_payment_methods")?
        .map(read_automatic)
        .transpose()?;
    for kind in listed.iter().chain(&excluded).flatten() {
        if !KINDS.contains(&kind.as_str()) {
            let kind: String = kind.chars().take(40).collect();
            let message = format!(
                "The payment method type \"{kind}\" is invalid. Please ensure the provided type is activated \
                 in your dashboard and your account is enabled for any preview features that you are trying \
                 to use."
            );
            return Err(ApiError::invalid(message).param("payment_method_types"));
        }
    }
    match (listed.filter(|kinds| !kinds.is_empty()), excluded, automatic) {
        (Some(_), _, Some(Some(_))) => {
            let message = "You may only specify one of these parameters: automatic_payment_methods, \
                           payment_method_types.";
            Err(ApiError::invalid(message).code("parameters_exclusive"))
        }
        (Some(kinds), None, _) => Ok(Some(Accepts::Listed(kinds))),
        (Some(_), Some(_), _) => {
            let message = "You may only specify one of these parameters: allowed_payment_method_types, \
                           excluded_payment_method_types.";
            Err(ApiError::invalid(message).code("parameters_exclusive"))
        }
        (None, Some(kinds), _) => Ok(Some(Accepts::Except(kinds))),
        (None, None, Some(Some(redirects))) => Ok(Some(Accepts::Automatic { redirects })),
        (None, None, Some(None)) => Ok(Some(Accepts::Listed(vec!["card".into()]))),
        (None, None, None) => Ok(None),
    }
}

/// Whether redirects are allowed; `None` when automatic methods are switched off.
fn read_automatic(mut params: Params) -> Result<Option<bool>, ApiError> {
    let enabled = params
        .boolean("enabled")?
        .ok_or_else(|| ApiError::missing("automatic_payment_methods[enabled]"))?;
    let redirects = params.choice("allow_redirects", &["always", "never"])?;
    params.finish()?;
    Ok(enabled.then(|| redirects != Some("never")))
}

/// Reads what create and update share.
///
/// # Errors
/// 400 for what does not fit, naming the parameter.
pub fn change(
    state: &State,
    ctx: &Ctx,
    intent: &mut PaymentIntent,
    params: &mut Params,
) -> Result<(), ApiError> {
    match params.update("customer")? {
        Update::Keep => {}
        Update::Clear => intent.customer = None,
        Update::Set(id) => {
            let customer =
                customer::living(state, &intent.space, &id, "customer").map_err(|error| error.status(400))?;
            intent.customer = Some(customer.id.clone());
        }
    }
    params.update("description")?.apply(&mut intent.description);
    change_while_open(intent, params)?;
    params
        .update("statement_descriptor_suffix")?
        .apply(&mut intent.statement_descriptor_suffix);
    no_statement_descriptor(params)?;
    change_destination(state, ctx, intent, params)?;
    params.metadata()?.apply(&mut intent.metadata)
}

/// A card's statement takes a suffix only.
///
/// # Errors
/// 400 when the whole text is given.
pub fn no_statement_descriptor(params: &mut Params) -> Result<(), ApiError> {
    let Some(text) = params.text("statement_descriptor")? else {
        return Ok(());
    };
    let message = format!(
        "The `statement_descriptor` parameter is not supported for the charge type card; use \
         `statement_descriptor_suffix` instead of {text}."
    );
    Err(ApiError::invalid(message).param("statement_descriptor"))
}

/// Reads where the money goes on to.
fn change_destination(
    state: &State,
    ctx: &Ctx,
    intent: &mut PaymentIntent,
    params: &mut Params,
) -> Result<(), ApiError> {
    let account = |id: &str, param: &str| accounts::named(state, ctx, id, param);
    if let Some(id) = params.text("on_behalf_of")? {
        intent.on_behalf_of = Some(account(&id, "on_behalf_of")?.id.clone());
    }
    params.update("transfer_group")?.apply(&mut intent.transfer_group);
    let Some(mut data) = params.map("transfer_data")? else {
        return Ok(());
    };
    let destination = match (data.text("destination")?, &intent.transfer_data) {
        (Some(id), _) => account(&id, "transfer_data[destination]")?.id.clone(),
        (None, Some(old)) => old.destination.clone(),
        (None, None) => return Err(ApiError::missing("transfer_data[destination]")),
    };
    let amount = data.integer("amount")?;
    data.finish()?;
    if amount.is_some_and(|amount| amount < 0 || amount > intent.amount) {
        let message = "The transfer_data[amount] must be at most the amount of the payment.";
        return Err(ApiError::invalid(message).param("transfer_data[amount]"));
    }
    if amount.is_some() && intent.application_fee_amount.is_some() {
        let message = "You may not provide the application_fee_amount parameter and the \
                       transfer_data[amount] parameter simultaneously. They are mutually exclusive.";
        return Err(ApiError::invalid(message).param("transfer_data[amount]"));
    }
    intent.transfer_data = Some(TransferData { destination, amount });
    Ok(())
}

/// Reads what a confirmation, too, may change.
///
/// # Errors
/// As [`change`].
pub fn change_while_open(intent: &mut PaymentIntent, params: &mut Params) -> Result<(), ApiError> {
    params.update("receipt_email")?.apply(&mut intent.receipt_email);
    if let Some(usage) = params.choice("setup_future_usage", &["off_session", "on_session"])? {
        intent.setup_future_usage = Some(usage.to_owned());
    }
    if let Some(shipping) = params.map("shipping")? {
        intent.shipping = Some(Box::new(Shipping::read(shipping)?));
    }
    if let Some(mut options) = params.map("payment_method_options")? {
        if let Some(mut card) = options.map("card")? {
            if let Some(word) = card.choice("request_three_d_secure", &["any", "automatic", "challenge"])? {
                intent.three_d_secure = Some(word.to_owned());
            }
            let mut further = intent.card_options.take().unwrap_or_default();
            further.read(&mut card)?;
            intent.card_options = Some(further).filter(|further| **further != CardOptions::default());
            card.finish()?;
        }
        read_bank_options(&mut options)?;
        options.finish()?;
    }
    if let Some(word) = params.choice("capture_method", &["automatic_async", "automatic", "manual"])? {
        intent.capture_method = match word {
            "automatic" => CaptureMethod::Automatic,
            "automatic_async" => CaptureMethod::AutomaticAsync,
            _ => CaptureMethod::Manual,
        };
    }
    Ok(())
}

/// Reads the options of bank accounts; however one is verified, it is by microdeposits here.
///
/// # Errors
/// 400 for a malformed option.
pub fn read_bank_options(options: &mut Params) -> Result<(), ApiError> {
    if let Some(mut bank) = options.map("us_bank_account")? {
        bank.choice("verification_method", &["automatic", "instant", "microdeposits"])?;
        if let Some(mut connections) = bank.map("financial_connections")? {
            connections.texts("permissions")?;
            connections.texts("prefetch")?;
            connections.finish()?;
        }
        bank.finish()?;
    }
    if let Some(mut cash) = options.map("customer_balance")? {
        cash.choice("funding_type", &["bank_transfer"])?;
        if let Some(mut transfer) = cash.map("bank_transfer")? {
            funding::read_transfer(&mut transfer)?;
            transfer.finish()?;
        }
        cash.finish()?;
    }
    if let Some(sepa) = options.map("sepa_debit")? {
        sepa.finish()?;
    }
    Ok(())
}

/// Reads what verifies microdeposits: two amounts or a code.
///
/// # Errors
/// 400 for one amount, or for both ways at once.
pub fn read_microdeposits(params: &mut Params) -> Result<Option<Proof>, ApiError> {
    let amounts = params.texts("amounts")?;
    let code = params.text("descriptor_code")?;
    match (amounts, code) {
        (Some(amounts), _) if amounts.len() != 2 => {
            let message = "You must provide exactly two microdeposit amounts.";
            Err(ApiError::invalid(message)
                .code("payment_method_microdeposit_verification_amounts_invalid")
                .param("amounts"))
        }
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: amounts, descriptor_code.";
            Err(ApiError::invalid(message).code("parameters_exclusive"))
        }
        (Some(amounts), None) => Ok(Some(Proof::Amounts(amounts))),
        (None, Some(code)) => Ok(Some(Proof::Code(code))),
        (None, None) => Ok(None),
    }
}
