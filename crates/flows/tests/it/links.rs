//! Mails with pay links, cut at every port call on both sides: link and mail are there together or not at
//! all, and whoever tries again has nobody mailed twice.

use domain::mail::Outcome;
use domain::{InvoiceId, MailAddress, Refusal};
use flows::mails::invoice::{self, Sending};
use flows::mails::sending;
use flows::pay_links::{self, Approver};
use flows::payer_view::{self, Look};
use flows::{Actor, App, By, Failure, collect, invariants, mail_settings};
use store::Sql;
use store::client_mail_settings::ClientMailSettings;
use stripe::Secret;

use crate::executor::{run, run_until};
use crate::outage::request;
use crate::world::World;

const BY: By = By::new(Actor::Unknown);
const MONTH_MS: i64 = 31 * 24 * 60 * 60 * 1000;
const MAILS: Sql = Sql::new("select count(*) as n from mails");
const LINKS: Sql = Sql::new("select count(*) as n from pay_links where kind <> 'shared'");
const OF_INVOICE: Sql = Sql::new("select id from invoices");

fn invoice_of(world: &World) -> InvoiceId {
    InvoiceId::stored(world.rows(&OF_INVOICE)[0].text("id").unwrap())
}

/// Hands over what waits, and answers the address that each mail leads to.
async fn hand_over(app: &App) -> Result<Vec<String>, Failure> {
    let mut paths = Vec::new();
    for taken in sending::take(app, "psa-pay.example", 10).await? {
        paths.extend(taken.path.clone());
        sending::settle(app, &taken.mail, &Outcome::Taken("250 ok".to_owned())).await?;
    }
    Ok(paths)
}

/// One mail to one reader, with a link of their own that opens the invoice.
fn assert_mailed_once(world: &World, paths: &[String], cut: &str) {
    assert_eq!(world.number(&MAILS), 1, "mails, {cut}");
    assert_eq!(world.number(&LINKS), 1, "links, {cut}");
    for path in paths {
        let token = path.strip_prefix("/pay/").unwrap();
        let looked = run(payer_view::look(&world.app, token)).unwrap();
        let Look::Invoice(view) = looked else {
            panic!("the link of a mail opens nothing, {cut}")
        };
        assert!(view.link.recipient.is_some(), "{cut}");
    }
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert!(broken.is_empty(), "{cut}: {broken:#?}");
}

/// Cuts what `act` does and the handing over of its mail at every wait; then both are done once more.
fn check(expected: usize, prepare: impl Fn(&World), act: impl AsyncFn(&World, &App) -> Result<(), Failure>) {
    let mut cut = 0;
    loop {
        let mut world = World::new(1);
        prepare(&world);
        let app = world.app.clone();
        let whole = async {
            act(&world, &app).await?;
            hand_over(&app).await
        };
        let done = run_until(whole, cut);
        let mut paths = match done {
            Some(ref handed) => handed.as_ref().unwrap().clone(),
            None => Vec::new(),
        };
        world.restart();
        world.simulator.advance_ms(1_000);
        run(act(&world, &world.app)).unwrap();
        // Who took the mail before has it for as long as the lease.
        world.simulator.advance_ms(6 * 60 * 1000);
        paths.extend(run(hand_over(&world.app)).unwrap());
        assert!(!paths.is_empty() || done.is_none(), "cut at wait {cut}");
        assert_mailed_once(&world, &paths, &format!("cut at wait {cut}"));
        if done.is_some() {
            break;
        }
        cut += 1;
    }
    assert_eq!(cut, expected);
}

#[test]
fn a_crash_while_a_fresh_link_is_mailed_leaves_one_mail_with_a_link_that_works() {
    let run_out = |world: &World| {
        let settings = ClientMailSettings {
            billing_addresses: vec![MailAddress::read("ap@client.example").unwrap()],
            ..ClientMailSettings::default()
        };
        run(mail_settings::set_of_client(
            &world.app,
            &world.scope,
            &BY,
            &world.client,
            settings,
        ))
        .unwrap();
        world.simulator.advance_ms(MONTH_MS);
    };
    check(10, run_out, async |world, app| {
        let asked = pay_links::fresh(app, &BY, &world.link).await?;
        assert!(asked, "the link has run out");
        Ok(())
    });
}

#[test]
fn a_crash_while_an_invoice_is_forwarded_leaves_one_mail_with_a_link_that_works() {
    check(
        10,
        |_| (),
        async |world, app| {
            let to = Approver {
                name: "Ann Boss".to_owned(),
                email: "boss@client.example".to_owned(),
                page_token: Some(world.read_page()),
            };
            pay_links::forward(app, &BY, &world.link, &to).await
        },
    );
}

#[test]
fn a_crash_while_an_invoice_is_sent_leaves_one_mail_with_a_link_that_works() {
    // The request is tried again from the moment of its first try, as one with an idempotency key is.
    let moments = std::cell::RefCell::new(None);
    check(
        8,
        |world| {
            moments.replace(Some(world.app.moment()));
        },
        async |world, app| {
            let moment = moments.borrow().unwrap().again(app.clock.now());
            let sending = Sending {
                to: vec![MailAddress::read("ap@client.example").unwrap()],
                note: None,
            };
            let id = invoice_of(world);
            invoice::send(app, &world.scope, &BY, moment, &id, sending).await?;
            Ok(())
        },
    );
}

/// Everything that was mailed stopped working at once.
#[test]
fn links_and_open_pages_go_on_working_while_the_secret_key_is_rolled() {
    let mut world = World::new(5);
    let press = request(&world);
    let before = world.app.link_key.clone();
    world.app.link_key = Secret::new("another secret key of a test, long enough");
    let seen = |world: &World| run(payer_view::look(&world.app, &world.link));
    assert!(
        matches!(seen(&world), Err(Failure::Refused(Refusal::NotFound))),
        "without the one before"
    );

    world.app.former_keys = [Secret::new("a key that never derived anything"), before].into();
    assert!(matches!(seen(&world), Ok(Look::Invoice(_))));
    run(collect::pay(&world.app, &BY, &world.link, &press)).unwrap();
    world.settle();
    assert_eq!(world.charges(), 1);
}
