//! Serves a simulator on its own: `cargo run -p simulator --example serve -- --port 8420`.

use simulator::{Config, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        args.iter()
            .position(|arg| arg == name)
            .and_then(|at| args.get(at + 1))
            .cloned()
    };
    let port: u16 = value("--port").map_or(Ok(8420), |port| port.parse())?;
    let config = Config {
        data: value("--data").map(Into::into),
        ..Config::default()
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    Ok(Simulator::new(config)?.serve(listener, stop).await?)
}
