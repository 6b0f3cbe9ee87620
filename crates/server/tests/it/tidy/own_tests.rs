//! The rules tried on small files: each finds what it forbids, on the right line, and lets its like pass.

use super::{File, imports, rust, sql, text};

type Rule = fn(&[File]) -> Vec<String>;

/// The lines on which a rule finds something in this one file.
#[track_caller]
fn check(rule: Rule, path: &str, text: &str, lines: &[usize]) {
    let findings = rule(&[File::new(path, text.as_bytes().to_vec())]);
    let found: Vec<usize> = findings
        .iter()
        .map(|finding| {
            let rest = finding
                .strip_prefix(&format!("{path}:"))
                .expect("a finding names the file");
            let (line, _) = rest.split_once(':').expect("a finding names the line");
            line.parse().expect("the line is a number")
        })
        .collect();
    assert_eq!(found, lines, "{findings:#?}");
}

#[test]
fn lengths() {
    let long = |lines: usize| format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2));
    check(rust::too_long, "a.rs", &long(70), &[]);
    check(
        rust::too_long,
        "a.rs",
        &format!("\nimpl X {{\n{}}}", long(71)),
        &[3],
    );
    check(
        rust::too_long,
        "a.rs",
        "trait T { fn f() -> [u8; 4]; }\ntype F = fn(u8);\n",
        &[],
    );
    check(rust::too_long, "a.rs", &format!("\n// {}", "é".repeat(107)), &[]);
    check(rust::too_long, "a.rs", &format!("\n// {}", "é".repeat(108)), &[2]);
    check(rust::too_long, "a.rs", &"\n".repeat(501), &[501]);
    check(rust::too_long, "a.css", &"\n".repeat(501), &[]);
    // A brace in a literal, a comment or a lifetime's neighbour is none.
    check(
        rust::too_long,
        "a.rs",
        &format!("fn f<'a>() {{ ('{{', \"{{\", r#\"\"{{\"#) }} // {{\n{}", long(70)),
        &[],
    );
}

#[test]
fn heads() {
    check(rust::headless, "a.rs", "//! What it holds.\n", &[]);
    check(rust::headless, "a.rs", "use std::fmt;\n//! Too late.\n", &[1]);
}

#[test]
fn unwraps_and_casts() {
    let rule = rust::unwraps_and_casts;
    let domain = "crates/domain/src/a.rs";
    check(
        rule,
        domain,
        "fn f() {\n    a.unwrap();\n    b\n        .expect(\"x\");\n}",
        &[2, 4],
    );
    check(
        rule,
        "crates/stripe/src/a.rs",
        "fn f() {\n    a.unwrap();\n    b.expect(\"so\");\n    c as u8\n}",
        &[2],
    );
    check(
        rule,
        domain,
        "fn f() { a.unwrap_or(1); \"a.unwrap() as u8\"; /* x as u8 */ }",
        &[],
    );
    check(
        rule,
        domain,
        "use a as b;\nuse a::{\n    b as c,\n    d as e,\n};\n<T as Into<u8>>::into(t);",
        &[],
    );
    check(
        rule,
        domain,
        "<Vec<u8> as Into<X>>::into(t);\nif a < b as u8 {}\nlet v: Vec<u8> = c as V;",
        &[2, 3],
    );
    check(rule, domain, "fn f() -> u8 { a as u8 }", &[1]);
    check(
        rule,
        domain,
        "#[cfg(test)]\n#[rustfmt::skip]\nmod tests { fn f() { a.unwrap(); } }\nx as u8;",
        &[4],
    );
    check(
        rule,
        "crates/domain/src/a/tests.rs",
        "fn f() { a.unwrap(); b as u8; }",
        &[],
    );
    check(
        rule,
        "crates/domain/tests/a.rs",
        "fn f() { a.unwrap(); b as u8; }",
        &[],
    );
}

#[test]
fn ambient_time_and_chance() {
    let code = "fn f() {\n    Instant::now();\n    std::time::SystemTime::now();\n    clock.now();\n}";
    check(rust::ambient, "crates/flows/src/a.rs", code, &[3, 2]);
    check(rust::ambient, "crates/flows/tests/a.rs", code, &[3, 2]);
    check(rust::ambient, "crates/server/src/clock.rs", code, &[]);
    check(
        rust::ambient,
        "crates/flows/src/a.rs",
        "use rand::Rng;\nopen(\"/dev/urandom\");\noperand(1);",
        &[1, 2],
    );
}

