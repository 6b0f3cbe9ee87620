//! Which headers an answer carries, by what kind of answer it is: one table for the whole server. A handler
//! sets none of them; the one exception is how long a file may be kept.

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::config::{ApiBase, Config};

/// The form in which the policy of a page or an answer that loads nothing at all is written.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A mail is shown with its own style and nothing else, in a frame of ours.
const MAIL_BODY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups; base-uri \
                         'none'; \
                         form-action 'none'; frame-ancestors 'self'";
/// What no page of ours asks a browser for.
const NO_FEATURES: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
/// A year, the least that browsers' preload lists take.
const STRICT_TRANSPORT: &str = "max-age=31536000; includeSubDomains";

/// What an answer is for, which its address says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JSON and plain text for programs; also whatever has no address.
    Api,
    /// The page with the card fields and its panel; the address is the payer's credential.
    PayPage,
    /// A page of ours that loads nothing but files of ours and sends its forms to nobody else.
    Page,
    /// A page that shows another page of ours in a frame.
    Framing,
    /// A mail's HTML, which nobody of ours has written a script for: it runs nothing and loads nothing.
    MailBody,
    /// A page whose address lets in whoever has it, or leads back to such a one.
    Link,
    /// A page whose form sends the browser on to Stripe's.
    ToStripe,
    /// A style, a script or a picture of ours.
    Asset,
}

/// Where each kind is: an address and what is below it, the first that fits. Whatever is not here is a page.
const PLACES: [(&str, Kind); 15] = [
    ("/api/reference", Kind::Page),
    ("/api", Kind::Api),
    ("/healthz", Kind::Api),
    ("/metrics", Kind::Api),
    ("/readyz", Kind::Api),
    ("/assets", Kind::Asset),
    ("/demo/mail", Kind::Framing),
    ("/demo/mail-html", Kind::MailBody),
    ("/connect", Kind::ToStripe),
    ("/email", Kind::Link),
    ("/invitation", Kind::Link),
    ("/login", Kind::Link),
    ("/reset", Kind::Link),
    ("/settings/stripe", Kind::ToStripe),
    ("/pay", Kind::PayPage),
];

/// The kind of answer that an address gives, whatever its status.
pub fn kind_of(path: &str) -> Kind {
    let place = PLACES.iter().find(|(place, _)| {
        let below = path.strip_prefix(place);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    });
    place.map_or(Kind::Page, |(_, kind)| *kind)
}

/// The headers of every kind, written once for a configuration.
#[derive(Debug)]
pub struct Policies {
    api: HeaderMap,
    pay_page: HeaderMap,
    page: HeaderMap,
    link: HeaderMap,
    to_stripe: HeaderMap,
    asset: HeaderMap,
    framing: HeaderMap,
    mail_body: HeaderMap,
}

impl Policies {
    /// The table, for the Stripe that pages load and for how we are reached.
    pub fn new(config: &Config) -> Policies {
        let https = config.public_url.is_https();
        let stripe = &config.stripe_api_base;
        let (pay_content, pay_features) = (pay_page_content(stripe), pay_page_features(stripe));
        // Stripe's wallets and Link open windows that must find their opener again; windows of others do not.
        let opened = "same-origin-allow-popups";
        let row = |content: &str, referrer, opener, features: &str| {
            headers(
                https,
                &[
                    (header::CONTENT_SECURITY_POLICY, content),
                    (header::REFERRER_POLICY, referrer),
                    (HeaderName::from_static("cross-origin-opener-policy"), opener),
                    (HeaderName::from_static("permissions-policy"), features),
                ],
            )
        };
        let framing = format!("{}; frame-src 'self'", page_content(""));
        Policies {
            api: row(NOTHING, "same-origin", "same-origin", NO_FEATURES),
            pay_page: row(&pay_content, "no-referrer", opened, &pay_features),
            page: row(&page_content(""), "same-origin", "same-origin", NO_FEATURES),
            // Without its path, which must not go along to any log; with its origin, by which forms are told
            // from those of other pages.
            link: row(&page_content(""), "strict-origin", "same-origin", NO_FEATURES),
            to_stripe: row(
                &page_content(stripe.connect_origin()),
                "same-origin",
                "same-origin",
                NO_FEATURES,
            ),
            asset: row(NOTHING, "same-origin", "same-origin", NO_FEATURES),
            framing: row(&framing, "same-origin", "same-origin", NO_FEATURES),
            mail_body: row(MAIL_BODY, "no-referrer", "same-origin", NO_FEATURES),
        }
    }

