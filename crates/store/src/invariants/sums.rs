//! What pages add up is kept in sums by day: they are the sums of what they stand for.

use super::{Invariant, always};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[always(
    "M13",
    "what is kept as collected on a day, or owed by a due date, is the sum of its payments, refunds, \
     disputes and invoices",
    &SUMS,
)];

const SUMS: Sql = Sql::new(
    "select tenant_id, livemode, kind || ' ' || currency || ' ' || day as id
     from (
       select tenant_id, livemode, kind, currency, day, amount, fees, counted
       from day_sums_wanted
       union all
       select tenant_id, livemode, kind, currency, day, -amount as amount, -fees as fees,
         -counted as counted
       from day_sums) both_sides
     group by tenant_id, livemode, kind, currency, day
     having sum(amount) <> 0 or sum(fees) <> 0 or sum(counted) <> 0
     order by tenant_id, livemode, kind, currency, day
     limit $1",
);
