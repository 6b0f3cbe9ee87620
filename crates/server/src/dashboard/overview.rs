//! What an MSP looks at first: what it is owed, what is late, what came in, and what somebody has to do
//! something about.

use domain::seal::Day;
use domain::{Currency, Scope, Timestamp};
use flows::Failure;
use maud::{Markup, html};
use store::day_sums::{self, Collected, Owed};
use store::disputes;
use store::reconciliation_breaks::{self as breaks, Wanted};
use store::{Tx, mails};

use super::desk;
use crate::html::{self as parts, Figure, Tone};

/// Weeks of the chart.
const WEEKS: i64 = 12;
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// What is looked for of each kind that needs somebody.
const LOOKED_AT: i64 = 50;

/// The figures, in every currency.
pub struct Overview {
    owed: Vec<Owed>,
    this_month: Vec<Collected>,
    /// What came in, less what went back, within each of the last weeks, the oldest first, with the day on
    /// which it began.
    weeks: Vec<(Day, Vec<Collected>)>,
    attention: Vec<Attention>,
}

/// Something that somebody has to look at.
struct Attention {
    title: String,
    text: String,
    href: Option<&'static str>,
}

impl Overview {
    /// Adds it up.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(tx: &mut Tx, scope: &Scope, now: Timestamp) -> Result<Overview, Failure> {
        let today = Day::of(now);
        let month = today.to_string();
        let first = Day::parse(&format!("{}-01", month.get(..7).unwrap_or_default())).unwrap_or(today);
        let back = |weeks: i64| Day::of(today.ends().plus_ms(-weeks * WEEK_MS));
        // No month is as long as these weeks are together.
        let days = day_sums::collected_by_day(tx, scope, back(WEEKS), back(0))?;
        let week = |nth| (back(nth + 1), day_sums::together(&days, back(nth + 1), back(nth)));
        let weeks = (0..WEEKS).rev().map(week).collect();
        Ok(Overview {
            owed: day_sums::owed(tx, scope, &month)?,
            this_month: day_sums::together(&days, first, back(0)),
            weeks,
            attention: attention(tx, scope)?,
        })
    }

    /// Whether there is nothing to show yet.
    pub fn is_empty(&self) -> bool {
        self.owed.is_empty() && self.weeks.iter().all(|(_, week)| week.is_empty())
    }

    /// As it stands on the page.
    pub fn show(&self) -> Markup {
        html! {
            (parts::figures(&self.figures()))
            @if !self.attention.is_empty() {
                section .card {
                    h2 { "Needs attention" }
                    ul .items {
                        @for one in &self.attention {
                            li {
                                div {
                                    strong { (one.title) }
                                    p .soft.small { (one.text) }
                                }
                                @if let Some(href) = one.href { (parts::link_button("Look at it", href, "")) }
                            }
                        }
                    }
                }
            }
            @for currency in self.currencies() { (self.chart(currency)) }
        }
    }

    fn figures(&self) -> [Figure; 4] {
        let owed = |of: fn(&Owed) -> i64| -> Vec<String> {
            let some = self.owed.iter().filter(|owed| of(owed) != 0);
            some.map(|owed| desk::amount(of(owed), owed.currency)).collect()
        };
        let count = |of: fn(&Owed) -> i64| self.owed.iter().map(of).sum::<i64>();
        let collected = |of: fn(&Collected) -> i64| -> Vec<String> {
            let some = self.this_month.iter().filter(|one| of(one) != 0);
            some.map(|one| desk::amount(of(one), one.currency)).collect()
        };
        let late = count(|owed| owed.invoices_overdue);
        let payments: i64 = self.this_month.iter().map(|one| one.payments).sum();
        [
            Figure {
                label: "Outstanding",
                sums: owed(|owed| owed.owed),
                about: invoices(count(|owed| owed.invoices)),
                href: Some("/invoices?state=open".to_owned()),
                tone: Tone::Calm,
            },
            Figure {
                label: "Overdue",
                sums: owed(|owed| owed.overdue),
                about: match late {
                    0 => "Nothing is late".to_owned(),
                    late => invoices(late),
                },
                href: Some("/invoices?state=overdue".to_owned()),
                tone: if late > 0 { Tone::Bad } else { Tone::Good },
            },
            Figure {
                label: "Collected this month",
                sums: collected(|one| one.received),
                about: match payments {
                    1 => "1 payment, less what went back".to_owned(),
                    payments => format!("{payments} payments, less what went back"),
                },
                href: Some("/payments".to_owned()),
                tone: Tone::Calm,
            },
            Figure {
                label: "Platform fees this month",
                sums: collected(|one| one.application_fees),
                about: "Taken from what was collected".to_owned(),
                href: None,
                tone: Tone::Calm,
            },
        ]
    }

    fn currencies(&self) -> Vec<Currency> {
        let all = self.weeks.iter().flat_map(|(_, week)| week);
        let mut currencies: Vec<Currency> = all.map(|one| one.currency).collect();
        currencies.sort_by_key(|currency| currency.code());
        currencies.dedup();
        currencies
    }

    /// What came in week by week: a picture, and the same as a table.
    fn chart(&self, currency: Currency) -> Markup {
        let week = |(from, week): &(Day, Vec<Collected>)| {
            let found = week.iter().find(|one| one.currency == currency);
            (*from, found.map_or(0, |one| one.received))
        };
        let weeks: Vec<(Day, i64)> = self.weeks.iter().map(week).collect();
        let highest = weeks.iter().map(|(_, sum)| *sum).max().unwrap_or_default().max(0);
        let most = highest.max(1);
        let total: i64 = weeks.iter().map(|(_, sum)| sum).sum();
        let label = format!(
            "Collected in the last {WEEKS} weeks: {}",
            desk::amount(total, currency)
        );
        html! {
            section .card {
                h2 { "Collected by week, " (currency) }
                p .soft.small { "Most in a week: " (desk::amount(highest, currency)) }
                svg .chart viewBox="0 0 720 180" role="img" aria-label=(label) preserveAspectRatio="none" {
                    line x1="0" y1="170" x2="720" y2="170" {}
                    @for (at, (from, sum)) in (0_i64..).zip(&weeks) {
                        // More may have gone back than came in.
                        @let height = sum.saturating_mul(150).max(0) / most;
                        rect x=(at * 60 + 8) y=(170 - height) width="44" height=(height) rx="3" {
                            title { (desk::date(&from.to_string())) ": " (desk::amount(*sum, currency)) }
                        }
                    }
                }
                p .chart-ends aria-hidden="true" {
                    @for (from, _) in weeks.iter().take(1).chain(weeks.last()) {
                        span { "Week from " (desk::date(&from.to_string())) }
                    }
                }
                details .fold {
                    summary { "As a table" }
                    table .sheet-lines {
                        thead { tr { th scope="col" { "Week from" } th .figure scope="col" { "Collected" } } }
                        tbody {
                            @for (from, sum) in &weeks {
                                tr {
                                    td { (desk::date(&from.to_string())) }
                                    td .figure { (desk::amount(*sum, currency)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn invoices(count: i64) -> String {
    match count {
        1 => "1 invoice".to_owned(),
        count => format!("{count} invoices"),
    }
}

fn attention(tx: &mut Tx, scope: &Scope) -> Result<Vec<Attention>, Failure> {
    let mut all = Vec::new();
    let open = disputes::unanswered(tx, scope, LOOKED_AT)?;
    let open: Vec<_> = open
        .into_iter()
        .filter(|dispute| dispute.standing.wants_answer() && !dispute.is_answered())
        .collect();
    for dispute in open {
        let amount = desk::amount(dispute.amount, dispute.currency);
        all.push(Attention {
            title: format!("A client's bank disputes {amount}"),
            text: match dispute.due_at {
                Some(due) => format!("Answer it until {}, or it is lost.", desk::day(due)),
                None => "Answer it, or it is lost.".to_owned(),
            },
            href: Some("/disputes"),
        });
    }
    let lost = mails::undelivered(tx, scope, LOOKED_AT)?;
    if let Some(last) = lost.first() {
        let why = last.last_error.clone();
        all.push(Attention {
            title: match lost.len() {
                1 => format!("A mail to {} did not arrive", last.recipient),
                count => format!("{count} mails did not arrive, the last to {}", last.recipient),
            },
            text: why.unwrap_or_else(|| "Correct the address and send it again.".to_owned()),
            href: None,
        });
    }
    let wanted = Wanted {
        kind: None,
        open: Some(true),
        opened_by: None,
        after: None,
        limit: LOOKED_AT,
    };
    for kept in breaks::page(tx, scope, &wanted)? {
        all.push(Attention {
            title: "Something differs from what Stripe says".to_owned(),
            text: kept.detail,
            href: None,
        });
    }
    Ok(all)
}
