//! Encryption of the connection to a broker: whom to trust, and the handshake. Used by `connection`, on `tympan-mqtt`.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::files;
use crate::sinks::SinkError;

/// No file of certificates is larger: those of all authorities that browsers know have 220 kB.
const MAX_BYTES: u64 = 4 << 20;

/// The authorities whose certificates are trusted.
#[derive(Clone)]
pub struct TlsRoots(Arc<ClientConfig>);

impl TlsRoots {
    /// Those in a file of certificates in PEM.
    ///
    /// # Errors
    /// [`SinkError::Certificates`]: a file that cannot be read, or has no certificate in it.
    pub fn open(path: &Path) -> Result<Self, SinkError> {
        let read = || -> io::Result<RootCertStore> {
            let bytes = files::read_regular(path, MAX_BYTES)?;
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(&bytes) {
                roots.add(certificate.map_err(invalid)?).map_err(invalid)?;
            }
            if roots.is_empty() { Err(invalid("it has no certificate in PEM")) } else { Ok(roots) }
        };
        let unusable = |source| SinkError::Certificates { path: path.to_owned(), source };
        Ok(Self::of(read().map_err(unusable)?))
    }

    /// Those that the system trusts.
    ///
    /// # Errors
    /// [`SinkError::NoCertificates`] when it trusts none.
    pub fn of_system() -> Result<Self, SinkError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() { Err(SinkError::NoCertificates) } else { Ok(Self::of(roots)) }
    }

    fn of(roots: RootCertStore) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("invariant: ring has ciphers for the usual versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// Encrypts a connection to `host`, whose certificate has to be for this name or address.
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(invalid)?;
        TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await
    }
}

impl fmt::Debug for TlsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsRoots")
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
