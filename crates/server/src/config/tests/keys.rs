//! Which keys and signing secrets are taken: whole sets, in their own slots, each in one place only.

use super::*;

#[test]
fn the_keys_of_the_active_mode_are_needed_whole() {
    check(
        &[],
        &[
            "STRIPE_TEST_SECRET_KEY missing",
            "STRIPE_TEST_PUBLISHABLE_KEY missing",
            "SECRET_KEY missing",
        ],
    );
    refused(
        &[("STRIPE_TEST_PUBLISHABLE_KEY", "-")],
        &["STRIPE_TEST_PUBLISHABLE_KEY missing"],
    );
    refused(
        &[("STRIPE_TEST_SECRET_KEY", "-")],
        &["STRIPE_TEST_SECRET_KEY missing"],
    );
    check(
        &[TEST_KEYS, LIVE],
        &[
            "STRIPE_LIVE_SECRET_KEY missing",
            "STRIPE_LIVE_PUBLISHABLE_KEY missing",
            "STRIPE_LIVE_WEBHOOK_SECRET missing",
        ],
    );
    refused_live(
        &[("STRIPE_LIVE_WEBHOOK_SECRET", "-")],
        &["STRIPE_LIVE_WEBHOOK_SECRET missing"],
    );
    refused_live(
        &[
            ("STRIPE_LIVE_WEBHOOK_SECRET", "-"),
            ("STRIPE_LIVE_WEBHOOK_SECRET_THIN", "whsec_psapay_t"),
        ],
        &["STRIPE_LIVE_WEBHOOK_SECRET missing"],
    );
    refused_live(
        &[
            ("STRIPE_TEST_SECRET_KEY", "-"),
            ("STRIPE_TEST_PUBLISHABLE_KEY", "-"),
        ],
        &[],
    );
}

#[test]
fn the_keys_of_the_other_mode_are_whole_or_absent() {
    refused(
        &[("STRIPE_LIVE_CLIENT_ID", "ca_psapay")],
        &[
            "STRIPE_LIVE_SECRET_KEY missing",
            "STRIPE_LIVE_PUBLISHABLE_KEY missing",
            "STRIPE_LIVE_WEBHOOK_SECRET missing",
        ],
    );
    check(&[TEST_KEYS, LIVE_KEYS], &[]);
    check(
        &[TEST_KEYS, LIVE_KEYS, &[("STRIPE_LIVE_WEBHOOK_SECRET", "-")]],
        &["STRIPE_LIVE_WEBHOOK_SECRET missing"],
    );
    refused_live(
        &[("STRIPE_TEST_SECRET_KEY", "-")],
        &["STRIPE_TEST_SECRET_KEY missing"],
    );
}

#[test]
fn a_key_stands_in_its_own_slot() {
    for (value, code) in [
        ("sk_live_not_a_key", "wrong_mode"),
        ("rk_live_not_a_key", "wrong_mode"),
        ("pk_test_not_a_key", "wrong_prefix"),
        ("whsec_not_a_key", "wrong_prefix"),
        ("sk_test_", "malformed"),
        ("sk_test_a-b", "malformed"),
        ("sk_test_\u{e4}", "malformed"),
    ] {
        refused(
            &[("STRIPE_TEST_SECRET_KEY", value)],
            &[&format!("STRIPE_TEST_SECRET_KEY {code}")],
        );
    }
    for (value, code) in [
        ("pk_live_not_a_key", "wrong_mode"),
        ("sk_test_not_a_key", "wrong_prefix"),
    ] {
        refused(
            &[("STRIPE_TEST_PUBLISHABLE_KEY", value)],
            &[&format!("STRIPE_TEST_PUBLISHABLE_KEY {code}")],
        );
    }
    for (name, value, code) in [
        ("STRIPE_LIVE_SECRET_KEY", "sk_test_not_a_key", "wrong_mode"),
        ("STRIPE_LIVE_SECRET_KEY", "rk_test_not_a_key", "wrong_mode"),
        ("STRIPE_LIVE_PUBLISHABLE_KEY", "pk_test_not_a_key", "wrong_mode"),
        ("STRIPE_LIVE_CLIENT_ID", "acct_1", "wrong_prefix"),
        ("STRIPE_LIVE_CLIENT_ID", "ca_", "wrong_prefix"),
    ] {
        refused_live(&[(name, value)], &[&format!("{name} {code}")]);
    }
    refused(&[("STRIPE_TEST_SECRET_KEY", "rk_test_not_a_key")], &[]);
}

