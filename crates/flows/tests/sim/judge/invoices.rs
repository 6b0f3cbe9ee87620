//! What invoices say at rest, beside their payments, refunds, disputes and credit.

use std::collections::BTreeMap;

use store::Sql;

use super::text;
use crate::stage::Stage;

const ROWS: Sql = Sql::new(
    "select i.id, i.status, i.total, i.applied, i.credited, i.client_id || ' ' || i.currency as purse,
       (select count(*)
        from credit_applications a
        join client_credits c on c.tenant_id = a.tenant_id and c.livemode = a.livemode
          and c.id = a.client_credit_id
        where a.tenant_id = i.tenant_id and a.livemode = i.livemode
          and (a.invoice_id = i.id or c.invoice_id = i.id)) as woven,
       (select count(*)
        from payment_parts r
        join (select payment_id from payment_parts group by payment_id having count(*) > 1) several
          on several.payment_id = r.payment_id
        where r.tenant_id = i.tenant_id and r.livemode = i.livemode and r.invoice_id = i.id) as shared,
       (select cast(coalesce(sum(
          case when alone.parts = 1 then p.received else r.applied end), 0) as bigint)
        from payment_parts r
        join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
        join (select payment_id, count(*) as parts from payment_parts group by payment_id) alone
          on alone.payment_id = p.id
        where r.tenant_id = i.tenant_id and r.livemode = i.livemode and r.invoice_id = i.id) as received,
       (select cast(coalesce(sum(k.amount), 0) as bigint)
        from refund_takings k
        join refunds f on f.tenant_id = k.tenant_id and f.livemode = k.livemode and f.id = k.refund_id
        where k.tenant_id = i.tenant_id and k.livemode = i.livemode and k.invoice_id = i.id
          and f.reversed_at is null) as back,
       (select cast(coalesce(sum(o.amount), 0) as bigint) from offline_payments o
        where o.tenant_id = i.tenant_id and o.livemode = i.livemode and o.invoice_id = i.id
          and o.reversed_at is null) as offline,
       (select cast(coalesce(sum(c.remaining), 0) as bigint) from client_credits c
        where c.tenant_id = i.tenant_id and c.livemode = i.livemode and c.invoice_id = i.id) as unused,
       (select cast(coalesce(sum(a.amount), 0) as bigint) from credit_applications a
        where a.tenant_id = i.tenant_id and a.livemode = i.livemode and a.invoice_id = i.id)
       - (select cast(coalesce(sum(a.amount), 0) as bigint)
          from credit_applications a
          join client_credits c on c.tenant_id = a.tenant_id and c.livemode = a.livemode
            and c.id = a.client_credit_id
          where a.tenant_id = i.tenant_id and a.livemode = i.livemode and c.invoice_id = i.id)
       + (select cast(coalesce(sum(n.to_credit), 0) as bigint) from credit_notes n
          where n.tenant_id = i.tenant_id and n.livemode = i.livemode and n.invoice_id = i.id) as credit,
       (select cast(coalesce(sum(e.amount), 0) as bigint)
        from ledger_transactions t
        join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
          and e.transaction_id = t.id
        join payments p on p.tenant_id = t.tenant_id and p.livemode = t.livemode and p.id = t.payment_id
        where t.tenant_id = i.tenant_id and t.livemode = i.livemode
          and t.kind in ('dispute_lost', 'dispute_regained') and case e.account
            when 'receivable' then coalesce(e.invoice_id, t.invoice_id)
            when 'client_credit' then p.invoice_id
            else '' end = i.id) as lost
     from invoices i order by i.id",
);

/// What invoices say is what their payments come to, less what went back of them: what is left is taken up by
/// the invoice, or is credit that nobody has used. Where credit of a payment had paid another invoice, what
/// goes back of that payment is taken there.
pub fn say_what_came(stage: &Stage) {
    let rows = stage.rows(&ROWS);
    let asked = stage.create_keys.borrow().len();
    if rows.len() > asked {
        stage
            .shared
            .violated(format!("{} invoices were made by {asked} requests", rows.len()));
    }
    let mut purses = BTreeMap::<String, (i64, bool)>::new();
    for row in &rows {
        let (id, status) = (text(row, "id"), text(row, "status"));
        let number = |column: &str| row.int(column).unwrap();
        let (total, applied, credited) = (number("total"), number("applied"), number("credited"));
        let came = number("received") + number("offline");
        let kept = came + number("credit") - number("back") - number("lost");
        let fits = match status.as_str() {
            "paid" => applied + credited == total,
            "void" => applied == 0,
            "draft" => came == 0,
            _ => applied + credited < total,
        };
        // Where a payment pays several, what went back of one may be taken from another: the books tell.
        // Where credit of one has paid another, what goes back is taken from either: all of the client's
        // invoices together have it.
        let differs = kept - applied - number("unused");
        let (sum, shared) = purses.entry(text(row, "purse")).or_default();
        *sum += differs;
        *shared |= number("shared") > 0;
        let is_kept = differs == 0 || number("shared") > 0 || number("woven") > 0;
        if !fits || !is_kept {
            let what = format!(
                "{status}, {applied} applied and {credited} credited of {total}, {kept} kept, {} unused",
                number("unused")
            );
            stage.shared.violated(format!("M1: {id} is {what}"));
        }
    }
    for (purse, (sum, shared)) in purses {
        if sum != 0 && !shared {
            stage
                .shared
                .violated(format!("M1: of {purse} {sum} more is kept than invoices have"));
        }
    }
    for (_, id) in stage.invoices.borrow().iter() {
        if !rows.iter().any(|row| text(row, "id") == id.as_str()) {
            stage
                .shared
                .violated(format!("P1: the invoice {id} was answered and is not there"));
        }
    }
}
