//! Invoices, books and Stripe's balance agree to the cent, of every tenant and of the platform, in both
//! modes, and every automatic payout that reached a bank explains itself.

use domain::{Mode, Scope, TenantId};
use flows::tie_out;
use store::Sql;

use crate::executor::run;
use crate::stage::{BY, Stage};

/// Reads what is new on each balance and compares, once all is quiet.
pub fn tied(stage: &Stage) {
    let platform = [Mode::Test, Mode::Live].map(|mode| Scope {
        tenant: TenantId::platform(),
        mode,
    });
    let reachable = stage.msps.iter().filter(|msp| !msp.away.get());
    let tenants = reachable.map(|msp| msp.scope.clone());
    for scope in tenants.chain(platform) {
        let app = stage.app(scope.mode, true);
        let reports =
            run(tie_out::read_and_run(&app, &scope, &BY)).unwrap_or_else(|failure| panic!("{failure}"));
        for report in reports {
            let tied = &report.tied;
            let same = tied.books_clearing == tied.stripe_balance
                && tied.books_receivable == tied.invoices_owed
                && tied.books_credit == tied.credit_left;
            if !same
                || !report.facts.is_empty()
                || !report.on_the_way.is_empty()
                || !report.invoices.is_empty()
            {
                stage.shared.violated(format!(
                    "L10: {} {} {}: {tied:?}\n  differ     {:?}\n  on the way {:?}\n  invoices   {:?}",
                    scope.tenant,
                    scope.mode.word(),
                    tied.currency.code(),
                    report.facts,
                    report.on_the_way,
                    report.invoices
                ));
            }
        }
    }
    payouts(stage);
}

/// Payouts that reached the bank are explained by their items, and those that failed came back.
fn payouts(stage: &Stage) {
    const UNEXPLAINED: Sql = Sql::new(
        "select stripe_payout_id, status from payouts p
         where status = 'paid' and automatic = 1 and itemised_at is null and not exists (
           select 1 from stripe_config c
           where c.stripe_account_id = p.stripe_account_id and c.livemode = p.livemode
             and c.disconnected_at is not null)",
    );
    for row in stage.rows(&UNEXPLAINED) {
        let id = row.text("stripe_payout_id").unwrap();
        stage
            .shared
            .violated(format!("L10: the payout {id} does not explain itself"));
    }
}
