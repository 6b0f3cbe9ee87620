//! Where documents are printed: off the threads that answer requests, and few at a time, so that nobody who
//! asks for many takes the machine from the others.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use documents::{LeftOut, Paper, Printer};
use flows::Failure;
use tokio::sync::Semaphore;

/// Documents at a time.
const AT_A_TIME: usize = 2;

/// A printer and its places. The fonts are read when the first document is made, unless there is a folder of
/// them, which is read at start.
#[derive(Clone)]
pub struct Press {
    printer: Arc<OnceLock<Printer>>,
    places: Arc<Semaphore>,
}

impl Default for Press {
    fn default() -> Press {
        Press {
            printer: Arc::default(),
            places: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

impl Press {
    /// A press with the fonts of a folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn with_folder(folder: &Path) -> io::Result<Press> {
        let press = Press::default();
        let printer = Printer::with_folder(folder)?;
        press.printer.get_or_init(|| printer);
        Ok(press)
    }

    /// How many fonts the folder brought, and which of its files are not used.
    pub fn fonts(&self) -> (usize, &[LeftOut]) {
        self.printer.get().map_or((0, &[]), |printer| {
            (printer.fonts_from_folder(), printer.left_out())
        })
    }

    /// Prints a document.
    ///
    /// # Errors
    /// [`Failure::Bug`] for a mistake in the program.
    pub async fn print(&self, paper: Paper) -> Result<Vec<u8>, Failure> {
        let place = self.places.clone().acquire_owned().await;
        let printer = Arc::clone(&self.printer);
        let printed = tokio::task::spawn_blocking(move || {
            let _place = place;
            printer.get_or_init(Printer::own).print(&paper)
        });
        let printed = printed.await.map_err(|error| Failure::Bug(error.to_string()))?;
        printed.map_err(|trouble| Failure::Bug(trouble.to_string()))
    }
}
