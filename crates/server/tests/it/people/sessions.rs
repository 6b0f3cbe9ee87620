//! Sessions: how long they last, who ends them, and what a change of what somebody may do means for them,
//! on every instance.

use domain::Role;
use flows::people::login::Browser as At;
use flows::people::members::{self, Change};
use flows::people::{self, Seen};
use flows::{Actor, By};
use store::Sql;
use store::users::User;
use stripe::Secret;

use super::{ANN, BOB, Browser, PASSWORD, add_here, add_operator, noted, run};
use crate::engines::World;
use crate::town::Town;

const MINUTE_MS: i64 = 60_000;

/// Somebody who has just logged in, as a flow knows them.
pub async fn seen(town: &Town, user: &User) -> Seen {
    let by = By::new(Actor::Unknown);
    let at = At {
        by,
        agent: None,
        before: None,
    };
    let email = town.app.db.read({
        let (tenant, id) = (user.tenant.clone(), user.id.clone());
        move |tx| store::users::get(tx, &tenant, &id)
    });
    let email = email
        .await
        .unwrap_or_else(|e: store::Error| panic!("{e}"))
        .unwrap()
        .email;
    let entered = people::login::log_in(&town.app, &at, &email, &Secret::new(PASSWORD))
        .await
        .unwrap();
    people::authenticate(&town.app, entered.cookie.expose())
        .await
        .unwrap()
        .unwrap()
}

