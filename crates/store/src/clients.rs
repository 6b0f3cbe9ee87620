//! A tenant's clients, who receive invoices.

use domain::{ClientId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx, Value};
use crate::{binds, values};

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// The name on the invoice.
    pub name: String,
    /// Where invoices go, if given.
    pub email: Option<String>,
    /// The lines of its address.
    pub address: Vec<String>,
    /// Its number with the tax office.
    pub tax_id: Option<String>,
    /// Raised by every change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What a client is found by: its name and e-mail address in lower case.
fn search_key(client: &Client) -> String {
    let email = client.email.as_deref().unwrap_or_default();
    format!("{} {email}", client.name).to_lowercase()
}

macro_rules! select_clients {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select id, name, email, address, tax_id, version, created_at
             from clients
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into clients (tenant_id, livemode, id, name, email, address, tax_id, search_key, version,
       created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// Adds a client.
pub fn insert(tx: &mut Tx, scope: &Scope, client: &Client) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &client.id,
        &client.name,
        client.email.clone(),
        client.address.join("\n"),
        client.tax_id.clone(),
        search_key(client),
        client.version,
        client.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const UPDATE: Sql = Sql::new(
    "update clients set
       name = $4, email = $5, address = $6, tax_id = $7, search_key = $8, version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and version = $9",
);

/// Stores what a client is called and where it is over the version that was read; `false` when it was
/// changed.
pub fn update(tx: &mut Tx, scope: &Scope, client: &Client) -> Result<bool, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &client.id,
        &client.name,
        client.email.clone(),
        client.address.join("\n"),
        client.tax_id.clone(),
        search_key(client),
        client.version
    ];
    Ok(tx.execute(&UPDATE, binds)? == 1)
}

const BY_ID: Sql = select_clients!("where tenant_id = $1 and livemode = $2 and id = $3");

/// One client of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &ClientId) -> Result<Option<Client>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const PAGE: Sql = select_clients!(
    "where tenant_id = $1 and livemode = $2 and id < $3
     order by id desc
     limit $4",
);

/// Clients, newest first, after the given id (exclusive).
pub fn page(tx: &mut Tx, scope: &Scope, after: Option<&ClientId>, limit: i64) -> Result<Vec<Client>, Error> {
    let after = after.map_or("cli_~", ClientId::as_str);
    tx.query(&PAGE, binds![&scope.tenant, scope.mode, after, limit])?
        .iter()
        .map(read)
        .collect()
}

/// Where a list by name goes on: the key and id of the last client that was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Its key.
    pub key: String,
    /// Its id.
    pub id: String,
}

impl Cursor {
    /// After this client.
    pub fn after(client: &Client) -> Cursor {
        Cursor {
            key: search_key(client),
            id: client.id.to_string(),
        }
    }
}

const BY_NAME: Sql = select_clients!(
    "where tenant_id = $1 and livemode = $2 and (search_key, id) > ($3, $4)
     order by search_key, id
     limit $5",
);

/// Clients by name, from after the cursor.
pub fn by_name(tx: &mut Tx, scope: &Scope, after: &Cursor, limit: i64) -> Result<Vec<Client>, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        after.key.clone(),
        after.id.clone(),
        limit
    ];
    tx.query(&BY_NAME, binds)?.iter().map(read).collect()
}

const FIND: Sql = select_clients!(
    "where tenant_id = $1 and livemode = $2 and search_key like $3 escape '!'
       and (search_key, id) > ($4, $5)
     order by search_key, id
     limit $6",
);

// SQLite takes a cross join in its order: it would look through all clients by name otherwise.
const FIND_BY_PART: Sql = Sql::new(
    "select c.id, c.name, c.email, c.address, c.tax_id, c.version, c.created_at
     from (
       select distinct client_id from client_parts
       where tenant_id = $1 and livemode = $2 and part >= $7 and part <= $8) found
     cross join clients c
     where c.tenant_id = $1 and c.livemode = $2 and c.id = found.client_id
       and c.search_key like $3 escape '!' and (c.search_key, c.id) > ($4, $5)
     order by c.search_key, c.id
     limit $6",
);

/// Clients whose name or e-mail address has this text in it, in upper or lower case, by name. Few clients
/// have all of its parts as a rule: those that have the rarest are looked at. Where many have each, they are
/// looked through by name, of which a page is soon full.
pub fn find(
    tx: &mut Tx,
    scope: &Scope,
    text: &str,
    after: &Cursor,
    limit: i64,
) -> Result<Vec<Client>, Error> {
    let mut binds = vec![
        Value::from(&scope.tenant),
        Value::from(scope.mode),
        Value::from(contains(text)),
        Value::from(after.key.clone()),
        Value::from(after.id.clone()),
        Value::from(limit),
    ];
    let parts = parts(text);
    let (rarest, counted) = rarest(tx, scope, &parts)?;
    let rows = match parts.get(rarest) {
        Some(_) if counted == 0 => Vec::new(),
        Some((from, to)) if counted < RARE => {
            binds.extend([Value::from(from), Value::from(to)]);
            tx.query(&FIND_BY_PART, &binds)?
        }
        Some(_) | None => tx.query(&FIND, &binds)?,
    };
    rows.iter().map(read).collect()
}

