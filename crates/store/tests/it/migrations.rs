//! How the schema grows, and what is refused.

use store::db::{Db, Error, Options};
use store::migrate::{Migration, migrate, run};

use crate::both;
use crate::engines::{World, block_on};

const FIRST: Migration = Migration {
    name: "0001_a",
    sql: "create table a (\n  id bigint not null primary key\n);",
};
const SECOND: Migration = Migration {
    name: "0002_b",
    sql: "alter table a add column note text;",
};
const CHANGED: Migration = Migration {
    name: "0001_a",
    sql: "create table a (\n  id text not null primary key\n);",
};
const BROKEN: Migration = Migration {
    name: "0002_b",
    sql: "create index broken on a (id);\ncreate index no on no (no);",
};
const OTHER: Migration = Migration {
    name: "0001_z",
    sql: "create table z (\n  id bigint\n);",
};

fn names(names: &[&str]) -> Result<Vec<String>, Error> {
    Ok(names.iter().map(|name| (*name).to_owned()).collect())
}

fn refusal(db: &Db, steps: &'static [Migration]) -> String {
    match block_on(run(db, steps, 2)) {
        Err(Error::Schema(why)) => why,
        other => panic!("{other:?}"),
    }
}

both! {
    fn each_step_is_applied_once(world: &World) {
        assert_eq!(block_on(run(&world.db, &[FIRST], 1)), names(&["0001_a"]));
        assert_eq!(block_on(run(&world.db, &[FIRST, SECOND], 2)), names(&["0002_b"]));
        assert_eq!(block_on(run(&world.db, &[FIRST, SECOND], 3)), names(&[]));
    }

    fn another_history_is_refused(world: &World) {
        assert_eq!(block_on(run(&world.db, &[FIRST, SECOND], 1)), names(&["0001_a", "0002_b"]));
        assert!(refusal(&world.db, &[FIRST]).contains("newer version"));
        assert!(refusal(&world.db, &[]).contains("newer version"));
        assert!(refusal(&world.db, &[CHANGED, SECOND]).contains("0001_a was changed"));
        assert!(refusal(&world.db, &[OTHER, SECOND]).contains("0001_z should be"));
    }

    fn a_step_that_fails_leaves_no_half(world: &World) {
        assert!(refusal(&world.db, &[FIRST, BROKEN]).contains("0002_b"));
        assert_eq!(block_on(run(&world.db, &[FIRST, SECOND], 1)), names(&["0002_b"]));
    }

    fn our_own_steps_apply(world: &World) {
        let applied = block_on(migrate(&world.db, 1)).unwrap();
        assert_eq!(applied.len(), store::migrate::MIGRATIONS.len());
        assert_eq!(block_on(migrate(&world.db, 2)), names(&[]));
    }

    fn every_statement_of_the_stores_prepares(world: &World) {
        block_on(migrate(&world.db, 1)).unwrap();
        for sql in store::statements() {
            if let Err(error) = block_on(world.db.read(|tx| tx.prepare_check(sql))) {
                panic!("{error}\n{}", sql.text(world.db.engine()));
            }
        }
    }
}

#[test]
fn two_instances_may_start_at_once() {
    let Some(world) = World::postgres() else { return };
    let applied = std::thread::scope(|scope| {
        let start = || {
            block_on(migrate(&world.open_again(Options::default()), 1))
                .unwrap()
                .len()
        };
        let instances: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        instances
            .into_iter()
            .map(|instance| instance.join().unwrap())
            .sum::<usize>()
    });
    assert_eq!(applied, store::migrate::MIGRATIONS.len());
}
