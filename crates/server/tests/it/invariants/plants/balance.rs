//! What breaks the agreement with Stripe's balance, and what is written down of balances.

use super::{Plant, plant};

/// A balance transaction that nobody has read.
macro_rules! moved {
    ($tenant:literal, $id:literal, $type:literal, $source:literal, $net:literal, $currency:literal,
     $attribution:literal) => {
        concat!(
            "insert into balance_transactions (tenant_id, livemode, stripe_balance_transaction_id,
               stripe_account_id, type, source_id, amount, fee, application_fee, net, currency, presented_fee,
               made_at, attribution, created_at, updated_at)
             values ('",
            $tenant,
            "', 0, '",
            $id,
            "', 'acct_x', '",
            $type,
            "', '",
            $source,
            "', ",
            $net,
            ", 0, 0, ",
            $net,
            ", '",
            $currency,
            "', 0, {now}, '",
            $attribution,
            "', 1, 1)"
        )
    };
}

pub const ALL: &[Plant] = &[
    plant(
        "L7",
        "insert into ledger_balances (tenant_id, livemode, book, currency, ends_at, balance, created_at)
         values ('{ten}', 0, 'revenue', 'usd', {now}, 5, {now})",
    ),
    plant(
        "L7",
        "update client_lines set amount = amount + 1
         where transaction_id = (select min(transaction_id) from client_lines where tenant_id = '{ten}')",
    ),
    plant(
        "L10",
        moved!("{ten}", "txn_x", "charge", "ch_x", "7", "usd", "external"),
    ),
    plant(
        "L10",
        "update balance_transactions set attribution = 'external', payment_id = null
         where stripe_payment_intent_id = '{paid_pi}'",
    ),
    plant(
        "L10",
        moved!("{ten}", "txn_x", "payout", "po_x", "-7", "usd", "payout"),
    ),
    plant(
        "L10",
        "insert into payouts (tenant_id, livemode, stripe_payout_id, stripe_account_id, amount, currency,
           status, automatic, version, itemised_at, created_at, updated_at)
         values ('{ten}', 0, 'po_x', 'acct_x', 7, 'usd', 'paid', 1, 1, 1, 1, 1)",
    ),
    plant(
        "L10",
        moved!("{ten2}", "txn_x", "stripe_fee", "", "-7", "eur", "fee"),
    ),
    plant(
        "L10",
        "update balance_transactions set attribution = 'waiting', payment_id = null
         where stripe_payment_intent_id = '{paid_pi}'",
    ),
];
