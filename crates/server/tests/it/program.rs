//! The program as an operator starts it from a command line.

use std::process::Command;

/// The program with a configuration of TEST mode over a database, and nothing else of this environment.
pub fn psa_pay(database: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_psa-pay"));
    command
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env_clear()
        .envs([
            ("STRIPE_MODE", "test"),
            ("STRIPE_TEST_SECRET_KEY", "sk_test_psapay_demo"),
            ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo"),
            ("STRIPE_TEST_WEBHOOK_SECRET", server::demo::TEST_WEBHOOK_SECRET),
            ("PUBLIC_URL", "http://127.0.0.1:8080"),
            ("SECRET_KEY", "a_secret_key_of_a_test_long_enough_for_it"),
            ("DATABASE_URL", database),
        ]);
    command
}
