//! The pay links on an invoice's page: made for somebody, copied, seen, and taken back.

use domain::Role;

use super::{once, staff};
use crate::engines::World;
use crate::town::Town;
use reqwest::Method;
use serde_json::Value;

both! {
    fn a_link_is_made_copied_seen_and_taken_back(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Billing, "dana@northwind.example").await;
            let invoice = town.invoice(12_345, "usd").await;
            let path = format!("/invoices/{invoice}");
            dana.get(&path).await.assert_says(200, &["Pay links", "Nobody has a link yet"]);
            let form = dana.get(&format!("{path}/links/new")).await;
            let key = once(&form);
            let with = |email, days| {
                [("form_key", key.as_str()), ("email", email), ("name", "Ada"), ("expires_in_days", days)]
            };
            let refused = dana.post(&format!("{path}/links"), &with("ada", "30")).await;
            refused.assert_says(422, &["E-mail address must", "value=\"ada\""]);
            let refused = dana.post(&format!("{path}/links"), &with("ada@harbor.example", "1000")).await;
            refused.assert_says(422, &["must be 1 to 366 days"]);
            for _press in 0..2 {
                let made = dana.post(&format!("{path}/links"), &with("ada@harbor.example", "30")).await;
                made.assert_sent_to(&format!("{path}?done=link-made"));
            }
            let shown = dana.get(&path).await;
            shown.assert_says(200, &["Ada &lt;ada@harbor.example&gt;", "Not seen", "readonly"]);
            let token = shown.between("/pay/", "\"");
            let page = town.public(Method::GET, &format!("/pay/{token}"), Value::Null).await;
            assert!(page.status.is_success(), "{}", page.text);
            let seen = async || dana.get(&path).await.text.contains("Looked at once");
            town.until("the look", seen).await;

            let link = shown.between(&format!("href=\"{path}/links/lnk_"), "/revoke");
            let revoke = format!("{path}/links/lnk_{link}/revoke");
            let whose = "Revoke the link of Ada &lt;ada@harbor.example&gt;?";
            dana.get(&revoke).await.assert_says(200, &[whose, "Keep it"]);
            let none = format!("{path}/links/lnk_nothing/revoke");
            assert_eq!(dana.get(&none).await.status, reqwest::StatusCode::NOT_FOUND);
            dana.post(&revoke, &[]).await.assert_sent_to(&format!("{path}?done=link-revoked"));
            dana.get(&path).await.assert_says(200, &["Revoked"]);
            let page = town.public(Method::GET, &format!("/pay/{token}"), Value::Null).await;
            assert!(!page.text.contains("Pay $"), "{}", page.text);
            dana.post(&format!("{path}/links"), &[("shared", "1")]).await
                .assert_sent_to(&format!("{path}?done=link-made"));
            let shown = dana.get(&path).await;
            shown.assert_says(200, &["Anybody who has it"]);
            let revoke = shown.between("btn plain danger\" href=\"", "\"");
            dana.get(&revoke).await.assert_says(200, &["Revoke the link that anybody may use?"]);
            let reader = staff(&town, Role::ReadOnly, "kim@northwind.example").await;
            let shown = reader.get(&path).await;
            assert!(!shown.text.contains("/pay/"), "who only looks on pays nothing");
        });
    }
}
