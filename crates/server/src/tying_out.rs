//! `psa-pay tie-out`: whether invoices, books and Stripe's balance agree, of every tenant and of the
//! platform, in both modes; what does not agree is named.

use clap::Args;
use domain::{Money, Scope};
use flows::tie_out::{self, Report};
use flows::{Actor, By};

use crate::config::Config;
use crate::start;

/// Of whom, and how.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// This tenant only; `platform` for the platform's own books.
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Compare what is here, without reading at Stripe first.
    #[arg(long)]
    offline: bool,
}

/// Does it. Beside a running server this works on PostgreSQL; SQLite's file is one process's, so there the
/// server is stopped first, and the error says so.
///
/// # Errors
/// A sentence: what could not be done, or how many currencies do not agree.
pub async fn run(
    config: &Config,
    arguments: &Arguments,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), String> {
    let app = start::app_on_known(config)
        .await
        .map_err(|error| error.to_string())?;
    let compared = compare_all(&app, arguments, say).await;
    app.db.close().await;
    match compared? {
        (0, 0) => Err("no such tenant, or nothing is booked".to_owned()),
        (compared, 0) => {
            say(format!("All {compared} agree."));
            Ok(())
        }
        (compared, differ) => Err(format!("{differ} of {compared} do not agree")),
    }
}

async fn compare_all(
    app: &flows::App,
    arguments: &Arguments,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(usize, usize), String> {
    let wanted = arguments.tenant.as_deref().map(|text| match text {
        "platform" => "ten_platform".to_owned(),
        other => other.to_owned(),
    });
    let (mut last, mut compared, mut differ) = (None, 0, 0);
    loop {
        let after: Option<Scope> = last;
        let found = app
            .db
            .read(move |tx| store::tie_outs::next_scope(tx, after.as_ref()));
        let found: Result<Option<Scope>, store::Error> = found.await;
        let Some(scope) = found.map_err(|error| error.to_string())? else {
            return Ok((compared, differ));
        };
        if wanted
            .as_deref()
            .is_none_or(|wanted| wanted == scope.tenant.as_str())
        {
            for report in of(app, &scope, arguments.offline).await? {
                compared += 1;
                differ += usize::from(!report.agrees());
                lines(&scope, &report).into_iter().for_each(&mut *say);
            }
        }
        last = Some(scope);
    }
}

async fn of(app: &flows::App, scope: &Scope, offline: bool) -> Result<Vec<Report>, String> {
    let reports = if offline || app.stripe(scope.mode).is_err() {
        tie_out::compare(&app.db, scope, app.clock.now()).await
    } else {
        tie_out::read_and_run(app, scope, &By::new(Actor::CommandLine)).await
    };
    reports.map_err(|failure| format!("{} {}: {failure}", scope.tenant, scope.mode.label()))
}

fn lines(scope: &Scope, report: &Report) -> Vec<String> {
    let tied = &report.tied;
    let money = |minor: i64| Money::new(minor, tied.currency).to_string();
    let standing = match report.agreement() {
        Some(true) => "ok",
        Some(false) => "DIFFERS",
        None => "UNREAD",
    };
    let mut lines = vec![format!(
        "{standing:<8}{} {} {}: Stripe {}, books {}, external {}, on the way {}",
        scope.tenant,
        scope.mode.label(),
        tied.currency.code(),
        money(tied.stripe_balance),
        money(tied.books_clearing),
        money(tied.external),
        money(tied.on_the_way)
    )];
    let of_stripe = report.facts.iter().map(|differs| {
        let fact = &differs.fact;
        let reason = differs.reason.word();
        format!(
            "{:8}{} {reason}: books {}, Stripe {}",
            "",
            fact.id,
            money(fact.books),
            money(fact.stripe)
        )
    });
    lines.extend(of_stripe);
    let of_invoices = report.invoices.iter().map(|invoice| {
        let (owed, books) = (money(invoice.owed), money(invoice.books));
        format!(
            "{:8}{} invoice_differs: owed {owed}, books {books}",
            "", invoice.id
        )
    });
    lines.extend(of_invoices);
    lines
}
