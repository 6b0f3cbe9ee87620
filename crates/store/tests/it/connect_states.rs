//! A state opens its door once, whoever comes first.

use std::sync::Barrier;

use domain::{Mode, Scope, TenantId, Timestamp};
use store::Db;
use store::connect_states::{ConnectState, Kind, forget, insert, look, take};
use store::migrate::migrate;
use store::tenants::{self, Tenant};

use crate::both;
use crate::engines::{World, block_on};

const NOW: Timestamp = Timestamp::from_ms(1_000);

fn state(hash: &str, kind: Kind) -> ConnectState {
    let tenant = TenantId::new(NOW, 1);
    ConnectState {
        scope: Scope {
            tenant,
            mode: Mode::Live,
        },
        hash: hash.to_owned(),
        kind,
        stripe_account_id: Some("acct_1".to_owned()),
        expires_at: NOW.plus_ms(500),
    }
}

fn prepare(db: &Db, states: &'static [(&'static str, Kind)]) {
    block_on(migrate(db, 1)).unwrap();
    block_on(db.write(move |tx| {
        let id = TenantId::new(NOW, 1);
        tenants::insert(tx, &Tenant::new(id, "MSP".to_owned(), None, NOW))?;
        states
            .iter()
            .try_for_each(|(hash, kind)| insert(tx, &state(hash, *kind), NOW))
    }))
    .unwrap();
}

fn take_at(db: &Db, hash: &'static str, kind: Kind, at: Timestamp) -> Option<ConnectState> {
    block_on(db.write(move |tx| take(tx, hash, kind, at))).unwrap()
}

both! {
    fn of_sixteen_who_bring_a_state_one_gets_in(world: &World) {
        prepare(&world.db, &[("a", Kind::Return)]);
        let barrier = Barrier::new(16);
        let got_in: Vec<ConnectState> = std::thread::scope(|scope| {
            let come = || {
                barrier.wait();
                take_at(&world.db, "a", Kind::Return, NOW)
            };
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(come)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(got_in, [state("a", Kind::Return)]);
    }

    fn used_expired_unknown_and_of_another_kind_look_the_same(world: &World) {
        prepare(&world.db, &[("used", Kind::Return), ("late", Kind::Return), ("other", Kind::Refresh)]);
        assert!(take_at(&world.db, "used", Kind::Return, NOW).is_some());
        assert_eq!(take_at(&world.db, "used", Kind::Return, NOW), None);
        assert_eq!(take_at(&world.db, "late", Kind::Return, NOW.plus_ms(500)), None);
        assert_eq!(take_at(&world.db, "other", Kind::Return, NOW), None);
        assert_eq!(take_at(&world.db, "nobody's", Kind::Return, NOW), None);
        assert!(take_at(&world.db, "late", Kind::Return, NOW.plus_ms(499)).is_some());
    }

    fn a_watch_is_looked_at_until_it_runs_out(world: &World) {
        prepare(&world.db, &[("w", Kind::Watch)]);
        let look_at = |at| block_on(world.db.read(move |tx| look(tx, "w", Kind::Watch, at)));
        assert_eq!(look_at(NOW), Ok(Some(state("w", Kind::Watch))));
        assert_eq!(look_at(NOW.plus_ms(499)), Ok(Some(state("w", Kind::Watch))));
        assert_eq!(look_at(NOW.plus_ms(500)), Ok(None));
        let swept = block_on(world.db.write(|tx| forget(tx, NOW.plus_ms(500))));
        assert_eq!(swept, Ok(1));
    }
}
