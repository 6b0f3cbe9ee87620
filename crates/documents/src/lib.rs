//! What goes on paper: invoices, credit notes, receipts and statements as PDF, made in this process. It reads
//! no clock and no database, fetches nothing, and touches the disk once, for a folder of fonts.

mod fonts;
mod geometry;
mod letter;
pub mod logo;
pub mod papers;
mod pdf;
mod qr;
mod shaping;
mod sheets;
mod table;
pub mod words;

use std::fmt;
use std::io;
use std::path::Path;

pub use fonts::LeftOut;
pub use logo::Logo;

use papers::{credit_note, fee_statement, invoice, receipt, statement};

/// Makes documents, with its fonts in memory.
pub struct Printer {
    fonts: fonts::Fonts,
}

/// A document that is to be made.
#[derive(Clone, Debug)]
pub enum Paper {
    /// What is asked for.
    Invoice(Box<papers::Invoice>),
    /// What is given up.
    CreditNote(Box<papers::CreditNote>),
    /// What was paid.
    Receipt(Box<papers::Receipt>),
    /// What happened with a client.
    Statement(Box<papers::Statement>),
    /// What the platform took of a tenant.
    FeeStatement(Box<papers::FeeStatement>),
}

/// A document that could not be made, and why: a mistake in the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(pub String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the PDF could not be written: {}", self.0)
    }
}

impl std::error::Error for Trouble {}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer")
            .field("fonts", &self.fonts.folders_count())
            .finish()
    }
}

impl Printer {
    /// A printer with our own fonts, for Latin, Greek and Cyrillic.
    pub fn own() -> Printer {
        let fonts = fonts::Fonts::own();
        Printer { fonts }
    }

    /// A printer that has the fonts of a folder besides, for other scripts.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn with_folder(folder: &Path) -> io::Result<Printer> {
        let mut fonts = fonts::Fonts::own();
        fonts.add_folder(folder)?;
        Ok(Printer { fonts })
    }

    /// How many fonts the folder brought.
    pub fn fonts_from_folder(&self) -> usize {
        self.fonts.folders_count()
    }

    /// The files of the folder that are not used, each with the reason.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.fonts.left_out
    }

    /// Makes a PDF. The same paper gives the same bytes.
    ///
    /// # Errors
    /// [`Trouble`] for a mistake in the program; no input brings it about.
    pub fn print(&self, paper: &Paper) -> Result<Vec<u8>, Trouble> {
        pdf::write(&self.fonts, &self.sheets(paper))
    }

    fn sheets(&self, paper: &Paper) -> sheets::Sheets {
        match paper {
            Paper::Invoice(paper) => invoice::lay_out(&self.fonts, paper),
            Paper::CreditNote(paper) => credit_note::lay_out(&self.fonts, paper),
            Paper::Receipt(paper) => receipt::lay_out(&self.fonts, paper),
            Paper::Statement(paper) => statement::lay_out(&self.fonts, paper),
            Paper::FeeStatement(paper) => fee_statement::lay_out(&self.fonts, paper),
        }
    }
}

#[cfg(test)]
mod tests;
