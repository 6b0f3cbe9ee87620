//! What payers reach: the page of a pay link and what it sends.

pub mod checkout;
pub mod decline;
pub mod language;
pub mod links;
pub mod looks;
pub mod page;
pub mod papers;
pub mod words;
