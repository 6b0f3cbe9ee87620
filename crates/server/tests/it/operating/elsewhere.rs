//! A command that is run in another folder than the server: it works on no database of its own making.

use super::machine::with_machine;

/// A key that the server does not know was shown, and a new database left behind.
#[test]
fn a_command_where_no_database_is_makes_none_and_says_so() {
    with_machine(async |mut machine| {
        for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
            machine.unset(name);
        }
        let commands: [&[&str]; 11] = [
            &["platform-key", "create", "--name", "Operations"],
            &["platform-key", "list"],
            &["platform-key", "revoke", "pky_1"],
            &["webhooks", "events"],
            &["webhooks", "replay"],
            &["reconcile", "--since", "2h"],
            &["tie-out"],
            &["unlock", "--because", "in a hurry"],
            &["verify-seals"],
            &["check-ledger"],
            &["backup", "--to", "copy.db"],
        ];
        for command in commands {
            let refused = machine.run(command);
            let told =
                refused.err.contains("there is no database at") || refused.err.contains("there is no file");
            assert!(
                !refused.good && told,
                "{command:?}: {}{}",
                refused.out,
                refused.err
            );
        }
        // They look at more than the database, and say of it that it is not there.
        machine.run(&["webhooks", "list"]);
        machine.run(&["doctor"]);
        let made = std::fs::read_dir(&machine.folder).unwrap();
        let made: Vec<_> = made.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(made, [".env"], "nothing was made");
        machine.run(&["migrate"]).expect("migrate");
        machine
            .run(&["platform-key", "create", "--name", "Operations"])
            .expect("create");
    });
}

/// It began with "the database is not available", and somebody looked for what was wrong with the database.
#[test]
fn a_file_that_is_in_the_way_is_all_that_the_error_speaks_of() {
    with_machine(async |mut machine| {
        for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
            machine.unset(name);
        }
        machine.run(&["migrate"]).expect("migrate");
        machine.run(&["backup", "--to", "copy.db"]).expect("backup");
        for (command, told) in [
            (["backup", "--to", "copy.db"], "psa-pay: copy.db is there already"),
            (
                ["restore", "--from", "copy.db"],
                "psa-pay: psa-pay.db is there already",
            ),
        ] {
            let refused = machine.run(&command);
            assert!(!refused.good && refused.err.starts_with(told), "{}", refused.err);
        }
    });
}
