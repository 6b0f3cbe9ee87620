//! A month of twenty tenants, in virtual time: invoices in three currencies, cards that pay and cards that do
//! not, money that goes back, disputes, payouts, a fee that changes in the middle, and the tenants' own
//! sales. At its end the books must be in balance, agree with Stripe to the cent, and say what every payout
//! was made of. One number decides everything, so that the month can be lived through again, byte for byte.
//!
//! `cargo test -p flows --test month` lives through a tenth of it; `PSA_PAY_CHECK_FULL=1` through all of it.

mod back;
mod books;
#[path = "../sim/dice.rs"]
#[allow(dead_code, reason = "the simulation throws more kinds of dice")]
mod dice;
#[path = "../it/executor.rs"]
#[allow(dead_code, reason = "nothing is cut off here")]
mod executor;
mod life;
mod town;

use town::Town;

/// How many invoices the whole month has.
const INVOICES: usize = 5_000;

/// Lives through a month with so many invoices.
fn month(seed: u64, invoices: usize) -> Town {
    let mut town = Town::new(seed);
    life::live(&mut town, invoices);
    town
}

#[test]
fn after_a_month_of_everything_the_books_tie_out_to_the_cent() {
    let full = std::env::var("PSA_PAY_CHECK_FULL").is_ok_and(|full| full == "1");
    let invoices = if full { INVOICES } else { INVOICES / 10 };
    let town = month(7, invoices);
    for (what, count) in town.counts() {
        println!("{count:>7}  {what}");
    }
    books::check(&town);
}

#[test]
fn the_same_month_again_is_the_same_to_the_byte() {
    let [once, again] = [(); 2].map(|()| books::written(&month(11, INVOICES / 50)));
    assert!(once.len() > 10_000, "only {} bytes", once.len());
    let differs = once
        .lines()
        .zip(again.lines())
        .find(|(once, again)| once != again);
    assert_eq!(differs, None);
    assert_eq!(once.len(), again.len());
}
