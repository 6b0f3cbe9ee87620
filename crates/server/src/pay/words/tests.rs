//! Every language says everything, with places for the same values, and the script finds what it shows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

/// Every sentence of a language by its name.
fn sentences(language: Language) -> BTreeMap<String, String> {
    fn collect(at: &str, value: &Value, all: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    collect(&format!("{at}.{name}"), value, all);
                }
            }
            Value::String(text) => {
                all.insert(at.to_owned(), text.clone());
            }
            other => panic!("{at} is {other}"),
        }
    }
    let mut all = BTreeMap::new();
    collect("", &serde_json::to_value(of(language)).unwrap(), &mut all);
    all
}

fn places(text: &str) -> BTreeSet<String> {
    pieces(text)
        .filter_map(|piece| match piece {
            Piece::Place(place) => Some(place.to_owned()),
            Piece::Text(_) => None,
        })
        .collect()
}

#[test]
fn every_language_says_the_same_sentences_with_the_same_values() {
    let english = sentences(Language::En);
    assert!(english.len() > 120, "{}", english.len());
    // What is one word, and the same word.
    let alike = [".panel.date", ".mode"];
    for language in Language::ALL {
        let own = sentences(language);
        assert!(own.keys().eq(english.keys()), "{language:?}");
        for (name, text) in own {
            assert!(
                !text.trim().is_empty() && text.trim() == text,
                "{language:?} {name}: {text:?}"
            );
            assert_eq!(
                places(&text),
                places(&english[&name]),
                "{language:?} {name}: {text}"
            );
            let ends = |text: &str| text.ends_with(['.', '?', '\u{2026}']);
            let asks = [".choice.title"].contains(&name.as_str());
            assert!(
                asks || ends(&text) == ends(&english[&name]),
                "{language:?} {name}: {text}"
            );
            if language != Language::En && !alike.contains(&name.as_str()) {
                assert_ne!(text, english[&name], "{language:?} {name} is not translated");
            }
        }
    }
}

#[test]
fn values_are_put_in_their_places_once() {
    let values = [("a", "{b}"), ("b", "x")];
    assert_eq!(fill("{a} and {b}.", &values), "{b} and x.");
    assert_eq!(fill("}{a}", &values), "}{b}");
    assert_eq!(fill("no place", &values), "no place");
    let strong = [("a", html! { strong { "<1>" } })];
    assert_eq!(
        said("<{a}>", &strong).into_string(),
        "&lt;<strong>&lt;1&gt;</strong>&gt;"
    );
}

#[test]
fn the_script_is_sent_every_sentence_that_it_shows() {
    let sent: Value = serde_json::from_str(&of(Language::De).for_script()).unwrap();
    let script = concat!(
        include_str!("../../assets/pay.js"),
        include_str!("../../assets/choice.js")
    );
    let mut shown = BTreeSet::new();
    for part in script.split("words.").skip(1) {
        let name: String = part
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        shown.insert(name);
    }
    let known: BTreeSet<String> = sent.as_object().unwrap().keys().cloned().collect();
    assert_eq!(shown, known, "what the script shows, and what it is sent");
    for reason in Reason::ALL {
        let declines = sent["declines"].as_object().unwrap();
        assert_eq!(declines[reason.word()], of(Language::De).declines.of(reason));
        assert_eq!(declines.len(), Reason::ALL.len());
    }
}
