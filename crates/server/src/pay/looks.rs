//! Whether it is a person who looks at a page. Mail scanners, previews of links in chats and browsers that
//! fetch ahead open an address before anybody reads it, and a bank is not to be told that somebody did.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};

/// Headers in which browsers say that they fetch ahead, or show a preview.
const PURPOSES: [&str; 4] = ["purpose", "sec-purpose", "x-purpose", "x-moz"];
/// What programs that open links without a reader call themselves, in lower case. Those that hide behind a
/// browser's name cannot be told.
const PROGRAMS: [&str; 26] = [
    "bot",
    "crawler",
    "spider",
    "preview",
    "facebookexternalhit",
    "whatsapp",
    "slack-imgproxy",
    "microsoft office",
    "ms-office",
    "safelinks",
    "barracuda",
    "proofpoint",
    "mimecast",
    "trendmicro",
    "symantec",
    "urldefense",
    "googleimageproxy",
    "google-read-aloud",
    "yahoomailproxy",
    "feedfetcher",
    "curl/",
    "wget/",
    "python-",
    "go-http-client",
    "java/",
    "libwww",
];

/// Whether a person looks, as far as a request tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByPerson(pub bool);

impl ByPerson {
    fn of(method: &Method, headers: &HeaderMap) -> ByPerson {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_ascii_lowercase()
        };
        let ahead = PURPOSES.iter().any(|name| {
            let purpose = text(name);
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|word| purpose.contains(word))
        });
        let within = !matches!(text("sec-fetch-dest").as_str(), "" | "document");
        let agent = text("user-agent");
        let program = PROGRAMS.iter().any(|name| agent.contains(name));
        ByPerson(method != Method::HEAD && !ahead && !within && !program)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ByPerson {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<ByPerson, Infallible> {
        Ok(ByPerson::of(&parts.method, &parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn looks(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        ByPerson::of(&method, &headers.collect()).0
    }

    #[test]
    fn a_person_has_a_browser_and_programs_say_who_they_are() {
        for agent in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/142.0 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 \
             Version/18.1 Safari/604.1",
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        ] {
            assert!(looks(Method::GET, &[("user-agent", agent)]), "{agent}");
            assert!(looks(
                Method::GET,
                &[("user-agent", agent), ("sec-fetch-dest", "document")]
            ));
            for (name, value) in [
                ("purpose", "prefetch"),
                ("sec-purpose", "prefetch;prerender"),
                ("x-purpose", "preview"),
                ("x-moz", "prefetch"),
                ("sec-fetch-dest", "image"),
            ] {
                assert!(
                    !looks(Method::GET, &[("user-agent", agent), (name, value)]),
                    "{name}"
                );
            }
            assert!(!looks(Method::HEAD, &[("user-agent", agent)]));
        }
        for agent in [
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "facebookexternalhit/1.1",
            "WhatsApp/2.23.20.0",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
            "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
            "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0; Pro)",
            "Barracuda Sentinel (EE)",
            "TelegramBot (like TwitterBot)",
            "curl/8.5.0",
            "python-requests/2.32",
        ] {
            assert!(!looks(Method::GET, &[("user-agent", agent)]), "{agent}");
        }
    }
}