    /// Gives an answer the headers of its kind, whatever the handler set. Nothing is kept by a browser or a
    /// proxy, but for a file that said so.
    pub fn apply(&self, kind: Kind, answer: &mut HeaderMap) {
        let policy = match kind {
            Kind::Api => &self.api,
            Kind::PayPage => &self.pay_page,
            Kind::Page => &self.page,
            Kind::Link => &self.link,
            Kind::ToStripe => &self.to_stripe,
            Kind::Asset => &self.asset,
            Kind::Framing => &self.framing,
            Kind::MailBody => &self.mail_body,
        };
        let kept = match kind {
            Kind::Asset => answer.remove(header::CACHE_CONTROL),
            Kind::Api
            | Kind::PayPage
            | Kind::Page
            | Kind::Link
            | Kind::ToStripe
            | Kind::Framing
            | Kind::MailBody => None,
        };
        for (name, value) in policy {
            answer.insert(name, value.clone());
        }
        let no_store = HeaderValue::from_static("no-store");
        answer.insert(header::CACHE_CONTROL, kept.unwrap_or(no_store));
    }
}

/// What all kinds have, and `own`. A value that is no header value is left out; there is none, as origins are
/// checked to the letter when the configuration is read.
fn headers(https: bool, own: &[(HeaderName, &str)]) -> HeaderMap {
    let all = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    let strict = https.then_some((header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT));
    all.into_iter()
        .chain(strict)
        .chain(own.iter().cloned())
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?)))
        .collect()
}

/// The one page that loads Stripe.js, which opens frames and calls its API from there. These are the hosts
/// that Stripe's security guide names for it; no script or style stands in the page itself.
pub fn pay_page_content(stripe: &ApiBase) -> String {
    format!(
        "default-src 'none'; script-src 'self' {}; style-src 'self'; img-src 'self' data:; \
         connect-src 'self' {}; frame-src {}; form-action 'self'; base-uri 'none'; \
         object-src 'none'; frame-ancestors 'none'",
        stripe.script_hosts(),
        stripe.connect_hosts(),
        stripe.frame_hosts(),
    )
}

/// Our own pages without Stripe: files of ours, no script or style in the page itself. A form of some sends
/// the browser on to Stripe's, which browsers count as a part of sending it.
fn page_content(sent_on_to: &str) -> String {
    let forms = format!("'self' {sent_on_to}");
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action {}; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
        forms.trim_end(),
    )
}

