//! Clients are found by any part of what they are called, with many of them and few, and those of before the
//! parts were kept as well.

use domain::{ClientId, Mode, Scope, TenantId, Timestamp};
use store::clients::{self, Client, Cursor};
use store::db::{Db, Sql};
use store::migrate::{MIGRATIONS, migrate, run};
use store::tenants::{self, Tenant};
use store::{binds, day_sums};

use crate::both;
use crate::engines::{World, block_on};

const AT: Timestamp = Timestamp::from_ms(1_700_000_000_000);

fn scope() -> Scope {
    Scope {
        tenant: TenantId::new(AT, 1),
        mode: Mode::Test,
    }
}

fn client(n: u128, name: &str, email: Option<&str>) -> Client {
    Client {
        id: ClientId::new(AT, n),
        name: name.to_owned(),
        email: email.map(str::to_owned),
        address: Vec::new(),
        tax_id: None,
        version: 1,
        created_at: AT,
    }
}

fn add(db: &Db, added: &[Client]) {
    let added = added.to_vec();
    let write = db.write(move |tx| {
        let tenant = Tenant::new(scope().tenant, "Northwind".to_owned(), None, AT);
        tenants::insert(tx, &tenant)?;
        added
            .iter()
            .try_for_each(|one| clients::insert(tx, &scope(), one))
    });
    block_on(write).unwrap();
}

/// All that are found, read page by page.
fn found(db: &Db, text: &str) -> Vec<String> {
    const PAGE: i64 = 7;
    let text = text.to_owned();
    let read = db.read(move |tx| {
        let (mut names, mut after) = (Vec::new(), Cursor::default());
        loop {
            let page = clients::find(tx, &scope(), &text, &after, PAGE)?;
            names.extend(page.iter().map(|one| one.name.clone()));
            match page.last() {
                Some(last) => after = Cursor::after(last),
                None => return Ok::<_, store::Error>(names),
            }
        }
    });
    block_on(read).unwrap()
}

fn expected(all: &[Client], text: &str) -> Vec<String> {
    let key = |one: &Client| {
        let email = one.email.as_deref().unwrap_or_default();
        format!("{} {email}", one.name).to_lowercase()
    };
    let mut fits: Vec<&Client> = all
        .iter()
        .filter(|one| key(one).contains(&text.to_lowercase()))
        .collect();
    fits.sort_by_key(|one| (key(one), one.id.clone()));
    fits.iter().map(|one| one.name.clone()).collect()
}

both! {
    fn a_client_is_found_by_any_part_of_its_name_and_address(world: &World) {
        block_on(migrate(&world.db, 1)).unwrap();
        let mut all: Vec<Client> = (0..300)
            .map(|n| client(n, &format!("Workshop {n:03}"), Some(&format!("desk{n}@workshop.example"))))
            .collect();
        all.push(client(900, "Müller & Söhne KG", None));
        all.push(client(901, "100% Off_Road!", Some("Hi@Off.example")));
        all.push(client(902, "Q", None));
        add(&world.db, &all);
        let texts = [
            "workshop", "WORKSHOP 29", "29", "9", "q", "zq", "üll", "ÖHNE k", "&", "% off", "_r", "!", "!!",
            "p 07", "desk7@", "l", "kg", "g ", "workshop workshop", "hi@off.example", "shopshop",
        ];
        for text in texts {
            assert_eq!(found(&world.db, text), expected(&all, text), "{text:?}");
        }
    }

    fn a_client_that_is_called_otherwise_is_found_by_that_alone(world: &World) {
        block_on(migrate(&world.db, 1)).unwrap();
        let mut one = client(1, "Harbor Dental Group", Some("ap@harbor.example"));
        add(&world.db, &[one.clone()]);
        one.name = "Harbor Dentists".to_owned();
        let changed = one.clone();
        assert_eq!(block_on(world.db.write(move |tx| clients::update(tx, &scope(), &changed))), Ok(true));
        for text in ["group", "dental", "l g"] {
            assert_eq!(found(&world.db, text), Vec::<String>::new(), "{text:?}");
        }
        for text in ["dentists", "harbor", "ts ap@", "s"] {
            assert_eq!(found(&world.db, text), ["Harbor Dentists"], "{text:?}");
        }
    }

    fn what_was_there_before_parts_and_sums_were_kept_is_in_them(world: &World) {
        const INVOICE: Sql = Sql::new(
            "insert into invoices (tenant_id, livemode, id, client_id, currency, due_date, status, version,
               subtotal, tax, total, applied, created_at, finalized_at)
             values ($1, 0, $2, $3, 'usd', $4, $5, 1, $6, 0, $6, 0, $7, $7)",
        );
        const PAYMENT: Sql = Sql::new(
            "insert into payments (tenant_id, livemode, id, invoice_id, attempt, stripe_account_id, currency,
               amount, received, refunded, application_fee, status, declines, version, created_at, updated_at,
               succeeded_at)
             values ($1, 0, $2, 'inv_1', 1, 'acct_1', 'usd', 700, 700, 0, 21, 'succeeded', 0, 1, $3, $3, $3)",
        );
        let before = MIGRATIONS.iter().position(|step| step.name == "0044_day_sums").unwrap();
        block_on(run(&world.db, &MIGRATIONS[..before], 1)).unwrap();
        add(&world.db, &[client(1, "Harbor Dental Group", None)]);
        let write = world.db.write(|tx| {
            let (tenant, client) = (scope().tenant, ClientId::new(AT, 1));
            for (id, due, status, total) in [
                ("inv_1", "2023-11-20", "open", 700),
                ("inv_2", "2023-11-01", "open", 50),
                ("inv_3", "", "paid", 9),
            ] {
                let due = Some(due).filter(|due| !due.is_empty()).map(str::to_owned);
                tx.execute(&INVOICE, binds![&tenant, id, &client, due, status, total, AT])?;
            }
            tx.execute(&PAYMENT, binds![&tenant, "pay_1", AT])
        });
        block_on(write).unwrap();
        block_on(migrate(&world.db, 2)).unwrap();
        assert_eq!(found(&world.db, "dental g"), ["Harbor Dental Group"]);
        let day = domain::seal::Day::of(AT);
        let read = world.db.read(move |tx| {
            let next = domain::seal::Day::of(day.ends());
            Ok::<_, store::Error>((
                day_sums::owed(tx, &scope(), "2023-11-14")?,
                day_sums::collected(tx, &scope(), day, next)?,
            ))
        });
        let (owed, collected) = block_on(read).unwrap();
        let owed = owed.iter().map(|one| (one.owed, one.overdue, one.invoices, one.invoices_overdue));
        assert_eq!(owed.collect::<Vec<_>>(), [(750, 50, 2, 1)]);
        let sums = collected.iter().map(|one| (one.received, one.application_fees, one.payments));
        assert_eq!(sums.collect::<Vec<_>>(), [(700, 21, 1)]);
    }
}
