-- Discounts of invoices: what was asked for, a percentage or an amount, and what came off in minor units. What was
-- invoiced before has none.
--
-- An invoice's subtotal stays what total and tax rest on: its lines less the discount.

alter table invoices add column discount_bps bigint check (discount_bps between 1 and 10000);
alter table invoices add column discount_fixed bigint check (discount_fixed is null or (discount_fixed > 0 and discount_bps is null));
alter table invoices add column discount bigint not null default 0 check (discount >= 0);

-- A line's amount is what is left of it.
alter table invoice_lines add column discount_bps bigint check (discount_bps between 1 and 10000);
alter table invoice_lines add column discount_fixed bigint check (discount_fixed is null or (discount_fixed > 0 and discount_bps is null));
alter table invoice_lines add column discount bigint not null default 0 check (discount >= 0);

-- What was booked of an invoice, for how its client's credit moved.
create index ledger_transactions_by_invoice on ledger_transactions (tenant_id, livemode, invoice_id)
  where invoice_id is not null;

-- What went back, by when.
create index refunds_by_booking on refunds (tenant_id, livemode, booked_at) where booked_at is not null;
create index refunds_by_reversal on refunds (tenant_id, livemode, reversed_at) where reversed_at is not null;
create index dispute_movements_by_time on dispute_movements (tenant_id, livemode, created_at);
