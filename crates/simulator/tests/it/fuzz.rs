//! Thousands of requests, likely and hostile, over every route: whatever comes, the answer is one of Stripe's
//! kinds, nothing panics, the same seed gives the same answers, and what is left behind still ties.
//!
//! `SIMULATOR_FUZZ=100000` asks for more requests than the usual ones, `SIMULATOR_FUZZ_SEED=2` for others.
//! The parameters that each route may know are those of Stripe's OpenAPI description, in `tests/fuzz`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::dice::{Dice, HOSTILE};
use crate::invariants::{all, balance_ties, turns_both_ways};
use crate::likely::{self, Known, Recipe, Remembered, space};
use crate::world::World;
use serde_json::Value;
use simulator::{Outcome, Request, Simulator};

const REQUESTS: u64 = 10_000;
/// How often a request is tried again with what its answer complained of.
const TRIES_MAX: usize = 5;

struct Fuzz {
    worlds: Vec<World>,
    dice: Dice,
    known: Known,
    routes: Vec<(&'static str, &'static str)>,
    recipes: Vec<Recipe>,
    /// The recipe that was made last.
    at: usize,
    /// Who asked last.
    world: World,
    ids: Remembered,
    /// The space of the request that is being made.
    space: String,
    /// All answers so far, mixed.
    mixed: u64,
    sent: u64,
    good: u64,
}

impl Fuzz {
    fn new(seed: u64, platform: World) -> Fuzz {
        let tenant = platform.clone().with_tenant(false);
        let live = platform.live().with_tenant(true);
        let worlds = vec![
            platform.clone(),
            platform.clone(),
            tenant.clone(),
            tenant,
            live,
            platform.live(),
            platform.key("pk_test_psapay_demo"),
            platform.version(Some("2020-08-27")),
            platform.version(None),
        ];
        Fuzz {
            worlds,
            dice: Dice(seed),
            known: likely::known(),
            recipes: likely::recipes(),
            at: 0,
            world: platform,
            routes: Simulator::routes().collect(),
            ids: Remembered::default(),
            space: String::new(),
            mixed: seed,
            sent: 0,
            good: 0,
        }
    }

    fn run(&mut self, requests: u64) {
        let mut number = 0;
        while self.sent < requests {
            number += 1;
            match self.dice.below(100) {
                0..3 => self.time_passes(),
                3..6 => self.noise(),
                6..40 => self.recipe(),
                _ => self.request(number),
            }
        }
    }

    fn time_passes(&mut self) {
        let simulator = &self.worlds[0].simulator;
        let days = [0, 0, 0, 1, 8, 31];
        simulator.advance_ms(2_000 + 86_400_000 * days[self.dice.below(days.len())]);
        if self.dice.percent(70) {
            return;
        }
        for delivery in simulator.due_deliveries() {
            let outcome = match self.dice.below(4) {
                0 => Outcome::Failed("broken".into()),
                1 => Outcome::Answered(500),
                _ => Outcome::Answered(200),
            };
            simulator.report_delivery(delivery.id, outcome);
        }
    }

    /// Bytes that mean nothing.
    fn noise(&mut self) {
        let dice = &mut self.dice;
        let bytes: Vec<u8> = (0..dice.below(60))
            .map(|_| dice.next().to_le_bytes()[0])
            .collect();
        let method = dice.pick(&["GET", "POST", "DELETE", "PUT", "\u{1}"]);
        let path = match dice.below(4) {
            0 => format!("/v1/{}", String::from_utf8_lossy(&bytes)),
            1 => String::from_utf8_lossy(&bytes).into_owned(),
            2 => "/v1/customers?%%%[[]]=&&==".into(),
            _ => dice
                .pick(&["/v1/customers", "/oauth/token", "/v1/payment_intents"])
                .to_owned(),
        };
        let mut request = self.worlds[0].request("POST", &path, &[]);
        request.method = method.into();
        request.body = bytes;
        self.send(&request);
    }

