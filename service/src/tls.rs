//! How the bank speaks TLS as a client over HTTP: rustls over ring, and Mozilla's list of certificate authorities, which
//! the program contains. The files of the machine it runs on play no part.

use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};

/// For `reqwest::ClientBuilder::tls_backend_preconfigured`. A client that is built without it looks for a provider of
/// the whole process, and panics when there is none.
#[must_use]
pub fn client_config() -> ClientConfig {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
