-- Triggers for each row do not see `truncate`, which empties a table at once. Every table that is append-only by
-- now refuses it. SQLite has no such statement, and its `delete` without a condition asks the triggers.
-- engine: postgres
do $$
declare kept text;
begin
  for kept in
    select distinct tables.relname
    from pg_trigger triggers
    join pg_class tables on tables.oid = triggers.tgrelid
    join pg_proc functions on functions.oid = triggers.tgfoid
    where functions.proname = 'append_only' and tables.relnamespace = current_schema()::regnamespace
    order by tables.relname
  loop
    execute format(
      'create trigger %I before truncate on %I for each statement execute function append_only()',
      kept || '_append_only_truncate', kept
    );
  end loop;
end $$;
-- engine: both
