//! The examples of the reference page, in its order, against the demo with the keys that it prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use server::openapi::{self, Content};
use server::routes;

use super::{calls, conforms, route_of};
use crate::demo::{Folder, Running, demo, last_word};

/// A demo that runs, and what it printed.
pub struct Shown {
    _demo: Running,
    _folder: Folder,
    pub url: String,
    pub stripe: String,
    pub key: String,
    pub platform_key: String,
}

/// Starts a demo.
pub fn shown(name: &str) -> Shown {
    let folder = Folder::new(name);
    let mut demo = demo(&folder, &[]);
    let word = |line: String, at: usize| line.split_whitespace().nth(at).unwrap_or_default().to_owned();
    let platform_key = word(demo.line("platform ppk_platform_"), 1);
    let key = word(demo.line("Northwind IT Services"), 1);
    let url = last_word(&demo.line("API and pages:"));
    let stripe = last_word(&demo.line("Built-in Stripe:"));
    demo.line("initialized in TEST mode");
    Shown {
        _demo: demo,
        _folder: folder,
        url,
        stripe,
        key,
        platform_key,
    }
}

/// The page's script: what sets the scene, then each example with its answer into a file.
fn script(answers: &Path) -> String {
    let routes = routes::all();
    let mut script = format!("set -u\n{}\n", openapi::SETUP);
    for (n, call) in calls().enumerate() {
        let line = openapi::curl(call, route_of(&routes, call).map(|at| &routes[at]));
        let file = answers.join(format!("{n}.body"));
        script.push_str(&format!(
            "{line} -o {} -w '{n} %{{http_code}} %{{content_type}}\\n'\n",
            file.display()
        ));
    }
    script
}

#[test]
fn every_example_runs_against_the_demo_and_answers_what_is_described() {
    let shown = shown("reference");
    let answers = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("answers-{}", std::process::id()));
    std::fs::create_dir_all(&answers).unwrap();
    let output = Command::new("bash")
        .args(["-c", &script(&answers)])
        .envs([
            ("URL", shown.url.as_str()),
            ("STRIPE", &shown.stripe),
            ("KEY", &shown.key),
            ("PLATFORM_KEY", &shown.platform_key),
        ])
        .output()
        .expect("bash and curl are there");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{said}\n{complained}");
    let document = openapi::document();
    let mut wrong = Vec::new();
    for (n, call) in calls().enumerate() {
        let name = format!("{} {}", call.method, call.path);
        let line = said.lines().find(|line| line.starts_with(&format!("{n} ")));
        let mut words = line.unwrap_or_default().split_whitespace().skip(1);
        let status: u16 = words
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or_default();
        let kind = words.next().unwrap_or_default();
        let body = std::fs::read(answers.join(format!("{n}.body"))).unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        if status != call.example_status() {
            wrong.push(format!("{name}: {status}, not {}: {text}", call.example_status()));
            continue;
        }
        let answer = call.answers.iter().find(|answer| answer.status == status);
        match answer.map(|answer| answer.content) {
            Some(Content::Json(_)) => {
                let path = &document["paths"][call.path][call.method.to_lowercase()];
                let schema = &path["responses"][status.to_string()]["content"]["application/json"]["schema"];
                let value: Value = serde_json::from_str(&text).unwrap_or_default();
                let differs = conforms::differences(&document, schema, &value);
                wrong.extend(differs.into_iter().map(|found| format!("{name}: {found}")));
            }
            Some(Content::File(expected)) if !kind.starts_with(expected) => {
                wrong.push(format!("{name}: {kind}, not {expected}"));
            }
            Some(Content::File(_) | Content::None) | None => {}
        }
    }
    drop(std::fs::remove_dir_all(&answers));
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}\n{complained}",
        wrong.len(),
        calls().count(),
        wrong.join("\n")
    );
}
