//! What PostgreSQL alone has: a connection that is lost, a server that is not there, settings of the session.

use store::binds;
use store::db::{Db, Error, Options, Sql};

use crate::engines::{World, admin, block_on};
use crate::schema::{self, INSERT, count, insert};

const KILL_SELF: Sql =
    Sql::new("select cast(count(pg_terminate_backend(pg_backend_pid())) as bigint) as killed");

fn terminate_others(world: &World) {
    let name = world.url.rsplit('/').next().unwrap();
    let server = std::env::var("PSA_PAY_TEST_POSTGRES").unwrap();
    admin(
        &server,
        &format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"),
    );
}

#[test]
fn connections_cut_while_idle_are_replaced_unseen() {
    let Some(world) = World::postgres() else { return };
    schema::create(&world.db);
    for number in 0..10 {
        terminate_others(&world);
        insert(&world.db, &format!("id{number}"), "o", 1, None).unwrap();
    }
    assert_eq!(count(&world.db), 10);
}

#[test]
fn a_connection_lost_in_a_transaction_undoes_it_and_is_replaced() {
    let Some(world) = World::postgres() else { return };
    schema::create(&world.db);
    let answer = block_on(world.db.write(|tx| {
        tx.execute(&INSERT, binds!["a", "o", 1, "n"])?;
        tx.one(&KILL_SELF, &[])?.int("killed")
    }));
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    for number in 0..10 {
        insert(&world.db, &format!("id{number}"), "o", 1, None).unwrap();
    }
    assert_eq!(count(&world.db), 10);
}

#[test]
fn a_connection_lost_while_committing_leaves_the_outcome_unknown() {
    let Some(world) = World::postgres() else { return };
    const TRAP: &str = "
create function die() returns trigger language plpgsql as $$ begin
  perform pg_terminate_backend(pg_backend_pid());
  return null;
end; $$;
create constraint trigger die after insert on things deferrable initially deferred
  for each row execute function die();";
    schema::create(&world.db);
    let mut client = postgres::Client::connect(&world.url, postgres::NoTls).unwrap();
    client.batch_execute(TRAP).unwrap();
    let answer = insert(&world.db, "a", "o", 1, None);
    let unknown = |why: &str| why.starts_with("commit outcome unknown");
    assert!(
        matches!(&answer, Err(Error::Unavailable(why)) if unknown(why)),
        "{answer:?}"
    );
    assert_eq!(count(&world.db), 0);
}

#[test]
fn a_server_that_is_not_there_is_an_error_without_the_password() {
    let answer = block_on(Db::open(
        "postgres://u:secret-word@127.0.0.1:1/x",
        Options::default(),
    ))
    .map(|_| ());
    match answer {
        Err(Error::Unavailable(why)) => assert!(!why.contains("secret-word"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn encryption_that_the_server_does_not_have_is_an_error_not_plain_text() {
    let Some(world) = World::postgres() else { return };
    for mode in ["require", "verify-ca", "verify-full"] {
        let answer = block_on(Db::open(
            &format!("{}?sslmode={mode}", world.url),
            Options::default(),
        ))
        .map(|_| ());
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    }
}

#[test]
fn every_session_has_the_settings_that_money_needs() {
    let Some(world) = World::postgres() else { return };
    const SETTINGS: Sql = Sql::new(
        "select name, setting from pg_settings
         where name in ('synchronous_commit', 'statement_timeout', 'lock_timeout', 'application_name',
           'idle_in_transaction_session_timeout', 'transaction_isolation')
         order by name",
    );
    const EXPECTED: [(&str, &str); 6] = [
        ("application_name", "psa-pay"),
        ("idle_in_transaction_session_timeout", "15000"),
        ("lock_timeout", "3000"),
        ("statement_timeout", "10000"),
        ("synchronous_commit", "on"),
        ("transaction_isolation", "serializable"),
    ];
    for _ in 0..16 {
        let rows = block_on(world.db.write(|tx| tx.query(&SETTINGS, &[]))).unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.text("name").unwrap(), row.text("setting").unwrap()))
            .collect();
        let expected = EXPECTED.map(|(name, setting)| (name.to_owned(), setting.to_owned()));
        assert_eq!(found, expected);
    }
}

#[test]
fn a_schema_of_its_own_keeps_two_databases_in_one() {
    let Some(world) = World::postgres() else { return };
    schema::create(&world.db);
    block_on(world.db.write(|tx| {
        const OTHER: Sql = Sql::new("create schema \"Other one\"");
        tx.execute(&OTHER, &[])
    }))
    .unwrap();
    let other = world.open_again(Options {
        schema: Some("Other one".to_owned()),
        ..Options::default()
    });
    schema::create(&other);
    insert(&other, "a", "o", 1, None).unwrap();
    assert_eq!((count(&world.db), count(&other)), (0, 1));
}

#[test]
fn a_table_changed_by_a_newer_instance_is_read_again() {
    let Some(world) = World::postgres() else { return };
    const ALL: Sql = Sql::new("select * from lines");
    const ADD: Sql = Sql::new("alter table lines add column note text");
    schema::create(&world.db);
    let one = world.open_again(Options {
        connections: 1,
        ..Options::default()
    });
    block_on(one.read(|tx| tx.query(&ALL, &[]))).unwrap();
    block_on(world.db.write(|tx| tx.execute(&ADD, &[]))).unwrap();
    block_on(one.read(|tx| tx.query(&ALL, &[]))).unwrap();
    assert_eq!(one.stats().retries, 1);
}

/// From PostgreSQL 15 on only the owner of a database makes tables in it, unless others are allowed to.
#[test]
fn a_user_who_may_make_no_tables_is_told_what_to_run() {
    let Some(world) = World::postgres() else { return };
    let name = world.url.rsplit('/').next().unwrap();
    let user = format!("narrow_{name}");
    let (address, _) = world.url.rsplit_once('/').unwrap();
    let host = address
        .rsplit_once('@')
        .map_or_else(|| address.split_once("://").unwrap().1, |(_, host)| host);
    let server = std::env::var("PSA_PAY_TEST_POSTGRES").unwrap();
    admin(&server, &format!("create role {user} login"));
    let migrated = block_on(async {
        let db = Db::open(&format!("postgres://{user}@{host}/{name}"), Options::default()).await?;
        let migrated = store::migrate::migrate(&db, 0).await;
        db.close().await;
        migrated
    });
    admin(&server, &format!("drop role {user}"));
    let why = migrated.expect_err("it may make no tables").to_string();
    for said in ["(42501)", "grant usage, create on schema public to USER;"] {
        assert!(why.contains(said), "{why}");
    }
}