#[test]
fn both_keys_are_of_one_account() {
    let pair = |secret, publishable| {
        [
            ("STRIPE_TEST_SECRET_KEY", secret),
            ("STRIPE_TEST_PUBLISHABLE_KEY", publishable),
        ]
    };
    refused(
        &pair("sk_test_51FAKEaccountONE0foo", "pk_test_51FAKEaccountONE0bar"),
        &[],
    );
    refused(
        &pair("sk_test_51FAKEaccountONE0foo", "pk_test_51FAKEaccountTWO0bar"),
        &["STRIPE_TEST_PUBLISHABLE_KEY other_account"],
    );
    refused(
        &pair("rk_test_51FAKEaccountONE0foo", "pk_test_51FAKEaccountTWO0bar"),
        &["STRIPE_TEST_PUBLISHABLE_KEY other_account"],
    );
    refused(&pair("sk_test_psapay_demo", "pk_test_51FAKEaccountTWO0bar"), &[]);
    refused(&pair("sk_test_5short", "pk_test_51FAKEaccountTWO0bar"), &[]);
}

#[test]
fn placeholders_white_space_and_nothing_are_refused() {
    for (value, code) in [
        ("sk_test_REPLACE_WITH_YOUR_KEY", "placeholder"),
        ("sk_test_...", "placeholder"),
        ("sk_test_\u{2026}", "placeholder"),
        ("<secret key>", "placeholder"),
        ("sk_test_xxx", "placeholder"),
        ("sk_test_51XxxXFAKE", "placeholder"),
        ("", "empty"),
        ("   ", "empty"),
        ("sk_test_psapay_demo ", "white_space"),
        (" sk_test_psapay_demo", "white_space"),
        ("sk_test_psapay demo", "white_space"),
        ("sk_test_psapay_demo\n", "white_space"),
    ] {
        refused(
            &[("STRIPE_TEST_SECRET_KEY", value)],
            &[&format!("STRIPE_TEST_SECRET_KEY {code}")],
        );
    }
    refused(&[("STRIPE_TEST_SECRET_KEY", "sk_test_51AxxxBFAKE")], &[]);
    for name in [
        "STRIPE_MODE",
        "STRIPE_TEST_WEBHOOK_SECRET",
        "STRIPE_TEST_WEBHOOK_SECRET_THIN",
        "STRIPE_TEST_CLIENT_ID",
        "STRIPE_API_BASE",
        "PLATFORM_FEE_BPS",
        "DATABASE_URL",
        "PUBLIC_URL",
        "LISTEN",
        "SECRET_KEY",
        "LOG_FORMAT",
    ] {
        refused(&[(name, "")], &[&format!("{name} empty")]);
        refused(&[(name, "REPLACE_WITH_YOURS")], &[&format!("{name} placeholder")]);
    }
    refused(&[("DATABASE_URL", "sqlite:my folder/psa.db")], &[]);
    refused(
        &[("DATABASE_URL", "sqlite:psa.db ")],
        &["DATABASE_URL white_space"],
    );
}

#[test]
fn webhook_secrets_are_lists_of_one_kind_and_mode() {
    let snapshot = "STRIPE_TEST_WEBHOOK_SECRET";
    for (value, code) in [
        ("sk_test_psapay_demo", "wrong_prefix"),
        ("whsec_psapay_a,psapay_b", "wrong_prefix"),
        ("whsec_psapay_a,", "empty"),
        (",whsec_psapay_a", "empty"),
        ("whsec_psapay_a,,whsec_psapay_b", "empty"),
        ("whsec_psapay_a, whsec_psapay_b", "white_space"),
        ("whsec_", "malformed"),
        ("whsec_\u{e4}", "malformed"),
        ("whsec_REPLACE_WITH_YOURS", "placeholder"),
    ] {
        refused(&[(snapshot, value)], &[&format!("{snapshot} {code}")]);
    }
    refused(
        &[
            (snapshot, "whsec_psapay_a,whsec_psapay_b"),
            ("STRIPE_TEST_WEBHOOK_SECRET_THIN", "whsec_psapay_b"),
        ],
        &["STRIPE_TEST_WEBHOOK_SECRET_THIN in_both_kinds"],
    );
    for (test, live) in [
        ("STRIPE_TEST_WEBHOOK_SECRET", "STRIPE_LIVE_WEBHOOK_SECRET"),
        ("STRIPE_TEST_WEBHOOK_SECRET_THIN", "STRIPE_LIVE_WEBHOOK_SECRET"),
        ("STRIPE_TEST_WEBHOOK_SECRET", "STRIPE_LIVE_WEBHOOK_SECRET_THIN"),
        (
            "STRIPE_TEST_WEBHOOK_SECRET_THIN",
            "STRIPE_LIVE_WEBHOOK_SECRET_THIN",
        ),
    ] {
        let both = [
            (test, "whsec_psapay_s,whsec_psapay_o"),
            (live, "whsec_psapay_p,whsec_psapay_s"),
        ];
        refused_live(&both, &[&format!("{live} in_both_modes")]);
    }
}
