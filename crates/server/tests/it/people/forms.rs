//! Forms that were filled in while their session ended: nothing that was typed is lost, and nothing
//! happens twice.

use domain::Role;

use super::{ANN, BOB, Browser, PASSWORD, add_here, add_operator, next_code, run};
use crate::engines::World;

const MINUTE_MS: i64 = 60_000;

both! {
    fn a_form_whose_session_ended_asks_to_log_in_on_the_spot_and_goes_on(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, BOB).await;
            let browser = Browser::new(&town);
            browser.log_in(BOB).await;
            town.advance_ms(6 * MINUTE_MS);
            let page = browser.get("/confirm?next=/settings/users%3Fa%3D1").await;
            page.assert(200, "Confirm that it is you");
            town.advance_ms(30 * MINUTE_MS);
            let typed = [("again_password", PASSWORD), ("note", "<b>\"kept\" & safe</b>")];
            // A form of a session that is gone has a token that nobody can check: it is kept, not done.
            let kept = browser.fill(&page, &typed).await;
            kept.assert(401, "Your session ended before this was sent");
            kept.assert(401, "&lt;b&gt;&quot;kept&quot; &amp; safe&lt;/b&gt;");
            assert!(!kept.text.contains(PASSWORD), "a password is never sent back");
            let wrong = [("again_email", BOB), ("again_password", "wrong horse battery")];
            let again = browser.fill(&kept, &wrong).await;
            again.assert(401, "is wrong").assert(401, "value=\"bob@northwind.example\"");
            again.assert(401, "kept");
            let right = [("again_email", BOB), ("again_password", PASSWORD)];
            browser.fill(&again, &right).await.assert_goes_to("/settings/users?a=1");
            browser.get("/confirm").await.assert_goes_to("/");
        });
    }

    fn a_kept_form_is_not_sent_by_whoever_logs_in_next(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, BOB).await;
            add_here(&town, Role::Billing, ANN).await;
            let browser = Browser::new(&town);
            browser.log_in(BOB).await;
            town.advance_ms(6 * MINUTE_MS);
            let page = browser.get("/confirm?next=/settings/users").await;
            town.advance_ms(30 * MINUTE_MS);
            let typed = [("again_password", PASSWORD), ("note", "invite eve"), ("postcode", "60601")];
            let kept = browser.fill(&page, &typed).await;
            kept.assert(401, "Your session ended before this was sent");
            let ann = [("again_email", ANN), ("again_password", PASSWORD)];
            let shown = browser.fill(&kept, &ann).await;
            shown.assert(403, "Send this again").assert(403, "<dd>invite eve</dd>");
            shown.assert(403, "<dd>60601</dd>").assert(403, "<dd>/settings/users</dd>");
            assert!(!shown.text.contains(PASSWORD));
            // It is Ann's decision now.
            browser.fill(&shown, &[]).await.assert_goes_to("/settings/users");
            // A form that says itself whose it is counts for nothing.
            town.advance_ms(31 * MINUTE_MS);
            let made_up = "0".repeat(40);
            let forged = [&ann[..], &[("again_for", made_up.as_str())]].concat();
            let csrf = browser.get("/login").await.csrf();
            let fields = [&forged[..], &[("csrf_token", csrf.as_str())]].concat();
            browser.post("/confirm", &fields).await.assert(403, "Send this again");
        });
    }

    fn forms_of_before_the_login_are_taken_whatever_session_comes_along(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, BOB).await;
            let browser = Browser::new(&town);
            // An operator's session stays behind when a link is followed, and comes along with the form.
            let page = browser.get("/login?next=/settings/users").await;
            browser.log_in(BOB).await;
            let filled = browser.fill(&page, &[("email", BOB), ("password", PASSWORD)]).await;
            filled.assert_goes_to("/settings/users");
        });
    }

    fn with_a_second_factor_the_form_waits_for_the_code_as_well(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Owner, ANN).await;
            let browser = Browser::new(&town);
            let (seed, _) = browser.enrol(ANN).await;
            town.advance_ms(6 * MINUTE_MS);
            let page = browser.get("/confirm?next=/settings/users").await;
            town.advance_ms(30 * MINUTE_MS);
            let kept = browser.fill(&page, &[]).await;
            kept.assert(401, "Your session ended before this was sent");
            let right = [("again_email", ANN), ("again_password", PASSWORD)];
            let asked = browser.fill(&kept, &right).await;
            asked.assert(401, "again_code");
            let wrong = browser.fill(&asked, &[("again_code", "000000")]).await;
            wrong.assert(422, "This code is wrong");
            let code = next_code(&town, &seed);
            // Whoever comes back this way has just shown who they are; the same code is not asked for again.
            let done = browser.fill(&wrong, &[("again_code", &code)]).await;
            done.assert_goes_to("/settings/users");
        });
    }

    fn a_form_of_another_session_of_the_browser_is_shown_before_it_is_sent(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, BOB).await;
            let browser = Browser::new(&town);
            browser.log_in(BOB).await;
            town.advance_ms(6 * MINUTE_MS);
            let page = browser.get("/confirm?next=/settings/users").await;
            let csrf = browser.get("/forgot").await.csrf();
            let fields =
                [("csrf_token", csrf.as_str()), ("email", BOB), ("password", PASSWORD)];
            browser.post("/login", &fields).await.assert_goes_to("/");
            let again = browser.fill(&page, &[("again_password", PASSWORD)]).await;
            again.assert(403, "Send this again").assert(403, "/settings/users");
            browser.fill(&again, &[]).await.assert_goes_to("/settings/users");
        });
    }

    fn bodies_that_no_form_sends_are_refused_like_forms(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, BOB).await;
            let browser = Browser::new(&town);
            let csrf = browser.get("/login").await.csrf();
            let post = async |body: String| {
                browser.ask(reqwest::Method::POST, "/login", &[], Some(body)).await
            };
            let token = format!("csrf_token={csrf}");
            for body in [
                token.clone(),
                format!("{token}&email=bob%40northwind.example"),
                format!("{token}&email[]=bob%40northwind.example&password[]=x"),
                format!("{token}&email=%ff%fe&password=%00"),
                format!("{token}&email={}&password={}", "a".repeat(20_000), "b".repeat(20_000)),
                format!("{token}&email=1&email=bob%40northwind.example&password=1"),
                format!("{token}{}", "&x=1".repeat(2_000)),
            ] {
                post(body).await.assert(401, "is wrong");
            }
            for body in ["{\"email\":\"x\"}".to_owned(), String::new(), "=&=&&&".to_owned()] {
                post(body).await.assert(403, "Send this again");
            }
            post(format!("{token}&email={}", "a".repeat(70_000))).await.assert(413, "body_too_large");
        });
    }
}
