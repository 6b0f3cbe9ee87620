//! What is planted: for each invariant the least change that breaks it and no other.

/// A change that breaks an invariant.
pub struct Plant {
    /// Which.
    pub code: &'static str,
    /// What must be out of the way first: a unique index, or a trigger that then is missing.
    pub drops: &'static str,
    /// The change, with ids by their names in braces.
    pub changes: &'static str,
}

const fn plant(code: &'static str, changes: &'static str) -> Plant {
    without(code, "", changes)
}

const fn without(code: &'static str, drops: &'static str, changes: &'static str) -> Plant {
    Plant { code, drops, changes }
}

/// A column of the booking of a payment's money.
macro_rules! booking {
    ($column:literal, $intent:literal) => {
        concat!(
            "(select ",
            $column,
            " from ledger_transactions where kind = 'payment' and source_id = '{",
            $intent,
            "}')"
        )
    };
}

/// A balanced transaction of two entries: kind, source, what it undoes, tenant, mode, debit, credit, amount.
macro_rules! booked {
    ($id:literal, $kind:literal, $source:literal, $tenant:literal, $mode:literal, $debit:literal,
     $credit:literal, $amount:literal) => {
        concat!(
            "insert into ledger_transactions (tenant_id, livemode, id, kind, source_id, currency, created_at)
             values ('",
            $tenant,
            "', ",
            $mode,
            ", '",
            $id,
            "', '",
            $kind,
            "', '",
            $source,
            "', 'usd', {now});
             insert into ledger_entries
               (tenant_id, livemode, transaction_id, position, account, currency, amount, created_at)
             values ('",
            $tenant,
            "', ",
            $mode,
            ", '",
            $id,
            "', 1, '",
            $debit,
            "', 'usd', ",
            $amount,
            ", {now}),
               ('",
            $tenant,
            "', ",
            $mode,
            ", '",
            $id,
            "', 2, '",
            $credit,
            "', 'usd', -",
            $amount,
            ", {now});"
        )
    };
}

/// A further payment on the account of `paid`, of another invoice or state.
macro_rules! payment {
    ($invoice:literal, $intent:literal, $charge:literal, $received:literal, $status:literal) => {
        concat!(
            "insert into payments (tenant_id, livemode, id, invoice_id, attempt, stripe_account_id,
               stripe_payment_intent_id, stripe_charge_id, currency, amount, received, refunded, status,
               declines, version, next_check_at, created_at, updated_at, succeeded_at, unreachable_since)
             select tenant_id, livemode, 'pay_planted', '{",
            $invoice,
            "}', 99, stripe_account_id,
               ",
            $intent,
            ", ",
            $charge,
            ", currency, 12345, ",
            $received,
            ", 0, '",
            $status,
            "',
               0, 2, 1, 1, 1, 1, 1
             from payments where id = '{paid_pay}';
             insert into payment_parts (tenant_id, livemode, payment_id, invoice_id, position, amount,
               applied, live, created_at)
             select tenant_id, livemode, id, invoice_id, 1, amount, 0,
               case when status in ('succeeded', 'canceled', 'failed') then 0 else 1 end, 1
             from payments where id = 'pay_planted';
             insert into state_history
               (tenant_id, livemode, subject_id, version, from_state, to_state, cause, created_at)
             values ('{ten}', 0, 'pay_planted', 1, null, 'creating', 'pay', 1);
             insert into state_history
               (tenant_id, livemode, subject_id, version, from_state, to_state, cause, created_at)
             values ('{ten}', 0, 'pay_planted', 2, 'creating', '",
            $status,
            "', 'pay', 1);"
        )
    };
}

/// Two further steps of a payment or an invoice, there and back.
macro_rules! there_and_back {
    ($table:literal, $id:literal, $from:literal, $to:literal) => {
        concat!(
            "insert into state_history
               (tenant_id, livemode, subject_id, version, from_state, to_state, cause, created_at)
             select tenant_id, livemode, id, version + 1, '",
            $from,
            "', '",
            $to,
            "', 'pay', 1
             from ",
            $table,
            " where id = '{",
            $id,
            "}';
             insert into state_history
               (tenant_id, livemode, subject_id, version, from_state, to_state, cause, created_at)
             select tenant_id, livemode, id, version + 2, '",
            $to,
            "', '",
            $from,
            "', 'pay', 1
             from ",
            $table,
            " where id = '{",
            $id,
            "}';
             update ",
            $table,
            " set version = version + 2 where id = '{",
            $id,
            "}'"
        )
    };
}

mod balance;
mod disputes;
mod fees;
mod ledger;
mod money;
mod offline;
mod parts;
mod refunds;
mod states;
mod sums;
mod tenancy;

/// Every plant.
pub const PLANTS: [&[Plant]; 11] = [
    balance::ALL,
    disputes::ALL,
    fees::ALL,
    ledger::ALL,
    money::ALL,
    offline::ALL,
    parts::ALL,
    refunds::ALL,
    states::ALL,
    sums::ALL,
    tenancy::ALL,
];
