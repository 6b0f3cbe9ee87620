//! What `docs/simulator.md` says is what there is.

const DOCUMENT: &str = include_str!("../../../../docs/simulator.md");

#[test]
fn the_documented_cards_are_the_cards() {
    let table = simulator::test_cards();
    assert!(
        DOCUMENT.contains(&table),
        "docs/simulator.md should hold this table:\n{table}"
    );
}

#[test]
fn every_fault_and_every_control_is_documented() {
    for name in [
        "lose_answer",
        "hang",
        "error500",
        "error500_after",
        "error429",
        "lock_timeout",
        "delay",
        "drop",
        "duplicate",
        "reorder",
    ] {
        assert!(DOCUMENT.contains(&format!("`{name}`")), "{name}");
    }
    let source = include_str!("../../src/control.rs");
    let arms = source.lines().filter_map(|line| {
        let (method, rest) = line.trim().strip_prefix("(\"")?.split_once("\", [\"")?;
        let (segments, _) = rest.split_once("])")?;
        Some((method, segments.replace('"', "")))
    });
    let mut count = 0;
    for (method, segments) in arms {
        let parts = segments.split(", ").map(|part| match part {
            "id" => "{id}",
            word => word,
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let said = format!("`{method} /_simulator/{path}`");
        assert!(DOCUMENT.contains(&said), "{said}");
        count += 1;
    }
    assert!(count > 10, "only {count} controls were found");
}
