-- Access to an account can end while a payment is under way on it: then only its owner can see at Stripe what became of it.
alter table payments add column unreachable_since bigint;
