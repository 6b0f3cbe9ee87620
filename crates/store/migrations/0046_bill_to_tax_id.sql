-- The number that a client has with its tax office, apart from its address, so that a paper can say what it is. Of invoices
-- that were finalized before, it stays the last line of the address.

alter table invoices add column bill_to_tax_id text;
