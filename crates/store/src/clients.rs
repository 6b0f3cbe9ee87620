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
    let row = tx.optional_once(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
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

// SQLite takes a cross join in its order. Whether they have the whole text is looked at afterwards, and how
// many there are at most stands in the words: PostgreSQL would look through all clients otherwise.
macro_rules! find_by_part {
    ($most:literal) => {
        Sql::new(concat!(
            "select c.id, c.name, c.email, c.address, c.tax_id, c.version, c.created_at
             from (
               select distinct client_id from client_parts
               where tenant_id = $1 and livemode = $2 and part >= $5 and part <= $6
               limit ",
            $most,
            ") found
             cross join clients c
             where c.tenant_id = $1 and c.livemode = $2 and c.id = found.client_id
               and (c.search_key, c.id) > ($3, $4)
             order by c.search_key, c.id"
        ))
    };
}

const FIND_BY_RARE_PART: Sql = find_by_part!("24");

const FIND_BY_PART: Sql = find_by_part!("200");

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
    let parts = parts(text);
    let (rarest, counted) = match rarest(tx, scope, &parts, &RARITIES)? {
        (_, RARE..) => rarest(tx, scope, &parts, &RARITIES_OF_COMMON)?,
        rarest => rarest,
    };
    match parts.get(rarest) {
        Some(_) if counted == 0 => Ok(Vec::new()),
        Some((from, to)) if counted < COMMON => {
            let by_part = if counted < RARE {
                &FIND_BY_RARE_PART
            } else {
                &FIND_BY_PART
            };
            let rows = tx.query(
                by_part,
                binds![&scope.tenant, scope.mode, &after.key, &after.id, from, to],
            )?;
            let text = text.to_lowercase();
            let found = rows.iter().map(read);
            let called = |client: &Client| search_key(client).contains(&text);
            let called = found.filter(|client| client.as_ref().map_or(true, called));
            called.take(usize::try_from(limit).unwrap_or_default()).collect()
        }
        Some(_) | None => {
            let binds = binds![
                &scope.tenant,
                scope.mode,
                contains(text),
                &after.key,
                &after.id,
                limit
            ];
            tx.query(&FIND, binds)?.iter().map(read).collect()
        }
    }
}

/// A part that fewer clients have is rare: none is looked for that is rarer.
const RARE: i64 = 24;
/// A part that as many clients have is not worth looking at them one by one.
const COMMON: i64 = 200;
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
    // Where words meet, and in numbers, parts are rarer than within a word.
    let meets = |part: &String| part.chars().nth(1).is_some_and(|middle| !middle.is_alphabetic());
    let (joints, others): (Vec<String>, Vec<String>) = all.into_iter().partition(meets);
    let joints = spread(&joints, PARTS - 2);
    let others = spread(&others, PARTS - joints.len());
    let chosen = joints.into_iter().chain(others);
    chosen.map(|part| (part.clone(), part)).collect()
}

/// So many of a list at most, from its first to its last.
fn spread(all: &[String], most: usize) -> Vec<String> {
    if all.len() <= most {
        return all.to_vec();
    }
    let last = all.len().saturating_sub(1);
    let places = (0..most).map(|nth| nth * last / most.saturating_sub(1).max(1));
    places.filter_map(|at| all.get(at).cloned()).collect()
}

macro_rules! counted {
    ($most:literal, $nth:literal, $from:literal, $to:literal) => {
        concat!(
            "select cast(",
            $nth,
            " as bigint) as nth, (select count(*) from (
               select 1 as one from client_parts
               where tenant_id = $1 and livemode = $2 and part >= ",
            $from,
            " and part <= ",
            $to,
            " limit ",
            $most,
            ") counted) as counted"
        )
    };
}

// With the limit in its words: PostgreSQL plans it once.
macro_rules! rarities {
    ($most:literal) => {
        Sql::new(concat!(
            counted!($most, "0", "$3", "$4"),
            " union all ",
            counted!($most, "1", "$5", "$6"),
            " union all ",
            counted!($most, "2", "$7", "$8"),
            " union all ",
            counted!($most, "3", "$9", "$10"),
            " union all ",
            counted!($most, "4", "$11", "$12"),
            " union all ",
            counted!($most, "5", "$13", "$14"),
            " order by counted, nth limit 1",
        ))
    };
}

const RARITIES: Sql = rarities!("24");

const RARITIES_OF_COMMON: Sql = rarities!("200");

/// Which of the parts fewest clients have, and how many, counted as far as the statement does.
fn rarest(
    tx: &mut Tx,
    scope: &Scope,
    parts: &[(String, String)],
    counts: &Sql,
) -> Result<(usize, i64), Error> {
    let mut binds = vec![Value::from(&scope.tenant), Value::from(scope.mode)];
    let again = parts.iter().cycle().take(PARTS);
    binds.extend(again.flat_map(|(from, to)| [Value::from(from), Value::from(to)]));
    let row = tx.one(counts, &binds)?;
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
    &FIND_BY_RARE_PART,
    &FIND_BY_PART,
    &RARITIES,
    &RARITIES_OF_COMMON,
];

#[cfg(test)]
mod tests {
    use super::{contains, parts};

    #[test]
    fn a_text_is_found_by_any_of_its_parts() {
        let of = |text| -> Vec<String> { parts(text).into_iter().map(|(from, _)| from).collect() };
        assert_eq!(of("Kg"), ["kg"]);
        assert_eq!(of("KGs"), ["kgs"]);
        assert_eq!(of("Ähre"), ["ähr", "hre"]);
        // First where words meet.
        assert_eq!(of("Maple Law 7"), ["e l", "w 7", "map", "ple", " la", "aw "]);
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
