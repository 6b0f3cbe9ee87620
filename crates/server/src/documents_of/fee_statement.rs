//! A month's fee statement, of the same lines as `/api/reports/fees`.

use documents::Paper;
use documents::papers::{FeeAccount, FeeLine, FeeStatement, Frame, Party, Seller};
use domain::language::Language;
use domain::seal::Day;
use domain::{LedgerTransactionId, Month, Refusal, Scope};
use flows::Failure;
use store::fee_statement::{self as rows, Line, Span, Total};
use store::{Tx, tenants};

use super::{Document, file_name, print, seller};
use crate::router::Site;

/// Most lines of a document: some thirty pages.
const LINES_MAX: i64 = 1_000;

/// The statement of a tenant and month.
///
/// # Errors [`Refusal::NotFound`] for a tenant that is not there, [`Refusal::InvalidField`] for a month
/// with more lines than a document may have.
pub async fn fee_statement(site: &Site, scope: &Scope, month: Month) -> Result<Document, Failure> {
    let (scope, name) = (
        scope.clone(),
        file_name("fees", &format!("{month}-{}", scope.mode.word())),
    );
    let paper: FeeStatement = site.app.db.read(move |tx| read(tx, &scope, month)).await?;
    print(site, name, Paper::FeeStatement(Box::new(paper))).await
}

fn read(tx: &mut Tx, scope: &Scope, month: Month) -> Result<FeeStatement, Failure> {
    let tenant = tenants::find(tx, &scope.tenant)?.ok_or(Refusal::NotFound)?;
    let span = Span {
        from: month.begins(),
        until: month.ends(),
    };
    let lines = rows::lines(tx, scope, span, None::<&LedgerTransactionId>, LINES_MAX + 1)?;
    if i64::try_from(lines.len()).unwrap_or(i64::MAX) > LINES_MAX {
        let problem = "has more fees than a document may have: take the CSV file";
        return Err(Refusal::invalid("month", problem).into());
    }
    let shown = seller::shown(tx, scope)?.business;
    let client = Party {
        name: shown.name.unwrap_or(tenant.name),
        address: shown.address,
        tax_id: shown.tax_id,
        email: shown.email,
    };
    let accounts = rows::totals(tx, scope, span)?;
    Ok(FeeStatement {
        frame: Frame {
            language: Language::En,
            seller: Seller {
                name: "psa-pay".to_owned(),
                ..Seller::default()
            },
            client,
            test: !scope.mode.is_live(),
        },
        month: month.to_string(),
        accounts: accounts.iter().map(|total| account(total, &lines)).collect(),
    })
}

fn account(total: &Total, lines: &[Line]) -> FeeAccount {
    let lines = lines.iter().filter(|line| line.currency == total.currency);
    FeeAccount {
        currency: total.currency,
        charged_minor: total.own.charged.saturating_add(total.external.charged),
        refunded_minor: total.own.refunded.saturating_add(total.external.refunded),
        lines: lines
            .map(|line| FeeLine {
                on: Day::of(line.at),
                what: what(&line.kind),
                reference: line.source_id.clone(),
                amount_minor: line.amount,
            })
            .collect(),
    }
}

/// What a line is, in words.
pub fn what(kind: &str) -> &'static str {
    match kind {
        "application_fee" => "Fee",
        "application_fee_refund" => "Fee given back",
        "external_application_fee" => "Fee of another sale",
        "external_application_fee_refund" => "Fee of another sale given back",
        _ => "Other",
    }
}
