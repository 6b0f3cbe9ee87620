//! The pay page in its readers' languages: which one it is, and that everything on it is in that one, with
//! its amounts and days, what the script says included. Programs are answered in English.

use std::path::{Path, PathBuf};

use domain::language::Language;
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, Scheme};
use crate::engines::World;
use crate::parts::{allow, due};
use crate::town::Town;

const CARD_FRAME: &str = "psapay-sim-payment";
/// Of each language: the panel's heading, how the amount and the day are written, a column, the footer.
const WORDS: [[&str; 5]; 4] = [
    [
        "Amount due",
        "$1,234.50",
        "1 March 2027",
        "Unit price",
        "Payments are processed",
    ],
    [
        "Offener Betrag",
        "1.234,50\u{a0}$",
        "1. März 2027",
        "Einzelpreis",
        "Zahlungen werden",
    ],
    [
        "Montant dû",
        "1\u{202f}234,50\u{a0}$",
        "1er mars 2027",
        "Prix unitaire",
        "Les paiements sont",
    ],
    [
        "Importe pendiente",
        "1234,50\u{a0}$",
        "1 de marzo de 2027",
        "Precio unitario",
        "Stripe procesa",
    ],
];

/// The page's text for a reader whose browser asks for this, at this address.
async fn page(town: &Town, path: &str, accepts: &str) -> String {
    let headers = [("accept-language", accepts)];
    town.public_with(Method::GET, path, Value::Null, &headers)
        .await
        .text
}

#[track_caller]
fn is_in(page: &str, language: Language) {
    assert!(
        page.contains(&format!("<html lang=\"{}\">", language.word())),
        "{language:?}: {page}"
    );
    for (other, words) in Language::ALL.into_iter().zip(WORDS) {
        for word in words {
            assert_eq!(
                page.contains(word),
                other == language,
                "{word} of {other:?} in {page}"
            );
        }
    }
}

