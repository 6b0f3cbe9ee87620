-- Under which PUBLIC_URL the database was used at the last start: a copy that keeps its server's identity, as
-- a forked cluster or a disk's snapshot does, is known by where it is used.
alter table instance add column public_origin text not null default '';
