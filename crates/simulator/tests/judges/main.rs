//! Outside judges of the simulator: Stripe's own tools. Each needs a program that a machine may lack, and
//! says loudly when it did not run.

#[path = "../../../server/tests/it/left_out.rs"]
mod left_out;
mod python;
mod sdk;
mod served;
mod tools;
