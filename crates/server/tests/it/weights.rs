//! What a browser loads before a page can be used: small enough for a phone on a train. Stripe's own script
//! on the pay page is Stripe's.

use std::collections::BTreeSet;

use domain::Role;

use crate::engines::World;
use crate::person::Person;
use crate::town::Town;

/// Bytes of the pay page with its styles, scripts and pictures.
const PAY_PAGE_MAX: usize = 60 * 1000;
/// Bytes of the first page after logging in.
const OVERVIEW_MAX: usize = 100 * 1000;

/// The page and everything of ours that it names, as it goes over the wire, in bytes.
async fn weight(town: &Town, person: &Person, path: &str) -> usize {
    let page = person.get(path).await;
    assert_eq!(page.status, 200, "{path}");
    let named: BTreeSet<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|before| page.text.split(before).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .filter(|address| address.starts_with("/assets/"))
        .collect();
    assert!(named.len() >= 3, "{path} names {named:?}");
    let mut bytes = page.text.len();
    for address in named {
        let url = format!("{}{address}", town.url);
        let asked = town.browsers.get(&url).header("accept-encoding", "gzip, br");
        let part = asked.send().await.unwrap();
        assert_eq!(part.status(), 200, "{address}");
        assert_eq!(part.headers()["content-encoding"], "gzip", "{address}");
        let compressed = part.bytes().await.unwrap().len();
        let whole = town.browsers.get(&url).send().await.unwrap();
        assert!(!whole.headers().contains_key("content-encoding"), "{address}");
        let whole = whole.text().await.unwrap();
        assert!(!whole.contains("@import"), "{address} names more");
        assert!(
            compressed < whole.len(),
            "{address}: {compressed} of {}",
            whole.len()
        );
        bytes += compressed;
    }
    bytes
}

both! {
    fn the_pay_page_weighs_under_60_kb_and_the_first_page_of_the_dashboard_under_100(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let payer = Person::visitor(&town);
            let pay_page = weight(&town, &payer, &format!("/pay/{link}")).await;
            assert!(pay_page < PAY_PAGE_MAX, "the pay page weighs {pay_page} bytes");
            let tenant = &town.msp.scope.tenant;
            let dana = Person::new(&town, tenant, Role::Owner, "dana@northwind.example").await;
            let overview = weight(&town, &dana, "/").await;
            assert!(overview < OVERVIEW_MAX, "the overview weighs {overview} bytes");
            println!("pay page {pay_page} bytes, overview {overview} bytes");
        });
    }
}
