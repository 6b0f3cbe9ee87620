//! The parts that our own pages are made of, as plain functions that answer markup: the frame around a page,
//! forms, buttons, what is said, lists and tables. `/styleguide` of the demo shows them all. How they look is
//! in `assets/tokens.css`, `app.css` and `parts.css`; what they do beyond HTML in `assets/app.js`.

mod forms;
mod frame;
mod icons;
mod lists;
mod moments;
mod places;
pub mod plain;
mod qr;
mod said;
mod tables;

pub use forms::{
    Check, Choice, Errors, Field, File, Group, Input, Offer, check, checks, choices, error_beside, error_id,
    field, fields_of, file, file_form, form, select, summary,
};
pub use frame::{Frame, Viewer, page, plain_page, title, visitors};
pub use lists::{
    Figure, Happening, Tab, figures, live_search, search, search_within, tabs, timeline, unknown_state,
};
pub use moments::{day, day_or, moment, moment_or};
pub use places::{Place, Section};
pub use qr::qr_code;
pub use said::{
    Ask, Tone, badge, button, confirm, copy_field, copy_input, danger_button, dialog_link, empty,
    link_button, notice, primary_button, recovery_codes, step, sure_button,
};
pub use tables::{Column, Pages, Row, facts, pages, table};

/// The name of the form field that shows that a form is of a page of ours and of this session.
pub const CSRF_FIELD: &str = "csrf_token";
