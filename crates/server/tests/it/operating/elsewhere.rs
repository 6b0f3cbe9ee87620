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
