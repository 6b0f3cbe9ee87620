//! What payers reach: the page of a pay link and what it sends.

pub mod checkout;
pub mod decline;
pub mod page;
pub mod papers;
