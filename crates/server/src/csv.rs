//! Files of comma-separated values (RFC 4180), written while they are sent: however many rows there are, few
//! are in memory. What people typed can be no formula of the program that opens the file.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flows::Failure;
use hyper::body::Frame;
use tokio::sync::mpsc;

/// Pieces that wait for a slow reader.
const WAITING: usize = 2;
/// Pieces of one file at most: with some hundred rows to each, millions.
const PIECES_MAX: usize = 20_000;
/// With these a cell begins to be a formula in one program or another, the last four being wide signs.
const FORMULAS: [char; 12] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\0', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// A cell with what somebody typed: defused where it would be a formula, quoted where it has to be.
pub fn text(typed: &str) -> String {
    let defused = match typed.starts_with(FORMULAS) {
        true => format!("'{typed}"),
        false => typed.to_owned(),
    };
    match defused.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", defused.replace('"', "\"\"")),
        false => defused,
    }
}

/// A row of cells that are ready: texts of [`text`], and what we write ourselves, such as amounts and days.
pub fn row<const N: usize>(cells: [String; N]) -> String {
    format!("{}\r\n", cells.join(","))
}

/// The answer with a file: its first row, and pieces of more rows for as long as there is a next state.
pub fn answer<S, F, Next>(name: &str, head: &'static str, first: S, next: F) -> Response
where
    S: Send + 'static,
    F: Fn(S) -> Next + Send + Sync + 'static,
    Next: Future<Output = Result<(String, Option<S>), Failure>> + Send,
{
    let (rows, file) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        // With this mark, spreadsheets read UTF-8 as what it is.
        if rows
            .send(Ok(Bytes::from(format!("\u{feff}{head}\r\n"))))
            .await
            .is_err()
        {
            return;
        }
        let mut state = Some(first);
        for _ in 0..PIECES_MAX {
            let Some(now) = state.take() else { return };
            let piece = match next(now).await {
                Ok((text, then)) => {
                    state = then;
                    Ok(Bytes::from(text))
                }
                Err(failure) => {
                    tracing::error!(%failure, "a file breaks off");
                    Err(io::Error::other("the file breaks off"))
                }
            };
            // Who does not read any more wants no more rows.
            if rows.send(piece).await.is_err() {
                return;
            }
        }
    });
    let name = format!("attachment; filename=\"{name}\"");
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (header::CONTENT_DISPOSITION, name),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    (headers, Body::new(Rows(file))).into_response()
}

/// A body that is sent as its pieces come.
struct Rows(mpsc::Receiver<Result<Bytes, io::Error>>);

impl hyper::body::Body for Rows {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let next = self.get_mut().0.poll_recv(context);
        next.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_typed_is_a_formula_or_breaks_a_row() {
        for (typed, written) in [
            ("Harbor Dental", "Harbor Dental"),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\0=1", "'\0=1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\rx", "\"'\rx\""),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("", ""),
        ] {
            assert_eq!(text(typed), written);
        }
        assert_eq!(row(["a".to_owned(), "1.00".to_owned()]), "a,1.00\r\n");
    }
}
