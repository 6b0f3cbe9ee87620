//! Outside judges of the simulator: Stripe's own tools, and scenarios of facts about Stripe's own API. Each
//! needs a program that a machine may lack, and says loudly when it did not run.

mod cli;
mod conformance;
mod environment;
#[path = "../../../server/tests/it/left_out.rs"]
mod left_out;
mod python;
mod sdk;
mod served;
mod tools;
