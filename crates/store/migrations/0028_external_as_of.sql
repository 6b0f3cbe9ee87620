-- When what is known of an object of the tenant's own was so. Of what is here already that is not known.
alter table external_objects add column as_of bigint not null default 0;
