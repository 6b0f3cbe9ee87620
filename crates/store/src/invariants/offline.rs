//! Money that came without Stripe: each row is booked once, and its reversal exactly when it was taken back.

use super::{Invariant, always};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always(
        "M12",
        "money that came without Stripe is booked once, as its row says, and back once it was taken back",
        &BOOKED,
    ),
    always(
        "M12",
        "what is booked as money that came without Stripe has its row",
        &HAS_ROW,
    ),
];

/// A row without its transaction, with another amount, invoice or currency, or reversed where the books are
/// not.
const BOOKED: Sql = Sql::new(
    "select o.tenant_id, o.livemode, o.id
     from offline_payments o
     left join ledger_transactions t on t.tenant_id = o.tenant_id and t.livemode = o.livemode
       and t.kind = 'offline_payment' and t.source_id = o.id and t.invoice_id = o.invoice_id
       and t.currency = o.currency
     left join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id and e.account = 'offline_clearing'
     left join ledger_transactions r on r.tenant_id = o.tenant_id and r.livemode = o.livemode
       and r.kind = 'offline_payment_reversal' and r.source_id = o.id and r.reverses = t.id
     left join ledger_entries b on b.tenant_id = r.tenant_id and b.livemode = r.livemode
       and b.transaction_id = r.id and b.account = 'offline_clearing'
     left join invoices i on i.tenant_id = o.tenant_id and i.livemode = o.livemode and i.id = o.invoice_id
     where t.id is null or coalesce(e.amount, 0) <> o.amount
       or coalesce(b.amount, 0) <> case when o.reversed_at is null then 0 else -o.amount end
       or i.id is null or i.client_id <> o.client_id or i.currency <> o.currency
     order by o.tenant_id, o.livemode, o.id
     limit $1",
);

const HAS_ROW: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     left join offline_payments o on o.tenant_id = t.tenant_id and o.livemode = t.livemode
       and o.id = t.source_id
     where t.kind in ('offline_payment', 'offline_payment_reversal') and o.id is null
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);
