//! What breaks refunds, or their agreement with payments, books and the platform's fee.

use super::{Plant, plant, without};

/// A refund of the payment `back` of which nothing is known at Stripe, with its history.
macro_rules! refund {
    ($re:literal, $amount:literal, $status:literal) => {
        concat!(
            "insert into refunds (tenant_id, livemode, id, payment_id, stripe_account_id, stripe_refund_id,
               origin, currency, amount, settlement, status, fee, fee_status, version, created_at, updated_at)
             select tenant_id, livemode, 'rfd_planted', payment_id, stripe_account_id, ",
            $re,
            ", 'api', currency, ",
            $amount,
            ", 'still_owed', '",
            $status,
            "', 'kept', 'kept', 2, 1, 1
             from refunds where id = '{rfd}';
             insert into state_history
               (tenant_id, livemode, subject_id, version, from_state, to_state, cause, created_at)
             values ('{ten}', 0, 'rfd_planted', 1, null, 'requested', 'api', 1);"
        )
    };
}

pub const ALL: &[Plant] = &[
    plant(
        "M5",
        "update payments set reserved = reserved + 1 where id = '{back_pay}'",
    ),
    plant(
        "M5",
        concat!(
            refund!("null", "99999", "requested"),
            "update payments set reserved = reserved + 99999 where id = '{back_pay}'"
        ),
    ),
    plant(
        "M6",
        "update payments set refunded = refunded + 1 where id = '{back_pay}'",
    ),
    plant("M6", "update refunds set booked_at = null where id = '{rfd}'"),
    plant(
        "M6",
        "update ledger_transactions set source_id = 're_planted'
         where kind = 'refund' and source_id = '{re}'",
    ),
    plant(
        "M6",
        "update refund_takings set amount = amount + 1 where refund_id = '{rfd}'",
    ),
    without(
        "M7",
        "drop index refunds_at_stripe",
        concat!(
            refund!("stripe_refund_id", "1", "rejected"),
            "insert into state_history
               (tenant_id, livemode, subject_id, version, from_state, to_state, cause, created_at)
             values ('{ten}', 0, 'rfd_planted', 2, 'requested', 'rejected', 'api', 1)"
        ),
    ),
    plant("M9", "update refunds set currency = 'eur' where id = '{rfd}'"),
    plant(
        "M4",
        "update application_fee_refunds set amount = amount + 1
         where stripe_fee_refund_id = (select stripe_fee_refund_id from refunds where id = '{rfd}')",
    ),
    plant(
        "M4",
        booked!(
            "ltx_a",
            "application_fee_refund",
            "fr_x",
            "{ten}",
            "0",
            "stripe_clearing",
            "platform_fees",
            "7"
        ),
    ),
    plant("S2", there_and_back!("refunds", "rfd", "succeeded", "pending")),
    plant(
        "S2",
        "insert into state_history
           (tenant_id, livemode, subject_id, version, from_state, to_state, cause, created_at)
         select tenant_id, livemode, id, version + 1, status, 'failed', 'pay', 1
         from refunds where id = '{rfd}'",
    ),
    plant(
        "S5",
        "update stripe_operations set idempotency_key = 'refund:planted'
         where kind = 'create_refund' and subject_id = '{rfd}'",
    ),
    without(
        "S5",
        "drop index stripe_operations_one_open_of_subject",
        "update stripe_operations set status = 'sent', answered_at = null where subject_id = '{rfd}'",
    ),
    plant(
        "S5",
        "update stripe_operations set result_id = 're_planted'
         where kind = 'create_refund' and subject_id = '{rfd}'",
    ),
];
