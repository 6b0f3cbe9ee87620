//! People of several tenants, and the operator beside them: what staff learn of others' people, who becomes
//! an owner, and what a queued mail gives away.

use std::sync::Arc;

use domain::{Role, TenantId};
use flows::people::resets;
use reqwest::Method;
use serde_json::Value;
use server::mail::{Caught, Mailer};
use server::router::Site;
use store::Sql;
use store::db::Engine;

use super::{ANN, BOB, Browser, PASSWORD, add, add_here, add_operator, invite, mailed_path, mails, run};
use crate::engines::World;
use crate::town::Town;

const FREE: &str = "free@elsewhere.example";

/// Rows of everything that somebody who forgot their password leaves behind.
async fn left_behind(town: &Town) -> [i64; 4] {
    const ROWS: [Sql; 4] = [
        Sql::new("select count(*) as n from reset_asks"),
        Sql::new("select count(*) as n from mails"),
        Sql::new("select count(*) as n from person_tokens"),
        Sql::new("select count(*) as n from audit_log"),
    ];
    let mut counts = [0; 4];
    for (count, sql) in counts.iter_mut().zip(&ROWS) {
        *count = town.number(sql).await;
    }
    counts
}

/// All that the database holds of people and their mails; of SQLite the files, byte for byte.
async fn everything(world: &World, town: &Town) -> String {
    const TABLES: [Sql; 6] = [
        Sql::new("select * from mails"),
        Sql::new("select * from person_tokens"),
        Sql::new("select * from reset_asks"),
        Sql::new("select * from users"),
        Sql::new("select * from sessions"),
        Sql::new("select * from audit_log"),
    ];
    let mut all = String::new();
    for sql in &TABLES {
        all.push_str(&format!("{:?}", town.rows(sql).await));
    }
    if world.db.engine() == Engine::Sqlite {
        let file = world.url.strip_prefix("sqlite:").unwrap();
        for file in [file.to_owned(), format!("{file}-wal")] {
            all.push_str(&String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()));
        }
    }
    all
}

