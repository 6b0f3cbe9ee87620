//! What attackers try at the login: guessing, finding out who is here, a session of their choice, forms
//! of other pages, and links that lead elsewhere.

use std::sync::{Arc, Mutex};

use domain::person::Refused;
use domain::{Refusal, Role};
use flows::people::{Cost, Hashing, Inline, Work, Working};
use flows::{Actor, App, By, Failure, people};
use store::Sql;
use stripe::Secret;

use super::{
    ANN, Browser, PASSWORD, add, add_here, add_operator, encoded, mailed_path, mails, next_code, noted, run,
};
use crate::engines::World;

const MINUTE_MS: i64 = 60_000;

/// Hashes on the spot, and keeps what it was asked for.
struct Counting(Mutex<Vec<&'static str>>);

impl Hashing for Counting {
    fn run(&self, work: Work) -> Working<'_> {
        self.0.lock().unwrap().push(match work {
            Work::Hash { .. } => "hash",
            Work::Verify { .. } => "verify",
        });
        let cost = Cost {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        };
        Box::pin(async move { Inline(cost).run(work).await })
    }
}

/// A page without what differs from one visit to the next, and without what was typed.
fn alike(text: &str, email: &str) -> String {
    text.replace(email, "EMAIL")
}

both! {
    fn a_guesser_is_slowed_down_and_the_owner_gets_in_from_elsewhere(world: &World) {
        run(world, async |town| {
            add_here(&town, Role::Billing, ANN).await;
            add_operator(&town).await;
            let guesser = Browser::at(&town, "198.51.100.7");
            for n in 0..5 {
                let guess = format!("wrong horse battery {n}");
                guesser.try_password(ANN, &guess).await.assert(401, "is wrong");
            }
            // From now on even the right password is not looked at, and that is told alike for all.
            let held = guesser.try_password(ANN, PASSWORD).await;
            held.assert(429, "Too many wrong tries. Try again in");
            guesser.try_password("ANN@northwind.example", PASSWORD).await.assert(429, "Too many");
            Browser::at(&town, "198.51.100.7").try_password(ANN, PASSWORD).await
                .assert(429, "Too many");
            // Its owner is elsewhere, and does not notice.
            Browser::at(&town, "203.0.113.99").log_in(ANN).await;
            // The wait is short at first, and doubles.
            town.advance_ms(1_000);
            guesser.try_password(ANN, "wrong horse battery 6").await.assert(401, "is wrong");
            town.advance_ms(1_000);
            guesser.try_password(ANN, PASSWORD).await.assert(429, "Too many");
            town.advance_ms(1_000);
            guesser.log_in(ANN).await;
        });
    }

    fn one_network_does_not_guess_at_many_accounts(world: &World) {
        run(world, async |town| {
            add_here(&town, Role::Billing, ANN).await;
            add_operator(&town).await;
            let guesser = Browser::at(&town, "2001:db8:7:7::1");
            for n in 0..20 {
                let email = format!("person{n}@northwind.example");
                guesser.try_password(&email, PASSWORD).await.assert(401, "is wrong");
            }
            let neighbour = Browser::at(&town, "2001:db8:7:7:ffff::2");
            neighbour.try_password(ANN, PASSWORD).await.assert(429, "Too many");
            Browser::at(&town, "2001:db8:7:8::1").log_in(ANN).await;
            town.advance_ms(15 * MINUTE_MS);
            neighbour.log_in(ANN).await;
        });
    }

    fn many_guesses_at_once_are_counted_before_they_are_looked_at(world: &World) {
        run(world, async |town| {
            add_here(&town, Role::Billing, ANN).await;
            add_operator(&town).await;
            let guesses: Vec<_> = (0..30).map(|n| {
                let (app, guess) = (town.app.clone(), Secret::new(format!("wrong horse battery {n}")));
                tokio::spawn(async move {
                    let by = By { address: "198.51.100.7".parse().ok(), ..By::new(Actor::Unknown) };
                    let browser = people::login::Browser { by, agent: None, before: None };
                    people::login::log_in(&app, &browser, ANN, &guess).await.unwrap_err()
                })
            }).collect();
            let (mut looked_at, mut held) = (0, 0);
            for guess in guesses {
                match guess.await.unwrap() {
                    Failure::Refused(Refusal::Person(Refused::Login)) => looked_at += 1,
                    Failure::Refused(Refusal::Person(Refused::LoginDelayed { .. })) => held += 1,
                    // Of two that cannot both be right, one may be told to come again.
                    failure => assert_eq!(failure, Failure::Store(store::Error::Conflict)),
                }
            }
            assert!(looked_at <= 5 && held > 0, "{looked_at} {held}");
        });
    }

    fn whoever_is_not_let_in_learns_nothing_of_who_is_here(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, ANN).await;
            let gone = add_here(&town, Role::Billing, "gone@northwind.example").await;
            let invited = people::invitations::Invitation {
                tenant: town.msp.scope.tenant.clone(),
                name: "New".to_owned(),
                email: "new@northwind.example".to_owned(),
                role: Role::ReadOnly,
            };
            let by = By::new(Actor::CommandLine);
            people::invitations::invite_first(&town.app, &by, &invited).await.unwrap();
            const DISABLE: Sql =
                Sql::new("update users set disabled_at = 1 where email = 'gone@northwind.example'");
            town.change(&DISABLE).await;
            assert!(gone.disabled_at.is_none());
            let browser = Browser::new(&town);
            let mut seen = Vec::new();
            for (email, password) in [
                (ANN, "wrong horse battery"),
                ("nobody@northwind.example", PASSWORD),
                ("gone@northwind.example", PASSWORD),
                ("new@northwind.example", PASSWORD),
                ("no address", PASSWORD),
                ("", ""),
            ] {
                let page = browser.try_password(email, password).await;
                let headers = ["content-type", "cache-control"].map(|name| page.headers[name].clone());
                seen.push((page.status, alike(&page.text, email), headers));
            }
            for page in &seen[..4] {
                assert_eq!(page.0, 401);
                assert_eq!(page, &seen[0]);
            }
            assert_eq!([seen[4].0, seen[5].0], [401, 401]);

            // And it costs the same work, so that it takes the same time.
            let counting = Arc::new(Counting(Mutex::default()));
            let app = App { hashing: counting.clone(), ..town.app.clone() };
            for email in [ANN, "nobody@northwind.example", "gone@northwind.example"] {
                let browser = flows::people::login::Browser { by: by.clone(), agent: None, before: None };
                let refused = people::login::log_in(&app, &browser, email, &Secret::new("wrong horse")).await;
                assert!(refused.is_err());
            }
            assert_eq!(counting.0.lock().unwrap().len(), 3, "one hash each, whoever it is");
            let asked = [ANN, "nobody@northwind.example", "gone@northwind.example"];
            let mut answers = Vec::new();
            for email in asked {
                let page = browser.send("/forgot", &[("email", email)]).await;
                answers.push((page.status, alike(&page.text, email)));
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
            assert_eq!(mails(&town).await.iter().filter(|mail| mail.1.contains("password")).count(), 1);
        });
    }

    fn a_session_of_an_attackers_choice_is_never_taken_on(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, ANN).await;
            add_here(&town, Role::ReadOnly, "eve@northwind.example").await;
            let victim = Browser::new(&town);
            let made_up = "a".repeat(64);
            victim.set_session(&made_up);
            victim.log_in(ANN).await;
            assert_ne!(victim.session(), made_up);
            let attacker = Browser::new(&town);
            attacker.set_session(&made_up);
            attacker.get("/confirm").await.assert_goes_to("/login");
            // The attacker's own session, put into the victim's browser, ends when the victim logs in.
            attacker.log_in("eve@northwind.example").await;
            let planted = attacker.session();
            victim.set_session(&planted);
            let page = victim.get("/login").await;
            page.assert_goes_to("/");
            let csrf = victim.get("/forgot").await.csrf();
            let fields = [("csrf_token", csrf.as_str()), ("email", ANN), ("password", PASSWORD)];
            victim.post("/login", &fields).await.assert_goes_to("/");
            assert_ne!(victim.session(), planted);
            attacker.get("/confirm").await.assert_goes_to("/login");
        });
    }

    fn forms_of_other_pages_and_of_other_sessions_do_nothing(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, ANN).await;
            let browser = Browser::new(&town);
            let eve = Browser::new(&town);
            let eves = eve.get("/login").await.csrf();
            let login = [("email", ANN), ("password", PASSWORD)];
            for token in ["", "x", &eves, &"0".repeat(40)] {
                let fields = [&login[..], &[("csrf_token", token)]].concat();
                browser.post("/login", &fields).await.assert(403, "Send this again");
                assert_eq!(browser.session(), "");
            }
            let own = browser.get("/login").await.csrf();
            let fields = [&login[..], &[("csrf_token", own.as_str())]].concat();
            for foreign in [
                [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
                [("sec-fetch-site", "same-site"), ("origin", "https://evil.example")],
                [("origin", "https://evil.example"), ("x-nothing", "")],
                [("origin", "null"), ("x-nothing", "")],
            ] {
                let body = Some(encoded(&fields));
                let page = browser.ask(reqwest::Method::POST, "/login", &foreign, body).await;
                page.assert(403, "cross_site");
            }
            assert_eq!(browser.session(), "");
            browser.log_in(ANN).await;
            // The token of before the login is worth nothing within the session.
            browser.post("/logout", &[("csrf_token", &own)]).await.assert(403, "Send this again");
            browser.post("/logout", &[]).await.assert(403, "Send this again");
            browser.get("/logout").await.assert(405, "method_not_allowed");
            browser.get("/confirm").await.assert_goes_to("/");
            assert!(!noted(&town).await.contains(&"person.logged_out".to_owned()));
        });
    }

    fn links_in_mails_lead_to_the_configured_address_whatever_the_host_says(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, ANN).await;
            let browser = Browser::new(&town);
            let csrf = browser.get("/forgot").await.csrf();
            let body = encoded(&[("csrf_token", csrf.as_str()), ("email", ANN)]);
            let hostile = [
                ("host", "evil.example"),
                ("x-forwarded-host", "evil.example"),
                ("forwarded", "host=evil.example"),
                ("x-original-url", "https://evil.example/"),
            ];
            let page = browser.ask(reqwest::Method::POST, "/forgot", &hostile, Some(body)).await;
            page.assert(200, "Check your e-mail");
            assert!(!page.text.contains("evil"));
            let path = mailed_path(&town).await;
            assert!(path.starts_with("/reset/"), "{path}");
            assert!(!format!("{:?}", mails(&town).await).contains("evil"));
            let redirected = browser.ask(reqwest::Method::GET, "/confirm", &hostile, None).await;
            redirected.assert_goes_to("/login");
        });
    }

    fn line_breaks_in_names_and_addresses_reach_no_header(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, ANN).await;
            let browser = Browser::new(&town);
            for email in [
                "ann@northwind.example\r\nBcc: all@evil.example",
                "ann@northwind.example\nSubject: x",
                "ann@northwind.example, all@evil.example",
                "Ann <ann@northwind.example>",
                &format!("{}@northwind.example", "a".repeat(300)),
                "",
            ] {
                browser.send("/forgot", &[("email", email)]).await.assert(422, "must be an e-mail address");
            }
            assert!(mails(&town).await.is_empty());
            let by = By::new(Actor::CommandLine);
            for (name, email) in [
                ("Ann\r\nBcc: all@evil.example", "new@northwind.example"),
                ("Ann", "new@northwind.example\r\nBcc: all@evil.example"),
                ("", "new@northwind.example"),
                (&"x".repeat(101), "new@northwind.example"),
            ] {
                let invitation = people::invitations::Invitation {
                    tenant: town.msp.scope.tenant.clone(),
                    name: name.to_owned(),
                    email: email.to_owned(),
                    role: Role::ReadOnly,
                };
                let refused = people::invitations::invite_first(&town.app, &by, &invitation).await;
                assert!(matches!(refused, Err(flows::Failure::Refused(_))), "{refused:?}");
            }
            assert!(mails(&town).await.is_empty());
        });
    }

    fn too_many_links_that_never_were_one_are_not_looked_at(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            let guesser = Browser::at(&town, "198.51.100.7");
            let mut answers = std::collections::BTreeMap::new();
            for n in 0..70 {
                let path = match n % 3 {
                    0 => format!("/reset/{n:064x}"),
                    1 => format!("/invitation/{n:064x}"),
                    _ => format!("/email/{n}"),
                };
                *answers.entry(guesser.get(&path).await.status.as_u16()).or_insert(0) += 1;
            }
            assert_eq!(answers, [(410, 60), (429, 10)].into());
            Browser::at(&town, "203.0.113.5").get("/reset/x").await.assert(410, "does not work any more");
        });
    }

    fn nothing_that_lets_somebody_in_stands_in_the_database_or_a_log(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add(&town, &town.msp.scope.tenant.clone(), Role::Owner, ANN).await;
            let browser = Browser::new(&town);
            let (seed, codes) = browser.enrol(ANN).await;
            assert_eq!(codes.len(), 10);
            browser.send("/forgot", &[("email", ANN)]).await;
            let token = mailed_path(&town).await.rsplit('/').next().unwrap().to_owned();
            const KEPT: [Sql; 6] = [
                Sql::new("select * from mails"),
                Sql::new("select * from users"),
                Sql::new("select * from sessions"),
                Sql::new("select * from person_tokens"),
                Sql::new("select * from recovery_codes"),
                Sql::new("select * from audit_log"),
            ];
            let mut all = String::new();
            for sql in &KEPT {
                all.push_str(&format!("{:?}", town.rows(sql).await));
            }
            assert!(all.contains("$argon2id$v=19$"));
            let session = browser.session();
            let bare: Vec<String> = codes.iter().map(|code| code.replace('-', "")).collect();
            let secrets = [PASSWORD, &seed, &session, &token].into_iter();
            for secret in secrets.chain(bare.iter().map(String::as_str)) {
                assert!(!secret.is_empty() && !all.contains(secret), "{secret}");
            }
            // Sealed for this person: moved to another it opens nothing.
            const SWAP: Sql = Sql::new(
                "update users
                 set totp_seed = (select totp_seed from users where email = 'ann@northwind.example')
                 where email = 'operator@platform.example'",
            );
            town.change(&SWAP).await;
            let operator = Browser::new(&town);
            operator.try_password("operator@platform.example", PASSWORD).await
                .assert_goes_to("/login/second-factor");
            let code = next_code(&town, &seed);
            let page = operator.send("/login/second-factor", &[("code", &code)]).await;
            page.assert(422, "cannot be checked any more");
        });
    }
}