    fn request(&mut self, number: u64) {
        let (method, route) = self.routes[self.dice.below(self.routes.len())];
        let mut world = self.world();
        let path = self.path(route);
        let tenants = self.worlds.iter().filter_map(|world| world.account.as_ref());
        let ends = path.ends_with("/close") || path.ends_with("/deauthorize");
        if ends || method == "DELETE" && tenants.into_iter().any(|tenant| path.ends_with(tenant.as_str())) {
            return;
        }
        let known = self
            .known
            .get(&(method.to_owned(), route.to_owned()))
            .cloned()
            .unwrap_or_default();
        let mut form = Vec::new();
        if !known.is_empty() {
            for _ in 0..self.dice.below(7) {
                let (name, hint) = &known[self.dice.below(known.len())];
                form.push((name.clone(), self.value(name, hint)));
            }
        }
        if self.dice.percent(5) {
            form.push((
                "expand[]".into(),
                self.dice
                    .pick(&["data.customer", "customer", "latest_charge", "x"])
                    .into(),
            ));
        }
        if self.dice.percent(3) {
            form.push((
                self.dice
                    .pick(&["[", "a[", "x]y", "metadata[a][b]", "colour"])
                    .into(),
                "1".into(),
            ));
        }
        if self.dice.percent(10) {
            world.idempotency_key = Some(format!("key-{}", number % 50));
        }
        for _ in 0..TRIES_MAX {
            let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = self.send(&world.request(method, &path, &pairs));
            let (Some(code), Some(param)) = (
                answer["error"]["code"].as_str(),
                answer["error"]["param"].as_str(),
            ) else {
                break;
            };
            match code {
                "parameter_unknown" => form.retain(|(name, _)| !name.starts_with(param)),
                "parameter_missing" => {
                    let named = known.iter().filter(|(name, _)| name.starts_with(param));
                    let named: Vec<&(String, String)> = named.collect();
                    let (name, hint) = match named.len() {
                        0 => (param.to_owned(), String::new()),
                        count => named[self.dice.below(count)].clone(),
                    };
                    let value = self.value(&name, &hint);
                    form.push((name, value));
                }
                _ if self.dice.percent(50) => form.retain(|(name, _)| name != param),
                _ => break,
            }
        }
    }

    fn world(&mut self) -> World {
        // Half of all is done as the platform or its tenant in test mode.
        let among = if self.dice.percent(50) {
            4
        } else {
            self.worlds.len()
        };
        self.world = self.worlds[self.dice.below(among)].clone();
        self.space = space(&self.world);
        self.world.clone()
    }

    /// A request as people send it, with ids that there are.
    fn recipe(&mut self) {
        // The next in the list goes on with what the last one made.
        let world = if self.dice.percent(80) {
            self.world.clone()
        } else {
            self.world()
        };
        self.at = if self.dice.percent(80) {
            self.at + 1
        } else {
            self.dice.below(self.recipes.len())
        };
        let at = self.at % self.recipes.len();
        let (method, path) = (self.recipes[at].method, self.recipes[at].path);
        let path = self.filled(path);
        let form = self.recipes[at].form.clone();
        let form: Vec<(&str, String)> = form
            .into_iter()
            .map(|(name, value)| (name, self.filled(value)))
            .collect();
        let pairs: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(&world.request(method, &path, &pairs));
    }