#[test]
fn attributes_and_sleeps() {
    let rule = rust::attributes_and_sleeps;
    check(
        rule,
        "a.rs",
        "#[allow(dead_code)]\n#[allow(dead_code, reason = \"so\")]\nfn f() {}",
        &[1],
    );
    check(
        rule,
        "a.rs",
        "#![expect(\n    dead_code,\n)]\nfn allow() {}",
        &[1],
    );
    check(rule, "a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", &[2]);
    check(
        rule,
        "crates/x/tests/a.rs",
        "tokio::time::sleep(second).await;",
        &[1],
    );
    check(
        rule,
        "crates/x/src/a.rs",
        "sleep(second);\n#[cfg(test)]\nmod tests { fn f() { sleep(second); } }",
        &[3],
    );
}

#[test]
fn searches() {
    let code = "//! A.\nconst PATH: &str = \"/v1/payment_intents/search\";\n";
    check(
        imports::searches,
        "crates/stripe/src/payment_intents.rs",
        code,
        &[2],
    );
    check(imports::searches, "crates/simulator/src/search.rs", code, &[]);
}

#[test]
fn planted_bugs() {
    let rule = imports::planted_bugs;
    let home = "crates/flows/Cargo.toml";
    check(rule, home, "[features]\nplanted-bugs = []\n", &[]);
    check(
        rule,
        home,
        "[features]\ndefault = [\"planted-bugs\"]\nplanted-bugs = []\n",
        &[2],
    );
    check(rule, home, "[features]\n", &[1]);
    let product = "crates/server/Cargo.toml";
    check(rule, product, "flows = { workspace = true }\n", &[]);
    check(
        rule,
        product,
        "\nflows = { features = [\"planted-bugs\"] }\n",
        &[2],
    );
}

#[test]
fn event_names() {
    let rule = rust::event_names;
    let code =
        "match kind {\n    \"payment_intent.succeeded\" => 1,\n    \"charge.dispute.created\" => 2,\n}";
    check(rule, "crates/server/src/a.rs", code, &[2, 3]);
    check(rule, "crates/stripe/src/events.rs", code, &[]);
    check(rule, "crates/server/tests/it/a.rs", code, &[]);
    check(
        rule,
        "crates/server/src/a.rs",
        "(\"charge.balance_transaction\", \"invoice.html\", \"paid\")",
        &[],
    );
    check(
        rule,
        "crates/server/src/a.rs",
        "#[cfg(test)]\nmod tests { const A: &str = \"refund.created\"; }",
        &[],
    );
}

#[test]
fn arrows() {
    let check = |krate: &str, manifest: &str, lines: &[usize]| {
        check(
            imports::arrows,
            &format!("crates/{krate}/Cargo.toml"),
            manifest,
            lines,
        );
    };
    check(
        "domain",
        "[dependencies]\nserde.workspace = true\n[dev-dependencies]\nproptest = \"1\"\n",
        &[2],
    );
    check(
        "store",
        "[dependencies]\ndomain.workspace = true\n# tokio\nflows = { path = \"../flows\" }\n",
        &[4],
    );
    check(
        "flows",
        "[dependencies]\ntokio = \"1\"\n[dev-dependencies]\nsimulator.workspace = true\n",
        &[2],
    );
    check(
        "simulator",
        "[dependencies.stripe]\npath = \"../stripe\"\n[lints]\nworkspace = true\n",
        &[1],
    );
    check(
        "server",
        "[dependencies]\nsimulator.workspace = true\naxum.workspace = true\n",
        &[],
    );
    check("more", "[package]\n", &[1]);
}

#[test]
fn names_of_crates() {
    let rule = imports::names;
    let code =
        "use simulator::Config;\nlet simulator = crate::simulator::f(x);\nsimulator::f();\nsimulator.f();";
    check(rule, "crates/server/src/worker.rs", code, &[1, 3]);
    check(rule, "crates/server/src/demo.rs", code, &[]);
    check(
        rule,
        "crates/flows/src/a.rs",
        "// tokio::spawn\nuse tokio;\nlet f = \"tokio::spawn\";",
        &[2],
    );
    check(
        rule,
        "crates/domain/src/a.rs",
        "use std::fmt;\nuse std::time::Instant;\n",
        &[2],
    );
}

