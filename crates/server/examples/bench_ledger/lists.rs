//! What `bench/lists` looks at: a year of one MSP as its pages show it. Beside paid invoices there are
//! drafts, open and overdue ones and some taken back, and of the money some went back, is disputed or was
//! paid out: of each so much that a page of the smallest year is as full as one of the largest. Somebody is
//! logged in already and has API keys, so that pages can be asked for.

use domain::pay_link::LinkKind;
use domain::{
    ApiKeyId, AuditId, ClientId, CreditNoteId, DisputeId, LinkId, MailId, Permissions, RefundId, Role,
    SessionId, Timestamp, UserId,
};
use flows::{Clock, Failure};
use server::clock::SystemClock;
use sha2::{Digest, Sha256};
use store::api_keys::{self, ApiKey};
use store::clients::Client;
use store::db::Options;
use store::pay_links::{self, PayLink};
use store::sessions::{self, Session, Stage};
use store::users::{self, User};
use store::{Db, Error, Sql, Tx, binds, migrate};

use crate::fill::{ACCOUNT, End, Year, add_msp, live_through, scope};

/// Invoices of a client in the year.
const INVOICES_EACH: u64 = 25;
/// Keys that take turns: one may ask a hundred times a second.
const KEYS: u64 = 20;
/// Payouts of the year, one on each day of a bank.
const PAYOUTS: u64 = 250;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// What clients are called, in three parts, no two the same as long as there are no more of them.
const NAMES: [[&str; 20]; 3] = [
    [
        "Harbor",
        "Kestrel",
        "Northgate",
        "Alder",
        "Brightwell",
        "Cobalt",
        "Dunmore",
        "Eastfield",
        "Fairview",
        "Granite",
        "Hawthorn",
        "Ironbridge",
        "Juniper",
        "Kingsway",
        "Lakeside",
        "Maple",
        "Nordstern",
        "Orchard",
        "Pinecrest",
        "Quarry",
    ],
    [
        "Dental",
        "Logistics",
        "Architects",
        "Bakery",
        "Accounting",
        "Motors",
        "Pharmacy",
        "Law",
        "Catering",
        "Engineering",
        "Gardens",
        "Hotels",
        "Insurance",
        "Joinery",
        "Kitchens",
        "Labs",
        "Media",
        "Optics",
        "Printing",
        "Roofing",
    ],
    [
        "Group",
        "Ltd",
        "KG",
        "Partners",
        "AG",
        "Services",
        "Works",
        "House",
        "Brothers",
        "Inc",
        "Company",
        "Union",
        "GmbH",
        "Center",
        "Studio",
        "Network",
        "Trust",
        "Supply",
        "Consult",
        "Associates",
    ],
];

/// Makes the tables, the year, and what opens its pages: prints the session's cookie and the keys, and of the
/// year what pages are asked about, a line each.
pub async fn run(database: &str, invoices: u64) -> Result<(), Failure> {
    let now = SystemClock::default().now();
    let db = Db::open(database, Options::default()).await?;
    migrate::migrate(&db, now.ms()).await?;
    let year = Year {
        invoices,
        clients: (invoices / INVOICES_EACH).max(1),
        now,
        total: |n| 5_000 + i64::try_from(mixed(n) % 1_000_000).unwrap_or_default(),
        end: |n| match mixed(n) % 100 {
            0..=4 => End::Draft,
            5..=8 => End::Void,
            9..=12 => End::Processing,
            13..=20 => End::Open,
            _ => End::Paid,
        },
        due_days: Some(14),
    };
    db.write(move |tx| add_msp(tx, year.clients, named)).await?;
    live_through(&db, year, more).await?;
    let opened = db.write(move |tx| let_in(tx, now)).await?;
    db.close().await;
    println!("{}", opened.join(" "));
    let middle = invoices / 2;
    let paid = (middle..invoices)
        .find(|n| (year.end)(*n) == End::Paid)
        .unwrap_or(middle);
    let client = ClientId::new(Timestamp::from_ms(0), u128::from(paid % year.clients));
    println!(
        "{client} {} {} {}",
        named(paid % year.clients, now).name,
        year.invoice(paid),
        year.payment(paid)
    );
    Ok(())
}

/// The same number for the same one, and none of the order in them.
const fn mixed(n: u64) -> u64 {
    n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
}