    /// A text with an id for each `{kind}` in it.
    fn filled(&mut self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, (kind, after))) = rest
            .split_once('{')
            .and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            filled.push_str(before);
            filled.push_str(&self.id(kind));
            rest = after;
        }
        filled + rest
    }

    fn path(&mut self, route: &str) -> String {
        let parts: Vec<&str> = route.split('/').collect();
        let mut path: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let mut owner: Option<String> = None;
        // From the end, so that an object is asked for under the one that it belongs to.
        for at in (1..parts.len()).rev().filter(|at| parts[*at] == "{}") {
            path[at] = match owner.take() {
                Some(owner) if self.dice.percent(80) => owner,
                _ => self.id(&likely::kind(
                    parts[at - 1],
                    if at > 2 { parts[at - 2] } else { "" },
                )),
            };
            let under = if at > 3 && parts[at - 2] == "{}" {
                parts[at - 3]
            } else {
                ""
            };
            if !under.is_empty() {
                path[at] = self.id(&likely::kind(parts[at - 1], under));
            }
            owner = self.ids.owner(&path[at]).cloned();
        }
        path.join("/")
    }

    /// An id of a kind most of the time, else of another, else none.
    fn id(&mut self, kind: &str) -> String {
        let chance = self.dice.below(100);
        if chance < 90
            && let Some(id) = self.ids.some(&mut self.dice, &self.space, kind)
        {
            return id.clone();
        }
        if chance < 97
            && let Some(id) = self.ids.any(&mut self.dice)
        {
            return id.clone();
        }
        let hostile = self.dice.pick(HOSTILE);
        let plain = hostile.chars().filter(|c| c.is_ascii_alphanumeric());
        format!("x{}", plain.collect::<String>())
    }

    fn value(&mut self, name: &str, hint: &str) -> String {
        if self.dice.percent(12) {
            return self.hostile();
        }
        match hint {
            "?" => return self.dice.pick(&["true", "false"]).into(),
            "#" => return self.number(name),
            "" => {}
            words => {
                let words: Vec<&str> = words.split('|').collect();
                return self.dice.pick(&words).into();
            }
        }
        let last = name
            .trim_end_matches("[0]")
            .trim_end_matches(']')
            .rsplit('[')
            .next()
            .unwrap_or(name);
        match last {
            "currency" | "default_currency" => self.dice.pick(&["usd", "usd", "eur", "jpy"]).into(),
            "payment_method" | "default_payment_method" if self.dice.percent(70) => {
                let cards = [
                    "pm_card_visa",
                    "pm_card_mastercard",
                    "pm_card_chargeDeclined",
                    "pm_usBankAccount_success",
                ];
                self.dice.pick(&cards).into()
            }
            "source" | "card" | "external_account" => {
                self.dice.pick(&["tok_visa", "btok_us_verified"]).into()
            }
            "confirmation_token" => self.id("confirmation_token"),
            "destination" => self.id("account"),
            "email" => "a@b.example".into(),
            "country" => self.dice.pick(&["US", "DE"]).into(),
            "number" => "4242424242424242".into(),
            "type" => self.dice.pick(&["card", "us_bank_account", "standard"]).into(),
            "object" => self.dice.pick(&["card", "bank_account"]).into(),
            "cvc" => "123".into(),
            "url" | "return_url" | "success_url" | "refresh_url" => "https://a.example/".into(),
            "enabled_events" => "*".into(),
            "query" => self
                .dice
                .pick(&["amount>1", "created>1 AND metadata['key']:'1'", "status:'x'"])
                .into(),
            "routing_number" => "110000000".into(),
            "account_number" => "000123456789".into(),
            kind if self.ids.some(&mut self.dice, &self.space, kind).is_some() => self.id(kind),
            _ if self.dice.percent(30) => self.number(name),
            _ => "Some text".into(),
        }
    }

    fn number(&mut self, name: &str) -> String {
        let now_s = self.worlds[0].simulator.now_ms() / 1000;
        let days = i64::try_from(self.dice.below(800)).unwrap() - 400;
        if name.contains("year") {
            return "2034".into();
        }
        if name.contains("month") {
            return "12".into();
        }
        if ["_at", "date", "trial_end", "anchor", "start", "end"]
            .iter()
            .any(|part| name.contains(part))
        {
            return (now_s + days * 86_400).to_string();
        }
        let numbers = [
            "1",
            "2",
            "10",
            "100",
            "500",
            "1000",
            "2500",
            "99999999",
            "100000000",
            "3",
        ];
        self.dice.pick(&numbers).into()
    }

    fn hostile(&mut self) -> String {
        if self.dice.percent(5) {
            return "y".repeat(6_000);
        }
        self.dice.pick(HOSTILE).into()
    }

    /// Sends it and looks at the answer.
    fn send(&mut self, request: &Request) -> Value {
        let said = || {
            let body = String::from_utf8_lossy(&request.body[..request.body.len().min(2_000)]).into_owned();
            format!(
                "{} {}\n{body}\n{:?}",
                request.method, request.path, request.headers
            )
        };
        self.sent += 1;
        let simulator = &self.worlds[0].simulator;
        let Ok(response) = catch_unwind(AssertUnwindSafe(|| simulator.call(request))) else {
            panic!("a panic, see above, at: {}", said());
        };
        let status = response.status;
        let page = String::from_utf8_lossy(&response.body).into_owned();
        assert!((200..500).contains(&status), "{status}: {}\n{page}", said());
        for byte in &response.body {
            self.mixed = (self.mixed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
        if (300..400).contains(&status) || page.starts_with("<!") || page.starts_with("<html") {
            return Value::Null;
        }
        let Ok(answer) = serde_json::from_slice::<Value>(&response.body) else {
            panic!("no JSON: {}\n{page}", said());
        };
        if status < 300 {
            self.good += 1;
            self.ids.note(&mut self.dice, &self.space, &answer);
        } else if request.path.starts_with("/v1/") {
            let error = &answer["error"];
            let kinds = [
                "api_error",
                "card_error",
                "idempotency_error",
                "invalid_request_error",
            ];
            let shaped = error["type"].as_str().is_some_and(|kind| kinds.contains(&kind))
                && error["message"]
                    .as_str()
                    .is_some_and(|message| !message.is_empty());
            assert!(shaped, "{status}: {}\n{page}", said());
        }
        answer
    }
}

/// A number from the environment.
fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// The routes that list without being told of what.
fn plain() -> impl Iterator<Item = &'static str> {
    Simulator::routes()
        .filter(|(method, path)| *method == "GET" && !path.contains("{}") && !path.ends_with("/search"))
        .map(|(_, path)| path)
}

