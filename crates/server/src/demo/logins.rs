//! Who can log in to the demo: an operator, and of each sample MSP an owner, somebody of billing and
//! somebody who only looks on. One password, drawn for the folder, is everybody's; owners and the
//! operator have a second factor as the product demands it, and the authenticator is a page of the demo's
//! own.

use std::fmt::Write;
use std::path::Path;

use domain::totp::STEP_S;
use domain::{Role, TenantId};
use flows::people::authenticator::code_of;
use flows::people::login::Browser;
use flows::people::setup::{self, NewPerson};
use flows::people::{self, second_factor};
use flows::{Actor, App, By, Failure};
use store::tenants;
use stripe::Secret;

/// Where the logins are kept to be shown again: sample data, nobody's.
const FILE: &str = "logins.txt";

/// Somebody of the demo.
#[derive(Clone, Debug)]
pub struct Login {
    /// What they log in with.
    pub email: String,
    /// What they are.
    pub role: Role,
    /// The seed of their authenticator, if they have one.
    pub seed: Option<String>,
    /// Whose people they belong to.
    pub company: String,
}

/// Everybody, with the password of all.
#[derive(Clone, Debug)]
pub struct Logins {
    /// The password.
    pub password: String,
    /// The people.
    pub people: Vec<Login>,
}

/// The logins of a folder; they are made where there is nobody yet.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn prepare(data: &Path, app: &App) -> Result<Logins, String> {
    let path = data.join(FILE);
    let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    if !setup::is_open(app).await.map_err(|failure| failure.to_string())? {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(problem(&error)),
        };
        return Ok(read(&text));
    }
    let made = make(app)
        .await
        .map_err(|failure| format!("the sample people: {failure}"))?;
    super::write_private(&path, &written(&made)).map_err(|error| problem(&error))?;
    Ok(made)
}

async fn make(app: &App) -> Result<Logins, Failure> {
    let bits = app.clock.random();
    let password = format!(
        "demo-{:05x}-{:05x}-{:05x}",
        bits & 0xf_ffff,
        (bits >> 20) & 0xf_ffff,
        (bits >> 40) & 0xf_ffff
    );
    let mut logins = Logins {
        password,
        people: Vec::new(),
    };
    let operator = ("Olivia Operator", "operator@psa-pay.example");
    add(
        app,
        &mut logins,
        &TenantId::platform(),
        "the platform",
        Role::Operator,
        operator,
    )
    .await?;
    let tenants = app.db.read(tenants::all).await?;
    for tenant in tenants {
        let host = host_of(&tenant.name);
        for (role, name, local) in [
            (Role::Owner, "Owen Owner", "owner"),
            (Role::Billing, "Billie Billing", "billing"),
            (Role::ReadOnly, "Rita Reader", "reader"),
        ] {
            let email = format!("{local}@{host}.example");
            add(app, &mut logins, &tenant.id, &tenant.name, role, (name, &email)).await?;
        }
    }
    Ok(logins)
}

async fn add(
    app: &App,
    logins: &mut Logins,
    tenant: &TenantId,
    company: &str,
    role: Role,
    (name, email): (&str, &str),
) -> Result<(), Failure> {
    let by = By::new(Actor::CommandLine);
    let password = Secret::new(logins.password.clone());
    let new = NewPerson {
        name: name.to_owned(),
        email: email.to_owned(),
        password: password.clone(),
    };
    setup::add(app, &by, tenant, role, &new).await?;
    let seed = match role.needs_second_factor() {
        true => Some(enrol(app, &by, email, &password).await?),
        false => None,
    };
    logins.people.push(Login {
        email: email.to_owned(),
        role,
        seed,
        company: company.to_owned(),
    });
    Ok(())
}

/// Sets an authenticator up, by the code of half a minute ago: the one of now is good for the first login.
async fn enrol(app: &App, by: &By, email: &str, password: &Secret) -> Result<String, Failure> {
    let lost = || Failure::Bug("somebody who was just added cannot log in".to_owned());
    let browser = Browser {
        by: by.clone(),
        agent: None,
        before: None,
    };
    let entered = people::login::log_in(app, &browser, email, password).await?;
    let seen = people::authenticate(app, entered.cookie.expose())
        .await?
        .ok_or_else(lost)?;
    let seed = second_factor::begin(app, by, &seen).await?.seed;
    let before = app.clock.now().plus_ms(-1000 * STEP_S);
    let code = code_of(seed.expose(), before).ok_or_else(lost)?;
    second_factor::confirm(app, by, &seen, &code).await?;
    let seen = people::authenticate(app, entered.cookie.expose()).await?;
    if let Some(seen) = seen {
        people::login::log_out(app, by, &seen).await?;
    }
    Ok(seed.expose().to_owned())
}

/// `Northwind IT Services` as `northwind-it-services`.
fn host_of(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

fn written(logins: &Logins) -> String {
    let mut text = format!("password {}\n", logins.password);
    for Login {
        email,
        role,
        seed,
        company,
    } in &logins.people
    {
        let seed = seed.as_deref().unwrap_or("-");
        let _infallible = writeln!(text, "{} {email} {seed} {company}", role.word());
    }
    text
}

fn read(text: &str) -> Logins {
    let mut logins = Logins {
        password: String::new(),
        people: Vec::new(),
    };
    for line in text.lines() {
        if let Some(password) = line.strip_prefix("password ") {
            logins.password = password.to_owned();
            continue;
        }
        let mut parts = line.splitn(4, ' ');
        let (Some(role), Some(email), Some(seed), Some(company)) = (
            parts.next().and_then(Role::parse),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            continue;
        };
        let seed = (seed != "-").then(|| seed.to_owned());
        logins.people.push(Login {
            email: email.to_owned(),
            role,
            seed,
            company: company.to_owned(),
        });
    }
    logins
}

/// What a person who has just started the demo needs to log in.
pub fn guide(logins: &Logins, origin: &str, phone: &str) -> Vec<String> {
    let mut lines = vec![format!(
        "Log in at {origin}/login, everybody with the password {}",
        logins.password
    )];
    for Login {
        email,
        role,
        seed,
        company,
    } in &logins.people
    {
        let factor = if seed.is_some() {
            "with a code of the authenticator"
        } else {
            ""
        };
        lines.push(
            format!("  {email:<45} {:<18} {company:<27} {factor}", role.label())
                .trim_end()
                .to_owned(),
        );
    }
    lines.push(format!("The demo's authenticator shows the codes: {phone}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_read_back_as_they_were_kept() {
        let login = |role, seed: Option<&str>| Login {
            email: format!("{}@alpenblick-systemhaus-gmbh.example", Role::word(role)),
            role,
            seed: seed.map(str::to_owned),
            company: "Alpenblick Systemhaus GmbH".to_owned(),
        };
        let logins = Logins {
            password: "demo-00000-11111-22222".to_owned(),
            people: vec![login(Role::Owner, Some("GEZDGNBV")), login(Role::ReadOnly, None)],
        };
        let text = written(&logins);
        assert_eq!(written(&read(&text)), text);
        assert_eq!(
            host_of("Alpenblick Systemhaus GmbH"),
            "alpenblick-systemhaus-gmbh"
        );
    }
}
