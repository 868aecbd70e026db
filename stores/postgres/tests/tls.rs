//! Encrypted connections. Needs a server with a certificate for the host of its URL, in `ENACT_POSTGRES_TLS_URL`, and the certificate in the file
//! `ENACT_POSTGRES_TLS_ROOT`.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{env, fs};

use enact_postgres::PostgresStore;

#[tokio::test]
#[ignore = "a server with TLS is not started by the tests"]
async fn a_server_is_verified_if_the_url_requires_it() {
    let url = env::var("ENACT_POSTGRES_TLS_URL").unwrap();
    let root = fs::read(env::var("ENACT_POSTGRES_TLS_ROOT").unwrap()).unwrap();

    PostgresStore::builder(&url).schema("tls").connect().await.unwrap();
    for mode in ["require", "verify-full"] {
        let required = format!("{url}?sslmode={mode}");
        let error = PostgresStore::builder(&required).schema("tls").connect().await.unwrap_err();
        let text = format!("{error:?}");
        assert!(text.contains("certificate"), "{text}");
        PostgresStore::builder(&required).root_certificates(&*root).schema("tls").connect().await.unwrap();
    }
}