#[test]
fn no_request_does_harm() {
    let seed = asked("SIMULATOR_FUZZ_SEED").unwrap_or(1);
    let mut fuzz = Fuzz::new(seed, World::platform());
    fuzz.run(asked("SIMULATOR_FUZZ").unwrap_or(REQUESTS));
    assert!(fuzz.good > 500, "only {} were carried out", fuzz.good);
    for world in [0, 2, 4, 5].map(|at| &fuzz.worlds[at]) {
        for event in all(world, "/v1/events") {
            assert!(event["data"]["object"]["object"].is_string(), "{event}");
        }
        balance_ties(world);
        for path in plain() {
            let (status, answer) = world.ask("GET", path, &[("limit", "3")]);
            assert!(status < 500, "{path}: {answer}");
            if answer["object"] == "list" && path != "/v1/events" {
                turns_both_ways(world, path);
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_answers() {
    let [one, other] = [(); 2].map(|()| {
        let mut fuzz = Fuzz::new(7, World::platform());
        fuzz.run(1_000);
        fuzz.mixed
    });
    assert_eq!(one, other);
}

#[test]
fn what_was_made_survives_a_restart() {
    let folder = format!("{}/fuzz-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let config = simulator::Config {
        data: Some(folder.clone().into()),
        ..crate::world::config()
    };
    let mut fuzz = Fuzz::new(11, World::new(config.clone()));
    fuzz.run(2_000);
    let lists = |simulator: &Simulator| -> Vec<(String, Value)> {
        let each = plain().flat_map(|path| {
            [0, 2, 4, 5].map(|at| {
                let world = World {
                    simulator: simulator.clone(),
                    ..fuzz.worlds[at].clone()
                };
                let mut answer = world.ask("GET", path, &[("limit", "100")]).1;
                // A request's id stands in an error's link to the log.
                answer["error"]["request_log_url"] = Value::Null;
                (path.to_owned(), answer)
            })
        });
        each.collect()
    };
    let before = lists(&fuzz.worlds[0].simulator);
    let again = Simulator::new(config).unwrap();
    again.advance_ms(fuzz.worlds[0].simulator.now_ms() - again.now_ms());
    for ((path, before), (_, after)) in before.iter().zip(lists(&again)) {
        assert_eq!(*before, after, "{path}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
