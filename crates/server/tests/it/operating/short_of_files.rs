//! The limit of open files is reached: by then nobody new gets in, what is open is served, nothing ends, and
//! when others have left all goes on.

use std::net::TcpStream;

use super::machine::with_machine;
use crate::browser::{WAIT_MAX, poll};

/// More than the limit lets in.
const CONNECTIONS: usize = 120;

#[test]
fn without_a_file_left_to_open_it_lives_and_goes_on_when_there_are_some() {
    with_machine(async |mut machine| {
        for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
            machine.unset(name);
        }
        machine.set("TRUSTED_PROXIES", "127.0.0.1");
        let tenant = machine.tenant(2).await;
        let made = machine.run(&["webhooks", "setup"]).expect("setup");
        machine.take_over(&made.out);
        machine.run_within(&[], "ulimit -n 80; exec \"$@\"");
        machine.restart().await;
        assert!(machine.pay(&tenant, 0).await, "{}", machine.log());
        let address = machine.origin.trim_start_matches("http://").to_owned();
        // The system takes them in our name, whether or not there is a file for each.
        let held: Vec<TcpStream> = (0..CONNECTIONS)
            .map(|_| TcpStream::connect(&address).unwrap())
            .collect();
        let short = poll(WAIT_MAX, async || {
            machine
                .log()
                .contains("no connection could be taken")
                .then_some(())
        });
        short.await.expect("the limit is reached");
        assert!(machine.is_running());
        drop(held);
        assert!(machine.pay(&tenant, 1).await, "{}", machine.log());
        assert_eq!(machine.charges(&tenant), 2);
        machine.stop();
        assert!(!machine.log().contains("panicked"), "{}", machine.log());
        machine.run(&["check-ledger", "--quiet"]).expect("check-ledger");
    });
}
