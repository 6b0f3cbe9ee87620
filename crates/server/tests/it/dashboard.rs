//! The pages behind the login, over HTTP: what each role sees and does there, what is wrong with a form
//! beside its fields, and that what was done counts at once everywhere else.

use domain::{Role, TenantId};
use flows::{Actor, By, tenants};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::person::{PASSWORD, Person, Shown, add};
use crate::town::Town;

async fn owner(town: &Town) -> Person {
    Person::new(
        town,
        &town.msp.scope.tenant,
        Role::Owner,
        "dana@northwind.example",
    )
    .await
}

/// A tenant that has not connected anything, and its owner.
pub async fn newcomer(town: &Town) -> (TenantId, Person) {
    let by = By::new(Actor::CommandLine);
    let added = tenants::add(&town.app, &by, town.app.moment(), "Bluebird Networks", None, &[]).await;
    let tenant = added.unwrap().0.id;
    let owner = Person::new(town, &tenant, Role::Owner, "robin@bluebird.example").await;
    (tenant, owner)
}

both! {
    fn each_role_begins_at_its_own_pages_and_is_offered_nothing_else(world: &World) {
        Town::run(world, async |town| {
            let visitor = Person::visitor(&town);
            visitor.get("/").await.assert_sent_to("/login");
            visitor.get("/settings/users").await.assert_sent_to("/login?next=/settings/users");

            let tenant = town.msp.scope.tenant.clone();
            let owner = owner(&town).await;
            let home = owner.get("/").await;
            let parts = ["Welcome, Dana", "TEST MODE", "Outstanding", "Nothing is late", "New invoice"];
            home.assert_says(200, &parts);
            home.assert_says(200, &["<a href=\"/\" aria-current=\"page\">Home</a>", "/settings/api-keys"]);
            assert!(!home.text.contains("/operator"));

            let reader = Person::new(&town, &tenant, Role::ReadOnly, "lee@northwind.example").await;
            let home = reader.get("/").await;
            home.assert_says(200, &["With a second factor", "/settings/stripe"]);
            for closed in ["/settings/api-keys", "/settings/users", "/operator"] {
                assert!(!home.text.contains(closed), "{closed}");
                assert_eq!(reader.get(closed).await.status, StatusCode::FORBIDDEN, "{closed}");
            }
            let page = reader.get("/settings/stripe").await;
            page.assert_says(200, &["Ready to take payments"]);
            assert!(!page.text.contains("/settings/stripe/disconnect"));
            let refused = reader.post("/settings/stripe/disconnect", &[]).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);

            let platform = TenantId::platform();
            let operator = Person::new(&town, &platform, Role::Operator, "olga@platform.example").await;
            operator.get("/").await.assert_sent_to("/operator");
            operator.get("/operator").await.assert_says(200, &["Northwind IT Services", "Ready"]);
            assert_eq!(operator.get("/settings/users").await.status, StatusCode::FORBIDDEN);
            visitor.get("/styleguide").await.assert_says(404, &["not_found"]);
        });
    }

    fn somebody_changes_their_own_account_and_ends_sessions(world: &World) {
        Town::run(world, async |town| {
            let dana = owner(&town).await;
            dana.get("/account").await.assert_says(200, &["dana@northwind.example", "10 left"]);
            let long = "x".repeat(101);
            let refused = dana.post("/account/name", &[("name", &long)]).await;
            refused.assert_says(422, &["There is a problem", "Name must be plain text", &long]);
            assert!(refused.text.contains("href=\"#name\""), "the summary leads to the field");
            assert!(refused.text.contains("aria-describedby=\"name-error\" aria-invalid=\"true\""));
            dana.post("/account/name", &[]).await.assert_says(422, &["Name must be plain text"]);
            dana.post("/account/name", &[("name", "Dana <b>Whitfield")]).await
                .assert_sent_to("/account?done=renamed");
            let shown = dana.get("/account?done=renamed").await;
            shown.assert_says(200, &["Your name was changed.", "Dana &lt;b&gt;Whitfield"]);
            assert!(!dana.get("/account?done=%3Cb%3Ehello").await.text.contains("hello"));

            let wrong = [("password", "not the password"), ("new_password", "another long pass phrase")];
            dana.post("/account/password", &wrong).await
                .assert_says(401, &["The current password is wrong."]);
            let short = [("password", PASSWORD), ("new_password", "short")];
            dana.post("/account/password", &short).await.assert_says(422, &["New password must"]);

            let lee = "lee@northwind.example";
            add(&town, &town.msp.scope.tenant, Role::ReadOnly, lee).await;
            let (here, elsewhere) = (Person::log_in(&town, lee).await, Person::log_in(&town, lee).await);
            let list = here.get("/account/sessions").await;
            list.assert_says(200, &["Firefox on Linux", "This browser", "End all other sessions?"]);
            let other = list.between("href=\"/account/sessions/", "/end\"");
            let asked = here.get(&format!("/account/sessions/{other}/end")).await;
            asked.assert_says(200, &["End the session of Firefox on Linux?"]);
            let end = format!("/account/sessions/{other}/end");
            dana.post(&end, &[]).await.assert_says(404, &["There is no such thing"]);
            assert_eq!(elsewhere.get("/account").await.status, StatusCode::OK);
            here.post(&end, &[]).await.assert_sent_to("/account/sessions?done=ended");
            elsewhere.get("/account").await.assert_sent_to("/login?next=/account");

            let third = Person::log_in(&town, lee).await;
            third.get("/account").await;
            here.get("/account/sessions").await;
            here.post("/account/sessions/end-others", &[]).await
                .assert_sent_to("/account/sessions?done=others");
            third.get("/account").await.assert_sent_to("/login?next=/account");
            // A page that was open when the session ended: what was typed is sent after a login on the spot.
            let kept = third.post("/account/name", &[("name", "Lee Moss")]).await;
            kept.assert_says(401, &["Nothing you typed is lost", "value=\"Lee Moss\""]);
            let whose = kept.between("name=\"again_for\" value=\"", "\"");
            let again = [
                ("name", "Lee Moss"),
                ("again_for", whose.as_str()),
                ("again_email", lee),
                ("again_password", PASSWORD),
            ];
            third.post("/account/name", &again).await.assert_sent_to("/account?done=renamed");
            third.get("/account").await.assert_says(200, &["value=\"Lee Moss\""]);

            let new = [("password", PASSWORD), ("new_password", "another long pass phrase")];
            here.post("/account/password", &new).await.assert_sent_to("/account?done=password");
            here.get("/account").await.assert_says(200, &["lee@northwind.example", "Not set up"]);
        });
    }

    fn an_owner_invites_people_changes_what_they_may_and_shuts_them_out(world: &World) {
        Town::run(world, async |town| {
            let dana = owner(&town).await;
            dana.get("/settings/users/new").await.assert_says(200, &["Invite a user", "Read only"]);
            let typed = |email| [("name", "Lee Moss"), ("email", email), ("role", "billing")];
            let refused = dana.post("/settings/users", &typed("lee at northwind")).await;
            refused.assert_says(422, &["E-mail address must be an e-mail address", "value=\"Lee Moss\""]);
            let taken = dana.post("/settings/users", &typed("dana@northwind.example")).await;
            taken.assert_says(409, &["Somebody with this e-mail address is here already."]);
            let strange = [("name", "Lee"), ("email", "lee@northwind.example"), ("role", "operator")];
            assert_eq!(dana.post("/settings/users", &strange).await.status, StatusCode::FORBIDDEN);
            let invited = dana.post("/settings/users", &typed("lee@northwind.example")).await;
            invited.assert_says(200, &["Lee Moss was invited", "good for three days"]);
            let link = invited.between("/invitation/", "<");
            let visitor = Person::visitor(&town);
            visitor.get(&format!("/invitation/{link}")).await.assert_says(200, &["Lee Moss"]);

            let list = dana.get("/settings/users").await;
            list.assert_says(200, &["(you)", "Lee Moss", "Invited", "Never"]);
            let lee = list.between("href=\"/settings/users/usr_", "\"");
            let at = |what: &str| format!("/settings/users/usr_{lee}{what}");
            dana.get(&at("")).await
                .assert_says(200, &["Send another invitation", "value=\"billing\" checked"]);
            let again = dana.post(&at("/invite"), &[]).await;
            assert_ne!(again.between("/invitation/", "<"), link);
            let gone = visitor.get(&format!("/invitation/{link}")).await;
            assert_eq!(gone.status, StatusCode::GONE, "the link before is worth nothing");

            let (tenant, kim) = (&town.msp.scope.tenant, "kim@northwind.example");
            let reader = Person::new(&town, tenant, Role::ReadOnly, kim).await;
            let list = dana.get("/settings/users").await.text;
            let kim = list.rsplit_once("href=\"/settings/users/usr_").unwrap().1.split_once('"').unwrap().0;
            let at = |what: &str| format!("/settings/users/usr_{kim}{what}");
            let stale = dana.post(&at("/role"), &[("role", "billing"), ("version", "99")]).await;
            assert_eq!(stale.status, StatusCode::CONFLICT, "somebody else changed them since");
            let version = dana.get(&at("")).await.between("name=\"version\" value=\"", "\"");
            let role = [("role", "billing"), ("version", version.as_str())];
            dana.post(&at("/role"), &role).await.assert_sent_to("/settings/users?done=role");
            reader.get("/account").await.assert_sent_to("/login?next=/account");
            let reader = Person::log_in(&town, "kim@northwind.example").await;
            dana.get(&at("/disable")).await.assert_says(200, &["Shut this person out?"]);
            dana.post(&at("/disable"), &[]).await.assert_sent_to("/settings/users?done=disabled");
            reader.get("/account").await.assert_sent_to("/login?next=/account");
            dana.get("/settings/users").await.assert_says(200, &["Disabled"]);
            dana.post(&at("/enable"), &[]).await.assert_sent_to("/settings/users?done=enabled");

            let (_, robin) = newcomer(&town).await;
            robin.get(&at("")).await.assert_says(404, &["There is no such thing"]);
            robin.post(&at("/disable"), &[]).await.assert_says(404, &["There is no such thing"]);
            dana.get("/settings/users/usr_x").await.assert_says(404, &["There is no such thing"]);
        });
    }

    fn an_invitation_that_did_not_arrive_is_shown_with_what_the_mail_server_said(world: &World) {
        const REFUSED: Sql = Sql::new(
            "update mails set status = 'refused', next_attempt_at = null, last_error = '550 no such user'
             where kind = 'invitation'",
        );
        Town::run(world, async |town| {
            let dana = owner(&town).await;
            dana.get("/settings/users/new").await;
            let typed = [("name", "Lee Moss"), ("email", "lee@northwimd.example"), ("role", "billing")];
            dana.post("/settings/users", &typed).await.assert_says(200, &["Lee Moss was invited"]);
            let said = "The invitation did not arrive";
            assert!(!dana.get("/settings/users").await.text.contains(said));
            let told = town.app.db.write(|tx| tx.execute(&REFUSED, &[])).await;
            assert_eq!(told.unwrap(), 1, "one invitation was mailed");
            let list = dana.get("/settings/users").await;
            list.assert_says(200, &["Invited", "The invitation did not arrive: 550 no such user"]);
        });
    }

    fn a_key_is_made_with_ticked_permissions_shown_once_and_revoked(world: &World) {
        Town::run(world, async |town| {
            let (_, robin) = newcomer(&town).await;
            robin.get("/settings/api-keys").await.assert_says(200, &["No API keys yet", "Make a key"]);
            robin.get("/settings/api-keys/new").await
                .assert_says(200, &["Permissions", "A PSA that invoices"]);
            let of = |name, day, word| {
                let fixed = [("name", name), ("mode", "test"), ("access", "some")];
                [fixed[0], fixed[1], fixed[2], ("expires_at", day), ("permissions", word)]
            };
            for (fields, problem) in [
                (of("", "", "clients:read"), "Name must be plain text"),
                (of("PSA", "31.12.2099", "clients:read"), "Expires on must be a day such as 2027-01-31."),
                (of("PSA", "2001-01-01", "clients:read"), "Expires on must be a moment in the future"),
                (of("PSA", "", "clients:burn"), "Permissions is no permission"),
            ] {
                let refused = robin.post("/settings/api-keys", &fields).await;
                refused.assert_says(422, &["There is a problem", problem]);
            }
            let none = [("name", "PSA"), ("mode", "test"), ("access", "some")];
            let refused = robin.post("/settings/api-keys", &none).await;
            let ticks = "Permissions must have at least one tick. Tick some, or choose Everything above.";
            refused.assert_says(422, &[ticks, "value=\"PSA\""]);
            let mode = [("name", "PSA"), ("mode", "dream"), ("permissions", "clients:read")];
            let refused = robin.post("/settings/api-keys", &mode).await;
            refused
                .assert_says(422, &["Mode must be one of those", "value=\"clients:read\" checked"]);

            let made = robin.post("/settings/api-keys", &of("HaloPSA", "2099-12-31", "clients:read")).await;
            made.assert_says(201, &["shown this once", "HaloPSA"]);
            let secret = format!("ppk_test_{}", made.between("id=\"secret\">ppk_test_", "<"));
            let clients = async || town.api(&secret, Method::GET, "/api/clients", Value::Null).await;
            assert_eq!(clients().await.status, StatusCode::OK);
            let refused = town.api(&secret, Method::GET, "/api/invoices", Value::Null).await;
            refused.assert_refused(403, "permission_missing", None);
            let list = robin.get("/settings/api-keys").await;
            list.assert_says(200, &["HaloPSA", "clients:read", "In force", "1 January 2100", "Revoke"]);
            assert!(!list.text.contains(&secret));

            let id = list.between("href=\"/settings/api-keys/key_", "/");
            let revoke = format!("/settings/api-keys/key_{id}/revoke");
            robin.get(&revoke).await.assert_says(200, &["Whatever uses this key stops working at once."]);
            let other = owner(&town).await;
            other.get("/settings/api-keys").await;
            other.post(&revoke, &[]).await.assert_says(404, &["There is no such thing"]);
            robin.post(&revoke, &[]).await.assert_sent_to("/settings/api-keys?done=revoked");
            clients().await.assert_refused(401, "api_key_revoked", None);
            robin.get("/settings/api-keys").await.assert_says(200, &["Revoked"]);
        });
    }

    fn an_owner_connects_stripe_sees_what_it_asks_for_and_disconnects(world: &World) {
        Town::run(world, async |town| {
            let (_, robin) = newcomer(&town).await;
            robin.get("/").await.assert_says(200, &["No Stripe account yet"]);
            let page = robin.get("/settings/stripe").await;
            page.assert_says(200, &["Connect with Stripe", "Connect an account that you have"]);
            for country in ["", "USA", "1!"] {
                let refused = robin.post("/settings/stripe/account", &[("country", country)]).await;
                refused.assert_says(422, &["Country of your business must be chosen from the list."]);
            }
            let asked = robin.post("/settings/stripe/existing", &[]).await;
            let question = format!("{}/oauth/authorize", town.stripe_url);
            assert!(asked.location().starts_with(&question), "{asked:?}");
            let sent = robin.post("/settings/stripe/account", &[("country", "us")]).await;
            assert!(sent.location().starts_with(&town.stripe_url), "{sent:?}");
            let page = robin.get("/settings/stripe").await;
            page.assert_says(200, &["Stripe still needs", "Continue with Stripe", "Needs information"]);
            let account = page.between("<code>acct_", "<");
            let panel = robin.get("/settings/stripe/panel").await;
            assert!(panel.text.starts_with("<section"), "{}", panel.text);

            let path = format!("/_simulator/accounts/acct_{account}/onboard");
            town.control("POST", &path, json!({"outcome": "complete", "at_once": true}));
            // A page that is looked at has the account read again when nothing was heard for a while.
            town.advance_ms(20_000);
            robin.get("/settings/stripe/panel").await
                .assert_says(200, &["Ready to take payments", "data-final"]);
            let again = robin.post("/settings/stripe/continue", &[]).await;
            assert!(again.location().starts_with(&town.stripe_url), "{again:?}");

            robin.get("/settings/stripe/disconnect").await.assert_says(200, &["cannot pay by card any more"]);
            robin.post("/settings/stripe/disconnect", &[]).await
                .assert_sent_to("/settings/stripe?done=disconnected");
            let page = robin.get("/settings/stripe?done=disconnected").await;
            page.assert_says(200, &["The account was disconnected.", "Connect it again"]);
            robin.post("/settings/stripe/again", &[]).await.assert_sent_to("/settings/stripe?done=connected");
            robin.get("/settings/stripe").await.assert_says(200, &["Ready to take payments"]);
        });
    }

    fn the_operator_adds_a_tenant_invites_its_owner_and_stops_it(world: &World) {
        Town::run(world, async |town| {
            let platform = TenantId::platform();
            let olga = Person::new(&town, &platform, Role::Operator, "olga@platform.example").await;
            olga.get("/operator/tenants/new").await.assert_says(200, &["Add a tenant"]);
            let refused = olga.post("/operator/tenants", &[("name", ""), ("support_email", "x")]).await;
            refused.assert_says(422, &["Name must be plain text"]);
            let wrong = [("name", "Bluebird"), ("support_email", "x")];
            let refused = olga.post("/operator/tenants", &wrong).await;
            refused.assert_says(422, &["Support address", "value=\"Bluebird\""]);
            let made = olga.post("/operator/tenants", &[("name", "Bluebird"), ("support_email", "")]).await;
            let tenant = made.location().strip_suffix("?done=made").unwrap().to_owned();
            olga.get(made.location()).await.assert_says(200, &["The tenant was made.", "Invite an owner"]);
            let invite = format!("{tenant}/invite");
            let refused = olga.post(&invite, &[("owner", ""), ("email", "robin@bluebird.example")]).await;
            refused.assert_says(422, &["Name must be plain text", "value=\"robin@bluebird.example\""]);
            let fields = [("owner", "Robin"), ("email", "robin@bluebird.example")];
            let invited = olga.post(&invite, &fields).await;
            invited.assert_says(200, &["Robin was invited"]);
            let link = format!("/invitation/{}", invited.between("/invitation/", "<"));
            let robin = Person::visitor(&town);
            robin.get(&link).await.assert_says(200, &["Robin"]);
            let accepted = robin.post(&link, &[("name", "Robin"), ("password", PASSWORD)]).await;
            assert_eq!(accepted.status, StatusCode::SEE_OTHER, "{}", accepted.words());

            let suspend = format!("{tenant}/suspend");
            let asked = olga.get(&suspend).await;
            asked.assert_says(200, &["Suspend this tenant?", "What stops", "New payments", "What goes on",
                "money can be given back", "Keep it active"]);
            let page = olga.get(&tenant).await;
            assert!(!page.text.contains(&format!("action=\"{suspend}\"")), "nothing stops with one press");
            olga.get(&suspend).await;
            let sent = olga.post(&suspend, &[("reason", "Unpaid bills")]).await;
            olga.get(sent.location()).await
                .assert_says(200, &["Suspended", "Unpaid bills", "Let it take new work"]);
            olga.get(&suspend).await.assert_sent_to(&tenant);
            olga.get(&tenant).await;
            let sent = olga.post(&format!("{tenant}/resume"), &[]).await;
            olga.get(sent.location()).await
                .assert_says(200, &["The tenant may take new work again.", "Active"]);
            olga.get(&format!("{tenant}/close")).await.assert_says(200, &["Close this tenant for good?"]);
            let unsaid = olga.post(&format!("{tenant}/close"), &[("reason", " ")]).await;
            unsaid.assert_says(422, &["Reason must be plain text"]);
            let sent = olga.post(&format!("{tenant}/close"), &[("reason", "It left the platform")]).await;
            let closed = olga.get(sent.location()).await;
            closed.assert_says(200, &["The tenant was closed.", "Closed"]);
            assert!(!closed.text.contains("Invite an owner"));
            olga.get("/operator/tenants/ten_x").await.assert_says(404, &["There is no such thing"]);
            olga.get("/operator").await.assert_says(200, &["Bluebird", "Closed", "Northwind IT Services"]);
        });
    }

    fn a_form_that_is_sent_twice_makes_one_key_and_shows_it_twice(world: &World) {
        Town::run(world, async |town| {
            let dana = owner(&town).await;
            const KEYS: store::Sql =
                store::Sql::new("select count(*) as n from api_keys where name = 'Twice'");
            let page = dana.get("/settings/api-keys/new").await;
            let once = page.between("name=\"once\" value=\"", "\"");
            let fields = [
                ("once", once.as_str()),
                ("name", "Twice"),
                ("mode", "test"),
                ("access", "some"),
                ("permissions", "clients:read"),
            ];
            let (first, second) = tokio::join!(
                dana.post("/settings/api-keys", &fields),
                dana.post("/settings/api-keys", &fields)
            );
            let secret = |page: &Shown| page.between("id=\"secret\">ppk_test_", "<");
            assert_eq!(secret(&first), secret(&second), "{}", second.words());
            assert_eq!(town.number(&KEYS).await, 1);
            let key = format!("ppk_test_{}", secret(&first));
            assert_eq!(town.api(&key, Method::GET, "/api/clients", Value::Null).await.status, StatusCode::OK);
            // A while later the form is spent, and the key is not shown to whoever finds it in the history.
            town.advance_ms(61_000);
            let late = dana.post("/settings/api-keys", &fields).await;
            late.assert_says(200, &["This form has made its key", "Make another key"]);
            assert!(!late.text.contains("ppk_test_"));
            // Another's form of the same mark is another form.
            let tenant = &town.msp.scope.tenant;
            let olive = Person::new(&town, tenant, Role::Owner, "olive@northwind.example").await;
            olive.get("/settings/api-keys/new").await;
            let other = olive.post("/settings/api-keys", &fields).await;
            assert_ne!(secret(&other), secret(&first));
            assert_eq!(town.number(&KEYS).await, 2);
        });
    }
}
