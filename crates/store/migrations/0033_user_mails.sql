-- In which language somebody is written to, and which alerts they chose, as words separated by spaces. Nobody has
-- said: the tenant's language, what is usual for their role.
alter table users add column language text;
alter table users add column alerts text;
