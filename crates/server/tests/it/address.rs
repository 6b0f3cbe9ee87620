//! The client's address as a handler gets it, over real connections.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use server::address::ClientAddress;
use server::config::{Config, TrustedProxies};
use server::router::Site;
use tokio::net::TcpListener;

use crate::engines::World;
use crate::town::Town;

/// What a server that trusts these proxies takes us for when we send these `X-Forwarded-For` headers.
async fn seen(town: &Town, proxies: &str, forwarded: &[&str]) -> String {
    let config = Config {
        trusted_proxies: TrustedProxies::parse(proxies).unwrap(),
        ..Config::clone(&town.site.config)
    };
    let site = Site {
        config: Arc::new(config),
        ..town.site.clone()
    };
    let tell = async |ClientAddress(address): ClientAddress| address.to_string();
    let router = Router::new().route("/", get(tell)).with_state(site);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = tokio::spawn(axum::serve(listener, service).into_future());
    let request = forwarded
        .iter()
        .fold(crate::town::web().build().unwrap().get(url), |request, value| {
            request.header("x-forwarded-for", *value)
        });
    let text = request.send().await.unwrap().text().await.unwrap();
    served.abort();
    text
}

both! {
    fn the_clients_address_comes_from_the_socket_unless_a_named_proxy_speaks(world: &World) {
        Town::run(world, async |town| {
            assert_eq!(seen(&town, "10.0.0.5", &["203.0.113.7"]).await, "127.0.0.1");
            assert_eq!(seen(&town, "127.0.0.1", &["203.0.113.7"]).await, "203.0.113.7");
            let through_two = ["198.51.100.1, 203.0.113.7", "127.0.0.9"];
            assert_eq!(seen(&town, "127.0.0.0/8", &through_two).await, "203.0.113.7");
            assert_eq!(seen(&town, "127.0.0.0/8", &[]).await, "127.0.0.1");
            for nobody in ["203.0.113.7,", "203.0.113.7, unknown", "unknown", ","] {
                assert_eq!(seen(&town, "127.0.0.1", &[nobody]).await, "100::", "{nobody}");
            }
        });
    }

    fn whom_no_proxy_names_guesses_no_more_often_than_anybody_else(world: &World) {
        Town::run(world, async |town| {
            let config = Config {
                trusted_proxies: TrustedProxies::parse("127.0.0.1").unwrap(),
                ..Config::clone(&town.site.config)
            };
            let site = Site { config: Arc::new(config), ..town.site.clone() };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/api/invoices", listener.local_addr().unwrap());
            let service = server::router::router(site).into_make_service_with_connect_info::<SocketAddr>();
            let served = tokio::spawn(axum::serve(listener, service).into_future());
            let browser = &town.browsers;
            let guess = async |forwarded: String| {
                let request = browser.get(&url).bearer_auth("ppk_test_guess");
                request.header("x-forwarded-for", forwarded).send().await.unwrap().status().as_u16()
            };
            let mut answers = Vec::new();
            for n in 0..21 {
                answers.push(guess(format!("203.0.113.{n},")).await);
            }
            assert_eq!(answers[..20], [401; 20]);
            assert_eq!(answers[20], 429, "a new address each time, which the client wrote");
            assert_eq!(guess("203.0.113.1".to_owned()).await, 401, "a client that is named goes on");
            served.abort();
        });
    }
}
