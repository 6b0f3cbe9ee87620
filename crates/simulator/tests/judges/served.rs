//! A simulator behind HTTP on a port of the loopback.

use simulator::{ClockMode, Config, Simulator};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A served simulator.
pub struct Served {
    pub base: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Served {
    /// Serves a fresh one.
    pub async fn start() -> Served {
        let simulator = Simulator::new(Config {
            clock: ClockMode::Wall,
            ..Config::default()
        });
        let simulator = simulator.expect("a simulator without data starts");
        let listener = free_port().await;
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(simulator.serve(listener, async { drop(stopped.await) }));
        Served { base, stop, served }
    }

    /// Stops it; an error of its own fails the test.
    pub async fn stop(self) {
        drop(self.stop);
        let served = self.served.await.expect("the simulator does not panic");
        served.expect("the simulator serves until it is stopped");
    }
}

async fn free_port() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    listener.expect("the loopback has a free port")
}
