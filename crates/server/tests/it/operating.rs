//! What an operator does from a command line, with the program itself: the endpoints at Stripe, the doctor,
//! going live, backups, and stopping.

mod backups;
mod committed_keys;
mod copies;
mod disk_full;
mod doctor;
mod elsewhere;
mod endpoints;
mod endpoints_secrets;
mod going_live;
mod instances;
mod integrating;
mod machine;
mod mail_server;
mod packaging;
mod running;
mod short_of_files;
mod switches;
mod tenant;
mod trials;
