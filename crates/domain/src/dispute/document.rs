//! Files that evidence names: what they may be, told by their bytes and never by what they are called, and
//! how large.

/// Bytes of one file, and of all files that evidence names together: banks take no more, whatever Stripe
/// stores.
pub const BYTES_MAX: usize = 4_500_000;
/// Files of one dispute. Evidence has eight places for them, and some are uploaded anew.
pub const FILES_MAX: usize = 20;
/// Characters of a file's name.
pub const NAME_MAX: usize = 120;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A PDF.
    Pdf,
    /// A JPEG picture.
    Jpeg,
    /// A PNG picture.
    Png,
}

impl Document {
    /// Every kind.
    pub const ALL: [Document; 3] = [Document::Pdf, Document::Jpeg, Document::Png];

    /// What these bytes are, if they are anything that banks take.
    pub fn of(bytes: &[u8]) -> Option<Document> {
        Document::ALL
            .into_iter()
            .find(|kind| bytes.starts_with(kind.beginning()))
    }

    const fn beginning(self) -> &'static [u8] {
        match self {
            Document::Pdf => b"%PDF-",
            Document::Jpeg => b"\xFF\xD8\xFF",
            Document::Png => b"\x89PNG\r\n\x1A\n",
        }
    }

    /// As HTTP says it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Document::Pdf => "application/pdf",
            Document::Jpeg => "image/jpeg",
            Document::Png => "image/png",
        }
    }

    /// The kind as the database writes it; also how the name of such a file ends.
    pub const fn word(self) -> &'static str {
        match self {
            Document::Pdf => "pdf",
            Document::Jpeg => "jpeg",
            Document::Png => "png",
        }
    }

    /// The kind of a word.
    pub fn from_word(word: &str) -> Option<Document> {
        Document::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// It is on its way to Stripe, or its answer is not known.
    Uploading,
    /// Stripe has it, and evidence may name it.
    Uploaded,
    /// Stripe does not have it, and will not get it.
    Refused,
}

impl FileState {
    /// The state as the database and the API write it.
    pub const fn word(self) -> &'static str {
        match self {
            FileState::Uploading => "uploading",
            FileState::Uploaded => "uploaded",
            FileState::Refused => "refused",
        }
    }

    /// The state of a word.
    pub fn from_word(word: &str) -> Option<FileState> {
        let all = [FileState::Uploading, FileState::Uploaded, FileState::Refused];
        all.into_iter().find(|state| state.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(Document::of(b"%PDF-1.7\n"), Some(Document::Pdf));
        assert_eq!(Document::of(b"\x89PNG\r\n\x1A\n\0\0"), Some(Document::Png));
        assert_eq!(Document::of(b"\xFF\xD8\xFF\xE0"), Some(Document::Jpeg));
        for other in [
            &b""[..],
            b"%PD",
            b"GIF89a",
            b"<svg/>",
            b" %PDF-1.7",
            b"PK\x03\x04",
        ] {
            assert_eq!(Document::of(other), None, "{other:?}");
        }
        for kind in Document::ALL {
            assert_eq!(Document::from_word(kind.word()), Some(kind));
        }
    }
}
