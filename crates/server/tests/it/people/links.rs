//! Links by mail and the token of the first start: each good once, for a while, for one person.

use domain::{Role, TenantId};
use flows::people::invitations::{self, Invitation};
use flows::people::setup;
use flows::{Actor, By, people};
use store::Sql;

use super::{ANN, BOB, Browser, PASSWORD, add_here, add_operator, mailed_path, mails, noted, run, sessions};
use crate::engines::World;
use crate::town::Town;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const NEW: &str = "lantern orbit meadow cellar";

async fn invite(town: &Town, role: Role, email: &str) -> String {
    super::invite(town, &town.msp.scope.tenant, role, email).await
}

/// Where the login is to lead on to.
fn escaped_next(path: &str) -> String {
    format!("/login?next={path}")
}

both! {
    fn the_first_operator_needs_the_token_of_the_console(world: &World) {
        run(world, async |town| {
            let browser = Browser::new(&town);
            browser.get("/login").await.assert_goes_to("/setup");
            for (email, password) in [("admin", "admin"), ("admin@example.com", "password"), ("", "")] {
                browser.get("/setup").await.assert(200, "Set up psa-pay");
                let csrf = browser.get("/setup").await.csrf();
                let fields = [("csrf_token", csrf.as_str()), ("email", email), ("password", password)];
                browser.post("/login", &fields).await.assert(401, "is wrong");
            }
            let earlier = setup::offer(&town.app).await.unwrap().unwrap();
            let token = setup::offer(&town.app).await.unwrap().unwrap();
            let fill = async |token: &str, name: &str, email: &str, password: &str| {
                let person = [("name", name), ("email", email), ("password", password)];
                let fields = [&[("setup_token", token)][..], &person].concat();
                browser.send("/setup", &fields).await
            };
            let email = "sam@platform.example";
            for wrong in ["", "x", &"0".repeat(64), earlier.expose()] {
                let refused = fill(wrong, "Sam", email, PASSWORD).await;
                refused.assert(403, "This is not the token").assert(403, "value=\"sam@platform.example\"");
            }
            let token = token.expose();
            for (name, email, password, problem) in [
                ("", email, PASSWORD, "Your name must be plain text"),
                ("Sam", "sam", PASSWORD, "E-mail address must be an e-mail address"),
                ("Sam", email, "short", "Password must have at least 12 characters"),
                ("Sam", email, "password1234", "Password is one of those that are tried first"),
                ("Sam", email, "sam@platform.example", "Password is one of those"),
                ("Sam", email, &"x1y2".repeat(33), "Password must have at most 128 characters"),
            ] {
                let refused = fill(token, name, email, password).await;
                refused.assert(422, problem).assert(422, token);
                assert!(!refused.text.contains(&format!("value=\"{password}\"")) || password == email);
            }
            fill(token, "Sam", email, PASSWORD).await.assert_goes_to("/login/authenticator");
            browser.get("/login/authenticator").await.assert(200, "Set up your authenticator");
            Browser::new(&town).get("/setup").await.assert_goes_to("/login");
            assert!(setup::offer(&town.app).await.unwrap().is_none(), "there is an operator");
            let noted = noted(&town).await;
            assert_eq!(noted.iter().filter(|action| *action == "person.login_refused").count(), 3);
        });
    }

    fn an_invitation_is_accepted_once_within_three_days(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            let path = invite(&town, Role::Billing, "robin@northwind.example").await;
            assert_eq!(mailed_path(&town).await, path);
            assert_eq!(mails(&town).await[0].0, "robin@northwind.example");
            let browser = Browser::new(&town);
            let page = browser.get(&path).await;
            page.assert(200, "robin@northwind.example").assert(200, "Billing");
            for (name, password, problem) in [
                ("Robin", "robin@northwind", "Password is one of those"),
                ("Robin", "", "Password must have at least"),
                ("Robin\r\nBcc: x", PASSWORD, "Your name must be plain text"),
            ] {
                browser.fill(&page, &[("name", name), ("password", password)]).await.assert(422, problem);
            }
            browser.fill(&page, &[("name", "Robin Marsh"), ("password", PASSWORD)]).await.assert_goes_to("/");
            browser.get("/confirm").await.assert_goes_to("/");
            browser.get(&path).await.assert(410, "does not work any more");
            // Nor does a form that was loaded before.
            let eve = Browser::new(&town);
            let csrf = eve.get("/forgot").await.csrf();
            let fields = [("csrf_token", csrf.as_str()), ("name", "Eve"), ("password", NEW)];
            eve.post(&path, &fields).await.assert(410, "does not work any more");
            Browser::new(&town).log_in("robin@northwind.example").await;
            // An owner goes on to the second factor.
            let owner = invite(&town, Role::Owner, "olive@northwind.example").await;
            let browser = Browser::new(&town);
            browser.send(&owner, &[("name", "Olive"), ("password", PASSWORD)]).await
                .assert_goes_to("/login/authenticator");
            let late = invite(&town, Role::ReadOnly, "late@northwind.example").await;
            town.advance_ms(72 * HOUR_MS);
            Browser::new(&town).get(&late).await.assert(410, "does not work any more");
        });
    }

    fn owners_invite_to_their_own_tenant_and_nobody_invites_above_themselves(world: &World) {
        run(world, async |town| {
            let operator = add_operator(&town).await;
            let other = town.add_msp("Prairie Networks", "usd").await.scope.tenant;
            let here = town.msp.scope.tenant.clone();
            let mut people = vec![operator];
            for (role, email) in [
                (Role::Owner, ANN),
                (Role::Billing, BOB),
                (Role::ReadOnly, "carl@northwind.example"),
            ] {
                people.push(add_here(&town, role, email).await);
            }
            let (mut tried, mut made) = (0, 0);
            for inviter in &people {
                let seen = sessions::seen(&town, inviter).await;
                for tenant in [TenantId::platform(), here.clone(), other.clone()] {
                    for role in Role::ALL {
                        let email = format!("person{tried}@invited.example");
                        let same = tenant == inviter.tenant;
                        let expected = match (inviter.role, role) {
                            (Role::Operator, Role::Operator) => same,
                            (Role::Operator, Role::Owner) => !same,
                            (Role::Owner, role) => same && role != Role::Operator,
                            _ => false,
                        };
                        let invitation =
                            Invitation { tenant: tenant.clone(), name: "Pat".to_owned(), email, role };
                        let by = By::new(Actor::Unknown);
                        let invited = invitations::invite(&town.app, &by, &seen, &invitation).await;
                        assert_eq!(invited.is_ok(), expected, "{:?} {role:?} {tenant}", inviter.role);
                        tried += 1;
                        made += usize::from(expected);
                    }
                }
            }
            let mails = mails(&town).await;
            let invited = mails.iter().filter(|mail| mail.1.contains("invited")).count();
            // And whoever owns the tenant is told of the operator's choice.
            assert_eq!((tried, made, invited, mails.len()), (48, 6, 6, 7));
        });
    }

    fn a_reset_link_is_good_once_for_half_an_hour_and_ends_every_session(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, BOB).await;
            let (before, browser) = (Browser::new(&town), Browser::new(&town));
            before.log_in(BOB).await;
            let ask = async || browser.send("/forgot", &[("email", "Bob@northwind.example")]).await;
            ask().await.assert(200, "Check your e-mail");
            let first = mailed_path(&town).await;
            ask().await.assert(200, "Check your e-mail");
            let second = mailed_path(&town).await;
            assert_ne!(first, second);
            // Whoever asks takes no link away: strangers ask as well. Using one does.
            browser.get(&first).await.assert(200, BOB);
            let page = browser.get(&second).await;
            page.assert(200, BOB);
            let short = browser.fill(&page, &[("password", "short")]).await;
            short.assert(422, "New password must have at least");
            browser.fill(&page, &[("password", NEW)]).await.assert(200, "Your password is changed");
            browser.fill(&page, &[("password", PASSWORD)]).await.assert(410, "does not work any more");
            for used in [&first, &second] {
                browser.get(used).await.assert(410, "does not work any more");
            }
            before.get("/confirm").await.assert_goes_to("/login");
            browser.try_password(BOB, PASSWORD).await.assert(401, "is wrong");
            browser.try_password(BOB, NEW).await.assert_goes_to("/");
            let subjects: Vec<String> = mails(&town).await.into_iter().map(|mail| mail.1).collect();
            assert_eq!(subjects.last().unwrap(), "Your password was changed");
            // A third mail within the hour, and no fourth; then one that is left lying about.
            ask().await.assert(200, "Check your e-mail");
            let third = mailed_path(&town).await;
            ask().await.assert(200, "Check your e-mail");
            assert_eq!(mailed_path(&town).await, third);
            town.advance_ms(30 * MINUTE_MS);
            browser.get(&third).await.assert(410, "does not work any more");
            // A link of one kind opens nothing of another.
            town.advance_ms(HOUR_MS);
            ask().await;
            let token = mailed_path(&town).await.rsplit('/').next().unwrap().to_owned();
            for kind in ["invitation", "email"] {
                browser.get(&format!("/{kind}/{token}")).await.assert(410, "does not work any more");
            }
        });
    }

    fn a_new_address_counts_once_its_owner_has_opened_the_link(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            let bob = add_here(&town, Role::Billing, BOB).await;
            add_here(&town, Role::Billing, ANN).await;
            let browser = Browser::new(&town);
            browser.log_in(BOB).await;
            let by = By::new(Actor::Unknown);
            let seen = sessions::seen(&town, &bob).await;
            people::account::ask_for_email(&town.app, &by, &seen, "Robert@northwind.example").await.unwrap();
            let path = mailed_path(&town).await;
            let mut told: Vec<String> = mails(&town).await.into_iter().map(|mail| mail.0).collect();
            told.sort();
            assert_eq!(told, [BOB, "robert@northwind.example"], "the address that counts is told as well");
            // Whoever reads the new mailbox, and nothing else, takes nothing.
            let stranger = Browser::new(&town);
            stranger.get(&path).await.assert(200, "Log in as before").assert(200, &escaped_next(&path));
            let csrf = stranger.get("/forgot").await.csrf();
            stranger.post(&path, &[("csrf_token", &csrf)]).await.assert(401, "Your session ended");
            stranger.log_in(ANN).await;
            stranger.get(&path).await.assert(200, "You are logged in as somebody else");
            let page = browser.get(&path).await;
            page.assert(200, "robert@northwind.example");
            browser.fill(&page, &[]).await.assert(200, "Your address is changed");
            browser.get(&path).await.assert(410, "does not work any more");
            browser.get("/confirm").await.assert_goes_to("/login");
            browser.try_password(BOB, PASSWORD).await.assert(401, "is wrong");
            browser.log_in("robert@northwind.example").await;
            let told = mails(&town).await.pop().unwrap();
            assert_eq!(told.0, BOB, "the old address is told: {}", told.1);
            // One that somebody else has is refused at the link, where only its owner is told so.
            let seen = sessions::seen(&town, &bob).await;
            people::account::ask_for_email(&town.app, &by, &seen, ANN).await.unwrap();
            let page = browser.get(&mailed_path(&town).await).await;
            browser.fill(&page, &[]).await.assert(409, "This address is taken");
            const ADDRESSES: Sql = Sql::new("select count(distinct email) as n from users");
            assert_eq!(town.number(&ADDRESSES).await, 3);
        });
    }
}
