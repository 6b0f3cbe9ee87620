//! Every rule of the configuration: one line a case, from variables to what they mean or to the refused
//! variable.

use std::collections::BTreeMap;

use super::*;

mod keys;

const TEST_KEYS: &[(&str, &str)] = &[
    ("STRIPE_TEST_SECRET_KEY", "sk_test_psapay_demo"),
    ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo"),
    ("SECRET_KEY", LONG_KEY),
];
const LIVE_KEYS: &[(&str, &str)] = &[
    ("STRIPE_LIVE_SECRET_KEY", "sk_live_not_a_key"),
    ("STRIPE_LIVE_PUBLISHABLE_KEY", "pk_live_not_a_key"),
    ("STRIPE_LIVE_WEBHOOK_SECRET", "whsec_psapay_live"),
];
const LIVE: &[(&str, &str)] = &[
    ("STRIPE_MODE", "live"),
    ("PUBLIC_URL", "https://pay.example.com"),
    ("SECRET_KEY", LONG_KEY),
];
const LIVE_DEMO: &[(&str, &str)] = &[
    ("STRIPE_LIVE_SECRET_KEY", "sk_live_psapay_demo_1"),
    ("STRIPE_LIVE_PUBLISHABLE_KEY", "pk_live_psapay_demo_1"),
    ("PUBLIC_URL", "http://127.0.0.1:8080"),
    ("STRIPE_API_BASE", "http://127.0.0.1:12111"),
];
const LONG_KEY: &str = "not-a-secret-not-a-secret-not-a-secret";

/// Later lists win; a value of `-` takes a variable away.
fn load(lists: &[&[(&str, &str)]]) -> Result<Config, Vec<ConfigError>> {
    let mut variables: BTreeMap<&str, &str> = lists.iter().flat_map(|list| list.iter().copied()).collect();
    variables.retain(|_, value| *value != "-");
    Config::from_lookup(&|name| variables.get(name).map(|value| (*value).to_owned()))
}

/// `changes` on top of a good TEST configuration are refused with exactly these `variable code` pairs.
fn refused(changes: &[(&str, &str)], expected: &[&str]) {
    check(&[TEST_KEYS, changes], expected);
}

/// The same on top of a good LIVE configuration.
fn refused_live(changes: &[(&str, &str)], expected: &[&str]) {
    check(&[TEST_KEYS, LIVE_KEYS, LIVE, changes], expected);
}

fn check(lists: &[&[(&str, &str)]], expected: &[&str]) {
    let found: Vec<String> = match load(lists) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .iter()
            .map(|error| format!("{} {}", error.variable, error.problem.code()))
            .collect(),
    };
    assert_eq!(found, expected, "{:?}", lists.last());
}

#[test]
fn three_keys_are_enough_in_test_and_everything_else_has_a_default() {
    let config = load(&[TEST_KEYS]).unwrap();
    assert_eq!(config.mode, Mode::Test);
    assert!(config.live.is_none());
    assert_eq!(config.secret_key.expose(), LONG_KEY);
    assert_eq!(config.connections_max, 4096);
    assert_eq!(config.webhook_retention_days, 90);
    assert_eq!(config.fee.value(), 300);
    assert_eq!(config.database_url.expose(), "sqlite:psa-pay.db");
    assert_eq!(config.public_url.origin(), "http://127.0.0.1:8080");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.trusted_proxies, TrustedProxies::default());
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(config.stripe_api_base, ApiBase::Stripe);
    let keys = config.keys(Mode::Test).unwrap();
    assert_eq!(keys.secret_key.expose(), "sk_test_psapay_demo");
    assert_eq!(keys.publishable_key, "pk_test_psapay_demo");
    assert!(keys.webhook_secrets.is_empty() && keys.webhook_secrets_thin.is_empty());
    assert!(keys.client_id.is_none());
    assert!(config.keys(Mode::Live).is_none());
}