fn named(n: u64, at: Timestamp) -> Client {
    let part = |list: usize, nth: u64| {
        let at = usize::try_from(nth).unwrap_or_default() % NAMES[list].len();
        NAMES[list][at]
    };
    let (first, second, third) = (part(0, n), part(1, n / 20), part(2, n / 400));
    Client {
        id: ClientId::new(at, 0),
        name: format!("{first} {second} {third}"),
        email: Some(format!("billing@{first}-{second}-{third}.example").to_lowercase()),
        address: vec!["1 Main Street".to_owned(), "12345 Springfield".to_owned()],
        tax_id: None,
        version: 1,
        created_at: at,
    }
}

/// What else there is of an invoice.
fn more(tx: &mut Tx, n: u64, year: Year) -> Result<(), Error> {
    let (id, at, end) = (year.invoice(n), year.made_at(n), (year.end)(n));
    if n.is_multiple_of((year.invoices / PAYOUTS).max(1)) {
        pay_out(tx, n, at)?;
    }
    if end == End::Draft {
        return Ok(());
    }
    let link = LinkId::new(at, u128::from(n));
    let times = [at, at.plus_ms(365 * DAY_MS)];
    pay_links::insert(tx, &PayLink::new(&scope(), link, &id, LinkKind::Shared, times))?;
    if n.is_multiple_of(5) {
        tell(tx, n, id.as_str(), at)?;
    }
    if end != End::Paid {
        return Ok(());
    }
    match mixed(n) / 100 % 100 {
        0..=19 => give_back(tx, n, year),
        20..=39 => dispute(tx, n, year),
        40..=49 => credit(tx, n, year),
        _ => Ok(()),
    }
}

/// A mail that went out, and a line of the audit log.
fn tell(tx: &mut Tx, n: u64, invoice: &str, at: Timestamp) -> Result<(), Error> {
    const MAIL: Sql = Sql::new(
        "insert into mails (tenant_id, livemode, id, kind, about, invoice_id, dedup_key, recipient,
           recipient_key,
           language, subject, letter, status, attempts, doubts, version, created_at, queued_at, sent_at,
           updated_at)
         values ($1, $2, $3, 'invoice', $4, $4, $3, 'billing@client.example', 'billing@client.example',
           'en', 'Your invoice', '{}', 'sent', 1, 0, 1, $5, $5, $5, $5)",
    );
    const LINE: Sql = Sql::new(
        "insert into audit_log (id, tenant_id, livemode, actor, action, subject_id, created_at)
         values ($3, $1, $2, 'system', 'invoice.sent', $4, $5)",
    );
    let (scope, nth) = (scope(), u128::from(n));
    tx.execute(
        &MAIL,
        binds![&scope.tenant, scope.mode, &MailId::new(at, nth), invoice, at],
    )?;
    tx.execute(
        &LINE,
        binds![
            &scope.tenant,
            scope.mode,
            AuditId::new(at, nth).as_str(),
            invoice,
            at
        ],
    )?;
    Ok(())
}

/// A tenth of it went back after a week.
fn give_back(tx: &mut Tx, n: u64, year: Year) -> Result<(), Error> {
    const REFUND: Sql = Sql::new(
        "insert into refunds (tenant_id, livemode, id, payment_id, stripe_account_id, stripe_refund_id,
           origin,
           currency, amount, settlement, status, fee, fee_status, version, booked_at, succeeded_at,
           created_at,
           updated_at)
         values ($1, $2, $3, $4, $5, $3, 'api', 'usd', $6, 'forgiven', 'succeeded', 'kept', 'kept', 1,
         $7, $7, $7,
           $7)",
    );
    const REFUNDED: Sql = Sql::new(
        "update payments set reserved = $4, refunded = $4
         where tenant_id = $1 and livemode = $2 and id = $3",
    );
    let (scope, at) = (scope(), year.later(n, 7));
    let (id, payment, amount) = (
        RefundId::new(at, u128::from(n)),
        year.payment(n),
        (year.total)(n) / 10,
    );
    let refund = binds![&scope.tenant, scope.mode, &id, &payment, ACCOUNT, amount, at];
    tx.execute(&REFUND, refund)?;
    tx.execute(&REFUNDED, binds![&scope.tenant, scope.mode, &payment, amount])?;
    Ok(())
}

