//! What breaks payments of several invoices at once.

use super::{Plant, plant};

pub const ALL: &[Plant] = &[
    plant(
        "M9",
        "insert into clients (tenant_id, livemode, id, name, created_at)
         values ('{ten}', 0, 'cli_planted', 'Somebody else', 1);
         update invoices set client_id = 'cli_planted' where id = '{set_second}'",
    ),
    plant(
        "M1",
        "update payment_parts set applied = applied + 1 where payment_id = '{set_pay}' and position = 1;
         update payment_parts set applied = applied - 1 where payment_id = '{set_pay}' and position = 2",
    ),
    plant(
        "M1",
        "update payment_parts set amount = 4999 where payment_id = '{set_pay}' and position = 1;
         update payment_parts set amount = 1 where payment_id = '{set_pay}' and position = 2",
    ),
    // Too much came for one invoice while another one of the same payment is owed.
    plant(
        "M11",
        "update payment_parts set amount = amount - 1 where payment_id = '{over_pay}';
         insert into payment_parts
           (tenant_id, livemode, payment_id, invoice_id, position, amount, applied, live, created_at)
         values ('{ten}', 0, '{over_pay}', '{open}', 2, 1, 0, 0, 1)",
    ),
];
