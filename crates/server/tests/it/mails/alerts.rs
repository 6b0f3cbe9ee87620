//! People are told of what they chose, in their language, as long as they belong to a tenant that works; and
//! all mails about their login are in that language, too.

use domain::{Role, TenantId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PostOffice, call, check_form, until_taken, with_mail};
use crate::disputes;
use crate::engines::World;
use crate::person::{Person, Shown};
use crate::refunds;
use crate::town::Town;

const DANA: &str = "dana@northwind.example";
const LEE: &str = "lee@northwind.example";
const KIM: &str = "kim@northwind.example";
const DESK: &str = "desk@northwind.example";

/// The owner, who keeps the money, and who looks on.
async fn staff(town: &Town) -> [Person; 3] {
    let tenant = town.msp.scope.tenant.clone();
    let person = async |role, email| Person::new(town, &tenant, role, email).await;
    [
        person(Role::Owner, DANA).await,
        person(Role::Billing, LEE).await,
        person(Role::ReadOnly, KIM).await,
    ]
}

/// Sends a form of `/account`.
pub(super) async fn choose(person: &Person, form: &str, fields: &[(&str, &str)]) -> Shown {
    person
        .get("/account")
        .await
        .assert_says(200, &["Language", "Alerts"]);
    person.post(&format!("/account/{form}"), fields).await
}

/// What was taken after the first so many mails: to whom, and about what.
fn since(taken: &[Value], before: usize) -> Vec<(String, String)> {
    let told = |mail: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&mail["rcpt_to"][0]), text(&mail["subject"]))
    };
    let mut told: Vec<_> = taken[before..].iter().map(told).collect();
    told.sort();
    told
}

fn named(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let one = |(to, subject): &(&str, &str)| ((*to).to_owned(), format!("[TEST] {subject}"));
    list.iter().map(one).collect()
}

const RECEIPT: (&str, &str) = (
    "accounts@harbordental.example",
    "Receipt: $50.00 to Northwind IT Services",
);

