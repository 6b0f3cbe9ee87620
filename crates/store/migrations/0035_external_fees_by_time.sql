-- Fees of what others sold on a tenant's account, and what went back of fees, for its statement: by time, and by nothing that
-- grows with other tenants.
drop index application_fees_external;
create index application_fees_external on application_fees (tenant_id, livemode, created_at, stripe_application_fee_id)
  where payment_id is null;
create index application_fee_refunds_by_time on application_fee_refunds (tenant_id, livemode, created_at);
