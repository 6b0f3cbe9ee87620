//! What breaks disputes and clients' credit, or their agreement with the books.

use super::{Plant, plant};

pub const ALL: &[Plant] = &[
    plant("M8", "update disputes set fee = fee + 1 where id = '{dispute}'"),
    plant(
        "M8",
        "update dispute_movements set fee = fee + 1 where dispute_id = '{dispute}';
         update disputes set fee = fee + 1 where id = '{dispute}'",
    ),
    plant(
        "M8",
        booked!(
            "ltx_a",
            "dispute_withdrawn",
            "txn_planted",
            "{ten}",
            "0",
            "disputes",
            "stripe_clearing",
            "5"
        ),
    ),
    plant(
        "M8",
        "update disputes set settled = settled - 1 where id = '{dispute}'",
    ),
    plant(
        "M9",
        "update disputes set currency = 'eur' where id = '{dispute}'",
    ),
    plant(
        "M8",
        "update payments set disputed = disputed + 1 where id = '{paid_pay}'",
    ),
    plant(
        "M11",
        "update credit_applications set amount = amount + 1 where id = '{application}'",
    ),
    plant(
        "M11",
        "update credit_applications set client_id = 'cli_another' where id = '{application}'",
    ),
    plant(
        "S3",
        there_and_back!("disputes", "dispute", "lost", "needs_response"),
    ),
    plant(
        "S3",
        "update disputes set closed_at = null where id = '{dispute}'",
    ),
    plant(
        "S3",
        "update disputes set settlement = 'forgiven' where id = '{dispute}'",
    ),
    plant(
        "P3",
        "update disputes set operation_id = 'op_planted' where id = '{dispute}'",
    ),
];
