//! Each fact has mailed exactly once, whoever observed it how often: the receipt of a payment, the notice
//! of a
//! refund, the alert of a dispute; and no mail tells of what has not happened.

use store::Sql;

use super::text;
use crate::stage::Stage;

const TOLD: Sql = Sql::new(
    "select t.what, t.id, t.wanted, t.told
     from (
       select 'receipt' as what, p.id, case when p.status = 'succeeded' then 1 else 0 end as wanted,
         (select count(*) from mails m
          where m.tenant_id = p.tenant_id and m.livemode = p.livemode and m.about = p.id
            and m.kind = 'receipt') as told
       from payments p
       union all
       select 'refund' as what, f.id, case when f.succeeded_at is not null then 1 else 0 end as wanted,
         (select count(*) from mails m
          where m.tenant_id = f.tenant_id and m.livemode = f.livemode and m.about = f.id
            and m.kind = 'refund') as told
       from refunds f) t
     where t.wanted <> t.told
     order by t.id",
);

const MORE: Sql = Sql::new(
    "select kind, about, count(*) as told
     from mails
     where kind in ('receipt', 'refund', 'refund_failed', 'staff_dispute', 'staff_refund_failed',
       'staff_payout_failed')
     group by tenant_id, livemode, kind, about
     having count(*) > 1
     order by about",
);

/// Everything that was to be mailed was, once.
pub fn once(stage: &Stage) {
    for row in &stage.rows(&TOLD) {
        let (what, id) = (text(row, "what"), text(row, "id"));
        let (wanted, told) = (row.int("wanted").unwrap(), row.int("told").unwrap());
        let said = format!("P5: {told} mails of kind {what} tell of {id}, not {wanted}");
        stage.shared.violated(said);
    }
    for row in &stage.rows(&MORE) {
        let (kind, about, told) = (text(row, "kind"), text(row, "about"), row.int("told").unwrap());
        stage
            .shared
            .violated(format!("P5: {told} mails of kind {kind} tell of {about}"));
    }
}
