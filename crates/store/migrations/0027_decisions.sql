-- A bank may give the money of a lost dispute back and take it once more: each time is a decision of its own.
alter table disputes add column outcome text;
alter table disputes add column decisions bigint not null default 0;
-- What the bank had taken when it was decided last.
alter table disputes add column decided_withdrawn bigint not null default 0;

update disputes set outcome = settlement, decisions = 1, decided_withdrawn = coalesce((
  select sum(-m.disputed)
  from dispute_movements m
  where m.tenant_id = disputes.tenant_id and m.livemode = disputes.livemode and m.dispute_id = disputes.id
    and m.disputed < 0 and m.created_at <= disputes.settled_at), 0)
where settlement in ('still_owed', 'forgiven');

-- What was taken once more before there was a way to say so waits to be decided.
update disputes set settlement = 'undecided'
where outcome is not null and status = 'lost' and withdrawn > decided_withdrawn
  and withdrawn - reinstated > settled;

alter table credit_notes add column dispute_decision bigint not null default 1;
drop index credit_notes_dispute;
create unique index credit_notes_dispute
  on credit_notes (tenant_id, livemode, dispute_id, dispute_decision, invoice_id) where dispute_id is not null;