both! {
    fn staff_do_not_learn_who_is_somebodys_elsewhere(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            let other = town.add_msp("Prairie Networks", "usd").await.scope.tenant;
            add(&town, &other, Role::Billing, ANN).await;
            add_here(&town, Role::Owner, BOB).await;
            let bob = Browser::new(&town);
            bob.enrol(BOB).await;
            let mut answers = Vec::new();
            for email in [ANN, FREE] {
                let csrf = bob.get("/settings/users/new").await.csrf();
                let whom = [("name", "Pat"), ("email", email), ("role", "billing")];
                let fields = [&whom[..], &[("csrf_token", csrf.as_str())]].concat();
                let page = bob.post("/settings/users", &fields).await;
                page.assert(200, "Pat was invited");
                let token = page.text.split("/invitation/").nth(1).unwrap()[..64].to_owned();
                let same = page.text.replace(&token, "TOKEN").replace(email, "EMAIL");
                answers.push((page.status, same));
                Browser::new(&town).get(&format!("/invitation/{token}")).await.assert(200, email);
            }
            assert_eq!(answers[0], answers[1]);
            let list = bob.get("/settings/users").await.text;
            assert!(list.contains(ANN) && list.contains(FREE));
            const NOTED: Sql = Sql::new(
                "select after_state from audit_log where action = 'person.invited' order by created_at",
            );
            let noted = town.rows(&NOTED).await;
            let states: Vec<String> = noted.iter().map(|row| row.text("after_state").unwrap()).collect();
            assert_eq!(states[0], states[1]);
            // She reads what to do, and nothing lets anybody in.
            let told = mails(&town).await;
            let to = |email: &str| told.iter().filter(|mail| mail.0 == email).collect::<Vec<_>>();
            assert!(to(FREE)[0].2["button"]["path"].is_string());
            let hers = &to(ANN)[0].2;
            assert!(hers["button"].is_null() && hers.to_string().contains("another address of yours"));
            // Nor is an invitation a way to take an address away: she logs in as before.
            Browser::new(&town).log_in(ANN).await;
        });
    }

    fn an_invitation_to_an_address_that_logs_in_elsewhere_is_not_accepted(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            let other = town.add_msp("Prairie Networks", "usd").await.scope.tenant;
            let here = invite(&town, &town.msp.scope.tenant, Role::Billing, FREE).await;
            let there = invite(&town, &other, Role::ReadOnly, FREE).await;
            // Both wait; the address is of the one that is accepted first.
            let fields = [("name", "Pat"), ("password", PASSWORD)];
            Browser::new(&town).send(&there, &fields).await.assert_goes_to("/");
            Browser::new(&town).send(&here, &fields).await.assert(409, "is here already");
            Browser::new(&town).log_in(FREE).await;
            // Within a tenant it is told at once: its people are no secret to it.
            let add = crate::people::add(&town, &other, Role::Billing, ANN).await;
            assert_eq!(add.email, ANN);
            let by = flows::By::new(flows::Actor::CommandLine);
            let twice = flows::people::invitations::Invitation {
                tenant: other,
                name: "Ann".to_owned(),
                email: ANN.to_uppercase(),
                role: Role::Billing,
            };
            let refused = flows::people::invitations::invite_first(&town.app, &by, &twice).await;
            assert_eq!(refused.unwrap_err(), domain::person::Refused::EmailTaken.into());
        });
    }

    fn nobody_becomes_an_owner_unnoticed_by_the_other_owners(world: &World) {
        run(world, async |town| {
            let operator = add_operator(&town).await;
            add_here(&town, Role::Owner, ANN).await;
            add_here(&town, Role::Billing, BOB).await;
            let browser = Browser::new(&town);
            browser.enrol(&operator.email).await;
            let path = format!("/operator/tenants/{}", town.msp.scope.tenant);
            let fields = [("owner", "Sam Plat"), ("email", "sam@private.example")];
            let csrf = browser.get(&path).await.csrf();
            let fields = [&fields[..], &[("csrf_token", csrf.as_str())]].concat();
            // Not without showing once more who they are.
            town.advance_ms(6 * 60_000);
            browser.post(&format!("{path}/invite"), &fields).await.assert(403, "Confirm that it is you");
            town.advance_ms(-6 * 60_000);
            browser.post(&format!("{path}/invite"), &fields).await.assert(200, "Sam Plat was invited");
            // She sees who can log in there.
            browser.get(&path).await.assert(200, "Sam Plat");
            let told = mails(&town).await;
            let is_hers = |mail: &&(String, String, Value)| mail.0 == ANN && mail.1.contains("owner");
            let to_ann: Vec<_> = told.iter().filter(is_hers).collect();
            assert_eq!(to_ann.len(), 1, "{told:?}");
            let says = to_ann[0].2.to_string();
            for part in ["Sam Plat (sam@private.example)", &operator.name] {
                assert!(says.contains(part), "{says}");
            }
            assert!(!told.iter().any(|mail| mail.0 == BOB), "{told:?}");
            let path = "/api/audit";
            let audit = town.api(&town.msp.key, Method::GET, path, Value::Null).await;
            let rows = audit.body["data"].as_array().cloned().unwrap_or_default();
            let invited = rows.iter().find(|row| row["action"] == "person.invited");
            let invited = invited.unwrap_or_else(|| panic!("{}", audit.text));
            assert!(invited.to_string().contains(operator.id.as_str()), "{invited}");
        });
    }

    fn asking_for_a_new_password_is_the_same_work_for_every_address(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, ANN).await;
            let gone = add_here(&town, Role::Billing, BOB).await;
            const DISABLE: Sql =
                Sql::new("update users set disabled_at = 1 where email = 'bob@northwind.example'");
            town.change(&DISABLE).await;
            let before = left_behind(&town).await;
            for (n, email) in [ANN, &gone.email, FREE].into_iter().enumerate() {
                let asked = Browser::new(&town).send("/forgot", &[("email", email)]).await;
                asked.assert(200, "Check your e-mail");
                let mut expected = before;
                expected[0] += 1 + i64::try_from(n).unwrap();
                assert_eq!(left_behind(&town).await, expected, "{email}: one row, and nothing else");
            }
            assert_eq!(resets::answer(&town.app).await.unwrap(), 3);
            let [asks, mails, tokens, audit] = before;
            assert_eq!(left_behind(&town).await, [asks, mails + 1, tokens + 1, audit + 1]);
            assert_eq!(super::mails(&town).await.last().unwrap().0, ANN);
        });
    }

    fn no_link_that_lets_somebody_in_stands_in_the_database_before_or_after_its_mail(world: &World) {
        run(world, async |town| {
            add_operator(&town).await;
            add_here(&town, Role::Billing, ANN).await;
            let caught = Arc::new(Caught::default());
            let mailer = Mailer::catching(caught.clone());
            let site = Site { mailer: Some(mailer.clone()), ..town.site.clone() };
            let asked = async || {
                Browser::new(&town).send("/forgot", &[("email", ANN)]).await;
                mailed_path(&town).await
            };
            let ways = [
                asked().await,
                invite(&town, &TenantId::platform(), Role::Operator, "new@platform.example").await,
            ];
            for queued in [true, false] {
                let all = everything(world, &town).await;
                for path in &ways {
                    let token = path.rsplit('/').next().unwrap();
                    assert!(token.len() == 64 && !all.contains(token), "queued: {queued}, {path}");
                }
                while mailer.round(&site).await.unwrap() > 0 {}
            }
            // The mail itself has it, and it opens what it says.
            for path in &ways {
                let sent = caught.all();
                assert!(sent.iter().any(|mail| mail.ready.text.contains(path.as_str())), "{path}");
                Browser::new(&town).get(path).await.assert(200, "assword");
            }
            const LETTERS: Sql = Sql::new("select count(*) as n from mails where letter like '%ptk%'");
            assert_eq!(town.number(&LETTERS).await, 0, "what was sent does not name its link's row either");
        });
    }
}
