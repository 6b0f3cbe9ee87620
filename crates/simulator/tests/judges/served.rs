//! A simulator behind HTTP on a port of the loopback, and an endpoint that gets its webhooks.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::Value;
use simulator::{ClockMode, Config, EndpointConfig, Kind, Request, Simulator};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// A served simulator.
pub struct Served {
    pub base: String,
    pub simulator: Simulator,
    /// The ids of the events that arrived.
    received: watch::Sender<Vec<String>>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
    endpoint: JoinHandle<()>,
}

impl Served {
    /// Serves a fresh one, whose platform and connected accounts send their test events to one endpoint.
    pub async fn start() -> Served {
        let received = watch::Sender::new(Vec::new());
        let (hook, endpoint) = receiver(received.clone()).await;
        let endpoints = [false, true].map(|connect| EndpointConfig {
            url: hook.clone(),
            secret: "whsec_psapay_demo_test".into(),
            livemode: false,
            connect,
            kind: Kind::Snapshot,
        });
        let simulator = Simulator::new(Config {
            clock: ClockMode::Wall,
            endpoints: endpoints.into(),
            // The account whose answers the scenarios hold is no Connect platform's.
            connect_application: false,
            ..Config::default()
        });
        let simulator = simulator.expect("a simulator without data starts");
        let listener = free_port().await;
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(simulator.clone().serve(listener, async { drop(stopped.await) }));
        Served {
            base,
            simulator,
            received,
            stop,
            served,
            endpoint,
        }
    }

    /// What `GET` of a path answers to the platform's test key.
    pub fn get(&self, path: &str) -> Value {
        let response = self.simulator.call(&Request {
            method: "GET".into(),
            path: path.into(),
            headers: vec![("Authorization".into(), "Bearer sk_test_psapay_demo".into())],
            body: Vec::new(),
        });
        serde_json::from_slice(&response.body).expect("an answer is JSON")
    }

    /// Waits until an event has arrived at the endpoint.
    ///
    /// # Errors
    /// When it does not within ten seconds.
    pub async fn arrived(&self, event: &str) -> Result<(), String> {
        let mut count = self.received.subscribe();
        let there = count.wait_for(|received| received.iter().any(|one| one == event));
        match tokio::time::timeout(Duration::from_secs(10), there).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(format!("{event} did not arrive at the endpoint")),
        }
    }

    /// Stops it; an error of its own fails the test.
    pub async fn stop(self) {
        self.endpoint.abort();
        drop(self.stop);
        let served = self.served.await.expect("the simulator does not panic");
        served.expect("the simulator serves until it is stopped");
    }
}

async fn free_port() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    listener.expect("the loopback has a free port")
}

/// An endpoint that keeps what it gets; its URL.
async fn receiver(received: watch::Sender<Vec<String>>) -> (String, JoinHandle<()>) {
    let take = move |body: Bytes| {
        let event: Value = serde_json::from_slice(&body).expect("an event is JSON");
        let id = event["id"].as_str().expect("an event has an id").to_owned();
        received.send_modify(|received| received.push(id));
        async {}
    };
    let listener = free_port().await;
    let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
    let router = Router::new().route("/hook", post(take));
    let serving = tokio::spawn(async move {
        axum::serve(listener, router)
            .await
            .expect("the endpoint serves until it is stopped");
    });
    (url, serving)
}
