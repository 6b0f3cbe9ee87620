-- Fees of what others sold on a tenant's account, for its statement.
create index application_fees_external on application_fees (tenant_id, livemode, stripe_application_fee_id)
  where payment_id is null;
