//! The guide to going live, executed: every command of `docs/going-live.md`, in its order, in a clean
//! folder, with the simulator where Stripe is. What a person does between the commands is done here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::machine::{Machine, with_machine};
use super::tenant::Tenant;
use crate::browser::poll;

const GUIDE: &str = include_str!("../../../../../docs/going-live.md");
/// The commands that there are at least, so that a guide that is not read is no success.
const COMMANDS_MIN: usize = 15;

/// A block of the guide.
#[derive(Debug)]
enum Block {
    /// Commands, a line each.
    Commands(Vec<String>),
    /// Lines for `.env`.
    Lines(Vec<(String, String)>),
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut fenced = GUIDE.split("\n```");
    fenced.next();
    while let (Some(block), after) = (fenced.next(), fenced.next()) {
        let (kind, text) = block.split_once('\n').unwrap();
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        blocks.push(match kind {
            "sh" => Block::Commands(lines.map(str::to_owned).collect()),
            "env" => Block::Lines(lines.map(|line| named(line.split_once('=').unwrap())).collect()),
            other => panic!("a block of {other:?}"),
        });
        assert!(after.is_some(), "a block is not closed");
    }
    blocks
}

fn named((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The machine while the guide is followed.
struct Reader {
    machine: Machine,
    variables: BTreeMap<String, String>,
    tenant: Option<Tenant>,
    ran: usize,
}

impl Reader {
    /// Puts a line into `.env`; an example's value is what this machine has instead.
    fn put(&mut self, name: &str, value: &str) {
        let machine = &mut self.machine;
        let own = match name {
            "STRIPE_TEST_SECRET_KEY" => "sk_test_psapay_demo".to_owned(),
            "STRIPE_TEST_PUBLISHABLE_KEY" => "pk_test_psapay_demo".to_owned(),
            "STRIPE_LIVE_SECRET_KEY" => "sk_live_psapay_demo".to_owned(),
            "STRIPE_LIVE_PUBLISHABLE_KEY" => "pk_live_psapay_demo".to_owned(),
            "PUBLIC_URL" => machine.origin.clone(),
            "SECRET_KEY" => "a_secret_key_of_a_test_long_enough_for_it".to_owned(),
            "SMTP_URL" => machine.mail.clone(),
            // The machine's lines all stand in quotes.
            _ => value.trim_matches('\'').to_owned(),
        };
        machine.set(name, &own);
    }

    async fn run(&mut self, line: &str) {
        self.ran += 1;
        if let Some(rest) = line.strip_prefix("export ") {
            let (name, _) = rest.split_once('=').unwrap();
            let key = self.connected().await;
            self.variables.insert(name.to_owned(), key);
        } else if line == "systemctl restart psa-pay" {
            self.machine.restart().await;
        } else if line.starts_with("psa-pay doctor --watch") {
            self.watch(line).await;
        } else {
            self.shell(line);
        }
    }

    fn shell(&mut self, line: &str) {
        let came = self.machine.shell(line, &self.variables).expect(line);
        if line.starts_with("psa-pay webhooks setup") {
            self.machine.take_over(&came.out);
        }
    }

    /// An MSP with an account of this mode, made while the server is stopped; its key.
    async fn connected(&mut self) -> String {
        self.machine.stop();
        let tenant = self.machine.tenant(1).await;
        self.machine.restart().await;
        self.tenant.insert(tenant).key.clone()
    }

    /// The command waits, a genuine invoice is paid meanwhile, and it ends by itself.
    async fn watch(&mut self, line: &str) {
        self.connected().await;
        let arguments: Vec<&str> = line.split(' ').skip(1).collect();
        let mut watching = self.machine.spawn(&arguments, "watch.log");
        let log = self.machine.folder.join("watch.log");
        let said = || std::fs::read_to_string(&log).unwrap();
        let begun = poll(Duration::from_secs(60), async || {
            said().contains("Waiting for").then_some(())
        });
        begun.await.unwrap_or_else(|| panic!("{}", said()));
        let tenant = self.tenant.as_ref().unwrap();
        assert!(self.machine.pay(tenant, 0).await, "the client pays");
        let ended = poll(Duration::from_secs(90), async || watching.try_wait().unwrap());
        let ended = ended
            .await
            .unwrap_or_else(|| panic!("it goes on waiting: {}", said()));
        assert!(ended.success(), "{}", said());
        for checked in ["intent", "fee", "row", "webhook", "invoice", "books"] {
            assert!(
                said().contains(&format!("ok       payment.{checked}")),
                "{checked}: {}",
                said()
            );
        }
    }
}

#[test]
fn every_command_of_the_guide_is_executed_in_test_in_live_and_back() {
    with_machine(async |mut machine| {
        // The folder is clean but for where this machine listens, and what stands in for Stripe.
        for name in ["STRIPE_MODE", "SECRET_KEY", "DATABASE_URL", "PUBLIC_URL"] {
            machine.unset(name);
        }
        for mode in ["TEST", "LIVE"] {
            machine.unset(&format!("STRIPE_{mode}_SECRET_KEY"));
            machine.unset(&format!("STRIPE_{mode}_PUBLISHABLE_KEY"));
        }
        machine.set("TRUSTED_PROXIES", "127.0.0.1");
        let mut reader = Reader {
            machine,
            variables: BTreeMap::new(),
            tenant: None,
            ran: 0,
        };
        for block in blocks() {
            match block {
                Block::Lines(lines) => lines.iter().for_each(|(name, value)| reader.put(name, value)),
                Block::Commands(commands) => {
                    for line in commands {
                        reader.run(&line).await;
                    }
                }
            }
        }
        assert!(reader.ran >= COMMANDS_MIN, "only {} commands", reader.ran);
        let log = reader.machine.log();
        assert_eq!(log.matches("initialized in LIVE mode").count() % 5, 0);
        assert!(log.contains("initialized in LIVE mode"), "{log}");
    });
}

/// In LIVE the whole flow can be gone through against the simulator, with the card that only it knows.
#[test]
fn a_whole_payment_is_gone_through_in_both_modes() {
    with_machine(async |mut machine| {
        machine.set("TRUSTED_PROXIES", "127.0.0.1");
        let mail = machine.mail.clone();
        machine.set("SMTP_URL", &mail);
        machine.set("MAIL_FROM", "Northwind <billing@example.com>");
        for mode in ["test", "live"] {
            let made = machine
                .run(&["webhooks", "setup", "--mode", mode])
                .expect("setup");
            machine.take_over(&made.out);
        }
        for mode in ["test", "live"] {
            machine.set("STRIPE_MODE", mode);
            let tenant = machine.tenant(0).await;
            machine.restart().await;
            machine
                .run(&["backup", "--to", &format!("{mode}.db")])
                .expect("backup");
            let lacking = machine.run(&["doctor", "--pay"]);
            assert!(
                !lacking.good && lacking.out.contains("PSA_PAY_DOCTOR_KEY is not set"),
                "{}",
                lacking.out
            );
            let key = ("PSA_PAY_DOCTOR_KEY", tenant.key.as_str());
            let came = machine.run_with(key, &["doctor", "--pay"]).expect(mode);
            for checked in ["intent", "fee", "row", "webhook", "invoice", "books", "refund"] {
                let good = came.out.contains(&format!("ok       payment.{checked}"));
                assert!(good, "{mode} {checked}: {}", came.out);
            }
            machine.stop();
        }
    });
}
