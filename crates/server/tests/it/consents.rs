//! A consent that we refuse after Stripe has let us in: the access is given back, unless somebody is paid by
//! it.

use std::sync::{Arc, Mutex};

use flows::disconnect::Access;
use flows::{Actor, App, By, oauth, reconcile};
use reqwest::Method;
use serde_json::{Value, json};
use store::db::Row;
use store::{Sql, binds};
use stripe::{BoxFuture, Client, HttpRequest, HttpResponse, NoAnswer, Secret, Transport};

use crate::connecting::{newcomer, status};
use crate::engines::World;
use crate::oauth::{agree, assert_says, come_back, is_reachable, let_in, noted, set_out, shop};
use crate::town::{Town, Wishes};

const MINUTE_MS: i64 = 60_000;

/// A Stripe that gives an account of the other mode for every code, and takes everything back. The built-in
/// one refuses such a code, as Stripe does as far as anybody knows.
#[derive(Default)]
struct OtherMode(Mutex<Vec<String>>);

impl Transport for OtherMode {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        let path = request
            .url
            .split("127.0.0.1:1")
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        let body = match path.as_str() {
            "/oauth/token" => json!({"stripe_user_id": "acct_1", "livemode": true, "scope": "read_write"}),
            _ => json!({"stripe_user_id": "acct_1"}),
        };
        self.0.lock().unwrap().push(path);
        let answer = HttpResponse {
            status: 200,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        };
        Box::pin(async move { Ok(answer) })
    }

    fn pause(&self, _: u64) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

both! {
    fn what_we_refuse_of_a_consent_is_given_back_at_stripe(world: &World) {
        let by_hand = || Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, by_hand(), async |town| {
            let (scope, key) = newcomer(&town, "Somebody Else").await;
            let consent = async |account: Option<&str>| {
                let (_, state) = set_out(&town, &key).await;
                let (account, code) = agree(&town, account);
                (account, come_back(&town, &state, &code).await)
            };
            // The account of a tenant that disconnected it: nobody is paid by it.
            let holder = shop(&town, "Corner Shop", None).await;
            let confirm = json!({"confirm": holder.account});
            let done = town.api(&holder.key, Method::POST, "/api/stripe/connect/disconnect", confirm).await;
            assert_eq!(done.body["access"], "ended", "{}", done.text);
            let (_, taken) = consent(Some(&holder.account)).await;
            assert_says(&taken, 409, "This account belongs to another tenant");
            assert!(taken.text.contains("was given back"), "{}", taken.text);
            assert!(!is_reachable(&town, &holder.account));
            // An account that we made for somebody stays, whoever consents.
            let (_, made) = consent(Some(&town.msp.account)).await;
            assert_says(&made, 409, "This account belongs to another tenant");
            assert!(made.text.contains("was left as it is"), "{}", made.text);
            assert!(is_reachable(&town, &town.msp.account));

            // Stripe says nothing to the giving back: it is asked again.
            let fault = json!({"method": "POST", "path": "/oauth/deauthorize", "effect": "lose_answer",
                "count": 1});
            town.control("POST", "/_simulator/faults", fault);
            let (_, again) = consent(Some(&holder.account)).await;
            assert!(again.text.contains("is being given back"), "{}", again.text);
            town.advance_ms(MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            assert!(!is_reachable(&town, &holder.account));
            town.assert_nothing_open().await;

            // What was not answered yet takes nothing away from an owner who gives anew, to whomever.
            let fault = json!({"method": "POST", "path": "/oauth/deauthorize", "effect": "lose_answer",
                "count": 1});
            town.control("POST", "/_simulator/faults", fault);
            consent(Some(&holder.account)).await;
            let_in(&town, &holder.key, Some(&holder.account)).await;
            town.advance_ms(10 * MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            assert!(is_reachable(&town, &holder.account));
            assert_eq!(status(&town, &holder.key).await["status"], "ready");
            town.assert_nothing_open().await;

            const NOTED: Sql = Sql::new(
                "select after_state from audit_log
                 where tenant_id = $1 and livemode = 0 and action = 'account.connect_refused'
                 order by id",
            );
            let tenant = scope.tenant.clone();
            let rows = town.app.db.read(move |tx| tx.query(&NOTED, binds![&tenant])).await;
            let rows: Vec<Row> = rows.unwrap_or_else(|error: store::Error| panic!("{error}"));
            let said: Vec<Value> = rows
                .iter()
                .map(|row| serde_json::from_str(&row.text("after_state").unwrap()).unwrap())
                .collect();
            assert!(said.iter().all(|after| after["refusal"] == "account_taken"), "{said:?}");
            let access: Vec<&Value> = said.iter().map(|after| &after["access"]).collect();
            assert_eq!(access, ["ends", "kept", "ends", "ends"], "{said:?}");
        });
    }

    fn an_account_of_the_other_mode_is_refused_and_given_back(world: &World) {
        let by_hand = || Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, by_hand(), async |town| {
            let (scope, key) = newcomer(&town, "Corner Shop").await;
            let (_, state) = set_out(&town, &key).await;
            let stripe = Arc::new(OtherMode::default());
            let secret = Secret::new("sk_test_psapay_demo".to_owned());
            let client = Client::new("http://127.0.0.1:1", secret, stripe.clone());
            let app = App {
                stripe_test: Some(client.with_client_id(Some("ca_1".to_owned()))),
                ..town.app.clone()
            };
            let by = By::new(Actor::Unknown);
            let turned = oauth::arrive(&app, &by, &state, "ac_1").await.unwrap();
            let oauth::Arrival::TurnedAway { refusal, access } = turned else { panic!("{turned:?}") };
            assert_eq!((refusal.code(), access), ("account_mode_mismatch", Some(Access::Ended)));
            let asked = stripe.0.lock().unwrap().clone();
            assert_eq!(asked, ["/oauth/token", "/oauth/deauthorize"]);
            assert_eq!(status(&town, &key).await["status"], "not_connected");
            let noted = noted(&town, &scope).await;
            assert!(noted.contains(&"account.connect_refused".to_owned()), "{noted:?}");
            town.assert_nothing_open().await;
        });
    }
}