both! {
    fn a_session_ends_without_requests_and_at_its_age_whatever_comes(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::ReadOnly, "carl@northwind.example").await;
            let operator = Browser::new(&town);
            operator.enrol("operator@platform.example").await;
            let carl = Browser::new(&town);
            carl.log_in("carl@northwind.example").await;
            town.advance_ms(15 * MINUTE_MS);
            operator.get("/confirm").await.assert_goes_to("/login");
            // The use is written beside the request; another look waits for it.
            let uses = async || {
                carl.get("/confirm").await.assert(200, "Confirm");
                let (app, cookie) = (&town.app, carl.session());
                let written = async || {
                    let seen = people::authenticate(app, &cookie).await.unwrap().unwrap();
                    !people::is_touch_due(app, &seen.session)
                };
                town.until("the use of the session is written down", written).await;
            };
            for _ in 0..24 {
                uses().await;
                town.advance_ms(29 * MINUTE_MS);
            }
            uses().await;
            town.advance_ms(8 * MINUTE_MS);
            carl.get("/confirm").await.assert(200, "Confirm");
            town.advance_ms(MINUTE_MS);
            carl.get("/confirm").await.assert_goes_to("/login");
            carl.log_in("carl@northwind.example").await;
            town.advance_ms(30 * MINUTE_MS);
            carl.get("/confirm").await.assert_goes_to("/login");
            // What ran out a month ago is removed.
            const LEFT: Sql = Sql::new("select count(*) as n from sessions");
            people::sessions::remove_old(&town.app).await.unwrap();
            assert!(town.number(&LEFT).await > 0);
            town.advance_ms(31 * 24 * 60 * MINUTE_MS);
            people::sessions::remove_old(&town.app).await.unwrap();
            assert_eq!(town.number(&LEFT).await, 0);
        });
    }

    fn somebody_sees_their_sessions_and_ends_them_everywhere_at_once(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            let bob = add_here(&town, Role::Billing, BOB).await;
            let second = town.again(world).await;
            let (one, two, three) = (Browser::new(&town), Browser::new(&second), Browser::new(&town));
            for browser in [&one, &two, &three] {
                browser.log_in(BOB).await;
            }
            let by = By::new(Actor::Unknown);
            let mine = people::authenticate(&town.app, &one.session()).await.unwrap().unwrap();
            let listed = people::sessions::list(&town.app, &mine).await.unwrap();
            assert_eq!(listed.len(), 3);
            assert!(listed.iter().all(|session| session.address.as_deref() == Some("203.0.113.10")));
            let other = people::authenticate(&town.app, &two.session()).await.unwrap().unwrap();
            people::sessions::revoke(&town.app, &by, &mine, &other.session.id).await.unwrap();
            two.get("/confirm").await.assert_goes_to("/login");
            // Nobody ends anybody else's.
            let ann = add_here(&town, Role::Billing, ANN).await;
            let eve = seen(&town, &ann).await;
            let refused = people::sessions::revoke(&town.app, &by, &eve, &mine.session.id).await;
            assert_eq!(refused.unwrap_err(), domain::Refusal::NotFound.into());
            assert_eq!(people::sessions::revoke_others(&second.app, &by, &mine).await.unwrap(), 1);
            three.get("/confirm").await.assert_goes_to("/login");
            one.get("/confirm").await.assert_goes_to("/");
            // Another password ends all others as well, and gives this one another secret.
            two.log_in(BOB).await;
            let (old, new) = (Secret::new(PASSWORD), Secret::new("lantern orbit meadow cellar"));
            let wrong = people::account::change_password(&town.app, &by, &mine, &new, &new).await;
            assert_eq!(wrong.unwrap_err(), domain::person::Refused::Login.into());
            let cookie = people::account::change_password(&town.app, &by, &mine, &old, &new).await.unwrap();
            two.get("/confirm").await.assert_goes_to("/login");
            one.get("/confirm").await.assert_goes_to("/login");
            one.set_session(cookie.expose());
            let left = one.get("/confirm").await;
            left.assert_goes_to("/");
            // Logging out ends it on the server, not in the browser alone.
            let csrf = people::form_token(&town.app, mine.session.id.as_str()).unwrap();
            one.post("/logout", &[("csrf_token", &csrf)]).await.assert_goes_to("/login");
            two.set_session(cookie.expose());
            two.get("/confirm").await.assert_goes_to("/login");
            assert_eq!(bob.role, Role::Billing);
            assert!(noted(&town).await.contains(&"person.logged_out".to_owned()));
        });
    }

    fn whoever_is_lowered_or_shut_out_is_so_at_the_next_request_on_every_instance(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            let ann = add_here(&town, Role::Owner, ANN).await;
            let bob = add_here(&town, Role::Billing, BOB).await;
            let second = town.again(world).await;
            let by = By::new(Actor::Unknown);
            let owner = seen(&town, &ann).await;
            let (here, there) = (Browser::new(&town), Browser::new(&second));
            for change in [Change::Role(Role::ReadOnly), Change::ClearSecondFactor, Change::Disable] {
                for browser in [&here, &there] {
                    browser.log_in(BOB).await;
                }
                members::change(&town.app, &by, &owner, &bob.id, None, change).await.unwrap();
                for browser in [&there, &here] {
                    browser.get("/confirm").await.assert_goes_to("/login");
                }
            }
            here.try_password(BOB, PASSWORD).await.assert(401, "is wrong");
            members::change(&town.app, &by, &owner, &bob.id, None, Change::Enable).await.unwrap();
            here.log_in(BOB).await;
            // The role itself is read on each request, and not from the session.
            const LOWERED: Sql =
                Sql::new("update users set role = 'operator' where email = 'bob@northwind.example'");
            town.change(&LOWERED).await;
            here.get("/confirm").await.assert_goes_to("/login/authenticator");
            const CLOSED: Sql = Sql::new("update tenants set status = 'closed'");
            let carl = Browser::new(&town);
            add_here(&town, Role::ReadOnly, "carl@northwind.example").await;
            carl.log_in("carl@northwind.example").await;
            town.change(&CLOSED).await;
            carl.get("/confirm").await.assert_goes_to("/login");
            carl.try_password("carl@northwind.example", PASSWORD).await.assert(409, "closed");
        });
    }

    fn somebody_always_remains_who_decides(world: &World) {
        run(world, async |town| {
            use domain::person::Refused;
            let operator = add_operator(&town).await;
            let ann = add_here(&town, Role::Owner, ANN).await;
            let olive = add_here(&town, Role::Owner, "olive@northwind.example").await;
            let by = By::new(Actor::Unknown);
            let owner = seen(&town, &ann).await;
            let change = async |id, change| {
                members::change(&town.app, &by, &owner, id, None, change).await.map(|user| user.role)
            };
            assert_eq!(change(&ann.id, Change::Role(Role::Billing)).await, Err(Refused::Oneself.into()));
            assert_eq!(change(&ann.id, Change::Disable).await, Err(Refused::Oneself.into()));
            assert_eq!(
                change(&olive.id, Change::Role(Role::Operator)).await,
                Err(Refused::RoleInsufficient.into())
            );
            assert_eq!(change(&operator.id, Change::Disable).await, Err(domain::Refusal::NotFound.into()));
            assert_eq!(change(&olive.id, Change::Role(Role::Billing)).await, Ok(Role::Billing));
            let stale = members::change(&town.app, &by, &owner, &olive.id, Some(1), Change::Disable).await;
            assert_eq!(stale.unwrap_err(), domain::Refusal::VersionConflict.into());
            // Two owners who lower each other at once: one of them stays.
            change(&olive.id, Change::Role(Role::Owner)).await.unwrap();
            let other = seen(&town, &olive).await;
            change(&olive.id, Change::Disable).await.unwrap();
            let last = members::change(&town.app, &by, &other, &ann.id, None, Change::Disable).await;
            assert_eq!(last.unwrap_err(), Refused::LastOne.into());
        });
    }
}
