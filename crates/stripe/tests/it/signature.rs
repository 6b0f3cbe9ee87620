//! The worked examples that Stripe's own SDKs agree with, and everything that must not pass.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use stripe::Secret;
use stripe::signature::{SignatureError, sign, verify};

const SNAPSHOT: &[u8] = include_bytes!("../data/event-snapshot.json");
const THIN: &[u8] = include_bytes!("../data/event-thin.json");
const SECRET: &str = "whsec_test_5f1e2d3c4b5a69788796a5b4c3d2e1f0";
const T: i64 = 1_763_900_000;
const SNAPSHOT_V1: &str = "e543aa41165a2947cf228d5630fc5586b5b20545562255378f8dd2e09ec9d751";
const THIN_V1: &str = "4c284a8e7e480921d3f2ce145f5c285b634a12a48b392f84c9b6539d7c92f562";
const WRONG_V1: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[track_caller]
fn check(header: &str, body: &[u8], secrets: &[&str], now_s: i64, expected: Result<usize, SignatureError>) {
    let secrets: Vec<Secret> = secrets.iter().copied().map(Secret::new).collect();
    let secrets: Vec<&Secret> = secrets.iter().collect();
    assert_eq!(
        verify(Some(header), body, &secrets, now_s),
        expected,
        "{header:.100}"
    );
}

#[test]
fn the_vectors_are_byte_exact() {
    let sha256 = |body: &[u8]| hex::encode(Sha256::digest(body));
    assert_eq!(
        sha256(SNAPSHOT),
        "8aab314dd9b7c25e153acb232cda5bf301c969ec8899115ca6384bb4fb9269e7"
    );
    assert_eq!(
        sha256(THIN),
        "f6ff42b5d377f46ec388953916ea668cb5dd5c40bff6a79e3f4bdae4ab34b63b"
    );
}

#[test]
fn the_worked_examples_agree_in_both_directions() {
    let small = br#"{"id":"evt_test"}"#.as_slice();
    let small_v1 = "f514b39d2a553bb69bada753166bf1a172d2a3846e9b4750875e4a3e415e57b8";
    for (secret, body, v1) in [
        ("whsec_test_secret", small, small_v1),
        (SECRET, SNAPSHOT, SNAPSHOT_V1),
        (SECRET, THIN, THIN_V1),
    ] {
        let header = format!("t={T},v1={v1}");
        check(&header, body, &[secret], T, Ok(0));
        assert_eq!(sign(&Secret::new(secret), T, body), header);
    }
}

#[test]
fn what_stripe_accepts_is_accepted() {
    let right = format!("t={T},v1={SNAPSHOT_V1}");
    for header in [
        format!("t={T},v1={WRONG_V1},v1={SNAPSHOT_V1},v0={WRONG_V1}"),
        format!("t={T},v1={SNAPSHOT_V1},v1={WRONG_V1}"),
        format!("v1={SNAPSHOT_V1},t={T}"),
        format!("v9=x,t={T},,novalue,v1={SNAPSHOT_V1},"),
    ] {
        check(&header, SNAPSHOT, &[SECRET], T, Ok(0));
    }
    check(&right, SNAPSHOT, &[SECRET], T + 300, Ok(0));
    check(&right, SNAPSHOT, &[SECRET], T - 300, Ok(0));
    check(&right, SNAPSHOT, &["whsec_old", "whsec_other", SECRET], T, Ok(2));
    check(&right, SNAPSHOT, &["", " ", SECRET], T, Ok(2));
}

#[test]
fn what_stripe_rejects_is_rejected() {
    use SignatureError::{Malformed, NoMatch, TooNew, TooOld};
    let right = format!("t={T},v1={SNAPSHOT_V1}");
    let reserialised: serde_json::Value = serde_json::from_slice(SNAPSHOT).unwrap();
    check(
        &right,
        reserialised.to_string().as_bytes(),
        &[SECRET],
        T,
        Err(NoMatch),
    );
    check(&right, THIN, &[SECRET], T, Err(NoMatch));
    check(&right, &[SNAPSHOT, b"\n"].concat(), &[SECRET], T, Err(NoMatch));
    check(&right, b"", &[SECRET], T, Err(NoMatch));
    check(&right, SNAPSHOT, &["whsec_wrong"], T, Err(NoMatch));
    check(
        &right,
        SNAPSHOT,
        &["test_5f1e2d3c4b5a69788796a5b4c3d2e1f0"],
        T,
        Err(NoMatch),
    );
    check(
        &format!("t={},v1={SNAPSHOT_V1}", T + 1),
        SNAPSHOT,
        &[SECRET],
        T,
        Err(NoMatch),
    );
    check(
        &format!("t={T},v0={SNAPSHOT_V1}"),
        SNAPSHOT,
        &[SECRET],
        T,
        Err(Malformed),
    );
    check(
        &format!("t={T},v1={}", SNAPSHOT_V1.to_uppercase()),
        SNAPSHOT,
        &[SECRET],
        T,
        Err(NoMatch),
    );
    check(
        &format!("t={T}, v1={SNAPSHOT_V1}"),
        SNAPSHOT,
        &[SECRET],
        T,
        Err(Malformed),
    );
    check(
        &format!("v1={SNAPSHOT_V1}"),
        SNAPSHOT,
        &[SECRET],
        T,
        Err(Malformed),
    );
    check(&right, SNAPSHOT, &[SECRET], T + 301, Err(TooOld { by_s: 301 }));
    check(&right, SNAPSHOT, &[SECRET], T - 301, Err(TooNew { by_s: 301 }));
    for (now, far) in [(i64::MAX, true), (i64::MIN, false)] {
        let by_s = now.abs_diff(T);
        let error = if far { TooOld { by_s } } else { TooNew { by_s } };
        check(&right, SNAPSHOT, &[SECRET], now, Err(error));
    }
}

