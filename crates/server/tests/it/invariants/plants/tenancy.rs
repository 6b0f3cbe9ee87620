//! What mixes tenants or modes.

use super::{Plant, plant, without};

pub const ALL: &[Plant] = &[
    plant(
        "T1",
        "update application_fees set payment_id = 'pay_nobody' where payment_id = '{paid_pay}'",
    ),
    plant("T1", "update external_objects set tenant_id = 'ten_nobody'"),
    plant(
        "T2",
        "update stripe_webhook_events set stripe_account_id = 'acct_other'
         where 'event:' || event_id in (select cause from state_history where subject_id = '{event_pay}')",
    ),
    plant(
        "T2",
        "update stripe_config set stripe_account_id = 'acct_other' where tenant_id = '{ten2}'",
    ),
    without(
        "T3",
        "drop index stripe_config_account",
        "insert into tenants (id, name, created_at, status) values ('ten_third', 'Third', 1, 'active');
         insert into stripe_config (tenant_id, livemode, stripe_account_id, charges_enabled, payouts_enabled,
           details_submitted, card_payments_active, capabilities, requirements, connected_at, created_at,
           updated_at)
         select 'ten_third', livemode, stripe_account_id, 1, 1, 1, 1, 'none', 'none', 1, 1, 1
         from stripe_config where tenant_id = '{ten2}'",
    ),
    plant("D3", "update external_objects set livemode = 2"),
    plant(
        "D3",
        concat!(
            "insert into application_fees (tenant_id, livemode, stripe_application_fee_id, stripe_account_id,
               stripe_charge_id, amount, refunded, currency, created_at)
             values ('{ten}', 0, 'fee_x', 'acct_x', 'ch_x', 7, 0, 'usd', 1),
               ('{ten}', 1, 'fee_x', 'acct_x', 'ch_x', 7, 0, 'usd', 1);",
            booked!(
                "ltx_c",
                "application_fee_income",
                "fee_x",
                "ten_platform",
                "0",
                "stripe_clearing",
                "platform_revenue",
                "7"
            ),
            booked!(
                "ltx_d",
                "application_fee_income",
                "fee_x",
                "ten_platform",
                "1",
                "stripe_clearing",
                "platform_revenue",
                "7"
            ),
        ),
    ),
];
