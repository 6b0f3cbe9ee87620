-- Mails that go out: queued in the transaction that makes the fact that they tell of, handed over by the worker.
-- Those about a login are of no tenant: they are the platform's, and kept as its live mails.

create table mails (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  id text not null,
  kind text not null,
  -- What it tells of, such as an invoice or a payment, and the invoice that it belongs to, if any.
  about text not null,
  invoice_id text,
  -- Kind, fact and recipient: a fact is mailed once, however often it is observed.
  dedup_key text not null,
  recipient text not null,
  -- The recipient in lower case, by which an address is found again.
  recipient_key text not null,
  recipient_name text,
  language text not null,
  subject text not null,
  -- What it says, as JSON. Text and HTML are made of it when it is sent.
  letter text not null,
  attachment_kind text,
  attachment_id text,
  -- From the first try on, and the same for every other, so that a double can be told.
  message_id text,
  status text not null
    check (status in ('queued', 'sending', 'sent', 'refused', 'failed', 'bounced', 'cancelled')),
  attempts bigint not null check (attempts >= 0),
  -- How often it was found in the hands of a program that had ended: so often it may have gone out once more.
  doubts bigint not null check (doubts >= 0),
  version bigint not null,
  -- When it is tried next; while it is being handed over, when it is found again if nobody says how that went.
  next_attempt_at bigint,
  last_error text,
  smtp_answer text,
  created_at bigint not null,
  queued_at bigint not null,
  sent_at bigint,
  updated_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint mails_next check ((next_attempt_at is not null) = (status in ('queued', 'sending')))
);
create unique index mails_once on mails (tenant_id, livemode, dedup_key);
create index mails_due on mails (next_attempt_at, id) where next_attempt_at is not null;
create index mails_by_invoice on mails (tenant_id, livemode, invoice_id, id) where invoice_id is not null;
create index mails_by_recipient on mails (tenant_id, livemode, recipient_key, id);
