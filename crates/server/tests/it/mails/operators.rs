//! Operators are told by mail what is wrong with the installation: each of what they chose, in their
//! language, once for each cause until it is over.

use domain::mail::MailKind;
use domain::{BreakId, Mode, TenantId};
use flows::alarms::{Backup, Outside};
use flows::endpoints::{self, Done, Role, Step};
use flows::{Clock, alarms};
use reqwest::Method;
use serde_json::{Value, json};
use server::alarms::Watch;
use store::instance::{self, Instance, Locked};
use store::reconciliation_breaks::{self, Break, Kind};
use store::users::{self, User};
use store::{Sql, binds};

use super::alerts::{choose, until_quiet};
use super::{PostOffice, check_form, until_taken, with_mail_as};
use crate::engines::World;
use crate::person::Person;
use crate::refunds;
use crate::town::{Town, Wishes};

const OLGA: &str = "olga@platform.example";
const OTTO: &str = "otto@platform.example";
const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What Otto reads, and what Olga does, of each cause that is planted: one word of the subject.
const SUBJECTS: [[&str; 2]; 10] = [
    [
        "Webhooks of TEST mode were given up",
        "Webhooks im TEST-Modus wurden aufgegeben",
    ],
    [
        "A difference from Stripe in LIVE mode is a day old",
        "Eine Abweichung von Stripe im LIVE-Modus ist einen Tag alt",
    ],
    [
        "Stripe's webhook endpoints for TEST mode are not right",
        "Stripes Webhook-Endpunkte im TEST-Modus stimmen nicht",
    ],
    [
        "Stripe's webhook endpoints for LIVE mode are not right",
        "Stripes Webhook-Endpunkte im LIVE-Modus stimmen nicht",
    ],
    [
        "No webhooks come in TEST mode",
        "Im TEST-Modus kommen keine Webhooks an",
    ],
    ["The clock of psa-pay is wrong", "Die Uhr von psa-pay geht falsch"],
    [
        "Payouts of Northwind IT Services fail",
        "Auszahlungen an Northwind IT Services scheitern",
    ],
    [
        "The backup of psa-pay is too old",
        "Die Sicherung von psa-pay ist zu alt",
    ],
    [
        "The disk of psa-pay is filling up",
        "Die Platte von psa-pay füllt sich",
    ],
    ["LIVE is locked", "LIVE ist gesperrt"],
];

/// A town in which nobody delivers webhooks, with two operators.
fn with_operators(world: &World, name: &str, test: impl AsyncFnOnce(Town, PostOffice, [Person; 2])) {
    let wishes = Wishes {
        deliveries: false,
        ..Wishes::default()
    };
    with_mail_as(world, name, wishes, async |town: Town, office: PostOffice| {
        let operator =
            async |email| Person::new(&town, &TenantId::platform(), domain::Role::Operator, email).await;
        let both = [operator(OLGA).await, operator(OTTO).await];
        choose(&both[0], "language", &[("language", "de")])
            .await
            .assert_sent_to("/account?done=language");
        test(town, office, both).await;
    });
}

/// Opens a difference that is so old.
async fn open_break(town: &Town, mode: Mode, kind: Kind, age_ms: i64) {
    let (tenant, at) = (town.msp.scope.tenant.clone(), town.clock.now().plus_ms(-age_ms));
    let id = BreakId::new(at, town.app.clock.random());
    let opened = town.app.db.write(move |tx| {
        let found = Break {
            id: id.clone(),
            tenant: Some(&tenant),
            mode,
            kind,
            subject_id: "planted",
            detail: "planted",
        };
        reconciliation_breaks::open(tx, &found, at)
    });
    assert!(opened.await.unwrap());
}

/// As a copy of the database is locked.
pub async fn lock_live(town: &Town) {
    let at = town.clock.now();
    let locked = town.app.db.write(move |tx| {
        let locked = Locked {
            at,
            because: "the database was copied".to_owned(),
            reconcile_since: at,
            reconciled_at: None,
        };
        let instance = Instance {
            token: String::new(),
            place: String::new(),
            origin: String::new(),
            locked: Some(locked),
        };
        instance::put(tx, &instance, at)
    });
    locked.await.unwrap();
}

/// One stored event more, or all of them, as if they had been given up.
async fn set_dead(town: &Town, is_dead: bool) {
    const KILL: Sql = Sql::new(
        "update stripe_webhook_events set status = $1, next_attempt_at = null, last_error = 'no such thing'
         where livemode = 0",
    );
    let status = if is_dead { "dead" } else { "processed" };
    let changed = town.app.db.write(move |tx| tx.execute(&KILL, binds![status]));
    assert!(changed.await.unwrap() > 0, "no event");
}

/// Somebody chooses, whose session has ended in all the time that has passed.
async fn wants_only(town: &Town, email: &'static str, kind: MailKind) {
    let chosen = town.app.db.write(move |tx| {
        let user = users::by_email(tx, email)?.expect("somebody");
        users::update(
            tx,
            &User {
                alerts: Some(vec![kind]),
                ..user
            },
        )
    });
    assert!(chosen.await.unwrap());
}

/// A webhook that is truly signed, of something that is nothing to us, at a moment that is so long ago.
async fn deliver(town: &Town, age_s: i64, id: &str) -> u16 {
    let body = json!({"id": id, "object": "event", "type": "product.created", "livemode": false,
        "created": 1, "api_version": stripe::API_VERSION,
        "data": {"object": {"id": "prod_1", "object": "product"}}});
    let body = body.to_string();
    let secret = stripe::Secret::new(server::demo::TEST_WEBHOOK_SECRET);
    let header = stripe::signature::sign(&secret, town.clock.now_s() - age_s, body.as_bytes());
    town.deliver(Some(&header), body.as_bytes()).await.status.as_u16()
}

