//! What the doctor advises, where more than one thing may help.

use flows::endpoints::{Role, Signing};

use super::{endpoint, environment, good, pong, said_of};

/// A restart was advised where the running server was right, and the file was not.
#[test]
fn a_restart_is_advised_only_where_one_may_help() {
    let cases = [
        // The notes on the endpoints say who is right.
        (Signing::Known, Some("restart"), None),
        (Signing::OtherKind, None, Some("needs no restart")),
        (Signing::Untold, Some("restart"), Some("move it")),
    ];
    for (signing, says, says_too) in cases {
        let mut facts = good();
        for one in facts.modes[0].endpoints.as_mut().unwrap() {
            one.signing = Some(signing);
        }
        pong(&mut facts, |pong| pong.secret_kind = "thin".to_owned());
        let lines = said_of(&environment(), facts);
        let of = |code: &str| lines.iter().find(|line| line.code == code).unwrap();
        let remedy = &of("secret.STRIPE_LIVE_WEBHOOK_SECRET.2").remedy;
        assert!(
            says.is_none_or(|says| remedy.starts_with(says)),
            "{signing:?}: {remedy}"
        );
        assert_eq!(remedy.contains("move it"), signing != Signing::Known, "{remedy}");
        assert!(
            says_too.is_none_or(|says| remedy.contains(says)),
            "{signing:?}: {remedy}"
        );
        if signing == Signing::OtherKind {
            let remedy = &of("endpoint.live.platform").remedy;
            assert!(remedy.contains("needs no restart"), "{remedy}");
        }
    }
    // Both were started with what stands in the wrong place: moving it is not enough.
    let mut facts = good();
    endpoint(&mut facts, Role::Platform, |one| {
        one.signing = Some(Signing::OtherKind)
    });
    let lines = said_of(&environment(), facts);
    let line = lines
        .iter()
        .find(|line| line.code == "endpoint.live.platform")
        .unwrap();
    assert!(line.remedy.contains("and restart a server"), "{line:?}");
}

/// The remedy was to run what had just been refused.
#[test]
fn what_finds_no_room_at_stripe_is_told_to_make_some() {
    for (room, is_full) in [(0, true), (1, false)] {
        let mut facts = good();
        endpoint(&mut facts, Role::Accounts, |one| {
            one.id.clear();
            one.wrong = vec!["there is no endpoint".to_owned()];
        });
        facts.modes[0].room = room;
        let lines = said_of(&environment(), facts);
        let line = lines.iter().find(|line| line.code == "endpoint.live.accounts");
        let remedy = &line.unwrap().remedy;
        assert_eq!(remedy.contains("delete endpoints"), is_full, "{remedy}");
    }
}
