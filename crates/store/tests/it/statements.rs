//! What one statement answers: errors by name, row counts, types.

use store::binds;
use store::db::{Engine, Error, Sql, Value};

use crate::both;
use crate::engines::{World, block_on};
use crate::schema::{self, INSERT, insert};

fn unique(name: &str) -> Result<u64, Error> {
    Err(Error::Unique {
        constraint: name.to_owned(),
    })
}

both! {
    fn a_broken_key_is_named(world: &World) {
        const PART: Sql =
            Sql::new("insert into parts (thing_id, position, label, created_at) values ($1, $2, $3, 1)");
        schema::create(&world.db);
        insert(&world.db, "a", "o", 1, Some("n")).unwrap();
        insert(&world.db, "c", "o", 1, Some("live")).unwrap();
        assert_eq!(insert(&world.db, "a", "p", 1, None), unique("things_pkey"));
        assert_eq!(insert(&world.db, "b", "o", 1, Some("n")), unique("things_note"));
        let part = |thing: &'static str, label: &'static str| {
            block_on(world.db.write(move |tx| tx.execute(&PART, binds![thing, 1, label])))
        };
        part("a", "l").unwrap();
        assert_eq!(part("a", "m"), unique("parts_pkey"));
        assert_eq!(part("c", "l"), unique("parts_label"));
    }

    fn a_broken_index_on_an_expression_is_named(world: &World) {
        const LINE: Sql = Sql::new("insert into lines (id, label, created_at) values ($1, $2, 1)");
        schema::create(&world.db);
        block_on(world.db.write(|tx| tx.execute(&LINE, binds![1, "a"]))).unwrap();
        let again = block_on(world.db.write(|tx| tx.execute(&LINE, binds![2, "A"])));
        assert_eq!(again, unique("lines_label"));
    }

    fn a_partial_unique_index_is_named(world: &World) {
        schema::create(&world.db);
        insert(&world.db, "a", "o", 1, Some("live")).unwrap();
        // Both things_note and things_live are broken; either name is right.
        match insert(&world.db, "b", "o", 1, Some("live")) {
            Err(Error::Unique { constraint: name }) => {
                assert!(["things_note", "things_live"].contains(&&*name));
            }
            other => panic!("{other:?}"),
        }
    }

    fn checks_references_and_triggers_are_errors_of_their_own(world: &World) {
        const LINE: Sql = Sql::new("insert into lines (id, created_at) values (1, 1)");
        const NO_LINES: Sql = Sql::new("delete from lines where id = 1");
        const ORPHAN: Sql =
            Sql::new("insert into parts (thing_id, position, created_at) values ('nobody', 1, 1)");
        schema::create(&world.db);
        let refused = insert(&world.db, "a", "o", -1, None);
        assert_eq!(refused, Err(Error::Check { constraint: "things_number".to_owned() }));
        let orphan = block_on(world.db.write(|tx| tx.execute(&ORPHAN, &[])));
        assert!(matches!(orphan, Err(Error::ForeignKey { .. })), "{orphan:?}");
        block_on(world.db.write(|tx| tx.execute(&LINE, &[]))).unwrap();
        let deleted = block_on(world.db.write(|tx| tx.execute(&NO_LINES, &[])));
        assert_eq!(deleted, Err(Error::Check { constraint: "lines_append_only".to_owned() }));
    }

    fn the_inbox_takes_an_event_once(world: &World) {
        const ONCE: Sql = Sql::new(
            "insert into things (id, owner, number, created_at) values ($1, 'o', 1, 1)
             on conflict (id) do nothing",
        );
        schema::create(&world.db);
        let deliver = || block_on(world.db.write(|tx| tx.execute(&ONCE, binds!["evt_1"])));
        assert_eq!(deliver(), Ok(1));
        assert_eq!(deliver(), Ok(0));
        assert_eq!(schema::count(&world.db), 1);
    }

    fn a_guarded_update_says_whether_it_happened(world: &World) {
        const MOVE: Sql = Sql::new("update things set number = $2 where id = $1 and number = $3");
        schema::create(&world.db);
        insert(&world.db, "a", "o", 1, None).unwrap();
        let step = |from: i64, to: i64| {
            block_on(world.db.write(move |tx| tx.execute(&MOVE, binds!["a", to, from])))
        };
        assert_eq!(step(1, 2), Ok(1));
        assert_eq!(step(1, 3), Ok(0));
    }

    fn binds_go_by_their_number_not_by_their_place(world: &World) {
        const SWAPPED: Sql = Sql::new(
            "insert into things (number, note, owner, id, created_at) values ($3, $2, $2, $1, $3)",
        );
        const READ: Sql = Sql::new("select id, owner, number, note, created_at from things where id = $1");
        schema::create(&world.db);
        block_on(world.db.write(|tx| tx.execute(&SWAPPED, binds!["a", "o", 7]))).unwrap();
        let row = block_on(world.db.read(|tx| tx.one(&READ, binds!["a"]))).unwrap();
        assert_eq!((row.text("id"), row.text("owner")), (Ok("a".to_owned()), Ok("o".to_owned())));
        assert_eq!((row.int("number"), row.int("created_at")), (Ok(7), Ok(7)));
    }

    fn a_wrong_number_of_binds_runs_nothing(world: &World) {
        schema::create(&world.db);
        for binds in [&[][..], binds!["a", "o", 1], binds!["a", "o", 1, "n", 5]] {
            let binds = binds.to_vec();
            let answer = block_on(world.db.write(move |tx| tx.execute(&INSERT, &binds)));
            assert!(matches!(&answer, Err(Error::Bug(what)) if what.contains("binds for 4")), "{answer:?}");
        }
        assert_eq!(schema::count(&world.db), 0);
    }

    fn a_gap_in_the_binds_is_refused(world: &World) {
        const GAP: Sql = Sql::new("select id from things where id = $1 and owner = $3");
        schema::create(&world.db);
        assert!(block_on(world.db.read(|tx| tx.query(&GAP, binds!["a", "b"]))).is_err());
        assert!(block_on(world.db.read(|tx| tx.prepare_check(&GAP))).is_err());
    }

    fn sums_and_extremes_come_back_exact(world: &World) {
        const SUM: Sql =
            Sql::new("select cast(sum(number) as bigint) as sum, max(number) as max from things");
        schema::create(&world.db);
        let empty = block_on(world.db.read(|tx| tx.one(&SUM, &[]))).unwrap();
        assert_eq!(empty.int_opt("sum"), Ok(None));
        insert(&world.db, "a", "o", i64::MAX - 1, None).unwrap();
        insert(&world.db, "b", "o", 1, Some("ü😀'\"\n")).unwrap();
        let row = block_on(world.db.read(|tx| tx.one(&SUM, &[]))).unwrap();
        assert_eq!((row.int("sum"), row.int("max")), (Ok(i64::MAX), Ok(i64::MAX - 1)));
    }

    fn text_is_ordered_by_its_bytes(world: &World) {
        const ORDERED: Sql = Sql::new("select id from things where id < $1 order by id");
        schema::create(&world.db);
        for id in ["cli_b", "cli_C", "cli_~", "cli_1"] {
            insert(&world.db, id, id, 1, None).unwrap();
        }
        let rows = block_on(world.db.read(|tx| tx.query(&ORDERED, binds!["cli_~"]))).unwrap();
        let ids: Vec<String> = rows.iter().map(|row| row.text("id").unwrap()).collect();
        assert_eq!(ids, ["cli_1", "cli_C", "cli_b"]);
    }

    fn a_column_of_another_type_is_loud(world: &World) {
        const REAL: Sql = Sql::per_engine("select 1.5 as amount", "select 1.5::float8 as amount");
        const BLOB: Sql = Sql::per_engine("select x'00' as amount", "select '\\x00'::bytea as amount");
        const TWINS: Sql = Sql::new("select a.id, b.id from things a join things b on a.id = b.id");
        schema::create(&world.db);
        for sql in [&REAL, &BLOB] {
            let answer = block_on(world.db.read(move |tx| tx.query(sql, &[])));
            assert!(matches!(&answer, Err(Error::Schema(what)) if what.contains("amount")), "{answer:?}");
        }
        assert!(matches!(block_on(world.db.read(|tx| tx.prepare_check(&TWINS))), Err(Error::Schema(_))));
    }

    fn text_in_a_number_column_is_refused(world: &World) {
        const NUMBER: Sql = Sql::new("insert into lines (id, created_at) values ($1, 1)");
        schema::create(&world.db);
        let answer = block_on(world.db.write(|tx| tx.execute(&NUMBER, binds!["one"])));
        assert!(matches!(answer, Err(Error::Bug(_))), "{answer:?}");
        let nul = insert(&world.db, "a\0b", "o", 1, None);
        assert!(matches!(nul, Err(Error::Bug(_))), "{nul:?}");
    }

    fn bad_sql_is_a_bug_and_prepare_finds_it(world: &World) {
        const BAD: Sql = Sql::new("select nothing from nowhere");
        for answer in [
            block_on(world.db.read(|tx| tx.query(&BAD, &[]).map(|_| ()))),
            block_on(world.db.write(|tx| tx.prepare_check(&BAD))),
        ] {
            assert!(matches!(answer, Err(Error::Bug(_))), "{answer:?}");
        }
    }

    fn rows_come_back_as_they_were_bound(world: &World) {
        const ECHO: Sql = Sql::new(
            "insert into things (id, owner, number, note, created_at) values ($1, $2, $3, $4, 1)
             returning id, note",
        );
        schema::create(&world.db);
        let row = block_on(world.db.write(|tx| tx.one(&ECHO, binds!["a", "o", 1, Value::Null]))).unwrap();
        assert_eq!((row.text("id"), row.text_opt("note")), (Ok("a".to_owned()), Ok(None)));
        assert!(matches!(row.text("note"), Err(Error::Schema(_))));
        let engine = block_on(world.db.read(|tx| Ok::<Engine, Error>(tx.engine()))).unwrap();
        assert_eq!(engine, world.db.engine());
    }
}
