//! The program is killed while it sends: each mail arrives, once, or twice only where a mail server had taken
//! it and nobody could say so, and then the mail's row says that there was a doubt.

use std::collections::HashMap;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use domain::invoice::{Line, Quantity, TaxRate};
use domain::{Currency, MailAddress, Mode, Money, Scope, Timestamp};
use flows::clients::{self, Details};
use flows::invoicing::{self, Draft};
use flows::mails::invoice::{self, Sending};
use flows::{Actor, App, By, tenants};
use server::config::Config;
use server::metrics::Metrics;
use server::start;
use store::Sql;

use super::PostOffice;
use crate::browser::poll;
use crate::engines::World;

/// Longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// Addresses of one sending.
const ADDRESSES: usize = 20;
/// Mails that are handed over at the same time: a kill leaves no more than these in doubt.
const AT_ONCE: usize = 4;
const KILLS: usize = 3;

/// How many mails: `./check full` sends 1,000.
fn mails() -> usize {
    match std::env::var("PSA_PAY_CHECK_FULL").as_deref() {
        Ok("1") => 1_000,
        _ => 60,
    }
}

fn environment(world: &World, office: &PostOffice) -> Vec<(&'static str, String)> {
    [
        ("STRIPE_MODE", "test".to_owned()),
        ("STRIPE_TEST_SECRET_KEY", "sk_test_psapay_demo".to_owned()),
        ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo".to_owned()),
        (
            "STRIPE_TEST_WEBHOOK_SECRET",
            server::demo::TEST_WEBHOOK_SECRET.to_owned(),
        ),
        // Nobody is asked anything there.
        ("STRIPE_API_BASE", "http://127.0.0.1:9".to_owned()),
        (
            "SECRET_KEY",
            "a_secret_key_of_a_test_long_enough_for_it".to_owned(),
        ),
        ("LISTEN", "127.0.0.1:0".to_owned()),
        ("DATABASE_URL", world.url.clone()),
        ("SMTP_URL", format!("smtp://127.0.0.1:{}", office.port())),
        ("MAIL_FROM", super::FROM.to_owned()),
    ]
    .into()
}

fn config(world: &World, office: &PostOffice) -> Config {
    let variables = environment(world, office);
    let lookup = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value.clone())
    };
    Config::from_lookup(&lookup).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn serve(world: &World, office: &PostOffice) -> Child {
    let mut program = Command::new(env!("CARGO_BIN_EXE_psa-pay"));
    program
        .env_clear()
        .envs(environment(world, office))
        .current_dir(env!("CARGO_TARGET_TMPDIR"));
    program
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    program.arg("serve").spawn().expect("the program starts")
}

/// Queues so many mails, each to an address of its own.
async fn queue(app: &App, count: usize) {
    let by = By::new(Actor::CommandLine);
    let added = tenants::add(app, &by, app.moment(), "Northwind IT Services", None, &[]).await;
    let scope = Scope {
        tenant: added.unwrap().0.id,
        mode: Mode::Test,
    };
    let client = clients::add(
        app,
        &scope,
        &by,
        app.moment(),
        Details::named("Harbor Dental Group", None),
    )
    .await;
    let usd = Currency::parse("usd").unwrap();
    let untaxed = TaxRate::from_thousandths_of_percent(0).unwrap();
    let price = Money::new(12_345, usd);
    let line = Line::new("Managed workplace", Quantity::parse("1").unwrap(), price, untaxed).unwrap();
    let draft = Draft {
        client_id: client.unwrap().id,
        currency: usd,
        memo: None,
        due_date: None,
        discount: None,
        lines: vec![line],
    };
    let made = invoicing::create(app, &scope, &by, app.moment(), draft)
        .await
        .unwrap();
    invoicing::finalize(app, &scope, &by, &made.id).await.unwrap();
    for batch in 0..count / ADDRESSES {
        let address = |nth| MailAddress::read(&format!("slow-{batch}-{nth}@example.com")).unwrap();
        let sending = Sending {
            to: (0..ADDRESSES).map(address).collect(),
            note: None,
        };
        invoice::send(app, &scope, &by, app.moment(), &made.id, sending)
            .await
            .unwrap();
    }
}

async fn until_taken(office: &PostOffice, count: usize) {
    let distinct = || {
        let taken = office.taken();
        let ids: std::collections::HashSet<_> = taken.iter().map(|mail| mail["message_id"].clone()).collect();
        ids.len()
    };
    let waited = poll(PATIENCE, async || (distinct() >= count).then_some(())).await;
    assert!(
        waited.is_some(),
        "only {} of {count} mails have arrived",
        distinct()
    );
}

both! {
    fn killed_in_the_middle_each_mail_arrives_and_no_more_twice_than_were_in_doubt(world: &World) {
        let Some(office) = PostOffice::open(&format!("killed-{:?}", world.db.engine())) else { return };
        crate::engines::block_on(world.db.close());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(async {
            let count = mails();
            let app = start::app(&config(world, &office), &Metrics::default()).await.unwrap();
            queue(&app, count).await;
            app.db.close().await;
            for kill in 1..=KILLS {
                let mut program = serve(world, &office);
                until_taken(&office, kill * count / (KILLS + 2)).await;
                program.kill().unwrap();
                program.wait().unwrap();
                // As five minutes would where several instances may run: nobody holds a mail any more.
                let app = start::app(&config(world, &office), &Metrics::default()).await.unwrap();
                app.db.write(|tx| store::mails::release(tx, Timestamp::from_ms(0))).await.unwrap();
                app.db.close().await;
            }
            let mut program = serve(world, &office);
            until_taken(&office, count).await;
            let config = Arc::new(config(world, &office));
            until_settled(world, &config, &mut program).await;
            compare(&office, &config, count).await;
        });
    }
}

/// What is taken is written down in a moment; then the program ends in order.
async fn until_settled(world: &World, config: &Config, program: &mut Child) {
    let id = program.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(program.wait().unwrap().success(), "it ends in order");
    assert_eq!(config.database_url.expose(), world.url);
}

async fn compare(office: &PostOffice, config: &Config, count: usize) {
    const MAILS: Sql = Sql::new("select message_id, status, doubts from mails order by id");
    let app = start::app(config, &Metrics::default()).await.unwrap();
    let rows = app.db.read(|tx| tx.query(&MAILS, &[])).await.unwrap();
    let mut arrived: HashMap<String, usize> = HashMap::new();
    for mail in office.taken() {
        *arrived
            .entry(mail["message_id"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    assert_eq!((rows.len(), arrived.len()), (count, count));
    let mut doubles = 0;
    for row in &rows {
        let id = row.text("message_id").unwrap();
        let (times, doubts) = (arrived[&id], usize::try_from(row.int("doubts").unwrap()).unwrap());
        assert_eq!(row.text("status").unwrap(), "sent", "{id}");
        assert!(
            times <= 1 + doubts,
            "{id} arrived {times} times after {doubts} doubts"
        );
        doubles += times - 1;
    }
    eprintln!("{count} mails, {KILLS} kills, {doubles} arrived twice");
    assert!(doubles <= KILLS * AT_ONCE, "{doubles} doubles");
    app.db.close().await;
}