#[test]
fn every_variable_is_read() {
    let config = load(&[
        TEST_KEYS,
        LIVE_KEYS,
        LIVE,
        &[
            ("STRIPE_LIVE_SECRET_KEY", "rk_live_not_a_key"),
            ("STRIPE_LIVE_WEBHOOK_SECRET", "whsec_psapay_a,whsec_psapay_b"),
            ("STRIPE_LIVE_WEBHOOK_SECRET_THIN", "whsec_psapay_c"),
            ("STRIPE_LIVE_CLIENT_ID", "ca_psapay"),
            ("STRIPE_TEST_WEBHOOK_SECRET", "whsec_psapay_d"),
            ("PLATFORM_FEE_BPS", "0"),
            ("DATABASE_URL", "postgres://psa:not-shown@db/psa?sslmode=require"),
            ("LISTEN", "[::1]:9000"),
            ("TRUSTED_PROXIES", "10.0.0.5,fd00::/8"),
            ("CONNECTIONS_MAX", "100000"),
            ("WEBHOOK_RETENTION_DAYS", "35"),
            ("LOG_FORMAT", "json"),
            ("STRIPE_SOMETHING_ELSE", "is not ours"),
        ],
    ])
    .unwrap();
    assert_eq!(
        (config.mode, config.fee.value(), config.log_format),
        (Mode::Live, 0, LogFormat::Json)
    );
    assert_eq!(config.listen.port(), 9000);
    assert!(config.trusted_proxies.contains("fd00::1".parse().unwrap()));
    assert_eq!(config.database_url.to_string(), "postgres://db/psa");
    assert_eq!(config.secret_key.expose(), LONG_KEY);
    assert_eq!(config.connections_max, 100_000);
    assert_eq!(config.webhook_retention_days, 35);
    let live = config.keys(Mode::Live).unwrap();
    let exposed: Vec<&str> = live.webhook_secrets.iter().map(Secret::expose).collect();
    assert_eq!(exposed, ["whsec_psapay_a", "whsec_psapay_b"]);
    assert_eq!(live.webhook_secrets_thin.len(), 1);
    assert_eq!(live.client_id.as_deref(), Some("ca_psapay"));
    assert_eq!(config.keys(Mode::Test).unwrap().webhook_secrets.len(), 1);
}

#[test]
fn the_start_up_lines_are_word_for_word() {
    assert_eq!(
        load(&[TEST_KEYS, LIVE_KEYS, LIVE]).unwrap().banner(),
        [
            "[Stripe] Invoice Payments initialized in LIVE mode",
            "[Stripe] Webhook handler initialized in LIVE mode",
            "[Stripe] Public Invoice Payment initialized in LIVE mode",
            "[Stripe] Refunds initialized in LIVE mode",
            "[Stripe] Service initialized in LIVE mode",
        ]
    );
    let banner = load(&[TEST_KEYS]).unwrap().banner();
    assert!(
        banner
            .iter()
            .all(|line| line.ends_with(" initialized in TEST mode"))
    );
}

#[test]
fn modes_numbers_and_words() {
    for mode in ["TEST", "Live", "production", "0"] {
        refused(&[("STRIPE_MODE", mode)], &["STRIPE_MODE malformed"]);
    }
    refused(&[("STRIPE_MODE", "test")], &[]);
    for bps in ["-1", "10000", "3.5", "3%", "99999999999999999999"] {
        refused(&[("PLATFORM_FEE_BPS", bps)], &["PLATFORM_FEE_BPS malformed"]);
    }
    refused(&[("PLATFORM_FEE_BPS", "9999")], &[]);
    for listen in ["8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:70000"] {
        refused(&[("LISTEN", listen)], &["LISTEN malformed"]);
    }
    refused(&[("LISTEN", "0.0.0.0:80")], &[]);
    for number in ["0", "63", "100001", "-1", "1e3", "many"] {
        refused(&[("CONNECTIONS_MAX", number)], &["CONNECTIONS_MAX malformed"]);
    }
    refused(&[("CONNECTIONS_MAX", "64")], &[]);
    for days in ["0", "34", "3651", "-90", "90d"] {
        refused(
            &[("WEBHOOK_RETENTION_DAYS", days)],
            &["WEBHOOK_RETENTION_DAYS malformed"],
        );
    }
    for url in [
        "psa.db",
        "sqlite:",
        "mysql://db/psa",
        "postgres://",
        "file:psa.db",
    ] {
        refused(&[("DATABASE_URL", url)], &["DATABASE_URL malformed"]);
    }
    for url in ["sqlite::memory:", "sqlite:/var/lib/psa.db", "postgresql://db/psa"] {
        refused(&[("DATABASE_URL", url)], &[]);
    }
    refused(&[("LOG_FORMAT", "xml")], &["LOG_FORMAT malformed"]);
}

