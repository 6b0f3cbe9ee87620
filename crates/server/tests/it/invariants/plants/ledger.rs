//! What breaks the books.

use super::{Plant, plant, without};

pub const ALL: &[Plant] = &[
    plant(
        "L1",
        "update ledger_entries set amount = amount + 1
         where account = 'stripe_clearing' and transaction_id = (
           select min(id) from ledger_transactions where kind = 'application_fee_income' and livemode = 0)",
    ),
    plant(
        "L2",
        "insert into ledger_transactions (tenant_id, livemode, id, kind, source_id, currency, created_at)
         values ('{ten}', 0, 'ltx_planted', 'stripe_fee', 'ch_nobody', 'usd', {now})",
    ),
    plant(
        "L2",
        "insert into ledger_entries
           (tenant_id, livemode, transaction_id, position, account, currency, amount, created_at)
         select tenant_id, livemode, id, 9, 'revenue', currency, 0, {now}
         from ledger_transactions where kind = 'application_fee_income' and livemode = 0",
    ),
    without(
        "L3",
        "drop index ledger_transactions_once",
        concat!(
            booked!(
                "ltx_a",
                "stripe_fee",
                "ch_nobody",
                "{ten}",
                "0",
                "stripe_fees",
                "stripe_clearing",
                "7"
            ),
            booked!(
                "ltx_b",
                "stripe_fee",
                "ch_nobody",
                "{ten}",
                "0",
                "stripe_fees",
                "stripe_clearing",
                "7"
            ),
        ),
    ),
    without("L4", "drop trigger state_history_append_only_update", ""),
    plant(
        "L5",
        "update audit_log set address = '192.0.2.1'
         where id = (select min(id) from audit_log where tenant_id = '{ten}')",
    ),
    plant(
        "L6",
        "update ledger_entries set account = 'tax_payable'
         where account = 'revenue' and transaction_id = (
           select id from ledger_transactions where kind = 'invoice_void' and source_id = '{void}')",
    ),
    without(
        "L6",
        "drop index ledger_transactions_reversed",
        "insert into ledger_transactions
           (tenant_id, livemode, id, kind, source_id, currency, reverses, created_at)
         select tenant_id, livemode, 'ltx_planted', 'correction', 'twice', currency, reverses, {now}
         from ledger_transactions where kind = 'invoice_void' and source_id = '{void}';
         insert into ledger_entries
           (tenant_id, livemode, transaction_id, position, account, currency, amount, created_at)
         select e.tenant_id, e.livemode, 'ltx_planted', e.position, e.account, e.currency, e.amount, {now}
         from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
         where t.kind = 'invoice_void' and t.source_id = '{void}'",
    ),
    plant(
        "L6",
        "update ledger_transactions set reverses = null
         where kind = 'invoice_void' and source_id = '{void}'",
    ),
    plant(
        "L7",
        "update payments set received = received + 1, net = net + 1 where id = '{paid_pay}'",
    ),
    plant(
        "L9",
        "insert into ledger_entries
           (tenant_id, livemode, transaction_id, position, account, currency, amount, created_at)
         values ('{ten}', 0, 'ltx_nowhere', 1, 'revenue', 'usd', 5, {now}),
           ('{ten}', 0, 'ltx_nowhere', 2, 'receivable', 'usd', -5, {now})",
    ),
];