/// A part that more clients have is not worth looking at them one by one.
const RARE: i64 = 200;
/// Parts of a text that are looked at: among so many there is a rare one, if there is one at all.
const PARTS: usize = 6;
/// Characters of a part, as the database cuts them.
const PART_CHARS: usize = 3;

/// The parts of a text, each as the first and the last entry of the index that has it. What is shorter than
/// a part begins some.
fn parts(text: &str) -> Vec<(String, String)> {
    let chars: Vec<char> = text.to_lowercase().chars().collect();
    if chars.len() < PART_CHARS {
        let text: String = chars.into_iter().collect();
        let last = format!("{text}{}", char::MAX);
        return vec![(text, last)];
    }
    let all: Vec<String> = chars
        .windows(PART_CHARS)
        .map(|part| part.iter().collect())
        .collect();
    let last = all.len().saturating_sub(1);
    let spread = (0..PARTS).filter_map(|nth| all.get(nth * last / (PARTS - 1)));
    spread.map(|part| (part.clone(), part.clone())).collect()
}

macro_rules! counted {
    ($nth:literal, $from:literal, $to:literal) => {
        concat!(
            "select cast(",
            $nth,
            " as bigint) as nth, (select count(*) from (
               select 1 as one from client_parts
               where tenant_id = $1 and livemode = $2 and part >= ",
            $from,
            " and part <= ",
            $to,
            " limit $3) counted) as counted"
        )
    };
}

const RARITIES: Sql = Sql::new(concat!(
    counted!("0", "$4", "$5"),
    " union all ",
    counted!("1", "$6", "$7"),
    " union all ",
    counted!("2", "$8", "$9"),
    " union all ",
    counted!("3", "$10", "$11"),
    " union all ",
    counted!("4", "$12", "$13"),
    " union all ",
    counted!("5", "$14", "$15"),
    " order by counted, nth limit 1",
));

/// Which of the parts fewest clients have, and how many, counted up to [`RARE`].
fn rarest(tx: &mut Tx, scope: &Scope, parts: &[(String, String)]) -> Result<(usize, i64), Error> {
    let mut binds = vec![
        Value::from(&scope.tenant),
        Value::from(scope.mode),
        Value::from(RARE),
    ];
    let again = parts.iter().cycle().take(PARTS);
    binds.extend(again.flat_map(|(from, to)| [Value::from(from), Value::from(to)]));
    let row = tx.one(&RARITIES, &binds)?;
    let nth = usize::try_from(row.int("nth")?).unwrap_or_default();
    Ok((nth % parts.len().max(1), row.int("counted")?))
}

/// The pattern of what has this text in it; what a pattern would read otherwise is taken as it is.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn read(row: &Row) -> Result<Client, Error> {
    let address = row.text("address")?;
    Ok(Client {
        id: ClientId::stored(row.text("id")?),
        name: row.text("name")?,
        email: row.text_opt("email")?,
        address: address.lines().map(str::to_owned).collect(),
        tax_id: row.text_opt("tax_id")?,
        version: row.int("version")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &UPDATE,
    &BY_ID,
    &PAGE,
    &BY_NAME,
    &FIND,
    &FIND_BY_PART,
    &RARITIES,
];

#[cfg(test)]
mod tests {
    use super::{contains, parts};

    #[test]
    fn a_text_is_found_by_any_of_its_parts() {
        let of = |text| -> Vec<String> { parts(text).into_iter().map(|(from, _)| from).collect() };
        assert_eq!(of("Kg"), ["kg"]);
        assert_eq!(of("KGs"), ["kgs"; 6]);
        assert_eq!(of("Ähre"), ["ähr", "ähr", "ähr", "ähr", "ähr", "hre"]);
        assert_eq!(of("abcdefghijklm"), ["abc", "cde", "efg", "ghi", "ijk", "klm"]);
        let (from, to) = parts("k").remove(0);
        assert!(from.as_str() <= "k" && "kzz" < to.as_str() && "l" > to.as_str());
    }

    #[test]
    fn what_is_looked_for_is_no_pattern() {
        assert_eq!(contains("Hofmann KG"), "%hofmann kg%");
        assert_eq!(contains("100%_!"), "%100!%!_!!%");
    }
}