/// Says in which language the town's client is written to, or the tenant's clients.
async fn set(town: &Town, path: &str, body: Value) {
    let answer = town.api(&town.msp.key, Method::PUT, path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

both! {
    fn the_page_is_in_the_language_chosen_else_the_clients_else_the_browsers_else_the_tenants(world: &World) {
        Town::run(world, async |town| {
            let invoice = due(&town, &town.msp, 123_450, "2027-03-01").await;
            let path = format!("/pay/{}", town.link(&invoice).await);
            is_in(&page(&town, &path, "").await, Language::En);
            set(&town, "/api/settings/mail", json!({"language": "fr"})).await;
            is_in(&page(&town, &path, "it, *").await, Language::Fr);
            is_in(&page(&town, &path, "it, es-MX;q=0.7, en;q=0.3").await, Language::Es);
            let of_client = format!("/api/clients/{}/mail", town.msp.client_id);
            set(&town, &of_client, json!({"language": "de"})).await;
            is_in(&page(&town, &path, "es").await, Language::De);
            // The switch needs no script: a link to the same page.
            for language in Language::ALL {
                let chosen = format!("?language={}", language.word());
                assert!(page(&town, &path, "es").await.contains(&format!("href=\"{chosen}\"")));
                let shown = page(&town, &format!("{path}{chosen}"), "es").await;
                is_in(&shown, language);
                // What the page asks for later goes on in that language, and so do its files.
                for later in ["panel", "invoice.pdf"] {
                    assert!(shown.contains(&format!("{path}/{later}{chosen}")), "{shown}");
                }
                let panel = page(&town, &format!("{path}/panel{chosen}"), "es").await;
                assert!(panel.contains(WORDS[language as usize][0]), "{panel}");
            }
            for unknown in ["?language=xx", "?language=", "?language=%FF&x", "?language=de&language=no"] {
                is_in(&page(&town, &format!("{path}{unknown}"), "es").await, Language::De);
            }
            // Without a language in its address, a file is in the reader's all the same.
            let file = format!("{path}/invoice.pdf?language=xx");
            let refused = town.public(Method::GET, &file, Value::Null).await;
            refused.assert_refused(422, "invalid_field", Some("language"));
        });
    }

    fn pages_without_an_invoice_are_in_the_readers_language(world: &World) {
        Town::run(world, async |town| {
            town.clock.stop();
            let nothing = async |accepts| page(&town, "/pay/nothing-of-ours", accepts).await;
            for (accepts, lang, said) in [
                ("de", "de", "Diese Seite gibt es nicht"),
                ("fr", "fr", "Cette page n'existe pas"),
                ("es", "es", "Esta página no existe"),
                ("it", "en", "There is no such page"),
            ] {
                let shown = nothing(accepts).await;
                assert!(shown.contains(said) && shown.contains(&format!("lang=\"{lang}\"")), "{shown}");
            }
            let invoice = town.invoice(5_000, "usd").await;
            let link = town.link(&invoice).await;
            town.link(&invoice).await;
            let of_client = format!("/api/clients/{}/mail", town.msp.client_id);
            set(&town, &of_client, json!({"language": "de"})).await;
            let shown = page(&town, &format!("/pay/{link}"), "fr").await;
            assert!(shown.contains("Dieser Zahlungslink gilt nicht mehr"), "{shown}");
            let shown = page(&town, &format!("/pay/{link}?language=fr"), "de").await;
            assert!(shown.contains("Ce lien de paiement n'est plus valable"), "{shown}");
            // Whoever guesses from elsewhere; here nobody is held up.
            let guess = async || {
                let headers = [("accept-language", "es"), ("x-forwarded-for", "203.0.113.9")];
                town.public_with(Method::GET, "/pay/no-link", Value::Null, &headers).await.text
            };
            for _ in 0..60 {
                guess().await;
            }
            let shown = guess().await;
            assert!(shown.contains("Demasiadas solicitudes"), "{shown}");
        });
    }

    fn programs_are_answered_in_english_with_words_for_every_decline(world: &World) {
        Town::run(world, async |town| {
            let of_client = format!("/api/clients/{}/mail", town.msp.client_id);
            set(&town, &of_client, json!({"language": "de"})).await;
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let refused = town.pay(&link, &town.token("pm_card_visa"), 1, "usd").await;
            refused.assert_refused(409, "amount_changed", Some("amount"));
            assert!(refused.text.contains("The amount due is now"), "{}", refused.text);
            for (card, reason, said) in [
                ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds", "enough funds"),
                ("pm_card_chargeDeclinedExpiredCard", "expired_card", "has expired"),
                ("pm_card_chargeDeclinedLostCard", "declined", "was declined"),
            ] {
                let tried = town.pay(&link, &town.token(card), 12_345, "usd").await;
                let decline = &tried.body["decline"];
                assert_eq!(decline["reason"], reason, "{}", tried.text);
                assert!(decline["message"].as_str().unwrap().contains(said), "{}", tried.text);
            }
        });
    }

    fn a_german_payer_is_declined_and_pays_without_a_word_of_english(world: &World) {
        Town::run(world, async |town| {
            let of_client = format!("/api/clients/{}/mail", town.msp.client_id);
            set(&town, &of_client, json!({"language": "de"})).await;
            allow(&town, json!({"partial_payments": true, "minimums": {"usd": 1_000}})).await;
            let invoice = town.invoice(123_450, "usd").await;
            let link = town.link(&invoice).await;
            let Some(browser) = Browser::open().await else { return };
            browser.goto(&town.site.pay_url(&link)).await;
            browser.wait_for("#submit:not([disabled])").await;
            browser.wait_for_text("#submit", "1.234,50\u{a0}$ bezahlen").await;
            browser.click("input[name=part][value=part]").await;
            for (typed, said) in [
                ("", "zum Beispiel 10,00."),
                ("1.234", "zum Beispiel 10,00."),
                ("9,99", "mindestens 10,00\u{a0}$"),
                ("1.234,51", "mehr, als offen ist: 1.234,50\u{a0}$"),
            ] {
                browser.fill("#part-amount", typed).await;
                browser.click("#submit").await;
                browser.wait_for_text("#part-error", said).await;
            }
            browser.fill("#part-amount", "1.034,5 $").await;
            browser.wait_for_text("#submit", "1.034,50\u{a0}$ bezahlen").await;
            for (card, place, said) in [
                ("4000000000009995", "#message", "nicht ausreichend gedeckt"),
                ("4242424242424242", "#message", "Ihre Zahlung ist eingegangen"),
                ("4242424242424242", "#panel", "mit den Endziffern 4242"),
            ] {
                browser.wait_for("#submit:not([disabled])").await;
                browser.enter_frames(&[CARD_FRAME]).await;
                browser.wait_for_text("label[for=number]", "Kartennummer").await;
                browser.fill("input[name=number]", card).await;
                browser.fill("input[name=expiry]", "1234").await;
                browser.fill("input[name=cvc]", "123").await;
                browser.to_top().await;
                browser.click("#submit").await;
                browser.wait_for_text(place, said).await;
            }
            browser.wait_for_text("#panel", "Vielen Dank").await;
            browser.wait_for_text("#invoice .stamp", "Bezahlt").await;
            town.until_invoice(&invoice, "paid").await;
            assert_eq!(town.charges().len(), 2);
            let heard = browser.text("#announcement").await;
            assert!(heard.starts_with("Bezahlt"), "{heard}");
            assert_eq!(browser.violations().await, Vec::<String>::new());
        });
    }
}

/// The language is chosen by a link, and stays through the bank's check, which leads back to the page.
#[test]
fn a_language_is_chosen_without_a_script_and_stays() {
    Town::run(&World::sqlite(), async |town| {
        let invoice = town.invoice(12_345, "usd").await;
        let link = town.link(&invoice).await;
        let Some(browser) = Browser::open().await else {
            return;
        };
        let url = town.site.pay_url(&link);
        browser.goto(&format!("{url}?utm_source=mail")).await;
        browser.wait_for_text("#panel", "Amount due").await;
        browser.click(".languages summary").await;
        browser.click(".languages a[lang=es]").await;
        browser.wait_for_text("#panel", "Importe pendiente").await;
        assert!(
            browser.url().await.ends_with("?language=es"),
            "{}",
            browser.url().await
        );
        // As Stripe sends a payer back.
        browser
            .goto(&format!(
                "{url}?language=es&payment_intent=pi_1&redirect_status=succeeded"
            ))
            .await;
        browser.wait_for_text("#panel", "Importe pendiente").await;
        let address = "return window.location.search";
        assert_eq!(browser.run(address, vec![]).await, json!("?language=es"));
        assert_eq!(browser.errors().await, Vec::<String>::new());
    });
}

/// Pictures in all languages, sizes and colours; nothing sticks out to the side on the narrowest screen.
#[test]
fn no_language_is_wider_than_a_small_screen() {
    Town::run(&World::sqlite(), async |town| {
        allow(&town, json!({"partial_payments": true, "several_invoices": true})).await;
        let invoice = due(&town, &town.msp, 123_450, "2026-12-31").await;
        due(&town, &town.msp, 9_876_500, "2027-01-31").await;
        let url = town.site.pay_url(&town.link(&invoice).await);
        let Some(browser) = Browser::open().await else {
            return;
        };
        for language in Language::ALL {
            browser.goto(&format!("{url}?language={}", language.word())).await;
            browser.wait_for("#submit:not([disabled])").await;
            for (width, height) in [(390, 1_900), (320, 2_000), (1280, 900)] {
                browser.screen(width, height).await;
                let wide = "return document.documentElement.scrollWidth > window.innerWidth";
                assert_eq!(browser.run(wide, vec![]).await, false, "{language:?} {width}");
                for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
                    browser.colours(scheme).await;
                    let file = format!("pay-{}-{width}-{word}.png", language.word());
                    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
                    let path: PathBuf = folder.join(file);
                    browser.screenshot(&path).await;
                }
            }
            browser.click(".languages summary").await;
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
            browser.screen(390, 844).await;
            browser
                .screenshot(&folder.join(format!("pay-{}-open.png", language.word())))
                .await;
        }
    });
}