/// The bank took it back after a month; one of two is still open.
fn dispute(tx: &mut Tx, n: u64, year: Year) -> Result<(), Error> {
    const DISPUTE: Sql = Sql::new(
        "insert into disputes (tenant_id, livemode, id, payment_id, stripe_account_id,
           stripe_dispute_id, currency,
           amount, reason, status, due_at, submissions, withdrawn, reinstated, fee, settlement, settled,
           evidence,
           evidence_version, version, opened_at, closed_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $3, 'usd', $6, 'fraudulent', $7, $8, 0, $6, 0, 1500, $9, 0, '{}', 0, 1,
           $10, $11, $10, $10)",
    );
    const MOVED: Sql = Sql::new(
        "insert into dispute_movements (tenant_id, livemode, stripe_balance_transaction_id, dispute_id,
           amount, fee,
           currency, disputed, created_at)
         values ($1, $2, $3, $3, $4, 1500, 'usd', $4, $5)",
    );
    let (scope, at, amount) = (scope(), year.later(n, 30), (year.total)(n));
    let (status, settlement, closed) = match n % 2 {
        0 => ("needs_response", "none", None),
        _ => ("lost", "undecided", Some(at.plus_ms(20 * DAY_MS))),
    };
    let id = DisputeId::new(at, u128::from(n));
    let row = binds![
        &scope.tenant,
        scope.mode,
        &id,
        &year.payment(n),
        ACCOUNT,
        amount,
        status,
        at.plus_ms(14 * DAY_MS),
        settlement,
        at,
        closed
    ];
    tx.execute(&DISPUTE, row)?;
    tx.execute(&MOVED, binds![&scope.tenant, scope.mode, &id, -amount, at])?;
    Ok(())
}

/// A part of it was forgiven after it was paid.
fn credit(tx: &mut Tx, n: u64, year: Year) -> Result<(), Error> {
    const NOTE: Sql = Sql::new(
        "insert into credit_notes (tenant_id, livemode, id, number, invoice_id, client_id, currency,
           reason, subtotal,
           tax, total, to_invoice, to_credit, created_at)
         values ($1, $2, $3, $3, $4, $5, 'usd', 'Work that was not done', 1000, 190, 1190, 0, 1190, $6)",
    );
    let (scope, at) = (scope(), year.later(n, 3));
    let client = ClientId::new(Timestamp::from_ms(0), u128::from(n % year.clients));
    let id = CreditNoteId::new(at, u128::from(n));
    tx.execute(
        &NOTE,
        binds![&scope.tenant, scope.mode, &id, &year.invoice(n), &client, at],
    )?;
    Ok(())
}

fn pay_out(tx: &mut Tx, n: u64, at: Timestamp) -> Result<(), Error> {
    const PAYOUT: Sql = Sql::new(
        "insert into payouts (tenant_id, livemode, stripe_payout_id, stripe_account_id, amount,
           currency, status,
           automatic, made_at, arrival_at, version, created_at, updated_at)
         values ($1, $2, $3, $4, 100000, 'usd', 'paid', 1, $5, $5, 1, $5, $5)
         on conflict (livemode, stripe_payout_id) do nothing",
    );
    let scope = scope();
    tx.execute(
        &PAYOUT,
        binds![&scope.tenant, scope.mode, format!("po_{n:016}"), ACCOUNT, at],
    )?;
    Ok(())
}

/// Somebody who is logged in, and keys: first what the cookie holds, then the keys.
fn let_in(tx: &mut Tx, now: Timestamp) -> Result<Vec<String>, Error> {
    let (scope, hash) = (scope(), |text: &str| hex::encode(Sha256::digest(text.as_bytes())));
    let cookie = format!("{:064x}", 1);
    let user = UserId::new(now, 1);
    let (email, name) = ("billing@msp.example".to_owned(), "Robin Example".to_owned());
    let mut person = User::new(
        user.clone(),
        scope.tenant.clone(),
        email,
        name,
        Role::Billing,
        now,
    );
    person.password_hash = Some("none that fits any password".to_owned());
    users::insert(tx, &person)?;
    let session = Session {
        id: SessionId::new(now, 1),
        secret_hash: hash(&cookie),
        tenant: scope.tenant.clone(),
        user,
        stage: Stage::Full,
        address: None,
        agent: None,
        last_seen_at: now,
        stepped_up_at: None,
        expires_at: now.plus_ms(DAY_MS),
        revoked_at: None,
        created_at: now,
    };
    sessions::insert(tx, &session)?;
    let mut opened = vec![cookie];
    for n in 1..=KEYS {
        let secret = format!("ppk_test_{n:064x}");
        let key = ApiKey {
            scope: scope.clone(),
            id: ApiKeyId::new(now, u128::from(n)),
            name: format!("Bench {n}"),
            permissions: Permissions::All,
            secret_hash: hash(&secret),
            last4: "0000".to_owned(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            created_at: now,
        };
        api_keys::insert(tx, &key)?;
        opened.push(secret);
    }
    Ok(opened)
}
