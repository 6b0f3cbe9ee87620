//! The operator's console, for [`super`] to look at.

use domain::{Role, TenantId};
use serde_json::json;
use server::demo::TEST_WEBHOOK_SECRET;

use super::Auditor;
use crate::mails::lock_live;
use crate::person::Person;
use crate::town::Town;

/// What an operator finds on a day on which something is wrong.
pub async fn console(auditor: &mut Auditor<'_>, town: &Town) {
    let platform = TenantId::platform();
    let otto = Person::new(town, &platform, Role::Operator, "otto@platform.example").await;
    auditor.become_somebody(&otto).await;
    for (id, account, livemode) in [
        ("evt_1Rk9nobody", "acct_1RkNobody", false),
        ("evt_1Rk9forged", town.msp.account.as_str(), true),
    ] {
        let event = json!({"object": "event", "id": id, "livemode": livemode, "account": account,
            "type": "payment_intent.succeeded",
            "data": {"object": {"object": "payment_intent", "id": "pi_1Rk9x", "amount": 12_345}}});
        town.deliver_signed(TEST_WEBHOOK_SECRET, event.to_string().as_bytes())
            .await;
    }
    town.until_quiet().await;
    auditor.look("console-inbox", "/operator/inbox").await;
    auditor
        .look("console-inbox-none", "/operator/inbox?status=dead")
        .await;
    let list = otto
        .get("/operator/inbox?status=processed&type=payment_intent.succeeded")
        .await;
    let event = list.between("row-link name\" href=\"", "\"");
    auditor.look("console-event", &event).await;
    auditor
        .look("console-replay", "/operator/inbox/replay?type=charge.succeeded")
        .await;
    auditor.browser.click("main button.primary").await;
    auditor.browser.wait_for("progress").await;
    auditor.inspect("console-replayed").await;
    auditor.look("console-breaks", "/operator/breaks").await;
    let list = otto.get("/operator/breaks").await;
    let found = list.between("row-link\" href=\"", "\"");
    auditor.look("console-break", &found).await;
    auditor.look("console-fees", "/operator/fees").await;
    auditor.look("console-fee-rule", "/operator/fees/new").await;
    auditor.browser.fill("#rate", "2.9").await;
    auditor.browser.click("button[formaction]").await;
    auditor.browser.wait_for("#preview").await;
    auditor.inspect("console-fee-preview").await;
    let month = domain::seal::Day::of(town.app.clock.now()).to_string();
    let tenant = &town.msp.scope.tenant;
    let statement = format!(
        "/operator/fees/statement?tenant={tenant}&month={}&mode=test",
        &month[..7]
    );
    auditor.look("console-fee-statement", &statement).await;
    auditor.look("console-jobs", "/operator/jobs").await;
    auditor.look("console-audit", "/operator/audit").await;
    auditor
        .look("console-configuration", "/operator/configuration")
        .await;
    auditor
        .look("console-close", &format!("/operator/tenants/{tenant}/close"))
        .await;
    auditor
        .look("console-suspend", &format!("/operator/tenants/{tenant}/suspend"))
        .await;
    auditor
        .look("console-tenant", &format!("/operator/tenants/{tenant}"))
        .await;
    auditor.look("reference", "/api/reference").await;
    lock_live(town).await;
    auditor.look("console-locked", "/operator").await;
    auditor
        .look("console-configuration-locked", "/operator/configuration")
        .await;
}
