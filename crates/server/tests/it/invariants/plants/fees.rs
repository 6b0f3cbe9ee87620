//! What breaks the agreement of fees with the rules that they were decided by.

use super::{Plant, plant};

pub const ALL: &[Plant] = &[
    plant("M4", "update payments set fee_bps = 200 where id = '{paid_pay}'"),
    plant(
        "M4",
        "update payments set fee_minimum = 371 where id = '{paid_pay}'",
    ),
    plant(
        "M4",
        "update payments set fee_maximum = 369 where id = '{paid_pay}'",
    ),
    plant(
        "M4",
        "update payments set fee_rule_id = 'fru_gone' where id = '{paid_pay}'",
    ),
    plant(
        "M4",
        "update payments set fee_method = null where id = '{paid_pay}'",
    ),
    // A rule that was there and did not count.
    plant(
        "M4",
        "insert into fee_rules
           (tenant_id, livemode, id, number, method, bps, fixed, effective_from, created_at)
         values ('{ten}', 0, 'fru_planted', 0, 'any', 300, 0, 0, 0)",
    ),
    // A rule that counted after it had ended.
    plant(
        "M4",
        "insert into fee_rules
           (tenant_id, livemode, id, number, method, bps, fixed, effective_from, created_at)
         values ('{ten}', 0, 'fru_planted', -1, 'any', 300, 0, 0, 0);
         insert into fee_rules (tenant_id, livemode, id, number, method, effective_from, created_at)
         values ('{ten}', 0, 'fru_end', 0, 'any', 0, 0);
         update payments set fee_rule_id = 'fru_planted' where id = '{paid_pay}'",
    ),
    // A rule of another method, and one that had not taken effect.
    plant(
        "M4",
        "insert into fee_rules
           (tenant_id, livemode, id, number, method, bps, fixed, effective_from, created_at)
         values ('{ten}', 0, 'fru_planted', 0, 'bank_debit', 300, 0, 0, 0);
         update payments set fee_rule_id = 'fru_planted' where id = '{paid_pay}'",
    ),
    plant(
        "M4",
        "insert into fee_rules
           (tenant_id, livemode, id, number, method, bps, fixed, effective_from, created_at)
         values ('{ten}', 0, 'fru_planted', 0, 'any', 300, 0, {now}, 0);
         update payments set fee_rule_id = 'fru_planted', created_at = {now} - 1 where id = '{paid_pay}'",
    ),
];
