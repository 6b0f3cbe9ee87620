//! The second factor: set up before anything else by those who need one, each code and recovery code good
//! once, and asked for again before what is sensitive.

use domain::Role;
use reqwest::StatusCode;

use super::{ANN, BOB, Browser, PASSWORD, add_here, add_operator, code, next_code, noted, run};
use crate::engines::World;

const MINUTE_MS: i64 = 60_000;

both! {
    fn a_second_factor_that_is_set_up_on_the_way_to_a_refund_leads_back_to_it(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, "eve@northwind.example").await;
            let browser = Browser::new(&town);
            browser.log_in("eve@northwind.example").await;
            let refund = "/payments/pay_01/refund?invoice=inv_02";
            let to = format!("/login/authenticator?next={}", server::people::escaped(refund));
            browser.get(refund).await.assert_goes_to(&to);
            let page = browser.get(&to).await;
            browser.fill(&page, &[]).await.assert_goes_to(&to);
            let page = browser.get(&to).await;
            let done = browser.fill(&page, &[("code", &code(&town, &page.text_of("seed")))]).await;
            done.assert(200, "Keep these recovery codes").assert(200, &format!("href=\"{refund}\""));
        });
    }

    fn who_decides_sets_up_an_authenticator_before_anything_opens(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Owner, ANN).await;
            let browser = Browser::new(&town);
            browser.try_password(ANN, PASSWORD).await
                .assert_goes_to("/login/authenticator");
            browser.get("/confirm").await.assert_goes_to("/login/authenticator");
            let page = browser.get("/login/authenticator").await;
            page.assert(200, "Set up your authenticator").assert(200, "<svg");
            let csrf = page.csrf();
            browser.post("/confirm", &[("csrf_token", &csrf), ("again_password", PASSWORD)]).await
                .assert(403, "Your role needs a second factor");
            for wrong in ["", "12345", "abcdef", "000000000", "x".repeat(5_000).as_str()] {
                let refused = browser.fill(&page, &[("code", wrong)]).await;
                refused.assert(422, "This code is wrong");
                assert_eq!(refused.text_of("seed"), page.text_of("seed"), "the same seed is shown again");
            }
            let seed = page.text_of("seed");
            let before = browser.session();
            let done = browser.fill(&page, &[("code", &code(&town, &seed))]).await;
            done.assert(200, "Keep these recovery codes");
            assert_ne!(browser.session(), before, "another secret for the session");
            browser.get("/confirm").await.assert_goes_to("/");
            browser.get("/login/authenticator").await.assert_goes_to("/");
            let noted = noted(&town).await;
            for action in ["person.logged_in", "person.second_factor_begun", "person.second_factor_set"] {
                assert_eq!(noted.iter().filter(|noted| *noted == action).count(), 1, "{noted:?}");
            }
        });
    }

    fn a_code_is_good_once_and_for_its_minute(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Owner, ANN).await;
            let first = Browser::new(&town);
            let (seed, _) = first.enrol(ANN).await;
            let used = code(&town, &seed);
            let browser = Browser::new(&town);
            browser.try_password(ANN, PASSWORD).await
                .assert_goes_to("/login/second-factor");
            // The password alone opens nothing.
            browser.get("/confirm").await.assert_goes_to("/login");
            // The code that set the authenticator up is used.
            let page = browser.send("/login/second-factor", &[("code", &used)]).await;
            page.assert(422, "This code is wrong, too old, or was used before");
            let fresh = next_code(&town, &seed);
            let waiting = browser.session();
            let spaced = format!(" {} {} ", &fresh[..3], &fresh[3..]);
            browser.send("/login/second-factor", &[("code", &spaced)]).await
                .assert_goes_to("/");
            assert_ne!(browser.session(), waiting, "a session of its own after the second factor");
            // Seen over a shoulder it is worth nothing, at no other browser and for no other purpose.
            let thief = Browser::at(&town, "198.51.100.7");
            thief.try_password(ANN, PASSWORD).await.assert_goes_to("/login/second-factor");
            thief.send("/login/second-factor", &[("code", &fresh)]).await.assert(422, "used before");
            thief.send("/login/second-factor", &[("code", &used)]).await.assert(422, "used before");
            // What is two steps old is not taken either.
            let old = next_code(&town, &seed);
            town.advance_ms(MINUTE_MS);
            thief.send("/login/second-factor", &[("code", &old)]).await.assert(422, "too old");
            for n in 0..2 {
                thief.send("/login/second-factor", &[("code", &format!("00000{n}"))]).await;
            }
            let right = code(&town, &seed);
            thief.send("/login/second-factor", &[("code", &right)]).await.assert(429, "Too many");
            // The login that waits for a code waits for ten minutes.
            let late = Browser::new(&town);
            late.try_password(ANN, PASSWORD).await.assert_goes_to("/login/second-factor");
            let page = late.get("/login/second-factor").await;
            town.advance_ms(10 * MINUTE_MS);
            late.fill(&page, &[("code", &code(&town, &seed))]).await.assert_goes_to("/login");
        });
    }

    fn a_recovery_code_stands_in_for_a_lost_authenticator_once(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Owner, ANN).await;
            let (_, codes) = Browser::new(&town).enrol(ANN).await;
            assert!(codes.iter().all(|code| code.len() == 29), "120 bits, in groups of four: {codes:?}");
            for (recovery, status) in [
                (codes[0].clone(), StatusCode::SEE_OTHER),
                (codes[0].clone(), StatusCode::UNPROCESSABLE_ENTITY),
                (codes[1].to_uppercase().replace('-', " "), StatusCode::SEE_OTHER),
                (codes[2][..24].to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
            ] {
                let browser = Browser::new(&town);
                browser.try_password(ANN, PASSWORD).await
                    .assert_goes_to("/login/second-factor");
                let page = browser.send("/login/second-factor", &[("code", &recovery)]).await;
                assert_eq!(page.status, status, "{recovery}");
            }
        });
    }

    fn after_five_minutes_somebody_shows_who_they_are_once_more(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, BOB).await;
            let browser = Browser::new(&town);
            browser.log_in(BOB).await;
            browser.get("/confirm").await.assert_goes_to("/");
            town.advance_ms(5 * MINUTE_MS);
            let page = browser.get("/confirm?next=/settings/users").await;
            page.assert(200, "Confirm that it is you");
            browser.fill(&page, &[]).await.assert(403, "Confirm that it is you");
            browser.fill(&page, &[("again_password", "wrong horse battery")]).await.assert(401, "is wrong");
            browser.fill(&page, &[("again_code", "123456")]).await.assert(422, "This code is wrong");
            let before = browser.session();
            browser.fill(&page, &[("again_password", PASSWORD)]).await.assert_goes_to("/settings/users");
            assert_ne!(browser.session(), before, "another secret for the session");
            let old = Browser::new(&town);
            old.set_session(&before);
            old.get("/confirm").await.assert_goes_to("/login");
            browser.get("/confirm").await.assert_goes_to("/");
            // Guesses are counted as those at the login.
            town.advance_ms(5 * MINUTE_MS);
            let page = browser.get("/confirm").await;
            for _ in 0..5 {
                browser.fill(&page, &[("again_password", "wrong horse battery")]).await;
            }
            browser.fill(&page, &[("again_password", PASSWORD)]).await.assert(429, "Too many wrong tries");
        });
    }
}
