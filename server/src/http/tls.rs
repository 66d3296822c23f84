//! The secure way: a certificate from files, or one made at start.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use axum_server::tls_rustls::RustlsConfig;

/// A certificate chain and its key in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why a secure server can't start.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The files are not there or hold no certificate and key in PEM.
    #[error("the certificate or its key can't be used ({error}); both must be PEM: {}, {}", cert.display(), key.display())]
    Files {
        /// What is wrong.
        error: std::io::Error,
        /// The chain.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    SelfSigned(String),
}

/// Reads a certificate and its key.
///
/// # Errors
/// When they can't be read or do not belong together.
pub async fn from_files(files: &TlsFiles) -> Result<RustlsConfig, TlsError> {
    choose_provider();
    let TlsFiles { cert, key } = files;
    RustlsConfig::from_pem_file(cert, key).await.map_err(|error| TlsError::Files {
        error,
        cert: cert.clone(),
        key: key.clone(),
    })
}

/// Makes a certificate for this machine's names and for the address that is listened on. Browsers
/// warn once and then treat the page as secure.
///
/// # Errors
/// When making it fails.
pub async fn self_signed(listen: SocketAddr) -> Result<RustlsConfig, TlsError> {
    choose_provider();
    let made = rcgen::generate_simple_self_signed(names(listen))
        .map_err(|e| TlsError::SelfSigned(e.to_string()))?;
    let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    RustlsConfig::from_pem(cert.into_bytes(), key.into_bytes())
        .await
        .map_err(|e| TlsError::SelfSigned(e.to_string()))
}

fn names(listen: SocketAddr) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).into();
    let address: IpAddr = listen.ip();
    if !address.is_unspecified() {
        names.push(address.to_string());
    }
    names.extend(host_name());
    names.dedup();
    names
}

/// What others call this machine, where the system tells.
fn host_name() -> Option<String> {
    let name = std::fs::read_to_string(Path::new("/etc/hostname")).ok()?;
    let name = name.trim();
    let plain =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    plain.then(|| name.to_owned())
}

/// ring, for the whole process; a second call changes nothing.
fn choose_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
