//! What breaks money that came without Stripe.

use super::{Plant, plant};

pub const ALL: &[Plant] = &[
    plant(
        "M12",
        "update offline_payments set amount = amount + 1 where id = '{offline}'",
    ),
    plant("M12", "delete from offline_payments where id = '{offline}'"),
];
