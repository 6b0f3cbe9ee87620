//! The guide for integrators, executed: every command of `docs/integrators.md`, in its order, by curl,
//! against a server with the simulator behind it. Where it says `inv_…`, the id answered last stands, and
//! where it says `"version": …`, the version that was.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::machine::{Machine, with_machine};
use super::tenant::Tenant;

const GUIDE: &str = include_str!("../../../../../docs/integrators.md");
/// The commands that there are at least, so that a guide that is not read is no success.
const COMMANDS_MIN: usize = 8;
/// What ids begin with in the guide.
const IDS: [&str; 3] = ["cli_", "inv_", "pay_"];
/// How the guide names the version that was read.
const VERSION: &str = "\"version\": …";

/// The guide's commands, and the function that they call.
fn commands() -> (String, Vec<String>) {
    let (mut function, mut commands) = (String::new(), Vec::<String>::new());
    let mut fenced = GUIDE.split("\n```");
    fenced.next();
    while let Some(block) = fenced.next() {
        let text = block.strip_prefix("sh\n").expect("a block of commands");
        for line in text.lines() {
            match line {
                line if line.starts_with("call()") => function = line.to_owned(),
                line if line.starts_with("call ") => commands.push(line.to_owned()),
                line => {
                    let begun = commands.last_mut().expect("a command");
                    begun.push('\n');
                    begun.push_str(line);
                }
            }
        }
        fenced.next().expect("a block is closed");
    }
    (function, commands)
}

/// An integrator who follows the guide.
struct Integrator {
    machine: Machine,
    tenant: Tenant,
    function: String,
    known: BTreeMap<&'static str, String>,
    version: Option<i64>,
}

impl Integrator {
    /// Runs a command; what it printed.
    fn run(&mut self, command: &str) -> Value {
        let mut line = command.to_owned();
        for prefix in IDS {
            let place = format!("{prefix}…");
            if line.contains(&place) {
                let id = self
                    .known
                    .get(prefix)
                    .unwrap_or_else(|| panic!("no {place} yet: {command}"));
                line = line.replace(&place, id);
            }
        }
        if line.contains(VERSION) {
            let read = self.version.expect("a version was read");
            line = line.replace(VERSION, &format!("\"version\": {read}"));
        }
        let variables = BTreeMap::from([
            ("HOST".to_owned(), self.machine.origin.clone()),
            ("KEY".to_owned(), self.tenant.key.clone()),
        ]);
        let came = self
            .machine
            .shell(&format!("{}\n{line}", self.function), &variables)
            .expect(command);
        let said: Value =
            serde_json::from_str(&came.out).unwrap_or_else(|_| panic!("{command}: {}", came.out));
        assert!(said["code"].is_null() && said.is_object(), "{command}: {said}");
        // Of a list, what is newest.
        for object in [&said, &said["data"][0]] {
            let id = object["id"].as_str().unwrap_or_default();
            if let Some(prefix) = IDS.into_iter().find(|prefix| id.starts_with(prefix)) {
                self.known.insert(prefix, id.to_owned());
                self.version = object["version"].as_i64().or(self.version);
            }
        }
        said
    }
}

#[test]
fn every_command_of_the_guide_for_integrators_is_executed() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("THE GUIDE FOR INTEGRATORS was not executed: there is no curl");
        return;
    }
    with_machine(async |mut machine| {
        for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
            machine.unset(name);
        }
        machine.set("TRUSTED_PROXIES", "127.0.0.1");
        let tenant = machine.tenant(0).await;
        let made = machine.run(&["webhooks", "setup"]).expect("setup");
        machine.take_over(&made.out);
        machine.restart().await;
        let (function, commands) = commands();
        assert!(commands.len() >= COMMANDS_MIN, "only {} commands", commands.len());
        let mut integrator = Integrator {
            machine,
            tenant,
            function,
            known: BTreeMap::new(),
            version: None,
        };
        let mut last = BTreeMap::new();
        for command in &commands {
            let said = integrator.run(command);
            if let Some(link) = said["url"].as_str().and_then(|url| url.split_once("/pay/")) {
                // The client opens the link, and pays.
                integrator.tenant.links.push(link.1.to_owned());
                let Integrator { machine, tenant, .. } = &integrator;
                assert!(machine.pay(tenant, 0).await, "the client pays: {}", machine.log());
            }
            let object = if said["data"].is_array() {
                said["data"][0].clone()
            } else {
                said
            };
            let id = object["id"].as_str().unwrap_or_default();
            last.insert(id.split('_').next().unwrap().to_owned(), object);
        }
        // What the guide promises in the end.
        assert_eq!(last["inv"]["status"], "paid", "{last:?}");
        assert_eq!(last["pay"]["status"], "succeeded", "{last:?}");
        let refund = last.values().find(|object| object["settlement"] == "forgiven");
        assert_eq!(refund.expect("a refund")["amount"], 4_900);
        assert_eq!(integrator.machine.charges(&integrator.tenant), 1);
    });
}
