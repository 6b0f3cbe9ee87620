//! What breaks the sums by day that pages read.

use super::{Plant, plant};

pub const ALL: &[Plant] = &[
    plant(
        "M13",
        "update day_sums set amount = amount + 1 where kind = 'received'",
    ),
    plant(
        "M13",
        "update day_sums set fees = fees - 1 where kind = 'received'",
    ),
    plant(
        "M13",
        "update day_sums set counted = counted + 1 where kind = 'open'",
    ),
    plant("M13", "delete from day_sums where kind = 'received'"),
];
