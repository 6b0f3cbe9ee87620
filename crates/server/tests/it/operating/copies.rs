//! How a copy of the database is known on both engines, and what opens live mode again.

use domain::Mode;
use flows::instance::{self, Marker, Opened, Reconciled};
use flows::reconcile::{self, Order};
use flows::{Actor, By};
use store::Sql;
use store::db::Engine;

use crate::engines::World;
use crate::town::{Town, Wishes};

const LIVE_CARD: &str = "4000009900000004";
const WAITING: Sql =
    Sql::new("select count(*) as n from mails where livemode = 1 and status in ('queued', 'sending')");

fn marker(tokens: &[&str], place: &str) -> Marker {
    Marker {
        tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
        place: place.to_owned(),
    }
}

/// Everything since two days ago.
fn order(town: &Town) -> Order {
    Order {
        since: town.app.clock.now().plus_ms(-2 * 24 * 60 * 60 * 1000),
        account: None,
        mode: None,
    }
}

both! {
    fn a_copy_takes_no_live_money_until_it_was_compared_with_stripe(world: &World) {
        let wishes = Wishes { mode: Mode::Live, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let app = &town.app;
            let by = By::new(Actor::CommandLine);
            let is_server = world.db.engine() == Engine::Postgres;
            assert_eq!(!instance::place(app).await.is_empty(), is_server, "a server says which it is");

            // Starts one after the other, and one after a crash between the mark and the row.
            for (tokens, next) in [(&[][..], "one"), (&["one"], "two"), (&["two", "three"], "three")] {
                let locked = instance::claim(app, &marker(tokens, "here"), next).await.unwrap();
                assert_eq!(locked, None, "{tokens:?}");
            }
            let restored = instance::claim(app, &marker(&["nine"], "here"), "four").await.unwrap();
            assert!(restored.is_some_and(|locked| locked.because.contains("restored from a backup")));
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let card = town.typed_token(LIVE_CARD);
            town.pay(&link, &card, 12_345, "usd").await.assert_refused(503, "live_locked", None);
            assert_eq!(town.look(&link).await.body["state"], "temporarily_unavailable");
            assert!(town.intents().is_empty(), "Stripe hears nothing");

            let early = instance::unlock(app, &by, "in a hurry").await.unwrap();
            assert!(matches!(early, Opened::NotReconciled(_)), "{early:?}");
            let order = order(&town);
            reconcile::ordered(app, &by, &order, &mut |_| {}).await.unwrap();
            let late = Order { since: app.clock.now(), ..order.clone() };
            let part = instance::reconciled(app, &by, &late, 0).await.unwrap();
            assert!(matches!(part, Reconciled::NotAll(_)), "{part:?}");
            let test = Order { mode: Some(Mode::Test), ..order.clone() };
            let other = instance::reconciled(app, &by, &test, 0).await.unwrap();
            assert!(matches!(other, Reconciled::NotAll(_)), "{other:?}");
            let all = instance::reconciled(app, &by, &order, 0).await.unwrap();
            assert!(matches!(all, Reconciled::Unlocked(_)), "{all:?}");
            assert_eq!(town.pay(&link, &card, 12_345, "usd").await.body["status"], "succeeded");
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;

            let moved = instance::claim(app, &marker(&["four"], "there"), "five").await.unwrap();
            assert!(moved.is_some_and(|locked| locked.because.contains("copied or moved")));
            let breaks = instance::reconciled(app, &by, &order, 1).await.unwrap();
            assert_eq!(breaks, Reconciled::WithBreaks);
            let opened = instance::unlock(app, &by, "the break is known").await.unwrap();
            assert!(matches!(opened, Opened::Now(_)), "{opened:?}");
            assert_eq!(town.number(&WAITING).await, 0, "they may have gone out before");
            assert_eq!(instance::unlock(app, &by, "again").await.unwrap(), Opened::Before);
            assert_eq!(instance::locked(app).await.unwrap(), None);
            town.assert_books().await;
        });
    }
}