#[test]
fn a_key_decoded_from_base64_is_the_wrong_key() {
    // As some webhook standards do: the part after the prefix, decoded. "c2VjcmV0" is "secret".
    let secret = "whsec_c2VjcmV0";
    let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
    mac.update(format!("{T}.").as_bytes());
    mac.update(SNAPSHOT);
    let header = format!("t={T},v1={}", hex::encode(mac.finalize().into_bytes()));
    check(&header, SNAPSHOT, &[secret], T, Err(SignatureError::NoMatch));
}

#[test]
fn without_header_or_secret_nothing_passes() {
    let secret = Secret::new(SECRET);
    let blank = Secret::new("  ");
    let right = format!("t={T},v1={SNAPSHOT_V1}");
    assert_eq!(
        verify(None, SNAPSHOT, &[&secret], T),
        Err(SignatureError::Missing)
    );
    assert_eq!(
        verify(Some(&right), SNAPSHOT, &[], T),
        Err(SignatureError::NoSecret)
    );
    assert_eq!(
        verify(Some(&right), SNAPSHOT, &[&blank], T),
        Err(SignatureError::NoSecret)
    );
    // Whoever guesses that a secret was left empty must not get in with an empty key.
    let empty = Secret::new("");
    let forged = sign(&empty, T, SNAPSHOT);
    assert_eq!(
        verify(Some(&forged), SNAPSHOT, &[&empty], T),
        Err(SignatureError::NoSecret)
    );
    assert_eq!(
        verify(Some(&forged), SNAPSHOT, &[&empty, &secret], T),
        Err(SignatureError::NoMatch)
    );
}

#[test]
fn hostile_headers_are_refused() {
    let many = |n: usize| format!("t={T}{}", format!(",v1={WRONG_V1}").repeat(n));
    let short = &SNAPSHOT_V1[..63];
    for (header, error) in [
        (String::new(), SignatureError::Malformed),
        (",".repeat(4000), SignatureError::Malformed),
        ("=".repeat(4000), SignatureError::Malformed),
        ("t=".to_owned(), SignatureError::Malformed),
        (format!("t=,v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t=abc,v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t=-{T},v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t=+{T},v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t= {T},v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t=0{T},v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t={T}.0,v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t=٣,v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (
            format!("t=99999999999999999999,v1={SNAPSHOT_V1}"),
            SignatureError::Malformed,
        ),
        (format!("t={T},t={T},v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("T={T},V1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t={T};v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (format!("t={T}\0,v1={SNAPSHOT_V1}"), SignatureError::Malformed),
        (many(17), SignatureError::Malformed),
        (
            format!("{},v2={}", many(1), "x".repeat(4096)),
            SignatureError::Malformed,
        ),
        (many(16), SignatureError::NoMatch),
        (format!("t={T},v1="), SignatureError::NoMatch),
        (format!("t={T},v1==,v1=é"), SignatureError::NoMatch),
        (format!("t={T},v1={short}"), SignatureError::NoMatch),
        (format!("t={T},v1={SNAPSHOT_V1} "), SignatureError::NoMatch),
        (format!("t={T},v1={SNAPSHOT_V1}00"), SignatureError::NoMatch),
        (format!("t={T},v1=v1={SNAPSHOT_V1}"), SignatureError::NoMatch),
        (format!("t=1,v1={SNAPSHOT_V1}"), SignatureError::NoMatch),
    ] {
        check(&header, SNAPSHOT, &[SECRET], T, Err(error));
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let header = format!("t={T},v1={SNAPSHOT_V1}");
    for place in (0..SNAPSHOT.len()).step_by(97) {
        let mut body = SNAPSHOT.to_vec();
        body[place] ^= 1;
        check(&header, &body, &[SECRET], T, Err(SignatureError::NoMatch));
    }
}
