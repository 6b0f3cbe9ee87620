//! What breaks histories, events and writes to Stripe.

use super::{Plant, plant, without};

pub const ALL: &[Plant] = &[
    plant(
        "S1",
        there_and_back!("payments", "paid_pay", "succeeded", "canceled"),
    ),
    plant("S1", there_and_back!("invoices", "paid", "paid", "void")),
    plant(
        "S1",
        "update state_history set from_state = 'processing'
         where subject_id = '{paid_pay}' and to_state = 'succeeded'",
    ),
    plant(
        "S1",
        "update payments set status = 'requires_payment_method' where id = '{bank_pay}'",
    ),
    plant("S1", "update invoices set status = 'void' where id = '{draft}'"),
    plant(
        "S4",
        "update stripe_webhook_events set processed_at = null
         where status = 'processed' and object_id = '{paid_pi}'",
    ),
    plant(
        "S4",
        "update stripe_webhook_events set tenant_id = null
         where status = 'processed' and object_id = '{paid_pi}'",
    ),
    plant(
        "S4",
        "update stripe_webhook_events set type = 'payment_intent.succeeded', status = 'processed'
         where object_id = '{bank_pi}'",
    ),
    plant(
        "S4",
        "update stripe_webhook_events set object_id = 'fee_nobody' where type = 'application_fee.created'",
    ),
    plant(
        "S5",
        "update stripe_operations set answered_at = null
         where kind = 'create_intent' and payment_id = '{paid_pay}'",
    ),
    plant(
        "S5",
        "update stripe_operations set idempotency_key = 'pay:again'
         where kind = 'create_intent' and payment_id = '{paid_pay}'",
    ),
    without(
        "S5",
        "drop index stripe_operations_key",
        "update stripe_operations set idempotency_key = (
           select min(idempotency_key) from stripe_operations
           where payment_id = '{tried_pay}' and kind = 'confirm_intent')
         where kind = 'confirm_intent' and payment_id = '{tried_pay}'",
    ),
    without(
        "S5",
        "drop index stripe_operations_one_open",
        "update stripe_operations set status = 'unknown', answered_at = null
         where payment_id = '{tried_pay}'",
    ),
    plant(
        "S5",
        "update stripe_operations set result_id = 'pi_another'
         where kind = 'create_intent' and payment_id = '{paid_pay}'",
    ),
    plant(
        "S6",
        "update invoices set version = version + 1 where id = '{void}'",
    ),
    plant(
        "S6",
        "update invoice_lines set amount = amount + 1 where invoice_id = '{open}'",
    ),
    plant("S6", "update invoices set number = null where id = '{open}'"),
    plant("S6", "update invoices set discount = 1 where id = '{open}'"),
    plant(
        "P3",
        "update stripe_webhook_events set status = 'failed', next_attempt_at = 1, processed_at = null
         where object_id = '{bank_pi}'",
    ),
    plant(
        "P3",
        "update stripe_operations set status = 'sent', answered_at = null
         where kind = 'create_intent' and payment_id = '{paid_pay}'",
    ),
];
