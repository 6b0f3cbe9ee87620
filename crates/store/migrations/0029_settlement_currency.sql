-- What Stripe's fee and the net of a payment are in: the account's balance may have another currency than the
-- charge.
alter table payments add column settlement_currency text;