/// Stripe's frames ask the browser whether it knows wallets and saved cards, which is the feature `payment`.
fn pay_page_features(stripe: &ApiBase) -> String {
    format!(
        "camera=(), geolocation=(), microphone=(), payment=(self \"{}\"), usb=()",
        stripe.js_origin()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The headers of a kind, a line each, for where we are reached and which Stripe is loaded.
    fn table(public_url: &str, stripe: &str, path: &str) -> Vec<String> {
        let config = Config::from_lookup(&|name| {
            let value = match name {
                "STRIPE_TEST_SECRET_KEY" => "sk_test_psapay_demo",
                "STRIPE_TEST_PUBLISHABLE_KEY" => "pk_test_psapay_demo",
                "SECRET_KEY" => "not-a-secret-not-a-secret-not-a-secret",
                "PUBLIC_URL" => public_url,
                "STRIPE_API_BASE" => stripe,
                _ => return None,
            };
            Some(value.to_owned())
        })
        .unwrap();
        let mut answer = HeaderMap::new();
        Policies::new(&config).apply(kind_of(path), &mut answer);
        let mut lines: Vec<String> = answer
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn the_pay_page_opens_to_stripe_and_to_nobody_else() {
        let production = table("https://pay.example.com", "https://api.stripe.com", "/pay/x");
        let expected = [
            "cache-control: no-store",
            "content-security-policy: default-src 'none'; script-src 'self' https://js.stripe.com \
             https://*.js.stripe.com; style-src 'self'; img-src 'self' data:; connect-src 'self' \
             https://api.stripe.com; frame-src https://js.stripe.com https://*.js.stripe.com \
             https://hooks.stripe.com; form-action 'self'; base-uri 'none'; object-src 'none'; \
             frame-ancestors 'none'",
            "cross-origin-opener-policy: same-origin-allow-popups",
            "cross-origin-resource-policy: same-origin",
            "permissions-policy: camera=(), geolocation=(), microphone=(), \
             payment=(self \"https://js.stripe.com\"), usb=()",
            "referrer-policy: no-referrer",
            "strict-transport-security: max-age=31536000; includeSubDomains",
            "x-content-type-options: nosniff",
        ];
        assert_eq!(production, expected);
    }

    #[test]
    fn only_the_pay_page_names_another_host() {
        for path in [
            "/api/invoices",
            "/healthz",
            "/",
            "/login",
            "/assets/pay.css",
            "/payments",
        ] {
            let production = table("https://pay.example.com", "https://api.stripe.com", path);
            assert!(
                !production.iter().any(|line| line.contains("https:")),
                "{path} {production:?}"
            );
            assert!(
                production
                    .iter()
                    .any(|line| line.ends_with("frame-ancestors 'none'"))
            );
            let referrer = match path {
                "/login" => "referrer-policy: strict-origin",
                _ => "referrer-policy: same-origin",
            };
            assert!(production.contains(&referrer.to_owned()), "{path}");
        }
        let tried_out = table("http://127.0.0.1:8080", "http://127.0.0.1:12111", "/pay/x");
        assert!(
            !tried_out.iter().any(|line| line.contains("stripe.com")),
            "{tried_out:?}"
        );
    }

    #[test]
    fn an_address_that_lets_somebody_in_goes_along_to_nobody() {
        for path in ["/reset/x", "/invitation/x", "/email/x", "/login?next=/email/x"] {
            let lines = table("https://pay.example.com", "https://api.stripe.com", path);
            let expected = "referrer-policy: strict-origin".to_owned();
            assert!(
                lines.contains(&expected) || path.contains('?'),
                "{path} {lines:?}"
            );
        }
    }

    #[test]
    fn pages_send_their_forms_to_us_alone_but_for_those_that_lead_to_stripe() {
        let forms = |path| {
            let lines = table("https://pay.example.com", "https://api.stripe.com", path);
            let policy = lines
                .into_iter()
                .find(|line| line.starts_with("content-security-policy"));
            let policy = policy.unwrap();
            policy
                .split("; ")
                .find(|part| part.starts_with("form-action"))
                .unwrap()
                .to_owned()
        };
        for path in [
            "/",
            "/login",
            "/settings/api-keys",
            "/settings/stripes",
            "/nowhere",
        ] {
            assert_eq!(forms(path), "form-action 'self'", "{path}");
        }
        for path in ["/settings/stripe", "/settings/stripe/new", "/connect/status"] {
            assert_eq!(
                forms(path),
                "form-action 'self' https://connect.stripe.com",
                "{path}"
            );
        }
    }

    #[test]
    fn nothing_is_allowed_inline_and_tls_is_asked_for_only_where_it_is() {
        for path in [
            "/api/invoices",
            "/",
            "/pay/x",
            "/connect/return",
            "/assets/pay.js",
        ] {
            for (url, strict) in [
                ("https://pay.example.com", true),
                ("http://127.0.0.1:8080", false),
            ] {
                let lines = table(url, "https://api.stripe.com", path);
                assert!(!lines.iter().any(|line| line.contains("unsafe")), "{lines:?}");
                let found = lines
                    .iter()
                    .any(|line| line.starts_with("strict-transport-security"));
                assert_eq!(found, strict, "{url} {path}");
            }
        }
    }
}
