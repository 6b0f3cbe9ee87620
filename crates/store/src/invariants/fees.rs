//! Fees: each is the one that the rule in force came to when it was decided, worked out here a second time.

use super::{Invariant, always};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always(
        "M4",
        "a payment's fee is what the terms that it keeps come to",
        &AS_DECIDED,
    ),
    always(
        "M4",
        "a payment keeps the terms of a rule that was in force",
        &TERMS_OF_RULE,
    ),
    always(
        "M4",
        "no other rule went before the one that a payment's fee was decided by",
        &NO_BETTER_RULE,
    ),
];

/// A payment's amount is what was asked for, whatever arrived.
const AS_DECIDED: Sql = Sql::new(
    "with parts as (
       select tenant_id, livemode, id, amount, application_fee, fee_minimum, fee_maximum,
         (amount * fee_bps + 5000) / 10000 + fee_fixed as fee
       from payments
       where fee_bps is not null),
     raised as (
       select tenant_id, livemode, id, amount, application_fee, fee_maximum,
         case when fee < fee_minimum then fee_minimum else fee end as fee
       from parts),
     capped as (
       select tenant_id, livemode, id, amount, application_fee,
         case when fee > fee_maximum then fee_maximum else fee end as fee
       from raised)
     select tenant_id, livemode, id
     from capped
     where coalesce(application_fee, 0) <> case when fee > 0 and fee < amount then fee else 0 end
     order by tenant_id, livemode, id
     limit $1",
);

const TERMS_OF_RULE: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     left join fee_rules r on r.livemode = p.livemode and r.id = p.fee_rule_id
       and r.tenant_id in (p.tenant_id, 'ten_platform')
     where (p.fee_bps is null and p.fee_rule_id is not null)
       or (p.fee_bps is not null and (p.fee_method is null or p.fee_rules_known is null))
       or (p.fee_rule_id is not null and (
         r.id is null or r.bps is null or r.bps <> p.fee_bps or r.fixed <> p.fee_fixed
         or coalesce(r.minimum, -1) <> coalesce(p.fee_minimum, -1)
         or coalesce(r.maximum, -1) <> coalesce(p.fee_maximum, -1)
         or r.method not in ('any', p.fee_method) or coalesce(r.currency, p.currency) <> p.currency
         or r.effective_from > p.created_at or r.number > p.fee_rules_known))
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

/// Of the rules that were known and in force (`x`), the newest of its kind goes before those of lower rank.
/// Without a rule it was a configured rate, which every rule goes before, but for those of everybody where
/// the rate is the tenant's own.
const NO_BETTER_RULE: Sql = Sql::new(
    "with known as (
       select p.tenant_id, p.livemode, p.id, p.fee_rule_id, p.fee_bps, x.id as rule_id,
         x.bps, x.effective_from, x.number,
         case x.tenant_id when p.tenant_id then 4 else 0 end
           + case x.method when 'any' then 0 else 2 end
           + case when x.currency is null then 0 else 1 end as place
       from payments p
       join fee_rules x on x.livemode = p.livemode and x.tenant_id in (p.tenant_id, 'ten_platform')
         and x.method in ('any', p.fee_method) and coalesce(x.currency, p.currency) = p.currency
         and x.effective_from <= p.created_at and x.number <= p.fee_rules_known
       where p.fee_bps is not null),
     ordered as (
       select tenant_id, livemode, id, fee_rule_id, fee_bps, rule_id, bps, place,
         row_number() over (
           partition by tenant_id, livemode, id, place order by effective_from desc, number desc) as turn
       from known),
     newest as (
       select tenant_id, livemode, id, fee_rule_id, fee_bps, rule_id, bps, place
       from ordered
       where turn = 1),
     decided as (
       select tenant_id, livemode, id, place
       from newest
       where rule_id = fee_rule_id)
     select n.tenant_id, n.livemode, n.id
     from newest n
     left join decided r on r.tenant_id = n.tenant_id and r.livemode = n.livemode and r.id = n.id
     left join stripe_config c on c.tenant_id = n.tenant_id and c.livemode = n.livemode
       and c.fee_bps = n.fee_bps
     where (n.fee_rule_id is not null and r.id is null)
       or (n.fee_rule_id is not null and n.bps is not null and n.place > r.place)
       or (n.fee_rule_id is null and n.bps is not null and (n.place >= 4 or c.tenant_id is null))
     group by n.tenant_id, n.livemode, n.id
     order by n.tenant_id, n.livemode, n.id
     limit $1",
);
