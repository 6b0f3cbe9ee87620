//! A mail server that says what one says, takes every mail and keeps none.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Serves whoever comes.
pub async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream));
    }
}

/// Ends where the other side does.
async fn converse(stream: TcpStream) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example.com ready\r\n").await.ok()?;
    let (mut line, mut is_mail) = (String::new(), false);
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let answer = match (is_mail, line.trim_end()) {
            (true, ".") => {
                is_mail = false;
                "250 taken"
            }
            (true, _) => continue,
            (false, "DATA") => {
                is_mail = true;
                "354 go on"
            }
            (false, "QUIT") => "221 bye",
            (false, _) => "250 mail.example.com",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}
