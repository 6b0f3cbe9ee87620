//! What breaks invoices, payments and fees, or their agreement with the books.

use super::{Plant, plant, without};

pub const ALL: &[Plant] = &[
    plant(
        "L8",
        concat!(
            booked!(
                "ltx_a",
                "invoice",
                "x",
                "{ten}",
                "0",
                "receivable",
                "stripe_fees",
                "5"
            ),
            "update ledger_transactions set invoice_id = '{open}' where id = 'ltx_a';
             insert into client_lines
               (tenant_id, livemode, client_id, currency, transaction_id, amount, created_at)
             select tenant_id, livemode, client_id, 'usd', 'ltx_a', 5, 1 from invoices where id = '{open}'",
        ),
    ),
    plant("M1", "update invoices set applied = 1 where id = '{open}'"),
    plant("M1", "update invoices set credited = 1 where id = '{open}'"),
    plant(
        "M1",
        "update payment_parts set amount = amount + 1 where payment_id = '{paid_pay}'",
    ),
    plant("M1", "update invoices set paid_at = null where id = '{paid}'"),
    plant(
        "M1",
        "insert into state_history
           (tenant_id, livemode, subject_id, version, from_state, to_state, cause, created_at)
         select tenant_id, livemode, id, version + 1, status, 'processing', 'pay', 1
         from invoices where id = '{open}';
         update invoices set status = 'processing', version = version + 1 where id = '{open}'",
    ),
    without(
        "M2",
        "drop index payments_one_live; drop index payment_parts_one_live",
        payment!("bank", "'pi_planted'", "null", "0", "requires_action"),
    ),
    plant(
        "M3",
        "update payments set succeeded_at = null where id = '{paid_pay}'",
    ),
    plant(
        "M3",
        "update ledger_transactions set payment_id = '{bank_pay}'
         where kind = 'payment' and source_id = '{void_pi}';
         update payments set received = 0 where id = '{void_pay}'",
    ),
    plant(
        "M3",
        "update payments set stripe_charge_id = null, stripe_fee = null, net = null, next_check_at = null
         where id = '{paid_pay}'",
    ),
    plant(
        "M4",
        "update stripe_operations set params = replace(params, '\"amount\",\"', '\"amount\",\"9')
         where kind = 'create_intent' and payment_id = '{paid_pay}'",
    ),
    plant(
        "M4",
        "update payments set application_fee = application_fee + 1, net = net - 1 where id = '{paid_pay}'",
    ),
    plant(
        "M4",
        "update application_fees set currency = 'eur' where payment_id = '{paid_pay}'",
    ),
    plant(
        "M4",
        booked!(
            "ltx_a",
            "application_fee",
            "fee_x",
            "{ten}",
            "0",
            "platform_fees",
            "stripe_clearing",
            "7"
        ),
    ),
    plant(
        "M4",
        "update payments set stripe_fee = stripe_fee + 1, net = net - 1 where id = '{paid_pay}'",
    ),
    plant("M4", "update payments set net = net + 1 where id = '{paid_pay}'"),
    without(
        "M7",
        "drop index payments_intent",
        payment!("paid", "stripe_payment_intent_id", "null", "0", "failed"),
    ),
    without(
        "M7",
        "drop index payments_charge",
        payment!("paid", "null", "stripe_charge_id", "0", "failed"),
    ),
    without(
        "M7",
        "drop index application_fees_id",
        "insert into application_fees (tenant_id, livemode, stripe_application_fee_id, stripe_account_id,
           stripe_charge_id, amount, refunded, currency, created_at)
         select '{ten2}', livemode, stripe_application_fee_id, stripe_account_id, 'ch_other', 0, 0, 'jpy', 1
         from application_fees where payment_id = '{paid_pay}'",
    ),
    plant(
        "M9",
        "update payments set currency = 'eur' where id = '{paid_pay}';
         update stripe_operations set params = replace(params, '\"usd\"', '\"eur\"')
         where kind = 'create_intent' and payment_id = '{paid_pay}'",
    ),
    plant(
        "M9",
        "update ledger_transactions set currency = 'eur' where kind = 'invoice' and source_id = '{open}';
         update ledger_entries set currency = 'eur'
         where transaction_id = (
           select id from ledger_transactions where kind = 'invoice' and source_id = '{open}')",
    ),
    plant(
        "M11",
        concat!(
            "insert into ledger_entries
               (tenant_id, livemode, transaction_id, position, account, currency, amount, created_at)
             values ('{ten}', 0, ",
            booking!("id", "paid_pi"),
            ", 8, 'stripe_fees', 'usd', 5, {now}),
               ('{ten}', 0, ",
            booking!("id", "paid_pi"),
            ", 9, 'platform_fees', 'usd', -5, {now})"
        ),
    ),
    plant(
        "M11",
        "delete from reconciliation_breaks where kind = 'overpayment' and subject_id = '{over_pi}'",
    ),
    plant(
        "M11",
        concat!(
            payment!("open", "'pi_planted'", "'ch_planted_too'", "5", "succeeded"),
            booked!(
                "ltx_a",
                "payment",
                "pi_planted",
                "{ten}",
                "0",
                "stripe_clearing",
                "client_credit",
                "5"
            ),
            "update ledger_transactions set invoice_id = '{open}', payment_id = 'pay_planted'
             where id = 'ltx_a';
             insert into reconciliation_breaks (id, tenant_id, livemode, kind, subject_id, detail, created_at)
             values ('brk_planted', '{ten}', 0, 'overpayment', 'pi_planted', 'planted', 1);
             insert into client_lines
               (tenant_id, livemode, client_id, currency, transaction_id, amount, created_at)
             select tenant_id, livemode, client_id, 'usd', 'ltx_a', -5, 1 from invoices where id = '{open}'",
        ),
    ),
    plant("M11", "update client_credits set remaining = 0"),
    plant(
        "S7",
        "delete from reconciliation_breaks where kind = 'overpayment' and subject_id = '{void_pi}'",
    ),
    plant("S6", "update payments set version = 1 where id = '{paid_pay}'"),
];
