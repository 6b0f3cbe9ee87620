//! What becomes of authenticators and of links that wait in mails when `SECRET_KEY` is another.

use super::*;

#[test]
fn another_secret_key_leaves_recovery_codes_and_says_so() {
    let mut world = world();
    add(&world, Role::Billing, ANN);
    let (seed, codes, _) = enrol(&world, &log_in(&world, PASSWORD));
    world.app.link_key = Secret::new("another secret key of a test, long enough");
    let waiting = log_in(&world, PASSWORD);
    let with = browser(HOME, Some(waiting));
    for _ in 0..6 {
        let code = next_code(&world, &seed);
        let answer = refused(run(login::second_factor(&world.app, &with, &code)));
        assert_eq!(answer, Refused::FactorUnreadable);
    }
    run(login::second_factor(&world.app, &with, codes[0].expose())).unwrap();
}

#[test]
fn a_seed_is_read_under_the_key_before_and_sealed_anew_by_the_next_login() {
    let mut world = world();
    add(&world, Role::Billing, ANN);
    let (seed, ..) = enrol(&world, &log_in(&world, PASSWORD));
    let enter = |world: &World| {
        let with = browser(HOME, Some(log_in(world, PASSWORD)));
        run(login::second_factor(&world.app, &with, &next_code(world, &seed)))
    };
    const SEED: Sql = Sql::new("select totp_seed from users where totp_seed is not null");
    let key_of = |world: &World| world.rows(&SEED)[0].text("totp_seed").unwrap()[..15].to_owned();
    let first = key_of(&world);
    let before = world.app.link_key.clone();
    world.app.link_key = Secret::new("another secret key of a test, long enough");
    world.app.former_keys = [Secret::new("a key that never sealed anything"), before].into();
    enter(&world).unwrap();
    assert_ne!(key_of(&world), first, "sealed under the key of now");
    // So the key before can go.
    world.app.former_keys = Arc::default();
    enter(&world).unwrap();
}

/// Its mail waited for a mail server while the key was rolled, and led nowhere.
#[test]
fn a_link_that_was_made_under_the_key_before_is_mailed_as_it_was_made() {
    let mut world = world();
    add(&world, Role::Billing, ANN);
    run(resets::ask(&world.app, &at(HOME), ANN)).unwrap();
    let [made] = &links(&world, ANN)[..] else {
        panic!("one link")
    };
    let before = world.app.link_key.clone();
    world.app.link_key = Secret::new("another secret key of a test, long enough");
    world.app.former_keys = [before].into();
    let mails = run(flows::mails::sending::take(&world.app, "psa-pay.example", 10)).unwrap();
    let paths: Vec<_> = mails.iter().filter_map(|mail| mail.path.as_deref()).collect();
    assert_eq!(paths, [format!("/reset/{made}")]);
    run(resets::reset(&world.app, &at(HOME), made, &Secret::new(NEW))).unwrap();
}