#[test]
fn the_public_url_is_an_origin_and_https_in_live() {
    for url in [
        "pay.example.com",
        "ftp://pay.example.com",
        "https://",
        "https://pay.example.com/psa",
        "https://pay.example.com?x",
        "https://pay.example.com#x",
        "https://user@pay.example.com",
        "https://pay.example.com:x",
        "https://pay.example.com:0",
        "https://pay;example.com",
        "https://'none'",
        "https://*.example.com",
        "https://pay..example.com",
        "https://[::1",
    ] {
        refused(
            &[("PUBLIC_URL", url), ("SECRET_KEY", LONG_KEY)],
            &["PUBLIC_URL malformed"],
        );
    }
    let origin = |url| {
        load(&[TEST_KEYS, &[("PUBLIC_URL", url), ("SECRET_KEY", LONG_KEY)]])
            .unwrap()
            .public_url
    };
    assert_eq!(
        origin("https://Pay.Example.com/").origin(),
        "https://pay.example.com"
    );
    assert_eq!(
        origin("https://pay.example.com:443").origin(),
        "https://pay.example.com"
    );
    assert_eq!(
        origin("http://pay.example.com:80").origin(),
        "http://pay.example.com"
    );
    assert_eq!(origin("http://[::1]:8080").origin(), "http://[::1]:8080");
    for (url, loopback) in [
        ("http://localhost:8080", true),
        ("http://127.9.9.9", true),
        ("http://[::1]:8080", true),
        ("http://10.0.0.1", false),
        ("http://localhost.example.com", false),
        ("http://127.0.0.1.example.com", false),
    ] {
        assert_eq!(origin(url).is_loopback(), loopback, "{url}");
    }
    refused_live(
        &[("PUBLIC_URL", "http://pay.example.com")],
        &["PUBLIC_URL needs_https"],
    );
    refused_live(
        &[("PUBLIC_URL", "http://127.0.0.1:8080")],
        &["PUBLIC_URL needs_https"],
    );
    refused_live(&[("PUBLIC_URL", "-")], &["PUBLIC_URL needs_https"]);
    refused_live(LIVE_DEMO, &[]);
    check(
        &[
            LIVE_KEYS,
            LIVE,
            LIVE_DEMO,
            &[("PUBLIC_URL", "http://pay.example.com")],
        ],
        &["PUBLIC_URL needs_https"],
    );
}

#[test]
fn the_secret_key_is_never_made_up() {
    refused(&[("SECRET_KEY", "-")], &["SECRET_KEY missing"]);
    refused(
        &[("SECRET_KEY", "-"), ("PUBLIC_URL", "https://pay.example.com")],
        &["SECRET_KEY missing"],
    );
    refused_live(&[("SECRET_KEY", "-")], &["SECRET_KEY missing"]);
    check(
        &[LIVE_KEYS, LIVE, LIVE_DEMO, &[("SECRET_KEY", "-")]],
        &["SECRET_KEY missing"],
    );
    refused(
        &[("SECRET_KEY", "0123456789012345678901234567890")],
        &["SECRET_KEY too_short"],
    );
    refused(&[("SECRET_KEY", "01234567890123456789012345678901")], &[]);
}