const MIGRATION: &str = "create table tenants (\n  id text not null\n);\n\
    create table payments (\n  tenant_id text,\n  livemode bigint\n);\n";

#[test]
fn statements() {
    let findings = |code: &str| {
        let migration = File::new("crates/store/migrations/0001.sql", MIGRATION.as_bytes().to_vec());
        let store = File::new("crates/store/src/a.rs", code.as_bytes().to_vec());
        let findings = sql::tenancy(&[migration, store]);
        findings
            .into_iter()
            .filter(|finding| finding.starts_with("crates/store/src/a.rs"))
            .collect::<Vec<_>>()
    };
    let passes = |code: &str| assert_eq!(findings(code), [""; 0]);
    let found = |code: &str, line: usize| match &findings(code)[..] {
        [one] => assert!(
            one.starts_with(&format!("crates/store/src/a.rs:{line}: ")),
            "{one}"
        ),
        other => panic!("{other:#?}"),
    };
    passes("const A: Sql = Sql::new(\"select 1 from payments where tenant_id = $1 and livemode = $2\");");
    passes("const A: Sql = Sql::new(\"insert into payments (tenant_id, livemode) values ($1, $2)\");");
    passes("const A: Sql = Sql::new(\"select id from tenants\");");
    found(
        "const A: Sql = Sql::new(\"select tenant_id, livemode from payments where id = $1\");",
        1,
    );
    found(
        "const A: Sql = Sql::new(\"insert into payments (tenant_id) values ($1)\");",
        1,
    );
    found(
        "const A: Sql = Sql::new(\"delete from payments where tenant_id = $1\");",
        1,
    );
    found(
        "fn f() {}\nconst A: Sql = Sql::per_engine(\n  \
         \"select 1 from payments where tenant_id = $1 and livemode = $2\",\n  \
         \"select 1 from payments\",\n);",
        2,
    );
    let select = "macro_rules! select {\n  \
        ($rest:literal) => { Sql::new(concat!(\"select id from payments \", $rest)) };\n}\n";
    passes(&format!(
        "{select}const A: Sql = select!(\"where tenant_id = $1 and livemode = $2\");"
    ));
    found(&format!("{select}const A: Sql = select!(\"where id = $1\");"), 4);
    found(
        "fn f(tx: &mut Tx) {\n    tx.execute(&Sql::new(\"select id from tenants\"));\n}",
        2,
    );
    passes("#[cfg(test)]\nmod tests { fn f() { Sql::new(\"select 1 from payments\"); } }");
}

#[test]
fn names_and_sizes() {
    let rule = text::names_and_sizes;
    check(rule, "crates/x/src/utils.rs", "", &[1]);
    check(rule, "crates/x/src/helpers/a.rs", "", &[1]);
    check(rule, "crates/x/src/commons.rs", "", &[]);
    let heavy = "x".repeat(201 * 1024);
    check(rule, "docs/a.md", &heavy, &[1]);
    for free in [
        "docs/a.png",
        "crates/x/tests/data/a.json",
        "Cargo.lock",
        "crates/x/src/assets/a.woff2",
    ] {
        check(rule, free, &heavy, &[]);
    }
}

#[test]
fn unfinished_places_and_secrets() {
    let mark = concat!("FIX", "ME");
    check(
        text::unfinished,
        "a.md",
        &format!("a\n{mark}: b\nmktemp a.{}\n", "XX".repeat(3)),
        &[2],
    );
    check(
        text::unfinished,
        "a.rs",
        &format!("fn f() {{\n    {}()\n}}", concat!("to", "do!")),
        &[2],
    );
    check(
        text::places,
        "a.md",
        &format!("see {}x\nframework/x", concat!("/wo", "rk/")),
        &[1],
    );
    let secret = |prefix: &str, length: usize| format!("a\nkey = \"{prefix}{}\"\n", "a1".repeat(length / 2));
    check(text::secrets, "a.md", &secret("sk_live_", 16), &[2]);
    check(text::secrets, "a.md", &secret("whsec_", 24), &[2]);
    check(text::secrets, "a.md", &secret("whsec_", 22), &[]);
    check(
        text::secrets,
        "a.md",
        "sk_live_psapay_demo whsec_REPLACE_WITH_YOURS sk_live_…",
        &[],
    );
}