/// Subjects to an operator among these mails, in order.
fn to<'a>(mails: &'a [Value], operator: &str) -> Vec<&'a str> {
    let own = mails.iter().filter(|mail| mail["rcpt_to"][0] == operator);
    let mut subjects: Vec<&str> = own.map(|mail| mail["subject"].as_str().unwrap()).collect();
    subjects.sort_unstable();
    subjects
}

fn sorted(nth: usize) -> Vec<&'static str> {
    let mut all: Vec<&str> = SUBJECTS.iter().map(|subjects| subjects[nth]).collect();
    all.sort_unstable();
    all
}

/// What the instance looks at, with a backup of a week ago and a disk that fills up.
async fn look(town: &Town, watch: &mut Watch) {
    watch.look(&town.site).await.unwrap();
    let outside = Outside {
        backup: Backup::Last(town.clock.now().plus_ms(-7 * 24 * HOUR_MS)),
        disk: Some("3 / 40 MB".to_owned()),
        ..Outside::default()
    };
    alarms::look(&town.app, &outside).await.unwrap();
}

both! {
    fn an_endpoint_whose_events_are_refused_for_its_secret_is_told_of(world: &World) {
        with_operators(world, "wrong_secret", async |town, office, _| {
            for operator in [OLGA, OTTO] {
                wants_only(&town, operator, MailKind::OperatorEndpoints).await;
            }
            let client = town.app.stripe(Mode::Test).unwrap();
            let origin = town.site.config.public_url.origin();
            // As they have to be, but for their secrets, which nobody has put anywhere.
            let run = (Role::ALL.map(Step::Create), "a_test");
            let mut done = Done::default();
            endpoints::carry_out(client, origin, (&run.0, run.1), &mut done, &mut |_| {}).await.unwrap();
            let first = until_quiet(&town, &office).await;
            look(&town, &mut Watch::default()).await;
            let taken = until_taken(&town, &office, first + 4).await;
            let of_test = taken[first..].iter().find(|mail| mail["rcpt_to"][0] == OTTO
                && mail["subject"] == SUBJECTS[2][0]);
            let text = of_test.expect("a mail of TEST mode")["text"].as_str().unwrap();
            assert_eq!(text.matches("its secret is not configured").count(), 3, "{text}");
        });
    }

    fn each_operator_is_told_once_of_each_cause_in_their_language(world: &World) {
        with_operators(world, "operators", async |town, office, _| {
            let mut watch = Watch::default();
            assert_eq!(deliver(&town, 0, "evt_early").await, 200);
            town.advance_ms(20 * MINUTE_MS);
            refunds::paid(&town, 5_000, "pm_card_visa").await;
            town.advance_ms(2 * HOUR_MS);
            town.until_quiet().await;
            set_dead(&town, true).await;
            open_break(&town, Mode::Live, Kind::TieOut, 25 * HOUR_MS).await;
            open_break(&town, Mode::Test, Kind::PayoutFailed, 0).await;
            lock_live(&town).await;
            assert_eq!(deliver(&town, 900, "evt_late").await, 401);
            let first = until_quiet(&town, &office).await;
            look(&town, &mut watch).await;
            let taken = until_taken(&town, &office, first + 2 * SUBJECTS.len()).await;
            assert_eq!(to(&taken[first..], OTTO), sorted(0));
            assert_eq!(to(&taken[first..], OLGA), sorted(1));
            for mail in &taken[first..] {
                check_form(mail, &town.url);
                let text = mail["text"].as_str().unwrap();
                assert!(text.contains(&format!("{}/operator/", town.url)), "{text}");
                assert_eq!(mail["reply_to"], json!([]), "{mail:#}");
            }
            // However often it is looked, and however much more of the same comes.
            let told = taken.len();
            for _ in 0..5 {
                town.advance_ms(50 * MINUTE_MS);
                assert_eq!(deliver(&town, 900, "evt_late").await, 401);
                look(&town, &mut watch).await;
            }
            open_break(&town, Mode::Test, Kind::Overpayment, 0).await;
            until_quiet(&town, &office).await;
            until_taken(&town, &office, told).await;

            // Otto wants to hear of differences only; events recover, and are dead again a day later.
            wants_only(&town, OTTO, MailKind::OperatorBreaks).await;
            set_dead(&town, false).await;
            for _ in 0..3 {
                town.advance_ms(30 * MINUTE_MS);
                look(&town, &mut watch).await;
            }
            set_dead(&town, true).await;
            look(&town, &mut watch).await;
            let taken = until_taken(&town, &office, told + 1).await;
            assert_eq!(to(&taken[told..], OLGA), ["Webhooks im TEST-Modus wurden aufgegeben"]);
        });
    }

    fn who_wants_it_no_more_is_not_told_of_what_still_waited(world: &World) {
        let name = "operators-end";
        with_operators(world, name, async |town, mut office, [_, otto]| {
            let first = until_quiet(&town, &office).await;
            office.end();
            lock_live(&town).await;
            alarms::look(&town.app, &Outside::default()).await.unwrap();
            choose(&otto, "alerts", &[]).await.assert_sent_to("/account?done=alerts");
            office.begin();
            town.advance_ms(HOUR_MS / 2);
            let taken = until_taken(&town, &office, first + 1).await;
            assert_eq!(to(&taken[first..], OLGA), ["LIVE ist gesperrt"]);
            let listed = town
                .api(&crate::platform::platform_key(&town).await, Method::GET,
                    "/api/platform/mails?kind=operator_locked&status=cancelled", Value::Null)
                .await;
            assert_eq!(listed.body["data"].as_array().unwrap().len(), 1, "{}", listed.text);
        });
    }
}