#[test]
fn proxies_are_named_to_the_address() {
    let trusted = |text, address: &str| {
        let config = load(&[TEST_KEYS, &[("TRUSTED_PROXIES", text)]]).unwrap();
        config.trusted_proxies.contains(address.parse().unwrap())
    };
    for (text, address, expected) in [
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("10.0.0.5,192.168.0.0/16", "192.168.255.1", true),
        ("10.0.0.5,192.168.0.0/16", "192.169.0.1", false),
        ("10.0.0.0/31", "10.0.0.2", false),
        ("::1", "::1", true),
        ("fd00::/8", "fe00::1", false),
        ("::ffff:10.0.0.5", "10.0.0.5", true),
        ("10.0.0.5", "::ffff:10.0.0.5", true),
    ] {
        assert_eq!(trusted(text, address), expected, "{text} {address}");
    }
    for wrong in [
        "*",
        "localhost",
        "10.0.0.5,",
        ",",
        "10.0.0",
        "10.0.0.5:80",
        "10.0.0.0/33",
        "10.0.0.5/8",
        "0.0.0.0/0",
        "::/0",
        "::ffff:10.0.0.0/104",
        "10.0.0.5;10.0.0.6",
        "10.0.0.0-10.0.0.9",
    ] {
        refused(&[("TRUSTED_PROXIES", wrong)], &["TRUSTED_PROXIES malformed"]);
    }
    refused(
        &[("TRUSTED_PROXIES", "10.0.0.5, 10.0.0.6")],
        &["TRUSTED_PROXIES white_space"],
    );
}

#[test]
fn live_keys_go_to_stripe_only() {
    refused(&[("STRIPE_API_BASE", "http://127.0.0.1:12111")], &[]);
    refused(&[("STRIPE_API_BASE", "https://stripe.example.com")], &[]);
    for base in [
        "http://stripe.example.com",
        "127.0.0.1:12111",
        "http://127.0.0.1:12111/v1",
    ] {
        refused(&[("STRIPE_API_BASE", base)], &["STRIPE_API_BASE malformed"]);
    }
    let local = ("STRIPE_API_BASE", "http://127.0.0.1:12111");
    let remote = ("STRIPE_API_BASE", "https://stripe.example.com");
    refused_live(&[local], &["STRIPE_API_BASE not_with_live_keys"]);
    refused_live(&[remote], &["STRIPE_API_BASE not_with_live_keys"]);
    refused_live(&[("STRIPE_API_BASE", "https://api.stripe.com")], &[]);
    // Also while new work is test: a live row is finished with the live key.
    check(
        &[TEST_KEYS, LIVE_KEYS, &[local]],
        &["STRIPE_API_BASE not_with_live_keys"],
    );
    check(&[TEST_KEYS, LIVE_KEYS, LIVE, LIVE_DEMO], &[]);
    check(
        &[TEST_KEYS, LIVE_KEYS, LIVE, LIVE_DEMO, &[remote]],
        &["STRIPE_API_BASE not_with_live_keys"],
    );
}

#[test]
fn the_browser_is_sent_to_one_place() {
    let stripe = ApiBase::Stripe;
    assert_eq!(stripe.api_origin(), "https://api.stripe.com");
    assert_eq!(stripe.script_url(), "https://js.stripe.com/endive/stripe.js");
    assert_eq!(
        stripe.script_hosts(),
        "https://js.stripe.com https://*.js.stripe.com"
    );
    assert_eq!(
        stripe.frame_hosts(),
        "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com"
    );
    assert_eq!(stripe.connect_hosts(), "https://api.stripe.com");
    let other = load(&[TEST_KEYS, &[("STRIPE_API_BASE", "http://127.0.0.1:12111/")]])
        .unwrap()
        .stripe_api_base;
    assert_eq!(other.script_url(), "http://127.0.0.1:12111/endive/stripe.js");
    for hosts in [
        other.api_origin(),
        other.script_hosts(),
        other.frame_hosts(),
        other.connect_hosts(),
    ] {
        assert_eq!(hosts, "http://127.0.0.1:12111");
    }
}

