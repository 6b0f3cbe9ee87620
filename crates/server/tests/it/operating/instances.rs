//! Which instances run on a database, and by which webhook secrets they check signatures.

use flows::running::{self, LIVES_MS};

use crate::engines::World;
use crate::town::{Town, Wishes};

fn prints(all: &[&str]) -> Vec<String> {
    all.iter().map(|print| (*print).to_owned()).collect()
}

both! {
    fn a_secret_is_taken_by_all_once_no_instance_that_lives_lacks_it(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            let app = &town.app;
            let all_take = async |print: &str| {
                let living = running::living(&app.db, app.clock.now()).await.unwrap();
                running::all_take(&living, print)
            };
            let report = async |id: &str, secrets: &[&str]| {
                running::report(app, id, "1.0.0", &prints(secrets)).await.unwrap();
            };
            assert!(!all_take("new").await, "nobody takes it where nobody runs");
            report("one", &["old"]).await;
            report("two", &["old", "new"]).await;
            assert!(all_take("old").await && !all_take("new").await);
            report("one", &["old", "new"]).await;
            assert!(all_take("new").await, "restarted with it");
            report("three", &["old"]).await;
            assert!(!all_take("new").await);
            running::ended(app, "three").await.unwrap();
            assert!(all_take("new").await, "it has ended in order");

            report("four", &["old"]).await;
            town.advance_ms(LIVES_MS - 60_000);
            report("two", &["old", "new"]).await;
            assert!(!all_take("new").await, "four may still live");
            town.advance_ms(60_000);
            assert!(all_take("new").await, "four has not been heard of for too long");
        });
    }
}