both! {
    fn each_user_is_alerted_of_what_they_chose_in_their_language(world: &World) {
        with_mail(world, "alerts", async |town: Town, office: PostOffice| {
            let [dana, lee, kim] = staff(&town).await;
            let first = until_quiet(&town, &office).await;
            let desk = json!({"notices": [{"address": DESK, "kinds": ["staff_dispute"]}]});
            call(&town, Method::PUT, "/api/settings/mail", desk).await;
            // Until they choose: owners are told of everything, billing of money, who looks on of nothing.
            refunds::paid(&town, 5_000, "pm_card_visa").await;
            let paid = "Harbor Dental Group paid $50.00";
            let told = since(&until_taken(&town, &office, first + 3).await, first);
            assert_eq!(told, named(&[RECEIPT, (DANA, paid), (LEE, paid)]));

            choose(&dana, "language", &[("language", "de")]).await.assert_sent_to("/account?done=language");
            let only_disputes = choose(&dana, "alerts", &[("alerts", "staff_dispute")]).await;
            only_disputes.assert_sent_to("/account?done=alerts");
            choose(&lee, "language", &[("language", "fr")]).await.assert_sent_to("/account?done=language");
            choose(&kim, "alerts", &[("alerts", "staff_dispute"), ("alerts", "staff_payout_failed")])
                .await
                .assert_sent_to("/account?done=alerts");
            let shown = dana.get("/account").await;
            assert_eq!(shown.text.matches("name=\"alerts\" value=\"staff_dispute\" checked").count(), 1);
            assert_eq!(shown.text.matches("name=\"alerts\"").count(), 6);
            assert!(shown.text.contains("<option value=\"de\" selected"), "{}", shown.text);
            let payment = refunds::paid(&town, 5_000, "pm_card_visa").await;
            let told = since(&until_taken(&town, &office, first + 5).await, first + 3);
            assert_eq!(told, named(&[RECEIPT, (LEE, "Harbor Dental Group a payé 50,00\u{a0}$")]));
            disputes::open(&town, &payment.charge, json!({}));
            refunds::settle(&town).await;
            let taken = until_taken(&town, &office, first + 9).await;
            let dispute = "Harbor Dental Group disputes a payment of $50.00";
            assert_eq!(since(&taken, first + 5), named(&[
                (DANA, "Harbor Dental Group beanstandet eine Zahlung von 50,00\u{a0}$"),
                (DESK, dispute),
                (KIM, dispute),
                (LEE, "Harbor Dental Group conteste un paiement de 50,00\u{a0}$"),
            ]));
            taken[first..].iter().for_each(|mail| check_form(mail, &town.url));

            // None at all is a choice; what is not offered is none.
            choose(&lee, "alerts", &[]).await.assert_sent_to("/account?done=alerts");
            for alerts in ["invoice", "reset", "", "staff_paid staff_dispute"] {
                let refused = choose(&lee, "alerts", &[("alerts", alerts)]).await;
                refused.assert_says(422, &["The alerts must be some of those that are offered."]);
            }
            for language in ["", "xx", "deutsch"] {
                let refused = choose(&lee, "language", &[("language", language)]).await;
                refused.assert_says(422, &["The language must be one of those that are offered."]);
            }
            refunds::paid(&town, 5_000, "pm_card_visa").await;
            assert_eq!(since(&until_taken(&town, &office, first + 10).await, first + 9), named(&[RECEIPT]));
        });
    }

    fn whoever_is_shut_out_and_whose_tenant_is_suspended_hears_no_more(world: &World) {
        with_mail(world, "alerts-end", async |town: Town, mut office: PostOffice| {
            let [dana, _, _] = staff(&town).await;
            let first = until_quiet(&town, &office).await;
            let desk = json!({"notices": [{"address": DESK, "kinds": ["staff_dispute", "staff_paid"]}]});
            call(&town, Method::PUT, "/api/settings/mail", desk).await;
            // The mail server is down; what waits for somebody who is shut out meanwhile is not sent.
            office.end();
            refunds::paid(&town, 5_000, "pm_card_visa").await;
            town.until_quiet().await;
            let list = dana.get("/settings/users").await;
            let at = list.text.find(LEE).unwrap();
            let id = list.text[at..].split("/settings/users/").nth(1).unwrap();
            let path = format!("/settings/users/{}/disable", id.split('"').next().unwrap());
            dana.get(&path).await;
            dana.post(&path, &[]).await.assert_sent_to("/settings/users?done=disabled");
            office.begin();
            town.advance_ms(60 * 60 * 1000);
            let paid = "Harbor Dental Group paid $50.00";
            let taken = until_taken(&town, &office, first + 3).await;
            assert_eq!(since(&taken, first), named(&[RECEIPT, (DANA, paid), (DESK, paid)]));

            let payment = refunds::paid(&town, 5_000, "pm_card_visa").await;
            let taken = until_taken(&town, &office, first + 6).await;
            assert_eq!(since(&taken, first + 3), named(&[RECEIPT, (DANA, paid), (DESK, paid)]));
            let by = flows::By::new(flows::Actor::CommandLine);
            let (tenant, step) = (&town.msp.scope.tenant, domain::tenant::TenantMove::Suspend);
            flows::tenants::set(&town.app, &by, tenant, step, None).await.unwrap();
            disputes::open(&town, &payment.charge, json!({}));
            refunds::settle(&town).await;
            let told = since(&until_taken(&town, &office, first + 7).await, first + 6);
            assert_eq!(told, named(&[(DESK, "Harbor Dental Group disputes a payment of $50.00")]));
        });
    }

    fn mails_about_a_login_are_in_the_persons_language(world: &World) {
        with_mail(world, "logins", async |town: Town, office: PostOffice| {
            let tenant = town.msp.scope.tenant.clone();
            let dana = Person::new(&town, &tenant, Role::Owner, DANA).await;
            let before = until_quiet(&town, &office).await;
            dana.get("/settings/users/new").await.assert_says(200, &["Language of mails", "Deutsch"]);
            let fields =
                [("name", "Lee"), ("email", LEE), ("role", "billing"), ("language", "es")];
            let invited = dana.post("/settings/users", &fields).await;
            invited.assert_says(200, &["Lee was invited"]);
            let mail = until_taken(&town, &office, before + 1).await.pop().unwrap();
            assert_eq!(mail["subject"], "Invitación a Northwind IT Services");
            choose(&dana, "language", &[("language", "de")]).await.assert_sent_to("/account?done=language");
            let visitor = Person::visitor(&town);
            visitor.get("/forgot").await;
            visitor.post("/forgot", &[("email", DANA)]).await;
            let mail = until_taken(&town, &office, before + 2).await.pop().unwrap();
            assert_eq!(mail["subject"], "Neues Passwort wählen");
            check_form(&mail, &town.url);
            // Whose language nobody has said is written to in the tenant's.
            call(&town, Method::PUT, "/api/settings/mail", json!({"language": "fr"})).await;
            crate::person::add(&town, &tenant, Role::ReadOnly, KIM).await;
            visitor.get("/forgot").await;
            visitor.post("/forgot", &[("email", KIM)]).await;
            let mail = until_taken(&town, &office, before + 3).await.pop().unwrap();
            assert_eq!(mail["subject"], "Choisir un autre mot de passe");
            // An operator, who belongs to no tenant, has a language and alerts of other things.
            let olga = Person::new(&town, &TenantId::platform(), Role::Operator, "olga@p.example").await;
            let page = olga.get("/account").await;
            page.assert_says(200, &["Language of mails", "Webhooks given up", "LIVE locked"]);
            assert_eq!(page.text.matches("name=\"alerts\"").count(), 9);
            let refused = choose(&olga, "alerts", &[("alerts", "staff_paid")]).await;
            refused.assert_says(422, &["The alerts must be some of those that are offered."]);
            let refused = choose(&dana, "alerts", &[("alerts", "operator_clock")]).await;
            refused.assert_says(422, &["The alerts must be some of those that are offered."]);
            let chosen = choose(&olga, "alerts", &[("alerts", "operator_clock")]).await;
            chosen.assert_sent_to("/account?done=alerts");
            olga.get("/account").await;
            // Whom an operator invites is written to in the language that was chosen with it.
            let made = olga.post("/operator/tenants", &[("name", "Bluebird"), ("support_email", "")]).await;
            let path = made.location().strip_suffix("?done=made").unwrap().to_owned();
            olga.get(&path).await.assert_says(200, &["Language of mails"]);
            let owner = [("owner", "Robin"), ("email", "robin@bluebird.example"), ("language", "de")];
            let before = until_quiet(&town, &office).await;
            olga.post(&format!("{path}/invite"), &owner).await.assert_says(200, &["Robin was invited"]);
            let mail = until_taken(&town, &office, before + 1).await.pop().unwrap();
            assert_eq!(mail["subject"], "Einladung zu Bluebird");
        });
    }
}

/// Waits until nothing more comes, and answers how many mails there are.
pub(super) async fn until_quiet(town: &Town, office: &PostOffice) -> usize {
    town.until_quiet().await;
    const WAITING: store::Sql =
        store::Sql::new("select count(*) as n from mails where status in ('queued', 'sending')");
    town.until("no mail that waits", async || town.number(&WAITING).await == 0)
        .await;
    // What was sent is read from the mail server a moment later.
    const SENT: store::Sql = store::Sql::new("select count(*) as n from mails where status = 'sent'");
    let sent = usize::try_from(town.number(&SENT).await).expect("a count");
    town.until(&format!("{sent} mails"), async || office.taken().len() >= sent)
        .await;
    office.taken().len()
}
