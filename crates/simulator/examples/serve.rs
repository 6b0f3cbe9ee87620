//! The simulator alone on a port of the loopback: `cargo run -p simulator --example serve -- 12111`. It
//! builds in seconds where the whole product takes minutes; `psa-pay simulator` has more options.

use simulator::{Config, Simulator};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "12111".into())
        .parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    Simulator::new(Config::default())?
        .serve(listener, std::future::pending())
        .await?;
    Ok(())
}