#[test]
fn everything_wrong_is_said_at_once_and_names_its_variable() {
    let lists: &[&[(&str, &str)]] = &[&[
        ("STRIPE_MODE", "prod"),
        ("STRIPE_TEST_SECRET_KEY", "sk_live_not_a_key"),
        ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_REPLACE_WITH_YOURS"),
        ("STRIPE_TEST_WEBHOOK_SECRET", "nothing_like_it"),
        ("STRIPE_API_BASE", "ftp://x"),
        ("PLATFORM_FEE_BPS", "many"),
        ("DATABASE_URL", "mongo://x"),
        ("PUBLIC_URL", "x"),
        ("LISTEN", "x"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
        ("CONNECTIONS_MAX", "all of them"),
        ("SECRET_KEY", "short"),
        ("LOG_FORMAT", "x"),
    ]];
    let errors = load(lists).unwrap_err();
    let names: Vec<&str> = errors.iter().map(|error| error.variable).collect();
    assert_eq!(names, lists[0].iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (error, (name, value)) in errors.iter().zip(lists[0]) {
        let sentence = error.to_string();
        assert!(
            sentence.starts_with(name) && sentence.ends_with('.'),
            "{sentence}"
        );
        assert!(value.len() < 6 || !sentence.contains(value), "{sentence}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let config = load(&[
        TEST_KEYS,
        LIVE_KEYS,
        LIVE,
        &[
            ("DATABASE_URL", "postgres://psa:db-word@host/psa?password=db-word"),
            ("STRIPE_TEST_WEBHOOK_SECRET", "whsec_psapay_t"),
            ("STRIPE_LIVE_WEBHOOK_SECRET_THIN", "whsec_psapay_u"),
        ],
    ]);
    let printed = format!("{:?}", config.unwrap());
    for secret in ["sk_test_", "sk_live_", "whsec_", "not-a-secret", "db-word"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    assert!(printed.contains("postgres://host/psa") && printed.contains("pk_live_not_a_key"));
}

#[test]
fn wallets_need_a_public_name_over_tls() {
    for (url, domain) in [
        ("https://pay.example.com", Some("pay.example.com")),
        ("https://pay.example.com:8443", Some("pay.example.com")),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::1]", None),
        ("https://localhost", None),
        ("https://printer", None),
        ("http://127.0.0.1:8080", None),
    ] {
        let config = load(&[TEST_KEYS, &[("PUBLIC_URL", url), ("SECRET_KEY", LONG_KEY)]]).unwrap();
        assert_eq!(config.public_url.wallet_domain(), domain, "{url}");
    }
}

#[test]
fn a_browser_is_sent_to_stripes_pages_and_nowhere_else() {
    let stripe = load(&[TEST_KEYS]).unwrap().stripe_api_base;
    let other = load(&[TEST_KEYS, &[("STRIPE_API_BASE", "http://127.0.0.1:12111")]]);
    let other = other.unwrap().stripe_api_base;
    assert!(stripe.is_connect_page("https://connect.stripe.com/setup/s/acct_1/abc"));
    assert!(other.is_connect_page("http://127.0.0.1:12111/setup/s/acct_1/abc"));
    for url in [
        "",
        "https://connect.stripe.com",
        "https://connect.stripe.com.evil.example/setup",
        "https://connect.stripe.com@evil.example/",
        "http://connect.stripe.com/setup",
        "https://connect.stripe.com/a\r\nSet-Cookie: b",
        "http://127.0.0.1:12111/setup",
        "//connect.stripe.com/setup",
    ] {
        assert!(!stripe.is_connect_page(url), "{url:?}");
    }
}
